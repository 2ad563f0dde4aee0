//! Security events over the wire: Lull's own shape, and those that SIEMs take. Pure.

use crate::model::{ChainHash, Format, SecurityEvent};

/// An event, and its link in the chain where it has one.
pub type Linked<'a> = (&'a SecurityEvent, Option<ChainHash>);

/// Writes the body of a message with these events in the integration's format.
pub fn body(format: Format, events: &[Linked<'_>]) -> String {
    let _ = (format, events);
    String::new()
}

/// What a receiver says of single events.
pub struct Verdict {
    /// To be sent again.
    pub again: Vec<u32>,
    /// Will not be taken.
    pub refused: Vec<u32>,
    /// Why.
    pub note: Option<String>,
}

pub fn verdict(_: Format, _: u16, _: &str, _: u32) -> Option<Verdict> {
    None
}

pub fn only(_: Format, body: &str, _: &[u32]) -> String {
    body.to_owned()
}

pub fn content_type(_: Format) -> &'static str {
    "application/json"
}

pub fn ack_id(_: &str) -> Option<u64> {
    None
}

pub fn ack_request(_: u64) -> String {
    String::new()
}

pub fn ack_url(_: &str) -> Option<String> {
    None
}

pub fn is_acknowledged(_: &str, _: u64) -> bool {
    false
}
