use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::testing::{audit, audit_json};

fn spec(edit: Value) -> IntegrationSpec {
    let mut spec = json!({"name": "hook", "kind": "activity", "hook_url": "http://127.0.0.1:1/"});
    json_patch::merge(&mut spec, &edit);
    serde_json::from_value(spec).expect("a spec")
}

/// The fields seen of an audit, or the rule that hid it.
fn seen(spec: &IntegrationSpec, said: Value) -> Result<Vec<String>, Reason> {
    match decide(spec, &audit(0, &said)) {
        Verdict::Sees(changes) => {
            Ok(changes.iter().map(|change| change.field_name.to_string()).collect())
        }
        Verdict::Refused(reason) => Err(reason),
    }
}

fn edit(record_type: &str, workspace: Value, fields: &[&str]) -> Value {
    let changes: Vec<Value> =
        fields.iter().map(|name| json!({"field_name": name, "value": 1})).collect();
    json!({"audit_action": "update", "auditable_type": record_type, "auditable_id": "1",
           "workspace_id": workspace, "user": {"id": "101"}, "changes": changes,
           "associated_type": "Idea"})
}

#[test]
fn rows_are_read_as_the_rules_say() {
    let name_status = edit("feature", json!("ws1"), &["Name", "Status"]);
    let vote = edit("ideas/idea_endorsement", Value::Null, &[]);
    let all = || Ok(vec!["Name".to_owned(), "Status".to_owned()]);
    let some = |fields: &[&str]| Ok(fields.iter().map(|name| name.to_string()).collect());
    let no_row = Err(Reason::Activity);
    for (activities, said, expected) in [
        (json!([]), &name_status, all()),
        (json!([]), &vote, some(&[])),
        (json!([{}]), &name_status, all()),
        (json!([{}]), &vote, some(&[])),
        (json!([{"workspaces": ["ws1"]}]), &name_status, all()),
        (json!([{"workspaces": ["ws2"]}]), &name_status, no_row.clone()),
        (json!([{"workspaces": ["ws1"]}]), &vote, no_row.clone()),
        (json!([{"record_types": ["FEATURE"]}]), &name_status, all()),
        (json!([{"record_types": ["idea"]}]), &name_status, no_row.clone()),
        (json!([{"record_types": ["idea"], "include_associated": true}]), &name_status, all()),
        (json!([{"fields": ["Name"]}]), &name_status, some(&["Name"])),
        (json!([{"fields": ["Rank"]}]), &name_status, no_row.clone()),
        (json!([{"fields": ["Name"]}]), &vote, no_row.clone()),
        (json!([{"fields": ["Status"]}, {"fields": ["Name"]}]), &name_status, all()),
        (json!([{"fields": ["Name"]}, {"record_types": ["idea"]}]), &name_status, some(&["Name"])),
        (json!([{"exclude_fields": ["Status"]}]), &name_status, some(&["Name"])),
        (json!([{"exclude_fields": ["Status", "Name"]}]), &name_status, no_row.clone()),
        (json!([{"exclude_fields": ["Status"]}]), &vote, some(&[])),
        (json!([{"exclude_fields": ["Status"]}, {"fields": ["Status"]}]), &name_status, all()),
    ] {
        let spec = spec(json!({"activities": activities}));
        assert_eq!(seen(&spec, said.clone()), expected, "{activities}");
    }
}

#[test]
fn a_workspace_level_integration_sees_its_workspace_only_and_ignores_the_rows_workspaces() {
    let own = spec(json!({"workspace_id": "ws1", "activities": [{"workspaces": ["ws9"]}]}));
    assert!(seen(&own, edit("feature", json!("ws1"), &["Name"])).is_ok());
    assert_eq!(seen(&own, edit("feature", json!("ws2"), &["Name"])), Err(Reason::Workspace));
    assert_eq!(seen(&own, edit("feature", Value::Null, &["Name"])), Err(Reason::Workspace));
}

#[test]
fn only_listed_users_count_and_the_system_is_none_of_them() {
    let mut said = edit("feature", Value::Null, &["Name"]);
    assert!(seen(&spec(json!({"users": ["101"]})), said.clone()).is_ok());
    assert_eq!(seen(&spec(json!({"users": ["102"]})), said.clone()), Err(Reason::User));
    said["user"] = Value::Null;
    assert_eq!(seen(&spec(json!({"users": ["101"]})), said), Err(Reason::User));
}

fn row() -> impl Strategy<Value = Value> {
    let some_of =
        |names: &'static [&'static str]| prop::sample::subsequence(names, 0..=names.len());
    (
        some_of(&["ws1", "ws2"]),
        some_of(&["feature", "comment"]),
        some_of(&["Name", "Status"]),
        some_of(&["Rank", "Status"]),
        any::<bool>(),
    )
        .prop_map(|(workspaces, record_types, fields, exclude_fields, include_associated)| {
            json!({"workspaces": workspaces, "record_types": record_types, "fields": fields,
                   "exclude_fields": exclude_fields, "include_associated": include_associated})
        })
}

proptest! {
    /// Nothing that no row lists is ever seen, and adding a row never hides what was seen.
    #[test]
    fn a_filter_never_leaks_and_rows_only_add(
        said in audit_json(), rows in prop::collection::vec(row(), 1..4),
    ) {
        let whole = spec(json!({"activities": rows}));
        let seen_by_all = seen(&whole, said.clone());
        let mut union: Vec<String> = Vec::new();
        let mut any_row_sees = false;
        for row in &rows {
            if let Ok(fields) = seen(&spec(json!({"activities": [row]})), said.clone()) {
                any_row_sees = true;
                for field in &fields {
                    let listed = row["fields"].as_array().unwrap();
                    prop_assert!(listed.is_empty() || listed.contains(&json!(field)));
                    prop_assert!(!row["exclude_fields"].as_array().unwrap().contains(&json!(field)));
                }
                union.extend(fields);
            }
        }
        prop_assert_eq!(seen_by_all.is_ok(), any_row_sees);
        for field in seen_by_all.unwrap_or_default() {
            prop_assert!(union.contains(&field));
        }
    }
}
