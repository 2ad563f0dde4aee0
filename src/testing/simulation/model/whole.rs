//! All that is left in the store: nothing missing, nothing more, nothing else (R18).

use std::collections::BTreeSet;

use super::by_hand::is_in;
use super::collate::time_of;
use super::{Model, Objection, State, ensure};
use crate::testing::simulation::seen::Left;

impl Model {
    /// The store holds what it should.
    pub fn holds(&self, left: &Left) -> Result<(), Objection> {
        let places: BTreeSet<u64> = left.audits.iter().map(|(place, _)| *place).collect();
        let expected: BTreeSet<u64> = self.audits.keys().copied().collect();
        let odd: Vec<_> = places.symmetric_difference(&expected).collect();
        ensure!(odd.is_empty(), "the history differs at {odd:?}");
        for (place, kept) in &left.audits {
            let said = &self.audits[place].said;
            ensure!(is_in(said, kept), "the audit at {place} is\n{kept}\nand was\n{said}");
        }
        let events: Vec<u64> = left.events.iter().map(|(place, _)| *place).collect();
        let expected: Vec<u64> = self.events.keys().copied().collect();
        ensure!(events == expected, "the security events are {events:?}, not {expected:?}");
        for (place, kept) in &left.events {
            let said = &self.events[place];
            ensure!(is_in(said, kept), "the event at {place} is\n{kept}\nand was\n{said}");
        }
        let marks: BTreeSet<u64> = left.marks.iter().map(|mark| mark.id).collect();
        let expected: BTreeSet<u64> = self.marks.keys().copied().collect();
        let odd: Vec<_> = marks.symmetric_difference(&expected).collect();
        ensure!(odd.is_empty(), "the windows differ at {odd:?}");
        let messages: BTreeSet<u64> = left.messages.iter().map(|row| row.id).collect();
        let expected: BTreeSet<u64> = self.messages.keys().copied().collect();
        let odd: Vec<_> = messages.symmetric_difference(&expected).collect();
        ensure!(odd.is_empty(), "the log differs at {odd:?}");
        for row in &left.messages {
            self.is_as_it_should_be(row)?;
            ensure!(row.body == self.messages[&row.id].body, "the body of {} has changed", row.id);
        }
        Ok(())
    }

    /// What was pruned may have been: it is older, and nobody needs it any more.
    /// All of it has gone when it was done to the end.
    pub fn pruned(&mut self, before: u64, left: &Left, to_the_end: bool) -> Result<(), Objection> {
        let mut needed: BTreeSet<u64> = BTreeSet::new();
        for window in self.open.values() {
            needed.extend(window.audits.iter().map(|(place, ..)| *place));
        }
        let mut needed_marks = BTreeSet::new();
        // What to forget was worked out before it was known what this commit would owe again.
        let owed = self
            .messages
            .iter()
            .filter(|(id, it)| it.state == State::Owed && !self.again.contains(id));
        for (_, message) in owed {
            for window in &message.windows {
                needed_marks.insert(*window);
                needed.extend(self.marks.get(window).into_iter().flat_map(|it| &it.places));
            }
            if let super::Source::Audit(place) = message.source {
                needed.insert(place);
            }
        }
        let places: BTreeSet<u64> = left.audits.iter().map(|(place, _)| *place).collect();
        let gone: Vec<u64> =
            self.audits.keys().copied().filter(|place| !places.contains(place)).collect();
        for place in gone {
            ensure!(place < before, "the audit at {place} was pruned, which is not old enough");
            ensure!(!needed.contains(&place), "the audit at {place} was pruned, which is needed");
            self.audits.remove(&place);
        }
        self.known.retain(|_, place| places.contains(place));
        self.events_pruned(before, left, to_the_end)?;
        let marks: BTreeSet<u64> = left.marks.iter().map(|mark| mark.id).collect();
        for mark in self.marks.keys().filter(|mark| !marks.contains(mark)) {
            ensure!(*mark < before, "the window {mark} was pruned, which is not old enough");
            ensure!(!needed_marks.contains(mark), "the window {mark} was pruned, which is needed");
        }
        self.marks.retain(|mark, _| marks.contains(mark));
        let messages: BTreeSet<u64> = left.messages.iter().map(|row| row.id).collect();
        let kept = std::mem::take(&mut self.forgotten).into_iter().find(|id| messages.contains(id));
        ensure!(kept.is_none(), "message {kept:?} is there, and could not be asked for again");
        for (id, message) in self.messages.iter().filter(|(id, _)| !messages.contains(id)) {
            ensure!(*id < before, "message {id} was pruned, which is not old enough");
            ensure!(message.state != State::Owed, "message {id} was pruned, which is owed");
        }
        self.messages.retain(|id, _| messages.contains(id));
        // What nobody needs does go; but audits that came in one commit go together.
        if to_the_end && needed.is_empty() {
            let kept = places.first().filter(|place| time_of(**place) + 1_000 < time_of(before));
            ensure!(kept.is_none(), "the audit at {kept:?} should have been pruned");
            let owed_no_more = self.messages.iter().find(|(_, it)| it.state != State::Owed);
            let kept = owed_no_more.map(|(id, _)| id).filter(|id| **id < before);
            ensure!(kept.is_none(), "message {kept:?} should have been pruned");
        }
        self.holds(left)
    }

    /// What the next steps may be about.
    pub fn ids_known(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }

    /// A mark from which windows could be replayed, counted from the newest.
    pub fn mark_back(&self, nth: usize) -> Option<u64> {
        self.marks.keys().rev().nth(nth).or(self.marks.keys().next()).copied()
    }
}
