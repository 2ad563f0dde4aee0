//! Security events: each is sent at once, alone, to whoever wants it, in order.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::by_hand::{first, is_in, said};
use super::rows::Expected;
use super::{Model, Objection, ensure};
use crate::testing::simulation::seen::{At, Commit, Left, Source};

impl Model {
    pub(super) fn secured(
        &mut self,
        at: At,
        events: &[Value],
        left: &mut Commit,
    ) -> Result<(), Objection> {
        let mut expected = Vec::new();
        for event in events {
            let said = said(event);
            let id = said["id"].as_str().map(str::to_owned);
            if id.as_ref().is_some_and(|id| self.events_known.contains_key(id)) {
                continue;
            }
            let Some((place, kept)) = first(&mut left.events, 1).pop() else {
                return Err(format!("a security event is not there: {said}"));
            };
            ensure!(is_in(&said, &kept), "a security event is kept as\n{kept}\nand was\n{said}");
            let after_all = self.events.last_key_value().is_none_or(|(last, _)| *last < place);
            ensure!(after_all, "the security event at {place} is not the last");
            // Two are the same by the id that they came with.
            self.events_known.extend(id.map(|id| (id, place)));
            let wanting = self.hooks.iter().filter(|(_, hook)| hook.spec.sees_event(&said));
            expected.extend(wanting.map(|(hook, _)| Expected {
                hook: *hook,
                record: ("security_event".to_owned(), String::new()),
                source: Source::Event(place),
                windows: vec![],
                body: json!({"event": "security", "security": said}),
                asked: false,
            }));
            self.events.insert(place, said);
        }
        let rows = first(&mut left.owed, expected.len());
        self.expect(at, &rows, expected)
    }

    /// Those that are older go, and no others: a message has all that it needs.
    pub(super) fn events_pruned(
        &mut self,
        before: u64,
        left: &Left,
        to_the_end: bool,
    ) -> Result<(), Objection> {
        let there: BTreeSet<u64> = left.events.iter().map(|(place, _)| *place).collect();
        for gone in self.events.keys().filter(|place| !there.contains(place)) {
            ensure!(
                *gone < before,
                "the security event {gone} was pruned, which is not old enough"
            );
        }
        let kept = there.first().filter(|place| to_the_end && **place < before);
        ensure!(kept.is_none(), "the security event {kept:?} should have been pruned");
        self.events.retain(|place, _| there.contains(place));
        self.events_known.retain(|_, place| there.contains(place));
        Ok(())
    }

    /// What the next events may say once more.
    pub fn events_known(&self) -> Vec<String> {
        self.events_known.keys().cloned().collect()
    }
}
