//! What goes over the wire for each kind of integration. Level 1: pure.
//!
//! Owns the bodies of messages: their keys, the order of the keys, and what of an audit a chat shows.
//!
//! - `audit.rs`: the formats `audit` and `aha`, whole and for programs
//! - `record.rs`: full records
//! - `slack.rs`, `teams.rs`, `google_chat.rs`, `discord.rs`: short and for people; each knows how its
//!   chat is written to, how text is made harmless there, and what size it refuses
//! - `brief.rs`: what all chats show of an audit, as plain text
//! - `fit.rs`: as much of that as there is room for
//! - `text.rs`: HTML to plain text
//! - `siem/`: security events, and audits as such, in the shapes that SIEMs take
//!
//! What holds for the chats, whatever the audit is: a body is valid JSON, within the chat's limits,
//! mentions nobody, and links only to `http` and `https`.

mod audit;
mod brief;
mod discord;
mod fit;
mod google_chat;
pub mod record;
pub mod siem;
mod slack;
mod teams;
mod text;

use crate::collate::Collated;
use crate::model::Format;
use brief::Brief;

/// Writes the body of a message in the integration's format.
pub fn body(format: Format, audit: &Collated) -> String {
    match format {
        Format::Audit => audit::plain(audit),
        Format::Aha => audit::aha(audit),
        Format::Slack => slack::body(&Brief::of(audit)),
        Format::Teams => teams::body(&Brief::of(audit)),
        Format::GoogleChat => google_chat::body(&Brief::of(audit)),
        Format::Discord => discord::body(&Brief::of(audit)),
        Format::Ocsf
        | Format::Ecs
        | Format::EcsBulk
        | Format::Cef
        | Format::SplunkHec
        | Format::Datadog
        | Format::Syslog => siem::body(format, &[(&siem::of_audit(audit), None)]),
    }
}

#[cfg(test)]
mod tests;
