//! `{"event":"audit","audit":{…}}`: as DESIGN.md section 3 shows it, and as Aha! itself writes it.
//! Keys stand in the order of the fields here, and every key is always there.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::collate::{Collated, FieldChange};
use crate::model::{Action, ExternalId, User};

/// The format `audit`.
pub fn plain(audit: &Collated) -> String {
    let origin = &audit.origin;
    let collated = CollatedBody {
        count: origin.count,
        audit_ids: &origin.audit_ids,
        first_at: origin.first_at,
        last_at: origin.last_at,
    };
    let contributors = audit.contributors.iter().map(UserBody::of).collect::<Vec<_>>();
    let changes = audit.changes.iter().map(ChangeBody::of).collect();
    write(audit, contributors, changes, audit.workspace_id.as_ref(), Some(collated))
}

/// The format `aha`: contributors wrapped, nothing that Aha! does not send.
pub fn aha(audit: &Collated) -> String {
    let wrap = |user| Wrapped { user: UserBody::of(user) };
    let contributors = audit.contributors.iter().map(wrap).collect::<Vec<_>>();
    let changes = audit.changes.iter().map(ChangeBody::without_old_value).collect();
    write(audit, contributors, changes, None, None)
}

fn write<'a, C: Serialize>(
    audit: &'a Collated,
    contributors: C,
    changes: Vec<ChangeBody<'a>>,
    workspace_id: Option<&'a ExternalId>,
    collated: Option<CollatedBody<'a>>,
) -> String {
    let envelope = Envelope {
        event: "audit",
        audit: AuditBody {
            id: &audit.id,
            audit_action: audit.action,
            created_at: audit.created_at,
            interesting: audit.interesting,
            user: audit.user.as_ref().map(UserBody::of),
            contributors,
            auditable_type: &audit.auditable_type,
            auditable_id: &audit.auditable_id,
            associated_type: audit.associated_type.as_ref(),
            associated_id: audit.associated_id.as_ref(),
            workspace_id,
            description: audit.description.as_deref(),
            auditable_url: audit.auditable_url.as_deref(),
            changes,
            collated,
        },
    };
    serde_json::to_string(&envelope).expect("invariant: keys are strings and values are JSON")
}

#[derive(Serialize)]
struct Envelope<'a, C> {
    event: &'static str,
    audit: AuditBody<'a, C>,
}

#[derive(Serialize)]
struct AuditBody<'a, C> {
    id: &'a ExternalId,
    audit_action: Action,
    created_at: Timestamp,
    interesting: bool,
    user: Option<UserBody<'a>>,
    contributors: C,
    auditable_type: &'a ExternalId,
    auditable_id: &'a ExternalId,
    associated_type: Option<&'a ExternalId>,
    associated_id: Option<&'a ExternalId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_id: Option<&'a ExternalId>,
    description: Option<&'a str>,
    auditable_url: Option<&'a str>,
    changes: Vec<ChangeBody<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collated: Option<CollatedBody<'a>>,
}

#[derive(Serialize)]
pub(super) struct UserBody<'a> {
    id: &'a ExternalId,
    name: Option<&'a str>,
    email: Option<&'a str>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

#[derive(Serialize)]
struct Wrapped<'a> {
    user: UserBody<'a>,
}

#[derive(Serialize)]
pub(super) struct ChangeBody<'a> {
    field_name: &'a ExternalId,
    value: &'a serde_json::value::RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_value: Option<&'a serde_json::value::RawValue>,
}

#[derive(Serialize)]
struct CollatedBody<'a> {
    count: usize,
    audit_ids: &'a [ExternalId],
    first_at: Timestamp,
    last_at: Timestamp,
}

impl<'a> UserBody<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        Self {
            id: &user.id,
            name: user.name.as_deref(),
            email: user.email.as_deref(),
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

impl<'a> ChangeBody<'a> {
    pub(super) fn of(change: &'a FieldChange) -> Self {
        Self {
            field_name: &change.field_name,
            value: &change.value,
            old_value: change.old_value.as_deref(),
        }
    }

    /// Aha! tells what was before in the value itself: `A &rarr; B`.
    fn without_old_value(change: &'a FieldChange) -> Self {
        Self { old_value: None, ..Self::of(change) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::collate::{Collated, collate};
    use crate::testing;

    fn collated() -> Collated {
        let audits = [
            json!({"id": "7", "audit_action": "update", "auditable_type": "feature",
                   "auditable_id": 42, "created_at": "2026-03-02T09:14:05.120Z", "ip": "1.2.3.4",
                   "workspace_id": "ws1", "user": {"id": 101, "name": "Ada", "team": "x"},
                   "changes": [{"field_name": "Name", "value": "Export", "old_value": "Exprot",
                                "note": 1}]}),
            json!({"id": "8", "audit_action": "update", "auditable_type": "feature",
                   "auditable_id": 42, "created_at": "2026-03-02T09:15:00Z",
                   "user": {"id": "102"}, "changes": []}),
        ];
        let audits = [testing::audit(0, &audits[0]), testing::audit(1, &audits[1])];
        let seen: Vec<_> =
            audits.iter().map(|audit| (audit, audit.said.changes.iter().collect())).collect();
        collate(&seen).unwrap()
    }

    #[test]
    fn the_audit_format_has_exactly_the_documented_keys_in_order() {
        assert_eq!(
            super::plain(&collated()),
            concat!(
                r#"{"event":"audit","audit":{"id":"7","audit_action":"update","created_at":"2026-03-02T09:14:05.120Z","interesting":true,"#,
                r#""user":{"id":"101","name":"Ada","email":null,"created_at":null,"updated_at":null},"#,
                r#""contributors":[{"id":"101","name":"Ada","email":null,"created_at":null,"updated_at":null},"#,
                r#"{"id":"102","name":null,"email":null,"created_at":null,"updated_at":null}],"#,
                r#""auditable_type":"feature","auditable_id":"42","associated_type":null,"associated_id":null,"workspace_id":"ws1","#,
                r#""description":null,"auditable_url":null,"changes":[{"field_name":"Name","value":"Export","old_value":"Exprot"}],"#,
                r#""collated":{"count":2,"audit_ids":["7","8"],"first_at":"2026-03-02T09:14:05.120Z","last_at":"2026-03-02T09:15:00.000Z"}}}"#,
            )
        );
    }

    #[test]
    fn the_aha_format_wraps_contributors_and_adds_nothing() {
        let body = super::aha(&collated());
        assert!(body.contains(r#""contributors":[{"user":{"id":"101""#), "{body}");
        let ours = ["collated", "workspace_id", "old_value"];
        assert!(ours.iter().all(|key| !body.contains(key)), "{body}");
    }
}
