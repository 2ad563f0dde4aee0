//! A full record, as it is put: any object, of which a few members mean something here.

use serde_json::{Map, Value};

use crate::model::ExternalId;

/// A place, and what is wrong there.
pub type FaultAt = (String, String);

/// What a full record says of itself.
#[derive(Debug, PartialEq, Eq)]
pub struct SaidOfRecord {
    /// The workspace it is of.
    pub workspace_id: ExternalId,
    /// The type and id of its parent, where it names one.
    pub parent: Option<(ExternalId, ExternalId)>,
}

/// What `record` says of itself, or everything that is wrong with it.
pub fn full_record(record: &Value) -> Result<SaidOfRecord, Vec<FaultAt>> {
    let Some(members) = record.as_object() else {
        let wrong = "must be an object: the record as it is now".to_owned();
        return Err(vec![(String::new(), wrong)]);
    };
    let mut faults = Vec::new();
    let workspace_id = name(members, "", "workspace_id", &mut faults);
    let parent = match members.get("parent") {
        None | Some(Value::Null) => None,
        Some(Value::Object(parent)) => {
            let record_type = name(parent, "/parent", "type", &mut faults);
            record_type.zip(name(parent, "/parent", "id", &mut faults))
        }
        Some(_) => {
            let wrong = r#"must be an object like {"type":"release","id":"R1"}, or null"#;
            faults.push(("/parent".to_owned(), wrong.to_owned()));
            None
        }
    };
    match workspace_id {
        Some(workspace_id) if faults.is_empty() => Ok(SaidOfRecord { workspace_id, parent }),
        _ => Err(faults),
    }
}

fn name(
    members: &Map<String, Value>,
    place: &str,
    member: &str,
    faults: &mut Vec<FaultAt>,
) -> Option<ExternalId> {
    let wrong = match members.get(member) {
        None | Some(Value::Null) => "is missing; it must be a string".to_owned(),
        Some(Value::String(text)) => match ExternalId::new(text.as_str()) {
            Ok(name) => return Some(name),
            Err(bad) => bad.to_string(),
        },
        Some(other) => format!("is {other}; it must be a string").chars().take(100).collect(),
    };
    faults.push((format!("{place}/{member}"), wrong));
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_any_object_that_names_its_workspace() {
        let name = |text: &str| ExternalId::new(text).unwrap();
        let said = full_record(&json!({"workspace_id": "ws1", "parent": null, "x": [1]})).unwrap();
        assert_eq!(said, SaidOfRecord { workspace_id: name("ws1"), parent: None });
        let parent = json!({"type": "release", "id": "R1", "name": "one"});
        let said = full_record(&json!({"workspace_id": "ws1", "parent": parent})).unwrap();
        assert_eq!(said.parent, Some((name("release"), name("R1"))));
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        for (record, places) in [
            (json!([]), &[""][..]),
            (json!("x"), &[""]),
            (json!({}), &["/workspace_id"]),
            (json!({"workspace_id": 7}), &["/workspace_id"]),
            (json!({"workspace_id": ""}), &["/workspace_id"]),
            (json!({"workspace_id": "w".repeat(256)}), &["/workspace_id"]),
            (json!({"workspace_id": "w", "parent": "release R1"}), &["/parent"]),
            (json!({"workspace_id": "w", "parent": {"id": 1}}), &["/parent/type", "/parent/id"]),
            (json!({"parent": {"type": "r", "id": ""}}), &["/workspace_id", "/parent/id"]),
        ] {
            let faults = full_record(&record).unwrap_err();
            let found: Vec<&str> = faults.iter().map(|(place, _)| place.as_str()).collect();
            assert_eq!(found, places, "{record}");
        }
    }
}
