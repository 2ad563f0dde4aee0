//! What people ask for with messages: try again, give up, address again.

use super::Draft;
use crate::address;
use crate::model::{Delivery, Id, Message, Owed, Partition, Settled, Source, Status};
use crate::store::{Outcome, Replay, StoreError, keys};

impl Draft<'_> {
    pub(super) fn redeliver(
        &mut self,
        messages: Vec<Id>,
        by: Box<str>,
    ) -> Result<Outcome, StoreError> {
        let mut owed_now = Vec::new();
        for id in messages {
            // Forgotten, perhaps in this very commit.
            if !self.is_kept(id)? {
                continue;
            }
            let Some(entry) = self.store.message(id)? else { continue };
            let integration = entry.message.draft.integration;
            if !self.config.integrations.contains_key(&integration)
                || self.is_outdated(&entry.message)?
            {
                continue;
            }
            let (due, asked_by) = (self.now, Some(by.clone()));
            let owed = match (self.owed(id)?, entry.delivery) {
                (Some(owed), _) => Owed { due, asked_by, ..owed },
                (None, Delivery::Settled(settled)) => {
                    // An attempt that was under way may have ended in this very commit.
                    let settled = self.unsettle(id)?.unwrap_or(settled);
                    self.batch.remove(&keys::status_message(settled.status, id));
                    *self.owed_change.entry(integration).or_default() += 1;
                    let partition = self.line_of(&entry.message);
                    let oldest = self.oldest_audit(&entry.message)?;
                    let (attempts, last_code) = (settled.attempts, settled.last_code);
                    Owed { integration, partition, oldest, attempts, due, last_code, asked_by }
                }
                // Settled in this very commit: it will be there to be asked for again.
                (None, Delivery::Owed(_)) => continue,
            };
            self.owe(id, owed.clone());
            self.owed.push((id, owed));
            self.link_owes_again(id, integration)?;
            owed_now.push(id);
        }
        Ok(Outcome::Messages(owed_now))
    }

    /// Lets a message be settled no more; the attempt that did it gets a row of its own. How it was.
    fn unsettle(&mut self, id: Id) -> Result<Option<Settled>, StoreError> {
        let Some(row) = self.settled_row(id)? else { return Ok(None) };
        row.put_attempt(&mut self.batch, id)?;
        self.settled.insert(id, None);
        Ok(Some(row.settled))
    }

    pub(super) fn cancel(&mut self, id: Id, by: Box<str>) -> Result<Outcome, StoreError> {
        let Some(owed) = self.owed(id)? else {
            return Ok(Outcome::Messages(Vec::new()));
        };
        self.give_up(id, &owed, Status::Cancelled, Some(by));
        self.follow_cancelled(id, owed.integration)?;
        Ok(Outcome::Messages(vec![id]))
    }

    pub(super) fn replay(
        &mut self,
        replays: Vec<Replay>,
        by: Box<str>,
    ) -> Result<Outcome, StoreError> {
        let mut messages = Vec::new();
        for Replay { window, oldest, message } in replays {
            let enabled = self.config.integrations.get(&message.integration);
            if enabled.is_some_and(|found| found.spec.enabled) {
                let partition = message.record.partition();
                let asked_by = Some(by.clone());
                let source = Source::Window(window);
                let id = self.address(message, partition, source, oldest, asked_by)?;
                self.list(partition, id, true);
                messages.push(id);
            }
        }
        Ok(Outcome::Messages(messages))
    }

    /// The line that a message goes in: its record's; security events have one of their integration's.
    fn line_of(&self, message: &Message) -> Partition {
        let to = self.config.integrations.get(&message.draft.integration);
        match (message.source, to) {
            (Source::Events(_), Some(to)) => address::security::line(to),
            _ => message.draft.record.partition(),
        }
    }

    /// The oldest audit that a message was made of, those of windows that it took in included.
    fn oldest_audit(&self, message: &Message) -> Result<Id, StoreError> {
        let window = match message.source {
            Source::Audit(place) | Source::Events(place) => return Ok(place),
            Source::Link(link) => return Ok(link),
            Source::Window(window) => window,
        };
        let mut oldest = window;
        for window in message.draft.earlier_windows.iter().chain([&window]) {
            let mark = self.store.mark(*window)?;
            let first = mark.and_then(|mark| mark.places.iter().min().copied());
            oldest = oldest.min(first.unwrap_or(*window));
        }
        Ok(oldest)
    }
}
