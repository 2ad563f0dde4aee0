//! The Elastic Common Schema: one document, or many as `_bulk` takes them.

use serde_json::value::RawValue;

use super::json::{self, Object};
use super::known::{self, Area, Class, Place};
use super::{Linked, shown};
use crate::model::{SecurityEvent, Target};

/// The version of the schema.
const VERSION: &str = "9.4.0";

/// One event as a document.
///
/// Its own details are one text, and so is whatever else the schema has no field for: an index gives
/// each field one type for ever, and refuses a document in which it has another.
pub fn document((event, hash): Linked<'_>) -> String {
    let ip = shown::ip(event);
    let (categories, types) = categories(event);
    let what = Object::new()
        .put("kind", "event")
        .put("category", categories)
        .put("type", types)
        .put("action", &event.action)
        .put("outcome", event.outcome)
        .put("severity", event.severity)
        .put("id", &event.id)
        .put("module", "lull")
        .put("dataset", "lull.security")
        .some("hash", hash.map(|hash| hash.to_string()));
    let source = Object::new().some("address", event.ip.as_deref()).some("ip", ip);
    let agent = Object::new().some("original", event.user_agent.as_deref());
    let observer = Object::new()
        .put("vendor", "Lull")
        .put("product", "Lull")
        .put("version", env!("CARGO_PKG_VERSION"));
    let related = Object::new().some("ip", ip.map(|ip| [ip])).some("user", related_users(event));
    let document = Object::new()
        .put("@timestamp", event.created_at)
        .put("message", shown::sentence(event))
        .put("ecs", Object::new().put("version", VERSION).done())
        .put("event", what.done())
        .some("user", user(event))
        .some("source", source.filled())
        .some("user_agent", agent.filled())
        .put("observer", observer.done())
        .some("related", related.filled())
        .some("lull", rest(event));
    document.done().get().to_owned()
}

/// Many documents, each after the line that says what to do with it. With the chain's hash as its id, a
/// document that is sent again is found to be there already, and answered with 409.
pub fn bulk(events: &[Linked<'_>]) -> String {
    let mut body = String::new();
    for event in events {
        let meta = Object::new().some("_id", event.1.map(|hash| hash.to_string())).done();
        body.push_str(Object::new().put("create", meta).done().get());
        body.push('\n');
        body.push_str(&document(*event));
        body.push('\n');
    }
    body
}

/// Who did it, and whom to.
fn user(event: &SecurityEvent) -> Option<Box<RawValue>> {
    let target = event.target.as_ref().filter(|target| known::is_user(target)).map(|target| {
        Object::new().put("id", &target.id).some("name", target.name.as_deref()).done()
    });
    let mut user = Object::new();
    if let Some(said) = &event.user {
        user = user
            .put("id", &said.id)
            .put("name", shown::user_name(said))
            .some("full_name", said.name.as_deref())
            .some("email", said.email.as_deref());
    }
    user.some("target", target).filled()
}

/// Every name that a user of the event is known by, each once.
fn related_users(event: &SecurityEvent) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let user = event
        .user
        .iter()
        .flat_map(|user| [Some(user.id.as_str()), user.name.as_deref(), user.email.as_deref()]);
    let target = event.target.iter().filter(|target| known::is_user(target));
    let target = target.flat_map(|target| [Some(target.id.as_str()), target.name.as_deref()]);
    for name in user.chain(target).flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then_some(names)
}

/// What the schema has no field for.
fn rest(event: &SecurityEvent) -> Option<Box<RawValue>> {
    let target = event.target.as_ref().map(|Target { target_type, id, name }| {
        Object::new().put("type", target_type).put("id", id).some("name", name.as_deref()).done()
    });
    let details = json::details(&event.details);
    Object::new()
        .some("target", target)
        .some("details", details.as_deref().map(RawValue::get))
        .filled()
}

/// `event.category` and `event.type`, of those that the schema expects together.
fn categories(event: &SecurityEvent) -> ([&'static str; 1], Vec<&'static str>) {
    let place = Place::of(event);
    let became = match (place.class, place.activity) {
        (Class::Entity | Class::AccountChange, 1) => "creation",
        (Class::Entity, 2) => "access",
        (Class::Entity, 4) | (Class::AccountChange, 6) => "deletion",
        (Class::Entity, known::OTHER) => "info",
        _ => "change",
    };
    match place.area {
        Area::Authentication => {
            let types = match place.activity {
                1 | 7 => "start",
                2 => "end",
                _ => "info",
            };
            (["authentication"], vec![types])
        }
        Area::Iam => {
            let of_user = place.class != Class::Entity || event.target.iter().any(known::is_user);
            // Nothing is only accessed in this category.
            let became = if became == "access" { "info" } else { became };
            (["iam"], if of_user { vec!["user", became] } else { vec![became] })
        }
        Area::Configuration => (["configuration"], vec![became]),
        Area::Database => (["database"], vec!["access"]),
    }
}
