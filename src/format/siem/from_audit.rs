//! An activity audit as a security event: so that an integration that sends audits can send them to a
//! SIEM.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::json::{self, Object};
use crate::collate::Collated;
use crate::format::audit::{ChangeBody, UserBody};
use crate::format::text::from_html;
use crate::model::{Action, ExternalId, SecurityEvent, Success, Target};

/// The most characters of a record's name, and of a description.
const NAME_CHARS_MAX: usize = 255;
const DESCRIPTION_CHARS_MAX: usize = 4_000;

/// What happened to a record, as an event: `record.create`, `record.update` or `record.destroy`, with
/// the record as its target and everything else of the audit among its details.
pub fn of_audit(audit: &Collated) -> SecurityEvent {
    let action = match audit.action {
        Action::Create => "record.create",
        Action::Update => "record.update",
        Action::Destroy => "record.destroy",
    };
    let description =
        audit.description.as_deref().map(|html| from_html(html, DESCRIPTION_CHARS_MAX));
    SecurityEvent {
        id: audit.id.clone(),
        action: ExternalId::new(action).expect("invariant: a short text"),
        created_at: audit.created_at,
        user: audit.user.clone(),
        ip: None,
        user_agent: None,
        target: Some(Target {
            target_type: audit.auditable_type.clone(),
            id: audit.auditable_id.clone(),
            name: description.as_deref().and_then(|text| name(text, &audit.auditable_type)),
        }),
        outcome: Success::Success,
        severity: 1,
        description: description.filter(|text| !text.is_empty()),
        details: details(audit),
    }
}

/// The record's name in a description like `updated feature APP-42 Export`; the whole of one that is
/// written otherwise.
fn name(description: &str, record_type: &ExternalId) -> Option<String> {
    let line = description.lines().next()?;
    let after_verb = line.split_once(' ').map(|(_, rest)| rest);
    let after_type = after_verb.and_then(|rest| rest.strip_prefix(record_type.as_str()));
    let name = after_type.and_then(|rest| rest.strip_prefix(' ')).unwrap_or(line);
    Some(name.trim().chars().take(NAME_CHARS_MAX).collect())
        .filter(|name: &String| !name.is_empty())
}

fn details(audit: &Collated) -> BTreeMap<String, Box<RawValue>> {
    let changes = audit.changes.iter().map(ChangeBody::of).collect::<Vec<_>>();
    let contributors = audit.contributors.iter().map(UserBody::of).collect::<Vec<_>>();
    let origin = &audit.origin;
    let collated = Object::new()
        .put("count", origin.count)
        .put("audit_ids", &origin.audit_ids)
        .put("first_at", origin.first_at)
        .put("last_at", origin.last_at);
    let said = [
        Some(("changes", json::raw(changes))),
        Some(("contributors", json::raw(contributors))),
        Some(("collated", collated.done())),
        some("url", audit.auditable_url.as_ref()),
        some("workspace_id", audit.workspace_id.as_ref()),
        some("associated_type", audit.associated_type.as_ref()),
        some("associated_id", audit.associated_id.as_ref()),
    ];
    said.into_iter().flatten().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn some(key: &str, value: Option<impl Serialize>) -> Option<(&str, Box<RawValue>)> {
    value.map(|value| (key, json::raw(value)))
}
