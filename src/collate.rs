//! The audits of a window to one audit (R11-R15). Level 1: pure.

use std::collections::HashMap;

use serde_json::Value;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::model::{Action, Audit, Change, ExternalId, User};

/// The most audit ids a collated audit lists: the newest.
pub const AUDIT_IDS_MAX: usize = 1_000;

/// What stands between the old and the new state in a value like `Open &rarr; Done`.
const ARROW: &str = " &rarr; ";

/// An audit of the window, and what the integration sees of its changes.
pub type Seen<'a> = (&'a Audit, Vec<&'a Change>);

/// One audit made of many.
#[derive(Clone, Debug)]
pub struct Collated {
    /// The first audit's id (R11).
    pub id: ExternalId,
    /// What was done, all in all (R13).
    pub action: Action,
    /// When the first audit happened.
    pub created_at: Timestamp,
    /// Whether any of them is of interest (R14).
    pub interesting: bool,
    /// Who did the first.
    pub user: Option<User>,
    /// Everyone who took part, in order of first appearance, with the newest details seen.
    pub contributors: Vec<User>,
    /// The record's type.
    pub auditable_type: ExternalId,
    /// The record's id.
    pub auditable_id: ExternalId,
    /// The newest associated type.
    pub associated_type: Option<ExternalId>,
    /// The newest associated id.
    pub associated_id: Option<ExternalId>,
    /// The newest workspace.
    pub workspace_id: Option<ExternalId>,
    /// The newest description.
    pub description: Option<String>,
    /// The newest URL.
    pub auditable_url: Option<String>,
    /// One change a field (R12).
    pub changes: Vec<FieldChange>,
    /// Where it comes from (R15).
    pub origin: Origin,
}

/// What became of a field in the window.
#[derive(Clone, Debug)]
pub struct FieldChange {
    /// The field.
    pub field_name: ExternalId,
    /// Its last value; for a chain of `A &rarr; B`, from the first state to the last.
    pub value: Box<RawValue>,
    /// What it was before the window, where that is known.
    pub old_value: Option<Box<RawValue>>,
}

/// The audits a collated audit was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// How many.
    pub count: usize,
    /// Their ids, oldest first; only the newest [`AUDIT_IDS_MAX`].
    pub audit_ids: Vec<ExternalId>,
    /// When the first of them happened.
    pub first_at: Timestamp,
    /// When the last of them happened.
    pub last_at: Timestamp,
}

/// Merges the audits of one window, oldest first. None when there are none, or when nothing changed
/// in the end: an update all of whose changes were undone within the window (R12).
pub fn collate(seen: &[Seen]) -> Option<Collated> {
    let (first, last) = (seen.first()?.0, seen.last()?.0);
    let action = action(first.said.audit_action, last.said.audit_action);
    let changes = changes(seen);
    let had_changes = seen.iter().any(|(_, changes)| !changes.is_empty());
    if action == Action::Update && had_changes && changes.is_empty() {
        return None;
    }
    Some(Collated {
        id: first.id(),
        action,
        created_at: first.created_at(),
        interesting: seen.iter().any(|(audit, _)| audit.said.interesting),
        user: first.said.user.clone(),
        contributors: contributors(seen),
        auditable_type: first.said.auditable_type.clone(),
        auditable_id: first.said.auditable_id.clone(),
        associated_type: newest(seen, |audit| audit.said.associated_type.as_ref()),
        associated_id: newest(seen, |audit| audit.said.associated_id.as_ref()),
        workspace_id: newest(seen, |audit| audit.said.workspace_id.as_ref()),
        description: newest(seen, |audit| audit.said.description.as_ref()),
        auditable_url: newest(seen, |audit| audit.said.auditable_url.as_ref()),
        changes,
        origin: Origin {
            count: seen.len(),
            audit_ids: seen[seen.len().saturating_sub(AUDIT_IDS_MAX)..]
                .iter()
                .map(|(audit, _)| audit.id())
                .collect(),
            first_at: first.created_at(),
            last_at: last.created_at(),
        },
    })
}

/// R13: the record existed before unless the window began with a create, and exists after unless it
/// ended with a destroy.
fn action(first: Action, last: Action) -> Action {
    match (first != Action::Create, last != Action::Destroy) {
        (true, true) => Action::Update,
        (false, true) => Action::Create,
        (true, false) | (false, false) => Action::Destroy,
    }
}

fn newest<T: Clone>(seen: &[Seen], field: impl Fn(&Audit) -> Option<&T>) -> Option<T> {
    seen.iter().rev().find_map(|(audit, _)| field(audit)).cloned()
}

fn contributors(seen: &[Seen]) -> Vec<User> {
    let mut contributors: Vec<User> = Vec::new();
    let mut position: HashMap<&ExternalId, usize> = HashMap::new();
    for user in seen.iter().flat_map(|(audit, _)| audit.users()) {
        let at = *position.entry(&user.id).or_insert(contributors.len());
        match contributors.get_mut(at) {
            Some(known) => update(known, user),
            None => contributors.push(user.clone()),
        }
    }
    contributors
}

/// Takes over what `newer` says; what it leaves out stays as it was.
fn update(known: &mut User, newer: &User) {
    known.name = newer.name.clone().or(known.name.take());
    known.email = newer.email.clone().or(known.email.take());
    known.created_at = newer.created_at.or(known.created_at);
    known.updated_at = newer.updated_at.or(known.updated_at);
}

/// R12, field by field.
fn changes(seen: &[Seen]) -> Vec<FieldChange> {
    let mut fields: Vec<FieldChange> = Vec::new();
    let mut position: HashMap<&ExternalId, usize> = HashMap::new();
    for change in seen.iter().flat_map(|(_, changes)| changes) {
        let at = *position.entry(&change.field_name).or_insert(fields.len());
        match fields.get_mut(at) {
            Some(field) => {
                field.value =
                    joined(&field.value, &change.value).unwrap_or_else(|| change.value.to_owned());
            }
            // Only a field's first change tells where it began; a later one's `old_value` is
            // somewhere in the middle of the window.
            None => fields.push(FieldChange {
                field_name: change.field_name.clone(),
                value: change.value.clone(),
                old_value: change.old_value.clone(),
            }),
        }
    }
    fields.retain(|field| !ended_where_it_began(field));
    fields
}

fn ended_where_it_began(field: &FieldChange) -> bool {
    let back_to_old = field.old_value.as_ref().is_some_and(|old| same(old, &field.value));
    let back_to_start = || {
        let text = arrow_text(&field.value);
        text.as_deref().and_then(arrow_ends).is_some_and(|(from, to)| from == to)
    };
    back_to_old || back_to_start()
}

/// `A &rarr; B` and `B &rarr; C` as `A &rarr; C`; none when they are not of that form or do not join.
fn joined(before: &RawValue, after: &RawValue) -> Option<Box<RawValue>> {
    let (before, after) = (arrow_text(before)?, arrow_text(after)?);
    let ((start, middle), (joint, end)) = (arrow_ends(&before)?, arrow_ends(&after)?);
    if middle != joint {
        return None;
    }
    let text = Value::String(format!("{start}{ARROW}{end}"));
    RawValue::from_string(text.to_string()).ok()
}

/// The text of a string value that may have an arrow in it.
fn arrow_text(value: &RawValue) -> Option<String> {
    // Looked for in the raw text first, where an escaped ampersand (\u0026) may stand for it.
    value.get().contains("rarr;").then(|| serde_json::from_str(value.get()).ok()).flatten()
}

/// The two ends of `A &rarr; B`; none when there is no arrow, or more than one.
pub(crate) fn arrow_ends(text: &str) -> Option<(&str, &str)> {
    text.split_once(ARROW).filter(|(_, end)| !end.contains(ARROW))
}

/// Whether two values are the same JSON, however they are written.
fn same(one: &RawValue, other: &RawValue) -> bool {
    let parse = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
    one.get() == other.get() || matches!((parse(one), parse(other)), (Some(a), Some(b)) if a == b)
}

#[cfg(test)]
mod tests;
