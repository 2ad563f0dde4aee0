//! One audit, field by field.

use serde_json::value::RawValue;

use super::fields::{
    self, Fields, Report, boolean, identifier, list, name, text, time, user, wrong,
};
use super::json::{self, Pointer};
use crate::model::{Action, AuditDraft, CHANGES_MAX, Change, User};

/// Reads an audit, out of its envelope `{"event":"audit","audit":{…}}` if it is in one.
pub fn unwrap_and_read(raw: &RawValue, report: Report) -> Option<AuditDraft> {
    fields::unwrap_and_read(raw, "audit", "auditable_type", report, read_fields)
}

/// Reads an audit that stands at `at`.
pub fn read(raw: &RawValue, at: &Pointer, report: Report) -> Option<AuditDraft> {
    read_fields(Fields::of(raw, at, report)?)
}

fn read_fields(mut fields: Fields) -> Option<AuditDraft> {
    let id = fields.optional("id", identifier);
    let audit_action = fields.required("audit_action", action);
    let created_at = fields.optional("created_at", time);
    let interesting = fields.optional("interesting", boolean);
    let user = fields.optional("user", user);
    let contributors = fields.optional("contributors", contributors);
    let auditable_type = fields.required("auditable_type", name);
    let auditable_id = fields.required("auditable_id", identifier);
    let associated_type = fields.optional("associated_type", name);
    let associated_id = fields.optional("associated_id", identifier);
    let workspace_id = fields.optional("workspace_id", identifier);
    let description = fields.optional("description", text);
    let auditable_url = fields.optional("auditable_url", text);
    let changes = fields.optional("changes", changes);
    let extra = fields.finish()?;
    Some(AuditDraft {
        id,
        audit_action: audit_action?,
        created_at,
        interesting: interesting.unwrap_or(true),
        user,
        contributors: contributors.unwrap_or_default(),
        auditable_type: auditable_type?,
        auditable_id: auditable_id?,
        associated_type,
        associated_id,
        workspace_id,
        description,
        auditable_url,
        changes: changes.unwrap_or_default(),
        extra,
    })
}

fn action(raw: &RawValue, at: &Pointer, report: Report) -> Option<Action> {
    match json::string(raw).as_deref() {
        Some("create") => Some(Action::Create),
        Some("update") => Some(Action::Update),
        Some("destroy") => Some(Action::Destroy),
        _ => wrong(raw, at, report, "must be \"create\", \"update\" or \"destroy\""),
    }
}

/// Users, flat or each wrapped as `{"user":{…}}`.
fn contributors(raw: &RawValue, at: &Pointer, report: Report) -> Option<Vec<User>> {
    list(raw, at, report, |raw, at, report| match json::members(raw).as_deref() {
        Some([(key, wrapped)]) if key == "user" => user(wrapped, &at.key("user"), report),
        _ => user(raw, at, report),
    })
}

fn changes(raw: &RawValue, at: &Pointer, report: Report) -> Option<Vec<Change>> {
    let changes = list(raw, at, report, change)?;
    if changes.len() > CHANGES_MAX {
        let count = changes.len();
        report(at.to_string(), format!("has {count} changes; an audit may have {CHANGES_MAX}"));
        return None;
    }
    Some(changes)
}

fn change(raw: &RawValue, at: &Pointer, report: Report) -> Option<Change> {
    let mut fields = Fields::of(raw, at, report)?;
    let field_name = fields.required("field_name", name);
    let value = fields.take("value").unwrap_or(RawValue::NULL).to_owned();
    let old_value = fields.take("old_value").map(RawValue::to_owned);
    let extra = fields.finish()?;
    Some(Change { field_name: field_name?, value, old_value, extra })
}
