//! Security events over the wire: Lull's own shape, and those that SIEMs take. Pure.

use crate::model::{ChainHash, Format, SecurityEvent};

/// An event, and its link in the chain where it has one.
pub type Linked<'a> = (&'a SecurityEvent, Option<ChainHash>);

/// Writes the body of a message with these events in the integration's format.
pub fn body(format: Format, events: &[Linked<'_>]) -> String {
    let _ = (format, events);
    String::new()
}
