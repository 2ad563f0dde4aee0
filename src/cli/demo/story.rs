//! What the three people do.

use serde_json::{Value, json};

use crate::cli::shorten;

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
    format!("{:<6} {}", text(&edit["user"]["name"]), change_in_words(&edit["changes"][0]))
}

/// What a collated audit says, for people.
pub fn summary(audit: &Value) -> Vec<String> {
    let names = |users: &Value| {
        let users = users.as_array().map(Vec::as_slice).unwrap_or_default();
        users.iter().map(|user| text(&user["name"])).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![
        format!("{} by {}", text(&audit["description"]), names(&audit["contributors"])),
        text(&audit["auditable_url"]),
    ];
    lines.extend(audit["changes"].as_array().into_iter().flatten().map(change_in_words));
    lines.push(format!("collated from {} audits", audit["collated"]["count"]));
    lines
}

fn change_in_words(change: &Value) -> String {
    let value = text(&change["value"]).replace("&rarr;", "→");
    format!("{:<16} {}", text(&change["field_name"]), shorten(&value, 60))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
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
