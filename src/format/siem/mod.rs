//! Security events over the wire: Lull's own shape, and those that SIEMs take. Pure.
//!
//! - `known.rs`: the actions that events are known by, and what they mean to a SIEM
//! - `own.rs`: every key, as Lull writes it: the format `audit`, and within Splunk's and Datadog's
//! - `ocsf.rs`, `ecs.rs`, `cef.rs`, `splunk.rs`, `datadog.rs`, `syslog.rs`: a format each
//! - `from_audit.rs`: an activity audit as an event
//! - `verdict.rs`: what a receiver says of single events of a body, and a body of only some of them
//! - `ack.rs`: Splunk's indexer acknowledgement
//! - `json.rs`, `shown.rs`: JSON written key by key; what several formats say of an event
//!
//! What holds for all of them, whatever an event is: JSON is valid and on one line, a line is one
//! line, and what was said can be read back out of it.

mod ack;
mod cef;
mod datadog;
mod ecs;
mod from_audit;
mod json;
pub mod known;
mod ocsf;
mod own;
mod shown;
mod splunk;
mod syslog;
mod verdict;

pub use ack::{ack_id, ack_request, ack_url, is_acknowledged};
pub use from_audit::of_audit;
pub use verdict::{Verdict, only, verdict};

use crate::model::{BATCH_EVENTS_MAX, ChainHash, Format, SecurityEvent};

/// An event, and its link in the chain where it has one.
pub type Linked<'a> = (&'a SecurityEvent, Option<ChainHash>);

/// Writes the body of a message with these events in the integration's format. The formats for chats
/// have no shape for an event; what is asked for in one of them comes in Lull's own.
pub fn body(format: Format, events: &[Linked<'_>]) -> String {
    match format {
        Format::Ocsf => lines(events, ocsf::document),
        Format::Ecs => lines(events, ecs::document),
        Format::EcsBulk => ecs::bulk(events),
        Format::Cef => lines(events, cef::line),
        Format::SplunkHec => lines(events, splunk::envelope),
        Format::Datadog => datadog::array(events),
        Format::Syslog => lines(events, syslog::line),
        Format::Audit
        | Format::Aha
        | Format::Slack
        | Format::Teams
        | Format::GoogleChat
        | Format::Discord => lines(events, own::document),
    }
}

fn lines(events: &[Linked<'_>], write: impl Fn(Linked<'_>) -> String) -> String {
    events.iter().map(|event| write(*event)).collect::<Vec<_>>().join("\n")
}

/// The content type of a body.
pub fn content_type(format: Format) -> &'static str {
    match format {
        Format::EcsBulk => "application/x-ndjson",
        Format::Cef | Format::Syslog => "text/plain; charset=utf-8",
        _ => "application/json",
    }
}

/// How many of the first of these events go in one body: at least one, at most [`BATCH_EVENTS_MAX`], and no
/// more than its receivers like to take at once. A body with more is still right, but Datadog's would
/// have its larger events cut.
pub fn fit(format: Format, events: &[Linked<'_>]) -> usize {
    let bytes_max = match format {
        Format::Datadog => datadog::BODY_BYTES_MAX,
        Format::EcsBulk => 10_000_000,
        // What Splunk Cloud asks its clients for.
        _ => 1_000_000,
    };
    let mut left = bytes_max;
    let fits = |event: &&Linked<'_>| {
        let size = body(format, &[**event]).len() + 1;
        left = left.saturating_sub(size);
        left > 0
    };
    let events_max = if format.takes_batches() { BATCH_EVENTS_MAX } else { 1 };
    let most = events.len().min(events_max as usize);
    events[..most].iter().take_while(fits).count().max(most.min(1))
}

#[cfg(test)]
use crate::{
    clock::Timestamp,
    model::{ExternalId, Success, Target, User},
};
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
