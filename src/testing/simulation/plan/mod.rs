//! What happens next, by the dice: what applications post, what people do, how time passes, what goes wrong.
//! Some things are planned together, because by chance alone they would hardly ever meet.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::dice::Dice;
use super::hooks::{MOODS, Mood};
use super::model::{Doing, Model, State};
use super::seen::{Pair, Record};

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    Do(Doing),
    Pass(u64),
    /// The wall clock jumps.
    Jump(i64),
    Mood(u64, Mood),
    /// The server is stopped, orderly.
    Stop,
    /// The power goes during the commit after so many others, or at once.
    Crash(Option<u64>),
    /// All that is stored is looked at.
    Look,
}

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Makes plans.
pub struct Planner {
    dice: Dice,
    audits: u64,
    hooks: u64,
    server: Pair,
    /// What was planned together, and is still to come.
    together: VecDeque<Step>,
    /// How often things go wrong, in this seed.
    rough: bool,
}

/// The server's pair: one that leaves room for the overrides below (R3).
pub fn server_pair(dice: &mut Dice) -> Pair {
    let quiet = *dice.pick(&[0, 1_000, 20_000, 300_000, 300_000]);
    Pair { quiet, max: *dice.pick(&[None, None, Some(30 * MINUTE)]) }
}

impl Planner {
    pub fn new(mut dice: Dice, server: Pair) -> Planner {
        let rough = dice.percent(70);
        Planner { dice, audits: 0, hooks: 0, server, together: VecDeque::new(), rough }
    }

    pub fn restarts_with(&mut self, server: Pair) {
        self.server = server;
    }

    pub fn next(&mut self, model: &Model) -> Step {
        if model.hooks.len() < 2 {
            return self.create();
        }
        if self.together.is_empty() {
            match self.dice.below(100) {
                0 => self.never_left_alone(),
                1 => self.pruned_in_time(),
                2 => self.pair_after_pair(model),
                _ => {}
            }
        }
        if let Some(step) = self.together.pop_front() {
            return step;
        }
        match self.dice.below(if self.rough { 1_000 } else { 930 }) {
            0..=379 => self.post(model),
            380..=679 => self.pass(),
            680..=709 => self.patch(model),
            710..=729 => self.toggle(model),
            730..=744 if model.hooks.len() < 7 => self.create(),
            745..=749 if model.hooks.len() > 2 => Step::Do(Doing::Delete(self.hook(model))),
            750..=789 => {
                let hook = self.hook(model);
                Step::Mood(hook, self.dice.weighed(&MOODS))
            }
            790..=814 => Step::Do(Doing::SendNow(self.record())),
            815..=824 => Step::Do(Doing::Discard(self.record())),
            825..=844 => self.redeliver(model),
            845..=859 => self.cancel(model),
            860..=869 => self.replay(model),
            870..=881 => self.jump(),
            882..=891 => Step::Do(Doing::Prune(*self.dice.pick(&[0, HOUR, DAY, 30 * DAY]))),
            892..=904 => Step::Look,
            905..=929 => Step::Stop,
            930..=999 => {
                let after = self.dice.below(4);
                Step::Crash(if self.dice.percent(25) { None } else { Some(after) })
            }
            _ => self.pass(),
        }
    }

    fn post_to(&mut self, record: &Record) -> Step {
        let mut audit = self.audit();
        (audit["auditable_type"], audit["auditable_id"]) = (json!(record.0), json!(record.1));
        Step::Do(Doing::Post(vec![audit]))
    }

    /// A record is edited again and again, for longer than it may wait (R3).
    fn never_left_alone(&mut self) {
        let record = self.record();
        let every = *self.dice.pick(&[900, 19_000, 280_000, 290_000, 590_000]);
        for _ in 0..self.dice.range(5, 14) {
            let post = self.post_to(&record);
            self.together.extend([post, Step::Pass(every)]);
        }
    }

    /// All that may be forgotten is, between two edits of a few minutes, and the power goes.
    fn pruned_in_time(&mut self) {
        let (one, other) = (self.record(), self.record());
        let pass = *self.dice.pick(&[10, 2_000, 25_000]);
        let (first, second) = (self.post_to(&one), self.post_to(&other));
        let forget = Step::Do(Doing::Prune(0));
        let steps = [first, Step::Pass(pass), forget, second, Step::Crash(None)];
        self.together.extend(steps);
    }

    /// An integration's pair is changed and changed again while its hook is down (R4, R17).
    fn pair_after_pair(&mut self, model: &Model) {
        let (hook, record) = (self.hook(model), self.record());
        self.together.push_back(Step::Mood(hook, Mood::Broken));
        for quiet in ["30s", "1s", "10m"] {
            let mut spec = model.hooks[&hook].spec();
            spec["quiet_period"] = json!(quiet);
            let post = self.post_to(&record);
            let pass = Step::Pass(self.dice.range(601_000, 700_000));
            self.together.extend([Step::Do(Doing::Update(hook, spec)), post, pass]);
        }
    }

    fn hook(&mut self, model: &Model) -> u64 {
        let ids: Vec<u64> = model.hooks.keys().copied().collect();
        *self.dice.pick(&ids)
    }

    fn pass(&mut self) -> Step {
        let dice = &mut self.dice;
        let about = |dice: &mut Dice, ms: u64| (ms + dice.below(3)).saturating_sub(1);
        let quiet = self.server.quiet;
        Step::Pass(match dice.below(100) {
            0..=19 => dice.range(0, 40),
            20..=39 => dice.range(100, 7_000),
            40..=59 => about(dice, quiet),
            60..=69 => about(dice, quiet / 2),
            70..=76 => {
                let own = *dice.pick(&[1_000, 30_000, 600_000, 20 * MINUTE]);
                about(dice, own)
            }
            77..=87 => dice.range(MINUTE, 20 * MINUTE),
            88..=95 => dice.range(HOUR, 12 * HOUR),
            96..=98 => dice.range(DAY, 3 * DAY),
            _ => dice.range(4 * DAY, 7 * DAY),
        })
    }

    fn jump(&mut self) -> Step {
        let ms = *self.dice.pick(&[1_000, MINUTE, HOUR, 5 * HOUR, DAY]) as i64;
        Step::Jump(if self.dice.percent(50) { ms } else { -ms })
    }

    fn record(&mut self) -> Record {
        let types = ["feature", "feature", "Epic", "comment", "ideas/idea"];
        (self.dice.pick(&types).to_string(), self.dice.range(1, 2).to_string())
    }

    fn post(&mut self, model: &Model) -> Step {
        let count = if self.dice.percent(85) { 1 } else { self.dice.range(2, 8) };
        let mut audits: Vec<Value> = Vec::new();
        for _ in 0..count {
            let mut audit = self.audit();
            if self.dice.percent(6) {
                // Posted again: an id of this call, or one from before.
                let known = model.ids_known();
                let here = audits.last().map(|last| last["id"].clone()).filter(|id| !id.is_null());
                match (here, known.is_empty()) {
                    (Some(id), _) if self.dice.percent(50) => audit["id"] = id,
                    (_, false) => audit["id"] = json!(self.dice.pick(&known)),
                    _ => {}
                }
            }
            audits.push(audit);
        }
        Step::Do(Doing::Post(audits))
    }

    fn audit(&mut self) -> Value {
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
            let words = dice.range(500, 6_000) as usize;
            audit["description"] = json!(format!("at length {serial} ").repeat(words / 4));
        }
        if dice.percent(10) {
            // The client's clock says nothing about the order.
            audit["created_at"] =
                json!(dice.pick(&["2020-02-29T23:59:59.999Z", "2038-01-19T03:14:08.000Z"]));
        }
        audit
    }

    fn create(&mut self) -> Step {
        self.hooks += 1;
        let mut spec = json!({"name": format!("hook {}", self.hooks), "kind": "activity",
            "hook_url": "http://hook.test/", "enabled": true});
        for _ in 0..3 {
            let edit = self.edit(&spec);
            json_patch::merge(&mut spec, &edit);
        }
        Step::Do(Doing::Create(spec))
    }

    fn patch(&mut self, model: &Model) -> Step {
        let hook = self.hook(model);
        let mut spec = model.hooks[&hook].spec();
        let edit = self.edit(&spec);
        json_patch::merge(&mut spec, &edit);
        Step::Do(Doing::Update(hook, spec))
    }

    fn toggle(&mut self, model: &Model) -> Step {
        // Those that are disabled are enabled again more often, or soon none would be left.
        let disabled = model.hooks.iter().find(|(_, hook)| !hook.is_enabled());
        let hook = match disabled {
            Some((id, _)) if self.dice.percent(70) => *id,
            _ => self.hook(model),
        };
        let mut spec = model.hooks[&hook].spec();
        spec["enabled"] = json!(spec["enabled"] != json!(true));
        Step::Do(Doing::Update(hook, spec))
    }

    fn edit(&mut self, spec: &Value) -> Value {
        let dice = &mut self.dice;
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

    fn redeliver(&mut self, model: &Model) -> Step {
        let ids: Vec<u64> = model.messages.keys().rev().take(40).copied().collect();
        if ids.is_empty() {
            return self.pass();
        }
        let mut chosen: Vec<u64> =
            (0..self.dice.range(1, 3)).map(|_| *self.dice.pick(&ids)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        Step::Do(Doing::Redeliver(chosen))
    }

    fn cancel(&mut self, model: &Model) -> Step {
        let owed = model.messages.iter().filter(|(_, it)| it.state == State::Owed);
        let owed: Vec<u64> = owed.map(|(id, _)| *id).collect();
        match owed.is_empty() {
            true => self.pass(),
            false => Step::Do(Doing::Cancel(*self.dice.pick(&owed))),
        }
    }

    fn replay(&mut self, model: &Model) -> Step {
        let back = self.dice.below(8) as usize;
        let enabled: Vec<u64> =
            model.hooks.iter().filter(|(_, it)| it.is_enabled()).map(|(id, _)| *id).collect();
        match model.mark_back(back) {
            Some(mark) if !enabled.is_empty() => {
                Step::Do(Doing::Replay(*self.dice.pick(&enabled), mark))
            }
            _ => self.pass(),
        }
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
