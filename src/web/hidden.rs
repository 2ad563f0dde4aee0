//! What must not be shown of an integration: credentials in headers, and private keys. They are shown
//! as `(hidden)`, and what comes back so is meant to stay as it is.

use serde_json::Value;

use crate::model::{HIDDEN, IntegrationSpec, looks_secret};

/// Where values may be hidden.
const HIDDEN_IN: [&str; 2] = ["headers", "client_certificate"];

/// What may be shown of a specification.
pub fn as_shown(spec: &IntegrationSpec) -> IntegrationSpec {
    let mut spec = spec.clone();
    for (name, value) in &mut spec.headers {
        if looks_secret(&name.to_ascii_lowercase()) {
            *value = HIDDEN.to_owned();
        }
    }
    if let Some(pem) = &mut spec.client_certificate {
        // Holds a private key.
        *pem = HIDDEN.to_owned();
    }
    spec
}

/// What comes back as it was shown, hidden, is meant to stay as it is.
pub fn keep(patched: &mut Value, before: &IntegrationSpec) {
    if let (Some(value), Some(pem)) =
        (patched.get_mut("client_certificate"), &before.client_certificate)
        && value == HIDDEN
    {
        *value = Value::String(pem.clone());
    }
    let headers = patched.get_mut("headers").and_then(Value::as_object_mut);
    for (name, value) in headers.into_iter().flatten() {
        if let Some(kept) = before.headers.get(name).filter(|_| value == HIDDEN) {
            *value = Value::String(kept.clone());
        }
    }
}

/// The place of a value that is hidden still.
pub fn left_in(value: &Value) -> Option<String> {
    HIDDEN_IN.iter().find_map(|within| left_below(value, within))
}

fn left_below(value: &Value, within: &str) -> Option<String> {
    match value.get(within)? {
        Value::String(text) if text == HIDDEN => Some(format!("/{within}")),
        Value::Object(members) => members
            .iter()
            .find(|(_, value)| *value == HIDDEN)
            .map(|(name, _)| format!("/{within}/{name}")),
        _ => None,
    }
}
