//! Whether history, log, and what came in at the hooks agree with each other, and with what was
//! acknowledged.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::arrived::{self, Arrived};
use super::kept::{self, History};
use super::posting::{DISCARDED, RECORDS, events_in};
use super::records;
use super::setup::{self, ALL, BATCHES, LIVE, ONE, SIEM, SOME, STEERED, TWO};
use super::world::{Posted, Stretch, World};
use crate::harness::Client;

/// What is looked at together.
struct Check<'a> {
    api: &'a Client,
    world: &'a World,
    stretch: Stretch,
    history: &'a History,
    /// The messages of this stretch.
    log: BTreeMap<u64, Value>,
    arrived: Arrived,
}

/// Checks all that happened in the stretch, which begins anew.
pub fn check(api: &Client, world: &World, history: &History) {
    let stretch = std::mem::take(&mut *world.stretch.lock().unwrap());
    let (messages_before, events_before) = *world.before.lock().unwrap();
    let log = kept::log(api, messages_before);
    let events = kept::events(api, events_before);
    let arrived = Arrived::of(world.hooks.take());
    let check = Check { api, world, stretch, history, log, arrived };
    check.log_and_hooks_agree(messages_before);
    for hook in [ONE, TWO, SOME, LIVE, ALL, STEERED] {
        check.all_were_told(hook, messages_before);
    }
    check.security(&events, messages_before);
    check.discarded();
    let firsts = check.arrived.firsts(messages_before);
    arrived::check_order(&firsts);
    records::check_arrivals(world, &firsts);
    world.count("messages", check.log.len() as u64);
    world.count("requests", check.arrived.requests as u64);
    world.count("requests again", (check.arrived.requests - firsts.len()) as u64);
    let newest = |found: Option<&u64>, before| found.copied().unwrap_or(before);
    *world.before.lock().unwrap() = (
        newest(check.log.keys().next_back(), messages_before),
        newest(events.keys().next_back(), events_before),
    );
}

impl Check<'_> {
    fn status(&self, message: u64) -> Option<&str> {
        self.log.get(&message).map(|found| found["status"].as_str().expect("a status"))
    }

    /// What the log calls delivered was taken by its hook, and what came in is in the log.
    fn log_and_hooks_agree(&self, before: u64) {
        for (id, message) in &self.log {
            let status = message["status"].as_str().expect("a status");
            let taken = self.arrived.get(*id).map(|(_, taken)| taken);
            match status {
                "delivered" => assert_eq!(taken, Some(true), "its hook never took {message}"),
                "failed" => assert!(taken.is_some(), "its hook never saw {message}"),
                _ => assert!(["superseded", "cancelled"].contains(&status), "{message}"),
            }
        }
        for (id, got, _) in self.arrived.messages() {
            if id > before.max(self.stretch.forgotten) {
                assert!(self.log.contains_key(&id), "not in the log: {got:?}");
            } else if id <= before {
                // Redelivered: it says what it said then, if it is known still.
                let found = self.api.call("GET", &format!("/messages/{id}"), &[], b"");
                let found = found.expect("an answer");
                let same = found.status == 404 || found.json()["body"] == got.body.as_str();
                assert!(same, "{got:?} was {found:?}");
            }
        }
    }

    /// Every audit that a hook wanted is in exactly one message to it. What was superseded does not
    /// count: what took it in does (R17).
    fn all_were_told(&self, hook: &str, before: u64) {
        // Audits that went alone and at once, and those that were collated.
        let mut alone: HashMap<String, u64> = HashMap::new();
        let mut collated: HashMap<String, u64> = HashMap::new();
        for id in self.messages_to(hook).range(before + 1..) {
            let ids = self.audits_of(*id);
            let is_live = hook == LIVE || (hook == ALL && ids.len() == 1);
            let told = if is_live { &mut alone } else { &mut collated };
            for audit in &ids {
                let Some(other) = told.insert(audit.clone(), *id) else { continue };
                // A message that was taken in may have been forgotten since.
                let was_taken_in = self.status(other).is_none()
                    && self.audits_of(other).iter().all(|audit| ids.contains(audit));
                let (one, two) = (self.tell(other), self.tell(*id));
                assert!(was_taken_in, "{audit} is in two messages to {hook}: {one} and {two}");
            }
        }
        for told in [&alone, &collated] {
            for (audit, message) in told {
                let posted = self.stretch.posted.get(audit);
                let posted = posted.unwrap_or_else(|| panic!("{audit} in {message} to {hook}"));
                let known = self.history.has(audit) || posted.forgettable;
                assert!(known, "{audit}, in {message} to {hook}, is not in the history");
                assert!(setup::wants(hook, *posted), "{audit}, in {message} to {hook}");
            }
        }
        let told = if matches!(hook, LIVE | ALL) { alone } else { collated };
        let untold: Vec<_> =
            self.wanted(hook).filter(|(audit, _)| !told.contains_key(*audit)).collect();
        assert!(untold.is_empty(), "{hook} was never told of {untold:?}");
    }

    /// The audits that the hook must have been told of.
    fn wanted<'a>(&'a self, hook: &'a str) -> impl Iterator<Item = (&'a String, &'a Posted)> {
        self.stretch.posted.iter().filter(move |(audit, posted)| {
            let there = self.history.has(audit) || self.stretch.acknowledged.contains(*audit);
            let may_be_discarded = posted.record >= DISCARDED && !matches!(hook, LIVE | ALL);
            there && !may_be_discarded && hook != STEERED && setup::wants(hook, **posted)
        })
    }

    /// The messages to a hook that no other took in.
    fn messages_to(&self, hook: &str) -> BTreeSet<u64> {
        let integration = self.world.integrations.id(hook);
        let logged = self.log.iter().filter(|(_, found)| found["integration"]["id"] == integration);
        let arrived = self.arrived.messages().filter(|(_, got, _)| got.path == hook);
        let ids = logged.map(|(id, _)| *id).chain(arrived.map(|(id, ..)| id));
        ids.filter(|id| self.status(*id) != Some("superseded")).collect()
    }

    /// All that the log knows of a message.
    fn tell(&self, message: u64) -> String {
        self.api.call("GET", &format!("/messages/{message}"), &[], b"").expect("an answer").text
    }

    fn audits_of(&self, message: u64) -> Vec<String> {
        let body = match self.arrived.get(message) {
            Some((got, _)) => got.body.clone(),
            None => {
                let whole = self.api.get(&format!("/messages/{message}"), 200);
                whole["body"].as_str().expect("a body").to_owned()
            }
        };
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let collated = &body["audit"]["collated"];
        let ids = collated["audit_ids"].as_array().expect("ids").iter();
        let ids: Vec<String> = ids.map(|id| id.as_str().expect("an id").to_owned()).collect();
        assert_eq!(collated["count"], ids.len(), "{body}");
        ids
    }

    /// Security events that were acknowledged are in the list once and came to both hooks, each in one
    /// message; and Lull took down what was discarded.
    fn security(&self, events: &BTreeMap<u64, Value>, before: u64) {
        let listed = events.values().map(|event| event["id"].as_str().expect("an id"));
        let listed = kept::counted(listed);
        for (id, forgettable) in &self.stretch.events {
            let count = listed.get(id.as_str()).copied().unwrap_or_default();
            assert!(count == 1 || (count == 0 && *forgettable), "{id} is listed {count} times");
        }
        for hook in [SIEM, BATCHES] {
            let mut message_of: HashMap<String, u64> = HashMap::new();
            let to_hook = self.arrived.messages().filter(|(_, got, _)| got.path == hook);
            for (message, got, taken) in to_hook.filter(|(id, ..)| *id > before) {
                assert!(taken, "{hook} never took {got:?}");
                for event in events_in(&got.body) {
                    let other = message_of.insert(event.clone(), message);
                    assert_eq!(other, None, "{event} is in {message} to {hook}, too");
                }
            }
            let mut posted = self.stretch.events.keys();
            let untold = posted.find(|id| !message_of.contains_key(*id));
            assert_eq!(untold, None, "{hook} was never told of it");
        }
        let discarded =
            events.values().filter(|event| event["action"] == "window.discarded").count();
        assert!(discarded as u64 >= self.stretch.discarded, "what was discarded is not listed");
        self.world.count("security events", self.stretch.events.len() as u64);
    }

    /// Every audit of a record whose windows were discarded now and then is in a message, or was
    /// discarded.
    fn discarded(&self) {
        let hook = self.world.integrations.id(ONE);
        for record in DISCARDED..RECORDS {
            let path = format!("/records/feature/{record}/why?integration={hook}");
            for audit in self.api.all(&path, "after_id") {
                let decision = audit["decision"].as_str().expect("a decision");
                assert!(["addressed", "discarded"].contains(&decision), "{audit}");
            }
        }
    }
}
