//! What the three people do.

use serde_json::{Value, json};

use crate::cli::summary::{change, text};

/// Their edits, in order.
pub fn edits() -> Vec<Value> {
    let (ada, grace, alan) = (user(101, "Ada"), user(102, "Grace"), user(103, "Alan"));
    vec![
        edit(&ada, "Name", json!("Exprot")),
        edit(&ada, "Name", json!("Export")),
        edit(&grace, "Description", json!("<p>Everything as CSV.</p>")),
        edit(&ada, "Workflow status", json!("Under consideration &rarr; Ready to develop")),
        edit(&alan, "Due on", json!("2026-04-01")),
        edit(&grace, "Description", json!("<p>Everything as CSV, in one file.</p>")),
        edit(&ada, "Workflow status", json!("Ready to develop &rarr; In progress")),
    ]
}

/// An edit as one line.
pub fn in_words(edit: &Value) -> String {
    format!("{:<6} {}", text(&edit["user"]["name"]), change(&edit["changes"][0]))
}

fn user(id: u32, name: &str) -> Value {
    let email = format!("{}@example.com", name.to_lowercase());
    json!({"id": id, "name": name, "email": email})
}

fn edit(user: &Value, field: &str, value: Value) -> Value {
    json!({
        "audit_action": "update",
        "auditable_type": "feature",
        "auditable_id": 42,
        "user": user,
        "description": "updated feature APP-42 Export",
        "auditable_url": "https://app.example.com/features/APP-42",
        "changes": [{"field_name": field, "value": value}],
    })
}
