//! A security event: something that happened to who may do what. What security webhooks send.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::{ExternalId, Id, User};
use crate::clock::Timestamp;

/// Something that happened to who may do what, with every key, as it is kept, listed and sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SecurityEvent {
    /// The id it came with, or its place in the list.
    pub id: ExternalId,
    /// What happened, as in `login.failed`.
    pub action: ExternalId,
    /// When it happened, as the application said; else when it was received.
    pub created_at: Timestamp,
    /// Who did it; none for the system itself, or where nobody knows.
    pub user: Option<User>,
    /// The address it was done from.
    pub ip: Option<String>,
    /// The program it was done with, as that names itself.
    pub user_agent: Option<String>,
    /// What it was done to.
    pub target: Option<Target>,
    /// Whether it succeeded.
    pub outcome: Success,
    /// How grave it is, from 0 to 10.
    pub severity: u8,
    /// A sentence for people.
    pub description: Option<String>,
    /// Whatever else there is to say: an object.
    #[schema(value_type = BTreeMap<String, serde_json::Value>)]
    pub details: BTreeMap<String, Box<RawValue>>,
}

/// What a security event is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = SecurityTarget)]
pub struct Target {
    /// Its type, as in `integration`, `user`, `token`.
    #[serde(rename = "type")]
    pub target_type: ExternalId,
    /// Its id.
    pub id: ExternalId,
    /// What people call it.
    pub name: Option<String>,
}

/// Whether what was tried was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = SecurityOutcome)]
pub enum Success {
    /// It was done.
    Success,
    /// It was refused, or did not work.
    Failure,
}

/// The most grave a security event can be.
pub const SEVERITY_MAX: u8 = 10;

/// A security event in the list: each entry holds the hash of the one before it, so that none can be
/// changed, left out or put in between without a trace.
#[derive(Clone, Debug)]
pub struct Chained {
    /// Its place in the list.
    pub place: Id,
    /// The hash of the entry before it; zeros for the first.
    pub previous: ChainHash,
    /// SHA-256 of `previous` and the event's text.
    pub hash: ChainHash,
    /// The event, as it is kept and sent.
    pub text: String,
}

/// A link of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHash(pub [u8; 32]);

impl std::fmt::Display for ChainHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
