//! What derived descriptions of values cannot say: limits, which are the constants that the code goes
//! by; and that answers have every member always, null where there is nothing.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::model::WORKSPACES_MAX;
use crate::model::{
    ACTIVITIES_MAX, BATCH_EVENTS_MAX, HEADER_BYTES_MAX, HEADERS_MAX, LISTED_MAX, MAX_IN_FLIGHT_MAX,
    RATE_LIMIT_MAX, SEVERITY_MAX, URL_BYTES_MAX,
};
use crate::web::records::REASON_CHARS_MAX;

const REF: &str = "#/components/schemas/";

/// What people send. Everything else is answered.
const SENT: [&str; 11] = [
    "PutRecord",
    "Configuration",
    "ConfiguredIntegration",
    "NewIntegration",
    "NewAccount",
    "NewWorkspace",
    "NewToken",
    "LogIn",
    "Period",
    "Rotation",
    "Discard",
];

/// Members of answers that are left out where there is nothing.
const LEFT_OUT: [(&str, &[&str]); 8] = [
    ("Configured", &["secret"]),
    ("Problem", &["errors", "request_id"]),
    ("Fault", &["index"]),
    ("Health", &["reason"]),
    ("Integration", &["secret"]),
    ("Preview", &["body"]),
    ("Change", &["old_value"]),
    (
        "AuditOfHistory",
        &[
            "contributors",
            "associated_type",
            "associated_id",
            "workspace_id",
            "description",
            "auditable_url",
        ],
    ),
];

/// Sets the limits of what is sent.
pub fn limit(schemas: &mut Value) {
    let mut set = |place: &str, limits: Value| {
        let place = schemas.pointer_mut(place).and_then(Value::as_object_mut);
        let place = place.expect("invariant: every limit is of something; a test sees to it");
        place.extend(limits.as_object().cloned().unwrap_or_default());
    };
    let listed = json!({"maxItems": LISTED_MAX});
    set("/NewIntegration/properties/activities", json!({"maxItems": ACTIVITIES_MAX}));
    set("/NewIntegration/properties/users", listed.clone());
    for list in ["workspaces", "record_types", "fields", "exclude_fields"] {
        set(&format!("/Activity/properties/{list}"), listed.clone());
    }
    set(
        "/NewIntegration/properties/hook_url",
        json!({"maxLength": URL_BYTES_MAX, "pattern": "^https?://", "format": "uri",
               "examples": ["https://chat.example.com/hook"]}),
    );
    set(
        "/NewIntegration/properties/headers",
        json!({
            "maxProperties": HEADERS_MAX,
            "propertyNames": {"type": "string", "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"},
            "additionalProperties":
                {"type": "string", "maxLength": HEADER_BYTES_MAX, "pattern": "^[\\t -~]*$"},
            "examples": [{"X-Team": "core"}],
        }),
    );
    set(
        "/NewIntegration/properties/max_in_flight",
        json!({"minimum": 1, "maximum": MAX_IN_FLIGHT_MAX, "default": 256}),
    );
    set("/NewIntegration/properties/rate_limit", json!({"minimum": 1, "maximum": RATE_LIMIT_MAX}));
    set("/NewIntegration/properties/actions", listed.clone());
    set("/NewIntegration/properties/min_severity", json!({"maximum": SEVERITY_MAX}));
    set("/Batch/properties/max_events", json!({"minimum": 1, "maximum": BATCH_EVENTS_MAX}));
    set("/SecurityEvent/properties/severity", json!({"maximum": SEVERITY_MAX}));
    set("/LogIn", json!({"oneOf": [{"required": ["token"]}, {"required": ["code"]}]}));
    set("/LogIn/properties/token", json!({"type": "string"}));
    set("/LogIn/properties/code", json!({"type": "string"}));
    set("/NewToken/properties/roles", json!({"minItems": 1}));
    set("/NewToken/properties/workspaces", json!({"maxItems": WORKSPACES_MAX}));
    set("/Discard/properties/reason", json!({"maxLength": REASON_CHARS_MAX}));
}

/// Puts the descriptions of values into their final form.
pub fn finish(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    merge(document, &schemas);
    refer_from_pages(&mut document["components"]["schemas"]);
    complete(document);
    reword(document);
    forget_unused(document);
}

/// Makes one object of what serde flattens into one.
fn merge(at: &mut Value, schemas: &Value) {
    match at {
        Value::Array(elements) => elements.iter_mut().for_each(|one| merge(one, schemas)),
        Value::Object(members) => {
            if let Some(Value::Array(parts)) = members.remove("allOf") {
                let mut whole = Map::new();
                for part in &parts {
                    take_in(&mut whole, part, schemas);
                }
                whole.extend(std::mem::take(members));
                *members = whole;
            }
            members.values_mut().for_each(|one| merge(one, schemas));
        }
        _ => {}
    }
}

fn take_in(whole: &mut Map<String, Value>, part: &Value, schemas: &Value) {
    let part = match part["$ref"].as_str().and_then(|to| to.strip_prefix(REF)) {
        Some(name) => &schemas[name],
        None => part,
    };
    for inner in part["allOf"].as_array().into_iter().flatten() {
        take_in(whole, inner, schemas);
    }
    for (key, value) in part.as_object().into_iter().flatten() {
        match (key.as_str(), value, whole.get_mut(key)) {
            // What is closed by itself is open to what is flattened beside it.
            ("allOf" | "additionalProperties", ..) => {}
            ("properties", Value::Object(more), Some(Value::Object(all))) => {
                all.extend(more.clone());
            }
            ("required", Value::Array(more), Some(Value::Array(all))) => all.extend(more.clone()),
            _ => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The items of a page are described once, where their own name stands.
fn refer_from_pages(schemas: &mut Value) {
    for (name, page) in schemas.as_object_mut().into_iter().flatten() {
        if let Some(of) = name.strip_prefix("Page_") {
            page["properties"]["items"]["items"] = json!({"$ref": format!("{REF}{of}")});
        }
    }
}

/// Requires every member that answers always have.
fn complete(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut().into_iter().flatten();
    for (name, schema) in schemas {
        let sent = SENT.contains(&name.as_str());
        if !sent && !name.starts_with("Posted") && name != "IntegrationPatch" && name != "Activity"
        {
            let left_out = LEFT_OUT.iter().find(|(of, _)| of == name);
            require_all(schema, left_out.map_or(&[], |(_, names)| names));
        }
    }
    for operation in super::calls::operations(document) {
        // Never by index here: that would put null where there is nothing.
        for response in children(operation.get_mut("responses")) {
            for content in children(response.get_mut("content")) {
                content.get_mut("schema").into_iter().for_each(|schema| require_all(schema, &[]));
            }
        }
    }
}

fn children(of: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    let members = of.and_then(Value::as_object_mut);
    members.into_iter().flat_map(|members| members.values_mut())
}

fn require_all(schema: &mut Value, left_out: &[&str]) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let names = properties.keys().filter(|name| !left_out.contains(&name.as_str()));
    let names: Vec<Value> = names.map(|name| json!(name)).collect();
    schema["required"] = Value::Array(names);
}

/// Takes out what only readers of the code can follow: the numbers of rules, links.
fn reword(at: &mut Value) {
    match at {
        Value::Array(elements) => elements.iter_mut().for_each(reword),
        Value::Object(members) => {
            for (key, value) in members {
                match value {
                    Value::String(text) if key == "description" => *text = for_strangers(text),
                    value => reword(value),
                }
            }
        }
        _ => {}
    }
}

fn for_strangers(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (") {
        words.push_str(before);
        match after.split_once(')') {
            Some((inner, after)) if is_rule(inner) => rest = after,
            _ => {
                words.push_str(" (");
                rest = after;
            }
        }
    }
    words.push_str(rest);
    words.replace("[`SCHEDULE`]", "the server's")
}

fn is_rule(text: &str) -> bool {
    let digits = text.strip_prefix(['R', 'D']).or(text.strip_prefix("section "));
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Leaves out what nothing refers to any more.
fn forget_unused(document: &mut Value) {
    loop {
        let mut used = BTreeSet::new();
        note_references(document, &mut used);
        let schemas = document["components"]["schemas"].as_object_mut();
        let schemas = schemas.expect("invariant: there are schemas");
        let before = schemas.len();
        schemas.retain(|name, _| used.contains(name) || name == "Problem");
        if schemas.len() == before {
            return;
        }
    }
}

fn note_references(at: &Value, used: &mut BTreeSet<String>) {
    match at {
        Value::Array(elements) => elements.iter().for_each(|one| note_references(one, used)),
        Value::Object(members) => {
            if let Some(name) = at["$ref"].as_str().and_then(|to| to.strip_prefix(REF)) {
                used.insert(name.to_owned());
            }
            members.values().for_each(|one| note_references(one, used));
        }
        _ => {}
    }
}
