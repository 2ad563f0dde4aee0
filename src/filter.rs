//! Which part of an audit an integration may see, and why not (R6-R9). Level 1: pure.
//!
//! Decided audit by audit, before collation, so that a filter never leaks what it hides.

mod full;
pub mod security;

pub use full::hides;

use crate::model::{Activity, Audit, Change, IntegrationSpec};

/// What an integration sees of an audit.
#[derive(Clone, Debug)]
pub enum Verdict<'a> {
    /// These of its changes, in order.
    Sees(Vec<&'a Change>),
    /// Nothing.
    Refused(Reason),
}

/// The rule that hid an audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// R6: the audit is of another workspace than the integration.
    Workspace,
    /// R8: the audit's user is not among those the integration lists.
    User,
    /// R7: no row of the integration's activities matches.
    Activity,
}

impl Reason {
    /// The rule's number, and what it came to, in words.
    pub fn in_words(self) -> (&'static str, &'static str) {
        match self {
            Reason::Workspace => ("R6", "the audit is not of the integration's workspace"),
            Reason::User => ("R8", "the audit's user is not among those the integration lists"),
            Reason::Activity => ("R7", "no row of the integration's activities matches the audit"),
        }
    }
}

/// What `spec` lets an integration see of `audit`. Whether it is enabled is not asked here (R10).
pub fn decide<'a>(spec: &IntegrationSpec, audit: &'a Audit) -> Verdict<'a> {
    let said = &audit.said;
    if spec.workspace_id.is_some() && spec.workspace_id != said.workspace_id {
        return Verdict::Refused(Reason::Workspace);
    }
    let by_listed_user = || said.user.as_ref().is_some_and(|user| spec.users.contains(&user.id));
    if !spec.users.is_empty() && !by_listed_user() {
        return Verdict::Refused(Reason::User);
    }
    if spec.activities.is_empty() {
        return Verdict::Sees(said.changes.iter().collect());
    }
    let account_level = spec.workspace_id.is_none();
    let rows: Vec<&Activity> =
        spec.activities.iter().filter(|row| matches(row, audit, account_level)).collect();
    if rows.is_empty() {
        return Verdict::Refused(Reason::Activity);
    }
    let seen = |change: &&Change| rows.iter().any(|row| passes(row, change));
    Verdict::Sees(said.changes.iter().filter(seen).collect())
}

fn matches(row: &Activity, audit: &Audit, account_level: bool) -> bool {
    let said = &audit.said;
    let workspace = !account_level
        || row.workspaces.is_empty()
        || said.workspace_id.as_ref().is_some_and(|id| row.workspaces.contains(id));
    // A row without fields also matches audits with no changes at all (votes, destroys); one whose
    // changes are all excluded is noise.
    let fields = if said.changes.is_empty() {
        row.fields.is_empty()
    } else {
        said.changes.iter().any(|change| passes(row, change))
    };
    workspace && fields && record_type(row, audit)
}

/// Compared without case; the associated record counts where the row says so (R9).
fn record_type(row: &Activity, audit: &Audit) -> bool {
    let listed =
        |name: &str| row.record_types.iter().any(|listed| same_type(listed.as_str(), name));
    let associated = audit.said.associated_type.as_ref().filter(|_| row.include_associated);
    row.record_types.is_empty()
        || listed(audit.said.auditable_type.as_str())
        || associated.is_some_and(|associated| listed(associated.as_str()))
}

/// Whether two record types are the same: compared without case (R9).
pub fn same_type(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || one.to_lowercase() == other.to_lowercase()
}

fn passes(row: &Activity, change: &Change) -> bool {
    (row.fields.is_empty() || row.fields.contains(&change.field_name))
        && !row.exclude_fields.contains(&change.field_name)
}

#[cfg(test)]
mod tests;
