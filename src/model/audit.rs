//! An audit: one action of one user on one record.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Account, ExternalId, Id, RecordKey, WindowRule};
use crate::clock::Timestamp;

/// The most characters a name or an id may have.
pub const NAME_CHARS_MAX: usize = 255;

/// The most changes one audit may have.
pub const CHANGES_MAX: usize = 1_000;

/// Keys that Lull does not know, kept as they came (R15).
pub type Extra = BTreeMap<String, Box<RawValue>>;

/// What was done to the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The record came into being.
    Create,
    /// The record was changed.
    Update,
    /// The record went away.
    Destroy,
}

/// Who acted: a person, or an integration acting under its name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct User {
    /// The application's id for the user; what makes two users the same.
    pub id: ExternalId,
    /// Display name.
    pub name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// When the user joined.
    pub created_at: Option<Timestamp>,
    /// When the user's details last changed.
    pub updated_at: Option<Timestamp>,
    /// What else was said of the user.
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub extra: Extra,
}

/// One changed field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Change {
    /// The field's name as people read it.
    pub field_name: ExternalId,
    /// What it is now: any JSON, kept as it came.
    #[schema(value_type = serde_json::Value)]
    pub value: Box<RawValue>,
    /// What it was before, where the application says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = serde_json::Value)]
    pub old_value: Option<Box<RawValue>>,
    /// What else was said of the change.
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub extra: Extra,
}

/// What the application said of an action, validated. Serialized, it is what the history keeps:
/// only the keys that carry something.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditDraft {
    /// The application's own id for the audit; what makes two audits the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<ExternalId>,
    /// What was done.
    pub audit_action: Action,
    /// When it happened; when absent, when it was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Whether people would want to hear of it.
    pub interesting: bool,
    /// Who did it; none for the system itself.
    pub user: Option<User>,
    /// Others whose changes the application had already merged into this audit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contributors: Vec<User>,
    /// The type of the record.
    pub auditable_type: ExternalId,
    /// The id of the record.
    pub auditable_id: ExternalId,
    /// The type of the record this record hangs on (a comment's feature).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associated_type: Option<ExternalId>,
    /// The id of the record this record hangs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub associated_id: Option<ExternalId>,
    /// The part of the account it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace_id: Option<ExternalId>,
    /// A sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the record can be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auditable_url: Option<String>,
    /// The changed fields, in the order they came.
    pub changes: Vec<Change>,
    /// What else was said.
    #[serde(flatten)]
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub extra: Extra,
}

/// An audit of the history: what was said, and where it stands among the others.
#[derive(Clone, Debug)]
pub struct Audit {
    /// Its place in the history, made at its commit: the order of receipt.
    pub place: Id,
    /// The account it belongs to.
    pub account: Account,
    /// The rules it was accepted under: the server's, then those that integrations brought (R4).
    pub rules: Arc<[WindowRule]>,
    /// What was said.
    pub said: AuditDraft,
}

impl AuditDraft {
    /// The record this audit is about, in `account`.
    pub fn record(&self, account: Account) -> RecordKey {
        RecordKey {
            account,
            record_type: self.auditable_type.clone(),
            record_id: self.auditable_id.clone(),
        }
    }
}

impl Audit {
    /// The id it came with, or its place when it came without one.
    pub fn id(&self) -> ExternalId {
        self.said.id.clone().unwrap_or_else(|| ExternalId::from(self.place))
    }

    /// When it happened, as the application said; else when it was received.
    pub fn created_at(&self) -> Timestamp {
        self.said.created_at.unwrap_or_else(|| self.place.time())
    }

    /// Everyone who took part: the user first, then whom the application had merged in.
    pub fn users(&self) -> impl Iterator<Item = &User> {
        self.said.user.iter().chain(&self.said.contributors)
    }
}
