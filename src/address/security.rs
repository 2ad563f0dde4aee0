//! Security events to messages: what an integration is sent of them, in its format. Pure.

use super::NAMES_KEPT;
use crate::filter;
use crate::format::siem::{self, Linked};
use crate::model::{
    Action, ExternalId, Integration, Kind, MessageDraft, Partition, RecordKey, SecurityEvent,
    Success,
};

/// What the log calls the record that a message with security events is about.
const RECORD_TYPE: &str = "security_event";

/// Whether the integration is to be sent the event.
pub fn wants(integration: &Integration, event: &SecurityEvent) -> bool {
    let spec = &integration.spec;
    spec.kind == Kind::Security && spec.enabled && filter::security::sees(spec, event)
}

/// The line that an integration's security events stand in: all of them in one, so that they go in
/// order.
pub fn line(integration: &Integration) -> Partition {
    Partition(integration.id.as_u64())
}

/// The message with these events, of which there is at least one.
pub fn message(integration: &Integration, events: &[Linked<'_>]) -> MessageDraft {
    let (first, _) = events.first().expect("invariant: there is one");
    let mut contributors: Vec<String> = Vec::new();
    for user in events.iter().filter_map(|(event, _)| event.user.as_ref()) {
        let name = user.name.clone().unwrap_or_else(|| user.id.to_string());
        if contributors.len() < NAMES_KEPT && !contributors.contains(&name) {
            contributors.push(name);
        }
    }
    let name = |text: &str| ExternalId::new(text).expect("invariant: short, and not empty");
    let record_id = match events {
        [(event, _)] => event.action.clone(),
        _ => name(&format!("{} events", events.len())),
    };
    let record =
        RecordKey { account: integration.account, record_type: name(RECORD_TYPE), record_id };
    MessageDraft {
        integration: integration.id,
        record,
        audit_id: first.id.clone(),
        action: Action::Create,
        description: Some(match events {
            [(event, _)] => in_words(event),
            _ => counted(events),
        }),
        auditable_url: None,
        earlier_windows: Vec::new(),
        audits: events.len() as u32,
        fields: Vec::new(),
        contributors,
        body: siem::body(integration.spec.format, events),
    }
}

/// What happened, as a sentence for people.
fn in_words(event: &SecurityEvent) -> String {
    if let Some(description) = &event.description {
        return description.clone();
    }
    let mut words = event.action.to_string();
    if event.outcome == Success::Failure {
        words.push_str(" failed");
    }
    if let Some(target) = &event.target {
        let called = target.name.clone().unwrap_or_else(|| target.id.to_string());
        words.push_str(&format!(": {} {called}", target.target_type));
    }
    words
}

/// Which actions there are among the events, and how often each.
fn counted(events: &[Linked<'_>]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for (event, _) in events {
        match counts.iter_mut().find(|(action, _)| *action == event.action.as_str()) {
            Some((_, count)) => *count += 1,
            None => counts.push((event.action.as_str(), 1)),
        }
    }
    let shown = counts.iter().take(NAMES_KEPT).map(|(action, count)| match count {
        1 => (*action).to_owned(),
        _ => format!("{action} ({count})"),
    });
    shown.collect::<Vec<_>>().join(", ")
}
