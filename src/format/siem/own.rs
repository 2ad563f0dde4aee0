//! The format `audit`: a security event with every key, as Lull itself writes it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::Linked;
use super::json::{self, Object};
use crate::clock::Timestamp;
use crate::format::audit::UserBody;
use crate::model::{ExternalId, Success, Target};

/// One message: `{"event":"security","security":{…}}`.
pub fn document(event: Linked<'_>) -> String {
    let body = Object::new().put("event", "security").put("security", security(event));
    body.done().get().to_owned()
}

/// The event itself, every key always there.
pub fn security((event, hash): Linked<'_>) -> Box<RawValue> {
    json::raw(SecurityBody {
        id: &event.id,
        action: &event.action,
        created_at: event.created_at,
        user: event.user.as_ref().map(UserBody::of),
        ip: event.ip.as_deref(),
        user_agent: event.user_agent.as_deref(),
        target: event.target.as_ref(),
        outcome: event.outcome,
        severity: event.severity,
        description: event.description.as_deref(),
        details: json::details(&event.details).unwrap_or_else(|| json::raw(NOTHING)),
        hash: hash.map(|hash| hash.to_string()),
    })
}

const NOTHING: BTreeMap<&str, u8> = BTreeMap::new();

#[derive(Serialize)]
struct SecurityBody<'a> {
    id: &'a ExternalId,
    action: &'a ExternalId,
    created_at: Timestamp,
    user: Option<UserBody<'a>>,
    ip: Option<&'a str>,
    user_agent: Option<&'a str>,
    target: Option<&'a Target>,
    outcome: Success,
    severity: u8,
    description: Option<&'a str>,
    details: Box<RawValue>,
    hash: Option<String>,
}
