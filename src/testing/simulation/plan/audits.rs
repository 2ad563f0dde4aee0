//! What applications say: audits and security events.

use serde_json::{Value, json};

use super::Planner;
use crate::testing::noise;
use crate::testing::simulation::dice::Dice;

impl Planner {
    pub(super) fn audit(&mut self) -> Value {
        let (record_type, id) = self.record();
        self.audits += 1;
        let serial = self.audits;
        let dice = &mut self.dice;
        let actions = ["update", "update", "update", "update", "create", "destroy"];
        let mut audit = json!({
            "audit_action": dice.pick(&actions), "auditable_type": record_type,
            "auditable_id": id, "changes": changes(dice), "ip": "192.0.2.1",
        });
        if dice.percent(40) {
            audit["id"] =
                if dice.percent(80) { json!(format!("a-{serial}")) } else { json!(serial) };
        }
        if dice.percent(10) {
            audit["auditable_id"] = json!(id.parse::<u64>().expect("a number"));
        }
        if dice.percent(90) {
            audit["user"] = user(dice, serial);
        }
        if dice.percent(15) {
            let (flat, wrapped) = (user(dice, serial), json!({"user": user(dice, serial)}));
            audit["contributors"] = json!([flat, wrapped]);
        }
        if dice.percent(60) {
            audit["workspace_id"] = json!(dice.pick(&["ws1", "ws2"]));
        }
        if record_type == "comment" || dice.percent(10) {
            audit["associated_type"] = json!(dice.pick(&["feature", "Feature", "epic"]));
            audit["associated_id"] = json!("7");
        }
        if dice.percent(50) {
            audit["interesting"] = json!(dice.percent(50));
        }
        if dice.percent(50) {
            audit["description"] = json!(format!("did <b>{serial}</b>"));
            audit["auditable_url"] = json!(format!("https://app.test/{serial}"));
        }
        if dice.percent(2) {
            // Large enough for many sectors, and for values that are kept in parts.
            audit["description"] = json!(at_length(serial, dice.range(2_000, 24_000) as usize));
        }
        if dice.percent(10) {
            // The client's clock says nothing about the order.
            audit["created_at"] =
                json!(dice.pick(&["2020-02-29T23:59:59.999Z", "2038-01-19T03:14:08.000Z"]));
        }
        audit
    }

    /// What may have been done to who may do what.
    pub(super) fn event(&mut self) -> Value {
        self.events += 1;
        let serial = self.events;
        let dice = &mut self.dice;
        let actions = ["app.login", "app.login.failed", "app.logins", "app.export"];
        let mut event = json!({
            "action": dice.pick(&actions), "severity": dice.range(0, 10),
            "outcome": dice.pick(&["success", "failure"]), "details": {"serial": serial},
        });
        if dice.percent(60) {
            event["user"] = user(dice, serial);
        }
        if dice.percent(40) {
            event["id"] = json!(format!("e-{serial}"));
        }
        if dice.percent(2) {
            // As large as many sectors.
            event["description"] = json!(at_length(serial, 5_000));
        }
        event
    }
}

fn user(dice: &mut Dice, serial: u64) -> Value {
    let id = *dice.pick(&[101, 102, 103, 7]);
    let mut user = json!({"id": if dice.percent(80) { json!(id.to_string()) } else { json!(id) }});
    if dice.percent(70) {
        user["name"] = json!(format!("N{}", serial % 5));
    }
    if dice.percent(30) {
        user["email"] = json!(format!("n{serial}@example.com"));
        user["updated_at"] = json!("2026-03-01T08:00:00.000Z");
    }
    user
}

const FIELDS: [&str; 4] = ["Name", "Status", "Rank", "Reference num"];

fn changes(dice: &mut Dice) -> Vec<Value> {
    let count = *dice.pick(&[0, 1, 1, 1, 2, 3]);
    let states = ["A", "B", "C"];
    let value = |dice: &mut Dice| match dice.below(8) {
        0..=3 => json!(format!("{} &rarr; {}", dice.pick(&states), dice.pick(&states))),
        4 => json!(dice.below(3)),
        5 => json!(null),
        6 => json!(["x", {"y": dice.below(2)}]),
        _ => json!(dice.pick(&states)),
    };
    let change = |dice: &mut Dice| {
        let mut change = json!({"field_name": dice.pick(&FIELDS), "value": value(dice), "note": 1});
        if dice.percent(40) {
            change["old_value"] = json!(dice.below(3));
        } else if dice.percent(20) {
            change["old_value"] = json!(dice.pick(&states));
        }
        change
    };
    (0..count).map(|_| change(dice)).collect()
}

/// So much text: by turns what is alike, which the store presses, and what is not.
fn at_length(serial: u64, letters: usize) -> String {
    if serial.is_multiple_of(2) {
        format!("at length {serial} ").repeat(letters / 16)
    } else {
        noise(serial, letters)
    }
}
