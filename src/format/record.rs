//! `{"event":"create_feature","feature":{…}}`: a full record, as it was put, with what the receiver
//! calls it. Members stand as they came, digit by digit.

use std::fmt::Write;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::model::{Action, Id, IntegrationField, RecordKey};

/// What is sent of a record.
pub struct Sent<'a> {
    /// What happened to it.
    pub action: Action,
    /// The record.
    pub key: &'a RecordKey,
    /// As it was put: a JSON object.
    pub text: &'a str,
    /// To whom.
    pub integration: Id,
    /// What the receiver calls it.
    pub fields: &'a [IntegrationField],
    /// What the receiver calls its parent; none when the receiver does not know that.
    pub parent: Option<&'a [IntegrationField]>,
}

/// The name of the event, like `create_feature`.
pub fn event(action: Action, record_type: &str) -> String {
    let action = match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Destroy => "destroy",
    };
    format!("{action}_{}", snake(record_type))
}

/// The body of a message about a full record.
pub fn body(sent: &Sent) -> String {
    let mut members: Members = serde_json::from_str(sent.text).unwrap_or_default();
    members.0.retain(|(name, _)| name != "integration_fields");
    let record_type = sent.key.record_type.as_str();
    let mut body = String::with_capacity(sent.text.len() + 512);
    let (event, key) = (quoted(&event(sent.action, record_type)), quoted(&key(record_type)));
    let _ = write!(body, r#"{{"event":{event},{key}:{{"#);
    if !members.0.iter().any(|(name, _)| name == "id") {
        let _ = write!(body, r#""id":{},"#, quoted(sent.key.record_id.as_str()));
    }
    for (name, value) in &members.0 {
        let _ = match sent.parent.filter(|_| name == "parent") {
            Some(fields) => write!(body, r#""parent":{},"#, with_fields(value, fields, sent)),
            None => write!(body, "{}:{},", quoted(name), value.get()),
        };
    }
    let fields = written(sent.fields, sent.integration);
    let _ = write!(body, r#""integration_fields":{fields}}}}}"#);
    body
}

/// Adds `/audit/record`, the record as it is, to a body of the format `audit`; null where none is kept.
pub fn add_to_audit(body: &mut String, record: Option<&str>) {
    // The envelope's end and the audit's.
    if body.ends_with("}}") {
        body.truncate(body.len() - 2);
        let _ = write!(body, r#","record":{}}}}}"#, record.unwrap_or("null"));
    }
}

/// The record type as it stands in the names of events: `ideas/idea` is `ideas_idea`,
/// `StrategicGoal` is `strategic_goal`. Letters and digits in lower case; everything else, and the
/// step to a capital letter, is one `_`.
fn snake(record_type: &str) -> String {
    let mut snake = String::new();
    let mut after_small = false;
    for letter in record_type.chars() {
        let counts = letter.is_alphanumeric();
        if (!counts || (after_small && letter.is_uppercase())) && !snake.ends_with('_') {
            snake.push('_');
        }
        if counts {
            snake.extend(letter.to_lowercase());
        }
        after_small = letter.is_lowercase() || letter.is_numeric();
    }
    let snake = snake.trim_matches('_');
    if snake.is_empty() { "record".to_owned() } else { snake.to_owned() }
}

/// The member that holds the record. One key stands once.
fn key(record_type: &str) -> String {
    match snake(record_type).as_str() {
        "event" => "event_record".to_owned(),
        key => key.to_owned(),
    }
}

fn with_fields(parent: &RawValue, fields: &[IntegrationField], sent: &Sent) -> String {
    let members: Members = serde_json::from_str(parent.get()).unwrap_or_default();
    let members = members.0.iter().filter(|(name, _)| name != "integration_fields");
    let members: Vec<String> =
        members.map(|(name, value)| format!("{}:{},", quoted(name), value.get())).collect();
    let fields = written(fields, sent.integration);
    format!(r#"{{{}"integration_fields":{fields}}}"#, members.concat())
}

fn written(fields: &[IntegrationField], integration: Id) -> String {
    let field = |field: &IntegrationField| {
        let (name, value) = (quoted(&field.name), quoted(&field.value));
        format!(r#"{{"name":{name},"value":{value},"integration_id":"{integration}"}}"#)
    };
    format!("[{}]", fields.iter().map(field).collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The members of an object, in order; of those with the same name, the last.
#[derive(Default)]
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
                let mut members: Vec<(String, &RawValue)> = Vec::new();
                let mut place = std::collections::HashMap::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    match place.get(&name) {
                        Some(at) => members[*at] = (name, value),
                        None => {
                            place.insert(name.clone(), members.len());
                            members.push((name, value));
                        }
                    }
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Account, ExternalId};

    fn written(record_type: &str, text: &str, parent: Option<&[IntegrationField]>) -> String {
        let name = |text: &str| ExternalId::new(text).unwrap();
        let (record_type, record_id) = (name(record_type), name("42"));
        let key = RecordKey { account: Account::DEFAULT, record_type, record_id };
        let fields = [IntegrationField { name: "id".into(), value: "K\"7".into() }];
        let integration = Id::from_u64(9);
        body(&Sent {
            action: Action::Create,
            key: &key,
            text,
            integration,
            fields: &fields,
            parent,
        })
    }

    const FIELDS: &str =
        r#""integration_fields":[{"name":"id","value":"K\"7","integration_id":"9"}]"#;

    #[test]
    fn a_record_is_sent_as_it_was_put_with_its_fields_last() {
        let text =
            " {\"id\": 42, \"name\":\"Ex\\u00e9\", \"n\": 1.50e400, \"integration_fields\": 1} ";
        assert_eq!(
            written("feature", text, None),
            format!(
                r#"{{"event":"create_feature","feature":{{"id":42,"name":"Ex\u00e9","n":1.50e400,{FIELDS}}}}}"#
            )
        );
    }

    #[test]
    fn a_record_without_an_id_gets_its_own_and_an_empty_one_has_that_and_its_fields() {
        let body = written("Feature", "{}", None);
        let expected = format!(r#"{{"event":"create_feature","feature":{{"id":"42",{FIELDS}}}}}"#);
        assert_eq!(body, expected);
    }

    #[test]
    fn a_parent_that_the_receiver_knows_is_named_as_it_calls_it() {
        let text = r#"{"id":"1","parent":{"type":"release","id":"R1"}}"#;
        let fields = [IntegrationField { name: "id".into(), value: "5".into() }];
        let body: serde_json::Value =
            serde_json::from_str(&written("feature", text, Some(&fields))).unwrap();
        assert_eq!(
            body["feature"]["parent"],
            serde_json::json!({"type": "release", "id": "R1", "integration_fields":
                [{"name": "id", "value": "5", "integration_id": "9"}]})
        );
        assert!(
            written("feature", text, None).contains(r#""parent":{"type":"release","id":"R1"},"#)
        );
    }

    #[test]
    fn types_are_made_safe_as_keys() {
        for (record_type, snake_case, member) in [
            ("feature", "feature", "feature"),
            ("ideas/idea", "ideas_idea", "ideas_idea"),
            ("Ideas::Idea", "ideas_idea", "ideas_idea"),
            ("StrategicGoal", "strategic_goal", "strategic_goal"),
            ("To-do  item", "to_do_item", "to_do_item"),
            ("HTTP", "http", "http"),
            ("Größe", "größe", "größe"),
            ("v2Plan", "v2_plan", "v2_plan"),
            ("\"}{", "record", "record"),
            ("event", "event", "event_record"),
        ] {
            let value: serde_json::Value =
                serde_json::from_str(&written(record_type, "{}", None)).unwrap();
            assert_eq!(value["event"], format!("create_{snake_case}"), "{record_type}");
            assert_eq!(value[member]["id"], "42", "{record_type}: {value}");
        }
    }

    #[test]
    fn the_record_stands_last_in_an_audit() {
        let mut body = r#"{"event":"audit","audit":{"id":"1","collated":{"count":1}}}"#.to_owned();
        add_to_audit(&mut body, Some(r#"{"a":1}"#));
        let expected =
            r#"{"event":"audit","audit":{"id":"1","collated":{"count":1},"record":{"a":1}}}"#;
        assert_eq!(body, expected);
        let mut body = r#"{"event":"audit","audit":{"id":"1"}}"#.to_owned();
        add_to_audit(&mut body, None);
        assert_eq!(body, r#"{"event":"audit","audit":{"id":"1","record":null}}"#);
    }
}
