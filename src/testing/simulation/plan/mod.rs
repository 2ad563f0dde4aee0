//! What happens next, by the dice: what applications post, what people do, how time passes, what goes wrong.
//! Some things are planned together, because by chance alone they would hardly ever meet.
//!
//! - `audits.rs`: what applications say
//! - `specs.rs`: what people ask of integrations

mod audits;
mod specs;

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::dice::Dice;
use super::hooks::{MOODS, Mood};
use super::model::{Doing, Hook, Model, State};
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
    events: u64,
    hooks: u64,
    server: Pair,
    /// What was planned together, and is still to come.
    together: VecDeque<Step>,
    /// How often things go wrong, in this seed.
    rough: bool,
    /// Whether security events are what most of it is about.
    of_events: bool,
}

/// The server's pair: one that leaves room for the overrides below (R3).
pub fn server_pair(dice: &mut Dice) -> Pair {
    let quiet = *dice.pick(&[0, 1_000, 20_000, 300_000, 300_000]);
    Pair { quiet, max: *dice.pick(&[None, None, Some(30 * MINUTE)]) }
}

impl Planner {
    pub fn new(mut dice: Dice, server: Pair, of_events: bool) -> Planner {
        let rough = dice.percent(70);
        let (audits, events, hooks) = (0, 0, 0);
        Planner { dice, audits, events, hooks, server, together: VecDeque::new(), rough, of_events }
    }

    pub fn restarts_with(&mut self, server: Pair) {
        self.server = server;
    }

    pub fn next(&mut self, model: &Model) -> Step {
        if Planner::of_audits(model).len() < 2 {
            return self.create();
        }
        if self.of_events && !model.hooks.values().any(Hook::is_security) {
            return self.create_security();
        }
        if self.together.is_empty() {
            match self.dice.below(100) {
                0 => self.never_left_alone(),
                1 => self.pruned_in_time(),
                2 => self.pair_after_pair(model),
                3 => self.cut_short(model),
                _ => {}
            }
        }
        if let Some(step) = self.together.pop_front() {
            return step;
        }
        match self.dice.below(if self.rough { 1_000 } else { 930 }) {
            0..=299 if self.of_events && self.dice.percent(60) => self.secure(model),
            0..=329 => self.post(model),
            330..=359 => self.secure(model),
            360..=379 => self.at_once(model),
            380..=679 => self.pass(),
            680..=709 => self.patch(model),
            710..=729 => self.toggle(model),
            730..=739 if model.hooks.len() < 8 => self.create(),
            740..=744 if model.hooks.len() < 8 => self.create_security(),
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
        let hook = *self.dice.pick(&Planner::of_audits(model));
        let record = self.record();
        self.together.push_back(Step::Mood(hook, Mood::Broken));
        for quiet in ["30s", "1s", "10m"] {
            let mut spec = model.hooks[&hook].spec();
            spec["quiet_period"] = json!(quiet);
            let post = self.post_to(&record);
            let pass = Step::Pass(self.dice.range(601_000, 700_000));
            self.together.extend([Step::Do(Doing::Update(hook, spec)), post, pass]);
        }
    }

    /// Calls that share one commit, which the power may go in.
    fn cut_short(&mut self, model: &Model) {
        let at_once = self.at_once(model);
        let crash = Step::Crash(Some(0));
        self.together.extend([crash, at_once]);
    }

    fn at_once(&mut self, model: &Model) -> Step {
        let mut all = Vec::new();
        for _ in 0..self.dice.range(2, 5) {
            let step = match self.dice.below(13) {
                0..=4 => self.post(model),
                // Once is enough, and comes before what is asked for again.
                5 if all.is_empty() => Step::Do(Doing::Prune(*self.dice.pick(&[0, HOUR, DAY]))),
                5 => self.redeliver(model),
                6 | 7 => self.secure(model),
                8 => self.patch(model),
                9 => self.toggle(model),
                10 => self.cancel(model),
                _ => self.redeliver(model),
            };
            match step {
                Step::Do(doing) => all.push(doing),
                _ => continue,
            }
        }
        // What is asked of one that is gone comes to nothing.
        if self.dice.percent(5) && model.hooks.len() > 2 {
            all.push(Doing::Delete(self.hook(model)));
        }
        match all.is_empty() {
            true => self.post(model),
            false => Step::Do(Doing::AtOnce(all)),
        }
    }

    /// Integrations that take audits.
    fn of_audits(model: &Model) -> Vec<u64> {
        let of_audits = model.hooks.iter().filter(|(_, hook)| !hook.is_security());
        of_audits.map(|(id, _)| *id).collect()
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

    fn secure(&mut self, model: &Model) -> Step {
        let mut events: Vec<Value> = Vec::new();
        for _ in 0..self.dice.range(1, 3) {
            let mut event = self.event();
            let known = model.events_known();
            if self.dice.percent(6) && !known.is_empty() {
                event["id"] = json!(self.dice.pick(&known));
            }
            events.push(event);
        }
        Step::Do(Doing::Secure(events))
    }

    fn create(&mut self) -> Step {
        self.hooks += 1;
        let mut spec = json!({"name": format!("hook {}", self.hooks), "kind": "activity",
            "hook_url": "http://hook.test/", "enabled": true});
        for _ in 0..3 {
            let edit = specs::edit(&mut self.dice, &spec);
            json_patch::merge(&mut spec, &edit);
        }
        Step::Do(Doing::Create(spec))
    }

    /// One that takes security events: not those of the server itself, which nobody plans.
    fn create_security(&mut self) -> Step {
        self.hooks += 1;
        let mut spec = json!({"name": format!("hook {}", self.hooks), "kind": "security",
            "hook_url": "http://hook.test/", "enabled": true, "actions": ["app.*"]});
        let edit = specs::edit_security(&mut self.dice);
        json_patch::merge(&mut spec, &edit);
        Step::Do(Doing::Create(spec))
    }

    fn patch(&mut self, model: &Model) -> Step {
        let hook = self.hook(model);
        let mut spec = model.hooks[&hook].spec();
        let edit = match model.hooks[&hook].is_security() {
            true => specs::edit_security(&mut self.dice),
            false => specs::edit(&mut self.dice, &spec),
        };
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

    fn redeliver(&mut self, model: &Model) -> Step {
        let of_events = |hook: u64| model.hooks.get(&hook).is_some_and(Hook::is_security);
        let wanted =
            model.messages.iter().rev().filter(|(_, it)| !self.of_events || of_events(it.hook));
        let ids: Vec<u64> = wanted.take(40).map(|(id, _)| *id).collect();
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
        let mut enabled = Planner::of_audits(model);
        enabled.retain(|id| model.hooks[id].is_enabled());
        match model.mark_back(back) {
            Some(mark) if !enabled.is_empty() => {
                Step::Do(Doing::Replay(*self.dice.pick(&enabled), mark))
            }
            _ => self.pass(),
        }
    }
}
