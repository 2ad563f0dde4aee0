//! Arbitrary audits for property tests.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::model::{Account, Audit, Id};

/// An audit as an application might post it: few users, fields and values, so that they meet.
pub fn audit_json() -> impl Strategy<Value = Value> {
    let action = prop::sample::select(vec!["create", "update", "update", "update", "destroy"]);
    let user = prop::option::weighted(0.9, user_json());
    let changes = prop::collection::vec(change_json(), 0..4);
    let contributors = prop::collection::vec(user_json(), 0..2);
    let workspace = prop::sample::select(vec![Value::Null, json!("ws1"), json!("ws2")]);
    let associated = prop::sample::select(vec![Value::Null, json!("feature"), json!("Release")]);
    let record_type = prop::sample::select(vec!["feature", "Feature", "comment", "ideas/idea"]);
    (action, user, changes, contributors, workspace, associated, record_type, any::<bool>())
        .prop_map(
            |(
                action,
                user,
                changes,
                contributors,
                workspace,
                associated,
                record_type,
                interesting,
            )| {
                json!({
                    "audit_action": action, "user": user, "changes": changes,
                    "contributors": contributors, "workspace_id": workspace,
                    "associated_type": associated, "auditable_type": record_type,
                    "auditable_id": "42", "interesting": interesting,
                    "description": if interesting { json!("did <b>it</b>") } else { Value::Null },
                })
            },
        )
}

/// A window's audits of one record, in order of receipt.
pub fn window() -> impl Strategy<Value = Vec<Audit>> {
    prop::collection::vec(audit_json(), 1..8).prop_map(|audits| {
        audits.iter().enumerate().map(|(index, json)| audit(index as u64, json)).collect()
    })
}

/// The audit that `json` is, at the place `place`.
pub fn audit(place: u64, json: &Value) -> Audit {
    let text = serde_json::to_vec(json).expect("JSON");
    let said = crate::ingest::kept(&text).expect("an audit");
    Audit {
        place: Id::from_u64((1_700_000_000 + place) << 32),
        account: Account::DEFAULT,
        rules: [].into(),
        said,
    }
}

fn user_json() -> impl Strategy<Value = Value> {
    (1..4u8, prop::option::of("[a-z]{1,3}")).prop_map(|(id, name)| match name {
        Some(name) => {
            json!({"id": id.to_string(), "name": name, "email": format!("{name}@example.com")})
        }
        None => json!({"id": id}),
    })
}

fn change_json() -> impl Strategy<Value = Value> {
    let field = prop::sample::select(vec!["Name", "Status", "Rank"]);
    let state = || prop::sample::select(vec!["A", "B", "C"]);
    let value = prop_oneof![
        (state(), state()).prop_map(|(from, to)| json!(format!("{from} &rarr; {to}"))),
        state().prop_map(|state| json!(state)),
        (0..3).prop_map(|number| json!(number)),
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
    ];
    let old = prop::option::of((0..3).prop_map(|number| json!(number)));
    (field, value, old).prop_map(|(field, value, old)| match old {
        Some(old) => json!({"field_name": field, "value": value, "old_value": old}),
        None => json!({"field_name": field, "value": value}),
    })
}
