//! A security event: something that happened to who may do what. What security webhooks send.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ExternalId, Extra, Id, User};
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
    pub details: Extra,
}

/// A security event that has no place yet: what was said of it.
#[derive(Clone, Debug)]
pub struct SecurityDraft {
    /// The id it came with; what makes two events the same.
    pub id: Option<ExternalId>,
    /// See [`SecurityEvent::action`].
    pub action: ExternalId,
    /// When it happened, when that was said.
    pub created_at: Option<Timestamp>,
    /// See [`SecurityEvent::user`].
    pub user: Option<User>,
    /// See [`SecurityEvent::ip`].
    pub ip: Option<String>,
    /// See [`SecurityEvent::user_agent`].
    pub user_agent: Option<String>,
    /// See [`SecurityEvent::target`].
    pub target: Option<Target>,
    /// See [`SecurityEvent::outcome`].
    pub outcome: Success,
    /// See [`SecurityEvent::severity`].
    pub severity: Option<u8>,
    /// See [`SecurityEvent::description`].
    pub description: Option<String>,
    /// See [`SecurityEvent::details`].
    pub details: Extra,
}

impl SecurityDraft {
    /// The event, at its place in the list.
    pub fn at(self, place: Id) -> SecurityEvent {
        SecurityEvent {
            id: self.id.unwrap_or_else(|| ExternalId::from(place)),
            action: self.action,
            created_at: self.created_at.unwrap_or_else(|| place.time()),
            user: self.user,
            ip: self.ip,
            user_agent: self.user_agent,
            target: self.target,
            outcome: self.outcome,
            severity: self.severity.unwrap_or(0),
            description: self.description,
            details: self.details,
        }
    }
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

impl std::str::FromStr for Success {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "success" => Ok(Success::Success),
            "failure" => Ok(Success::Failure),
            _ => Err(format!("{text:?} is no outcome; write success or failure")),
        }
    }
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

/// Who asked for a change, and from where; Lull itself, or its command line, where nobody did.
#[derive(Clone, Debug, Default)]
pub struct By {
    /// The token, and its name.
    pub token: Option<(Id, ExternalId)>,
    /// The address.
    pub ip: Option<String>,
    /// The program, as that names itself.
    pub user_agent: Option<String>,
}
