//! The audits of a window to one audit, word for word from section 2 (R11-R15) and section 3.

use serde_json::{Map, Value, json};

/// An audit as it was said, its place, and what the integration sees of its changes.
pub struct Seen<'a> {
    pub place: u64,
    pub said: &'a Value,
    pub changes: Vec<Value>,
}

/// The body; none when nothing changed in the end.
pub fn body(seen: &[Seen], aha: bool) -> Option<Value> {
    let (first, last) = (seen.first()?, seen.last()?);
    let existed = first.said["audit_action"] != "create";
    let exists = last.said["audit_action"] != "destroy";
    let action = match (existed, exists) {
        (true, true) => "update",
        (false, true) => "create",
        _ => "destroy",
    };
    let changes = changes(seen, aha);
    let had_changes = seen.iter().any(|audit| !audit.changes.is_empty());
    if action == "update" && had_changes && changes.is_empty() {
        return None;
    }
    let newest = |key: &str| {
        let found = seen.iter().rev().map(|audit| &audit.said[key]).find(|value| !value.is_null());
        found.cloned().unwrap_or(Value::Null)
    };
    let contributors: Vec<Value> = contributors(seen)
        .into_iter()
        .map(|user| if aha { json!({"user": user}) } else { user })
        .collect();
    let mut audit = json!({
        "id": id(first), "audit_action": action, "created_at": created_at(first),
        "interesting": seen.iter().any(|audit| audit.said["interesting"] != json!(false)),
        "user": if first.said["user"].is_null() { Value::Null } else { user(&first.said["user"]) },
        "contributors": contributors,
        "auditable_type": first.said["auditable_type"], "auditable_id": first.said["auditable_id"],
        "associated_type": newest("associated_type"), "associated_id": newest("associated_id"),
        "description": newest("description"), "auditable_url": newest("auditable_url"),
        "changes": changes,
    });
    if !aha {
        let ids: Vec<String> = seen.iter().map(id).collect();
        let newest_ids = &ids[ids.len().saturating_sub(1_000)..];
        audit["collated"] = json!({"count": seen.len(), "audit_ids": newest_ids,
            "first_at": created_at(first), "last_at": created_at(last)});
        if !newest("workspace_id").is_null() {
            audit["workspace_id"] = newest("workspace_id");
        }
    }
    Some(json!({"event": "audit", "audit": audit}))
}

fn id(audit: &Seen) -> String {
    audit.said["id"].as_str().map_or_else(|| audit.place.to_string(), str::to_owned)
}

fn created_at(audit: &Seen) -> String {
    let said = audit.said["created_at"].as_str();
    said.map_or_else(|| rfc3339(time_of(audit.place)), str::to_owned)
}

/// The millisecond that an id was made in: unix seconds in the high 32 bits, the fraction of the second
/// below, cut on the way in.
pub fn time_of(id: u64) -> i64 {
    let (seconds, fraction) = (id >> 32, id & 0xFFFF_FFFF);
    (seconds * 1_000 + (((fraction + 1) * 1_000) >> 32).min(999)) as i64
}

fn rfc3339(ms: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(ms).expect("a time"))
}

const DETAILS: [&str; 4] = ["name", "email", "created_at", "updated_at"];

fn user(said: &Value) -> Value {
    let mut user = json!({"id": said["id"]});
    for detail in DETAILS {
        user[detail] = said[detail].clone();
    }
    user
}

/// Everyone once, in order of first appearance, with the newest details seen (R11).
fn contributors(seen: &[Seen]) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    for audit in seen {
        let others = audit.said["contributors"].as_array().into_iter().flatten();
        for one in std::iter::once(&audit.said["user"]).chain(others) {
            if one.is_null() {
                continue;
            }
            match all.iter_mut().find(|known| known["id"] == one["id"]) {
                None => all.push(user(one)),
                Some(known) => {
                    for detail in DETAILS.iter().filter(|detail| !one[**detail].is_null()) {
                        known[*detail] = one[*detail].clone();
                    }
                }
            }
        }
    }
    all
}

/// One entry a field, with the last value and the first old value; arrows that join are joined, and what
/// ended where it began is dropped (R12).
fn changes(seen: &[Seen], aha: bool) -> Vec<Value> {
    let mut fields: Vec<Map<String, Value>> = Vec::new();
    for change in seen.iter().flat_map(|audit| &audit.changes) {
        let (name, value) = (&change["field_name"], &change["value"]);
        match fields.iter_mut().find(|field| field["field_name"] == *name) {
            Some(field) => {
                let both = (arrow(&field["value"]), arrow(value));
                field["value"] = match both {
                    (Some((start, middle)), Some((joint, end))) if middle == joint => {
                        json!(format!("{start} &rarr; {end}"))
                    }
                    _ => value.clone(),
                };
            }
            None => {
                let mut field = Map::new();
                field.insert("field_name".into(), name.clone());
                field.insert("value".into(), value.clone());
                if let Some(old) = change.get("old_value") {
                    field.insert("old_value".into(), old.clone());
                }
                fields.push(field);
            }
        }
    }
    fields.retain(|field| {
        let undone = field.get("old_value").is_some_and(|old| *old == field["value"]);
        let came_back = arrow(&field["value"]).is_some_and(|(start, end)| start == end);
        !undone && !came_back
    });
    let written = fields.into_iter().map(|mut field| {
        if aha {
            field.remove("old_value");
        }
        Value::Object(field)
    });
    written.collect()
}

/// The two ends of `A &rarr; B`.
fn arrow(value: &Value) -> Option<(String, String)> {
    let ends: Vec<&str> = value.as_str()?.split(" &rarr; ").collect();
    match ends[..] {
        [start, end] => Some((start.to_owned(), end.to_owned())),
        _ => None,
    }
}
