//! Messages as the log has them: made, owed, given up.

use std::collections::BTreeSet;

use serde_json::Value;

use super::by_hand::is_in;
use super::{Message, Model, Objection, State, ensure};
use crate::testing::simulation::seen::{At, Record, Row, Source};

impl Model {
    /// Messages that must have been made now, one by one and in this order.
    pub(super) fn expect(
        &mut self,
        at: At,
        rows: &[Row],
        expected: Vec<Expected>,
    ) -> Result<(), Objection> {
        let (made, due): (Vec<_>, Vec<_>) = (
            rows.iter().map(|row| (row.hook, row.source)).collect(),
            expected.iter().map(|it| (it.hook, it.source)).collect(),
        );
        ensure!(made == due, "messages were made for {made:?}, and should be for {due:?}");
        for (row, expected) in rows.iter().zip(expected) {
            let Expected { hook, record, source, windows, body, asked } = expected;
            // The log calls what happened a record; it is one line, whatever happened.
            let is_event = matches!(source, Source::Event(_));
            ensure!(
                row.record == record || is_event,
                "message {} is about {:?}, not {record:?}",
                row.id,
                row.record
            );
            ensure!(
                row.body == body || is_event && is_in(&body, &row.body),
                "message {} has the body\n{}\nand should have\n{body}",
                row.id,
                row.body
            );
            let earlier = &windows[..windows.len().saturating_sub(1)];
            ensure!(
                row.earlier == earlier,
                "message {} names {:?}, not {earlier:?}",
                row.id,
                row.earlier
            );
            self.totals[3] += 1;
            let message = Message {
                hook,
                record,
                source,
                windows,
                body: row.body.clone(),
                state: State::Owed,
                attempts: 0,
                due: at.wall,
                early: 0,
                asked,
                since: at.mono,
                logged: BTreeSet::new(),
                flying: None,
                taken: false,
                perhaps_flying: false,
            };
            self.messages.insert(row.id, message);
            self.touch(hook, at);
            self.leaves(row);
        }
        Ok(())
    }

    /// A message as a commit has left it: what of it this command has done, another one of the same
    /// commit may have undone.
    pub(super) fn leaves(&mut self, row: &Row) {
        self.rows.push(row.clone());
    }

    /// Whether the log tells of a message what is so.
    pub(super) fn is_as_it_should_be(&self, row: &Row) -> Result<(), Objection> {
        let Some(message) = self.messages.get(&row.id) else {
            return Err(format!("message {} should not be there", row.id));
        };
        let held = self.hooks.get(&message.hook).is_some_and(|hook| !hook.spec.enabled());
        let status = match message.state {
            State::Owed if held => "held",
            State::Owed => "pending",
            State::Delivered => "delivered",
            State::Failed => "failed",
            State::Superseded => "superseded",
            State::Cancelled => "cancelled",
        };
        ensure!(
            row.status == status,
            "message {} is {}, and should be {status}",
            row.id,
            row.status
        );
        ensure!(
            row.attempts == message.attempts,
            "message {} has {} attempts, and should have {}",
            row.id,
            row.attempts,
            message.attempts
        );
        let due = (message.state == State::Owed).then_some(message.due);
        ensure!(row.due == due, "message {} is due {:?}, and should be {due:?}", row.id, row.due);
        Ok(())
    }

    pub(super) fn touch(&mut self, hook: u64, at: At) {
        if let Some(hook) = self.hooks.get_mut(&hook) {
            hook.touched = at.mono;
        }
    }

    /// Messages end without an attempt: these, and no others.
    pub(super) fn gives_up(
        &mut self,
        at: At,
        rows: &[Row],
        ids: &[u64],
        state: State,
    ) -> Result<(), Objection> {
        let gone: BTreeSet<u64> = rows.iter().map(|row| row.id).collect();
        let expected: BTreeSet<u64> = ids.iter().copied().collect();
        ensure!(gone == expected, "{gone:?} were given up, and should have been {expected:?}");
        for id in ids {
            self.given_up.insert(*id);
            if let Some(message) = self.messages.get_mut(id) {
                message.state = state;
                let hook = message.hook;
                self.touch(hook, at);
            }
            self.totals[if state == State::Superseded { 6 } else { 7 }] += 1;
        }
        rows.iter().for_each(|row| self.leaves(row));
        Ok(())
    }
}

/// A message that must be made.
pub(super) struct Expected {
    pub hook: u64,
    pub record: Record,
    pub source: Source,
    pub windows: Vec<u64>,
    pub body: Value,
    pub asked: bool,
}
