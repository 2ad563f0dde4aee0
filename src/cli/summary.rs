//! What a collated audit says, as lines for people.

use serde_json::Value;

use super::shorten;

/// What `audit` (of a body in the format `audit` or `aha`) says.
pub fn of(audit: &Value) -> Vec<String> {
    let contributors = audit["contributors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names = contributors.iter().map(|user| match user.get("user") {
        Some(wrapped) => text(&wrapped["name"]),
        None => text(&user["name"]),
    });
    let what = audit["description"].as_str().map(str::to_owned).unwrap_or_else(|| {
        let key = |name: &str| text(&audit[name]);
        format!("{} {} {}", key("audit_action"), key("auditable_type"), key("auditable_id"))
    });
    let mut lines = vec![format!("{what} by {}", names.collect::<Vec<_>>().join(", "))];
    lines.extend(audit["auditable_url"].as_str().map(str::to_owned));
    lines.extend(audit["changes"].as_array().into_iter().flatten().map(change));
    if let Some(count) = audit["collated"]["count"].as_u64() {
        lines.push(format!("collated from {count} audits"));
    }
    lines
}

/// A change as one line.
pub fn change(change: &Value) -> String {
    let value = text(&change["value"]).replace("&rarr;", "→");
    format!("{:<16} {}", text(&change["field_name"]), shorten(&value, 60))
}

/// A string as it is; anything else as JSON.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
