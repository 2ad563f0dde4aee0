//! Events for Splunk's HTTP Event Collector: an envelope each, one after the other, never in an array.

use super::json::Object;
use super::{Linked, own};

/// What searches find the events by.
const SOURCE: &str = "lull";
const SOURCE_TYPE: &str = "lull:security";

/// An event in its envelope. No `host` and no `index`: the token's own are right, and naming an index
/// that it may not write to would be refused.
pub fn envelope(event: Linked<'_>) -> String {
    let envelope = Object::new()
        .put("time", event.0.created_at.unix_ms() as f64 / 1000.0)
        .put("source", SOURCE)
        .put("sourcetype", SOURCE_TYPE)
        .put("event", own::security(event));
    envelope.done().get().to_owned()
}
