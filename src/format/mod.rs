//! What goes over the wire for each kind of integration. Level 1: pure.
//!
//! Owns the bodies of messages: their keys, and the order of the keys.

mod audit;

use crate::collate::Collated;
use crate::model::Format;

/// Writes the body of a message in the integration's format.
pub fn body(format: Format, audit: &Collated) -> String {
    match format {
        Format::Audit => audit::plain(audit),
        Format::Aha => audit::aha(audit),
    }
}
