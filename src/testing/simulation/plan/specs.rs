//! What people ask of integrations.

use serde_json::{Value, json};

use crate::testing::simulation::dice::Dice;

/// An edit of an integration that takes audits.
pub(super) fn edit(dice: &mut Dice, spec: &Value) -> Value {
    match dice.below(12) {
        0 => json!({"collation": dice.pick(&["collated", "live", "all"])}),
        1 => json!({"collate_backlog": dice.percent(50)}),
        2 | 3 => json!({"quiet_period": dice.pick(&[json!(null), json!("0s"), json!("1s"),
            json!("30s"), json!("10m")])}),
        4 => {
            json!({"max_wait": dice.pick(&[json!(null), json!("off"), json!("20m"), json!("2h")])})
        }
        5 => {
            let users = [json!(null), json!([]), json!(["101"]), json!(["101", "102", "7"])];
            json!({"users": dice.pick(&users)})
        }
        6 => match dice.percent(50) {
            true => json!({"workspace_id": null, "activities": activities(dice, true)}),
            false => json!({"workspace_id": dice.pick(&["ws1", "ws2"]),
                            "activities": activities(dice, false)}),
        },
        7 => json!({"activities": activities(dice, spec["workspace_id"].is_null())}),
        8 => json!({"format": dice.pick(&["audit", "audit", "aha"])}),
        9 => json!({"retry_schedule": dice.pick(&[json!(null), json!([]), json!(["5s"]),
            json!(["1s", "1m", "1h"])]), "timeout": dice.pick(&["1s", "15s", "2m"])}),
        10 => json!({"rate_limit": dice.pick(&[json!(null), json!(1), json!(3), json!(40)])}),
        _ => json!({"max_in_flight": dice.pick(&[1, 2, 256])}),
    }
}

/// An edit of one that takes security events.
pub(super) fn edit_security(dice: &mut Dice) -> Value {
    let actions = [json!(["app.*"]), json!(["app.login.*", "app.export"]), json!(["app.login"])];
    match dice.below(7) {
        0 | 1 => json!({"actions": dice.pick(&actions)}),
        2 => json!({"outcome": dice.pick(&[json!(null), json!("failure"), json!("success")])}),
        3 => json!({"min_severity": dice.pick(&[0, 3, 7])}),
        4 => json!({"users": dice.pick(&[json!([]), json!(["101", "102"])])}),
        5 => json!({"retry_schedule": dice.pick(&[json!(null), json!([]), json!(["1s", "1m"])])}),
        _ => json!({"rate_limit": dice.pick(&[json!(null), json!(1)])}),
    }
}

fn activities(dice: &mut Dice, account_level: bool) -> Value {
    let row = |dice: &mut Dice| {
        let mut row = json!({});
        if account_level && dice.percent(30) {
            row["workspaces"] = json!([dice.pick(&["ws1", "ws2"])]);
        }
        if dice.percent(50) {
            row["record_types"] = json!(dice.pick(&[vec!["FEATURE"], vec!["epic", "comment"]]));
            row["include_associated"] = json!(dice.percent(50));
        }
        if dice.percent(30) {
            row["fields"] = json!(dice.pick(&[vec!["Name"], vec!["Status", "Rank"]]));
        }
        if dice.percent(30) {
            row["exclude_fields"] = json!(["Rank", "Reference num"]);
        }
        row
    };
    Value::Array((0..dice.below(4)).map(|_| row(dice)).collect())
}
