//! What an integration asks for, as it was written.

use serde_json::Value;

use crate::testing::simulation::seen::Pair;

/// The waits after the first try, the second, and so on, in milliseconds (section 6).
const SCHEDULE: [u64; 7] =
    [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000];

/// An integration's specification, with the defaults of section 3.
#[derive(Clone, Debug)]
pub struct Spec(pub Value);

/// What it overrides of the server's pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    quiet: Option<u64>,
    /// `off` is Some(None).
    max: Option<Option<u64>>,
}

impl Override {
    pub fn of(self, server: Pair) -> Pair {
        Pair { quiet: self.quiet.unwrap_or(server.quiet), max: self.max.unwrap_or(server.max) }
    }
}

impl Spec {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    pub fn enabled(&self) -> bool {
        self.0.get("enabled").and_then(Value::as_bool).unwrap_or(true)
    }

    pub fn is_security(&self) -> bool {
        self.text("kind") == Some("security")
    }

    pub fn is_live(&self) -> bool {
        self.text("collation") == Some("live")
    }

    pub fn is_all(&self) -> bool {
        self.text("collation") == Some("all")
    }

    pub fn is_aha(&self) -> bool {
        self.text("format") == Some("aha")
    }

    pub fn collates_backlog(&self) -> bool {
        self.0.get("collate_backlog").and_then(Value::as_bool).unwrap_or(true)
    }

    pub fn max_in_flight(&self) -> usize {
        self.0.get("max_in_flight").and_then(Value::as_u64).unwrap_or(256) as usize
    }

    /// How many milliseconds lie between two requests at least, where they are limited.
    pub fn spread(&self) -> Option<u64> {
        let a_second = self.0.get("rate_limit").and_then(Value::as_u64)?;
        Some(1_000 / a_second)
    }

    pub fn overrides(&self) -> Override {
        Override {
            quiet: self.text("quiet_period").map(ms),
            max: self.text("max_wait").map(|max| if max == "off" { None } else { Some(ms(max)) }),
        }
    }

    pub fn schedule(&self) -> Vec<u64> {
        match self.0.get("retry_schedule").and_then(Value::as_array) {
            Some(waits) => waits.iter().map(|wait| ms(wait.as_str().unwrap_or("?"))).collect(),
            None => SCHEDULE.to_vec(),
        }
    }

    /// Which changes of an audit it may see; none when it may not see the audit (R6-R9).
    pub fn sees(&self, audit: &Value) -> Option<Vec<Value>> {
        let own = self.text("workspace_id");
        if own.is_some() && own != audit.get("workspace_id").and_then(Value::as_str) {
            return None;
        }
        let users = list(&self.0, "users");
        if !users.is_empty() && !has(&users, audit["user"].get("id")) {
            return None;
        }
        let changes = audit["changes"].as_array().cloned().unwrap_or_default();
        let rows = self.0.get("activities").and_then(Value::as_array).cloned().unwrap_or_default();
        if rows.is_empty() {
            return Some(changes);
        }
        let matching: Vec<&Value> =
            rows.iter().filter(|row| row_matches(row, audit, &changes, own.is_none())).collect();
        if matching.is_empty() {
            return None;
        }
        let is_kept = |change: &Value| matching.iter().any(|row| row_keeps(row, change));
        Some(changes.into_iter().filter(is_kept).collect())
    }
}

impl Spec {
    /// Whether it is to be sent a security event (section 7): by what was done, by whom, how it ended
    /// and how grave it is.
    pub fn sees_event(&self, event: &Value) -> bool {
        let actions = list(&self.0, "actions");
        let action = event["action"].as_str().unwrap_or("?");
        // `login.*` is of `login` and of everything below it.
        let is_of = |listed: &String| match listed.strip_suffix(".*") {
            Some(above) => {
                let below = action.strip_prefix(above);
                below.is_some_and(|below| below.is_empty() || below.starts_with('.'))
            }
            None => listed == action,
        };
        let users = list(&self.0, "users");
        let outcome = self.text("outcome");
        let grave = |of: &Value, key: &str| of.get(key).and_then(Value::as_u64).unwrap_or(0);
        self.is_security()
            && self.enabled()
            && (actions.is_empty() || actions.iter().any(is_of))
            && (users.is_empty() || has(&users, event["user"].get("id")))
            && (outcome.is_none() || outcome == event["outcome"].as_str())
            && grave(event, "severity") >= grave(&self.0, "min_severity")
    }
}

fn row_matches(row: &Value, audit: &Value, changes: &[Value], account_level: bool) -> bool {
    let workspaces = list(row, "workspaces");
    if account_level && !workspaces.is_empty() && !has(&workspaces, audit.get("workspace_id")) {
        return false;
    }
    let types: Vec<String> =
        list(row, "record_types").iter().map(|name| name.to_lowercase()).collect();
    let lower = |key: &str| audit.get(key).and_then(Value::as_str).map(str::to_lowercase);
    let of_record = lower("auditable_type").is_some_and(|name| types.contains(&name));
    let associated = row.get("include_associated") == Some(&Value::Bool(true))
        && lower("associated_type").is_some_and(|name| types.contains(&name));
    if !(types.is_empty() || of_record || associated) {
        return false;
    }
    if changes.is_empty() {
        return list(row, "fields").is_empty();
    }
    changes.iter().any(|change| row_keeps(row, change))
}

fn row_keeps(row: &Value, change: &Value) -> bool {
    let fields = list(row, "fields");
    (fields.is_empty() || has(&fields, change.get("field_name")))
        && !has(&list(row, "exclude_fields"), change.get("field_name"))
}

fn list(of: &Value, key: &str) -> Vec<String> {
    let items = of.get(key).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn has(list: &[String], name: Option<&Value>) -> bool {
    name.and_then(Value::as_str).is_some_and(|name| list.iter().any(|listed| listed == name))
}

/// A duration as people write it.
fn ms(text: &str) -> u64 {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => panic!("the plan writes one unit: {text}"),
    };
    number.parse::<u64>().expect("digits") * unit
}
