//! The Open Cybersecurity Schema Framework: one event, in one of four classes of its category for
//! identity and access management.

use serde_json::Value;
use serde_json::value::RawValue;

use super::json::{self, Object};
use super::known::{self, Class, OTHER, Place};
use super::shown::{self, Grave};
use super::{Linked, shown::user_name};
use crate::model::{SecurityEvent, Success, Target, User};

/// The version of the schema.
const VERSION: &str = "1.8.0";
const CATEGORY: (u32, &str) = (3, "Identity & Access Management");
/// Keys of an event's details that may say what somebody was allowed to do.
const PRIVILEGES: [&str; 6] =
    ["privileges", "privilege", "roles", "role", "permissions", "permission"];

/// One event as an object.
pub fn document(linked: Linked<'_>) -> String {
    let event = linked.0;
    let place = Place::of(event);
    let (class, class_name) = place.class.in_schema();
    let activity = activity(event, place);
    let (severity, severity_name) = severity(event);
    let (status, status_name) = match event.outcome {
        Success::Success => (1, "Success"),
        Success::Failure => (2, "Failure"),
    };
    let head = Object::new()
        .put("class_uid", class)
        .put("class_name", class_name)
        .put("category_uid", CATEGORY.0)
        .put("category_name", CATEGORY.1)
        .put("activity_id", place.activity)
        .put("activity_name", activity)
        .put("type_uid", class * 100 + u32::from(place.activity))
        .put("type_name", format!("{class_name}: {activity}"))
        .put("time", event.created_at.unix_ms())
        .put("severity_id", severity)
        .put("severity", severity_name)
        .put("status_id", status)
        .put("status", status_name)
        .put("message", shown::sentence(event))
        .put("metadata", metadata(event))
        .some("actor", event.user.as_ref().map(|said| Object::new().put("user", user(said)).done()))
        .some("src_endpoint", endpoint(event))
        .some(
            "http_request",
            event.user_agent.as_ref().map(|agent| Object::new().put("user_agent", agent).done()),
        );
    of_class(head, place.class, event).some("unmapped", unmapped(linked)).done().get().to_owned()
}

/// What only events of the class have.
fn of_class(object: Object, class: Class, event: &SecurityEvent) -> Object {
    match class {
        Class::Authentication => object
            .put("user", subject(event))
            .put("service", service(event))
            .some("is_mfa", event.action.as_str().starts_with("mfa.").then_some(true)),
        Class::AccountChange => object.put("user", subject(event)),
        Class::UserAccess => object
            .put("user", subject(event))
            .put("privileges", privileges(event))
            .some("resources", other_target(event).map(|target| [named(target).done()])),
        Class::Entity => object.put("entity", entity(event)),
    }
}

fn metadata(event: &SecurityEvent) -> Box<RawValue> {
    let product = Object::new()
        .put("name", "Lull")
        .put("vendor_name", "Lull")
        .put("version", env!("CARGO_PKG_VERSION"));
    Object::new()
        .put("version", VERSION)
        .put("product", product.done())
        .put("uid", &event.id)
        .put("event_code", &event.action)
        .put("log_name", "security")
        .put("original_time", event.created_at)
        .done()
}

fn user(said: &User) -> Box<RawValue> {
    Object::new()
        .put("type_id", 1)
        .put("type", "User")
        .put("uid", &said.id)
        .put("name", user_name(said))
        .some("full_name", said.name.as_deref())
        .some("email_addr", said.email.as_deref().filter(|text| is_email(text)))
        .done()
}

/// Whom the event is about: the user it was done to, else who did it, else nobody knows.
fn subject(event: &SecurityEvent) -> Box<RawValue> {
    let target = event.target.as_ref().filter(|target| known::is_user(target));
    match (target, &event.user) {
        (Some(target), Some(said)) if target.id == said.id => user(said),
        (Some(target), _) => {
            let user = Object::new().put("type_id", 1).put("type", "User");
            user.put("uid", &target.id).put("name", name(target)).done()
        }
        (None, Some(said)) => user(said),
        (None, None) => {
            Object::new().put("type_id", 0).put("type", "Unknown").put("name", "Unknown").done()
        }
    }
}

/// The target, where it is no user.
fn other_target(event: &SecurityEvent) -> Option<&Target> {
    event.target.as_ref().filter(|target| !known::is_user(target))
}

/// What people call a target.
fn name(target: &Target) -> &str {
    target.name.as_deref().unwrap_or(target.id.as_str())
}

fn named(target: &Target) -> Object {
    Object::new().put("uid", &target.id).put("name", name(target)).put("type", &target.target_type)
}

/// What was logged in to: what the details call so, else the target, else what tells of it.
fn service(event: &SecurityEvent) -> Box<RawValue> {
    let said = ["service", "application"].iter().filter_map(|key| event.details.get(*key));
    let said = said.filter_map(|raw| serde_json::from_str::<String>(raw.get()).ok()).next();
    match (said, other_target(event)) {
        (Some(name), _) => Object::new().put("name", name).done(),
        (None, Some(target)) => {
            Object::new().put("uid", &target.id).put("name", name(target)).done()
        }
        (None, None) => Object::new().put("name", "Lull").done(),
    }
}

/// What was managed. Without a target it is known by what the action is about.
fn entity(event: &SecurityEvent) -> Box<RawValue> {
    let Some(target) = &event.target else {
        let about = event.action.as_str().split('.').next().filter(|word| !word.is_empty());
        let about = about.unwrap_or(event.action.as_str());
        return Object::new().put("name", about).put("type", about).put("type_id", OTHER).done();
    };
    let type_id = match target.target_type.as_str().to_ascii_lowercase().as_str() {
        "device" => 1,
        _ if known::is_user(target) => 2,
        "group" | "team" => 3,
        "organization" => 4,
        "policy" => 5,
        _ => OTHER,
    };
    named(target).put("type_id", type_id).done()
}

fn privileges(event: &SecurityEvent) -> Vec<String> {
    let said = PRIVILEGES.iter().filter_map(|key| event.details.get(*key));
    let values = said.filter_map(|raw| serde_json::from_str::<Value>(raw.get()).ok());
    let mut privileges: Vec<String> = values
        .flat_map(|value| match value {
            Value::Array(values) => values,
            value => vec![value],
        })
        .filter_map(|value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        })
        .collect();
    if privileges.is_empty() {
        privileges.push(other_target(event).map_or("unknown", name).to_owned());
    }
    privileges
}

fn endpoint(event: &SecurityEvent) -> Option<Box<RawValue>> {
    let said = event.ip.as_deref()?;
    // What is no address is a name somebody gave to where it came from.
    let endpoint = match shown::ip(event) {
        Some(ip) => Object::new().put("ip", ip),
        None => Object::new().put("name", said),
    };
    Some(endpoint.done())
}

/// What the schema has no attribute for.
fn unmapped((event, hash): Linked<'_>) -> Option<Box<RawValue>> {
    let email = event.user.as_ref().and_then(|user| user.email.as_deref());
    Object::new()
        .put("severity", event.severity)
        .some("target", event.target.as_ref())
        .some("user_email", email.filter(|text| !is_email(text)))
        .some("details", json::details(&event.details))
        .some("hash", hash.map(|hash| hash.to_string()))
        .filled()
}

/// Whether the schema takes the text for an e-mail address.
fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else { return false };
    let Some((first, rest)) = domain.split_once('.') else { return false };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let name_is = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    !name.is_empty()
        && name.chars().all(name_is)
        && !first.is_empty()
        && first.chars().all(word)
        && !rest.is_empty()
        && rest.chars().all(|c| word(c) || c == '.')
}

fn severity(event: &SecurityEvent) -> (u8, &'static str) {
    match Grave::of(event) {
        Grave::Informational => (1, "Informational"),
        Grave::Low => (2, "Low"),
        Grave::Medium => (3, "Medium"),
        Grave::High => (4, "High"),
        Grave::Critical => (5, "Critical"),
    }
}

/// The activity in the schema's words; for one that it has no number for, in the event's.
fn activity(event: &SecurityEvent, place: Place) -> &str {
    let names = place.class.activities();
    let known = names.iter().find(|(id, _)| *id == place.activity);
    known.map_or(event.action.as_str(), |(_, name)| name)
}

impl Class {
    /// Its number and its name.
    fn in_schema(self) -> (u32, &'static str) {
        match self {
            Self::AccountChange => (3001, "Account Change"),
            Self::Authentication => (3002, "Authentication"),
            Self::Entity => (3004, "Entity Management"),
            Self::UserAccess => (3005, "User Access Management"),
        }
    }

    /// The activities that events have here, of those that the class has.
    fn activities(self) -> &'static [(u8, &'static str)] {
        match self {
            Self::Authentication => &[(1, "Logon"), (2, "Logoff"), (7, "Account Switch")],
            Self::AccountChange => &[
                (1, "Create"),
                (2, "Enable"),
                (3, "Password Change"),
                (4, "Password Reset"),
                (5, "Disable"),
                (6, "Delete"),
                (9, "Lock"),
                (10, "MFA Factor Enable"),
                (11, "MFA Factor Disable"),
                (12, "Unlock"),
            ],
            Self::UserAccess => &[(1, "Assign Privileges"), (2, "Revoke Privileges")],
            Self::Entity => &[
                (1, "Create"),
                (2, "Read"),
                (3, "Update"),
                (4, "Delete"),
                (8, "Enable"),
                (9, "Disable"),
            ],
        }
    }
}
