//! Bodies that no derived description fits: what is posted is read by hand, and more freely than it is
//! written; a merge patch has every member of what it changes, and may leave each of them out.

use serde_json::{Map, Value, json};
use utoipa::openapi::schema::Object;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::model::{CHANGES_MAX, IntegrationSpec, NAME_CHARS_MAX};
use crate::settings::Limits;

/// Something, with the token that was made for it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Made::with` makes")]
pub struct WithToken<T: ToSchema> {
    #[serde(flatten)]
    made: T,
    /// The token's text: shown this once.
    token: String,
}

/// An integration as it stands in a document of the configuration: as it is made, and what its
/// messages are signed with.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is read member by member")]
pub struct ConfiguredIntegration {
    #[serde(flatten)]
    spec: IntegrationSpec,
    /// What its messages are signed with; made when it is left out.
    #[serde(default)]
    #[schema(pattern = "^whsec_[A-Za-z0-9+/]{32,88}={0,2}$")]
    secret: String,
}

/// The body of `POST /audits`.
pub struct PostedAudits;

/// The body of `POST /security-events`.
pub struct PostedSecurityEvents;

/// The body of `PUT /records/{type}/{id}`.
pub struct PutRecord;

/// The body of `PATCH /integrations/{id}`.
pub struct IntegrationPatch;

macro_rules! finished_below {
    ($($of:ty),*) => {$(
        impl PartialSchema for $of {
            fn schema() -> RefOr<Schema> {
                Object::new().into()
            }
        }

        impl ToSchema for $of {}
    )*};
}

finished_below!(PostedAudits, PostedSecurityEvents, PutRecord, IntegrationPatch);

/// Describes them by what they are read into.
pub fn finish(schemas: &mut Value) {
    let patch = patch(&schemas["NewIntegration"]);
    schemas["IntegrationPatch"] = patch;
    let mut target = schemas["SecurityTarget"].clone();
    properties(&mut target).entry("id").and_modify(|id| *id = identifier(id));
    (target["required"], target["additionalProperties"]) = (json!(["type", "id"]), json!(false));
    schemas["PostedSecurityTarget"] = target;
    for (posted, read_into) in
        [("PostedAudit", "AuditDraft"), ("PostedUser", "User"), ("PostedChange", "Change")]
    {
        let shape = posted_shape(&schemas[read_into]);
        schemas[posted] = shape;
    }
    let name = json!({"type": "string", "minLength": 1, "maxLength": NAME_CHARS_MAX});
    schemas["PutRecord"] = json!({
        "description": "The record as it is now: any object, of up to 1 MiB.",
        "type": "object", "required": ["workspace_id"],
        "properties": {
            "workspace_id": name,
            "parent": {
                "description": "The record that has to be at a hook before it.",
                "type": ["object", "null"], "required": ["type", "id"],
                "properties": {"type": name, "id": name},
            },
        },
    });
    schemas["PostedSecurityEvent"] = posted_security_event(&schemas["SecurityEvent"]);
    schemas["PostedAudits"] = one_or_many("audit", "PostedAudit");
    schemas["PostedSecurityEvents"] = one_or_many("security", "PostedSecurityEvent");
}

/// What is posted one by one, bare or in an envelope, or many at once.
fn one_or_many(event: &str, posted: &str) -> Value {
    let one = json!({"$ref": format!("#/components/schemas/{posted}")});
    let envelope = json!({
        "type": "object", "required": ["event", event], "title": "One in an envelope",
        "properties": {"event": {"const": event}, event: one},
    });
    let any = json!({"anyOf": [one, envelope]});
    json!({
        "description": "One, bare or in an envelope, or an array of them.",
        "anyOf": [
            one, envelope,
            {"type": "array", "title": "A batch", "items": any, "maxItems": Limits::default().batch_audits},
        ],
    })
}

/// The shape that is read of a security event: only the action must be there.
fn posted_security_event(kept: &Value) -> Value {
    let mut posted = kept.clone();
    for (name, schema) in properties(&mut posted) {
        match name.as_str() {
            "id" => *schema = identifier(schema),
            "user" => *schema = json!({"$ref": "#/components/schemas/PostedUser"}),
            "ip" => {
                let (v4, v6) = (json!({"format": "ipv4"}), json!({"format": "ipv6"}));
                *schema = json!({"type": "string", "anyOf": [v4, v6], "examples": ["192.0.2.1"]});
            }
            "target" => {
                *schema = json!({"$ref": "#/components/schemas/PostedSecurityTarget"});
            }
            _ => {}
        }
        if name != "action" {
            *schema = or_null(schema.take());
        }
    }
    posted["required"] = json!(["action"]);
    posted["additionalProperties"] = json!(false);
    posted
}

/// Everything may be left out; what has a default may be set to it by null.
fn patch(whole: &Value) -> Value {
    let mut patch = whole.clone();
    let members = patch.as_object_mut().expect("invariant: an object");
    let required = members.remove("required").unwrap_or_default();
    members.insert("description".to_owned(), json!("A JSON merge patch of what is to change."));
    let is_required =
        |name: &str| required.as_array().is_some_and(|names| names.iter().any(|one| one == name));
    for (name, schema) in properties(&mut patch).iter_mut().filter(|(name, _)| !is_required(name)) {
        if name == "headers" {
            schema["additionalProperties"] = or_null(schema["additionalProperties"].take());
        }
        *schema = or_null(schema.take());
    }
    patch
}

/// The shape that is read: null is as good as left out, ids may be integers, contributors wrapped.
fn posted_shape(kept: &Value) -> Value {
    let mut posted = kept.clone();
    let required = match kept.get("required") {
        // These two have defaults where they are read.
        Some(Value::Array(names)) => names
            .iter()
            .filter(|name| **name != "interesting" && **name != "changes" && **name != "value")
            .cloned()
            .collect(),
        _ => Vec::new(),
    };
    posted["additionalProperties"] = json!(true);
    let user = json!({"$ref": "#/components/schemas/PostedUser"});
    for (name, schema) in properties(&mut posted) {
        match name.as_str() {
            "id" | "auditable_id" | "associated_id" | "workspace_id" => {
                *schema = identifier(schema)
            }
            "user" => *schema = user.clone(),
            "contributors" => {
                let wrapped = json!({"type": "object", "required": ["user"], "properties": {"user": user},
                                     "additionalProperties": false});
                schema["items"] = json!({"anyOf": [user, wrapped]});
            }
            "changes" => {
                schema["items"] = json!({"$ref": "#/components/schemas/PostedChange"});
                schema["maxItems"] = json!(CHANGES_MAX);
            }
            _ => {}
        }
        let any = schema.get("type").is_none()
            && schema.get("$ref").is_none()
            && schema.get("anyOf").is_none()
            && schema.get("oneOf").is_none();
        if !any && !required.iter().any(|one| one == name) {
            *schema = or_null(schema.take());
        }
    }
    posted["required"] = Value::Array(required);
    posted
}

/// An id that others bring: a string, or an integer, which is taken as its digits.
fn identifier(described: &Value) -> Value {
    let said = described.get("description").cloned().unwrap_or_default();
    json!({
        "description": said,
        "anyOf": [
            {"type": "string", "minLength": 1, "maxLength": NAME_CHARS_MAX},
            {"type": "integer"},
        ],
    })
}

fn or_null(schema: Value) -> Value {
    if admits_null(&schema) {
        return schema;
    }
    let said = schema.get("description").cloned();
    let mut either = json!({"anyOf": [schema, {"type": "null"}]});
    if let Some(said) = said {
        either["anyOf"][0].as_object_mut().map(|inner| inner.remove("description"));
        either["description"] = said;
    }
    either
}

fn admits_null(schema: &Value) -> bool {
    let is_null = |of: &Value| match &of["type"] {
        Value::Array(types) => types.iter().any(|one| one == "null"),
        one => one == "null",
    };
    let among = |key: &str| schema[key].as_array().is_some_and(|of| of.iter().any(is_null));
    is_null(schema) || among("oneOf") || among("anyOf")
}

fn properties(schema: &mut Value) -> &mut Map<String, Value> {
    schema["properties"].as_object_mut().expect("invariant: an object has properties")
}
