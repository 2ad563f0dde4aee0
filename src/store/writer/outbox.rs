//! Messages: made, owed, settled by an attempt, given up.

use std::sync::Arc;

use super::{Draft, Placed, encode};
use crate::address;
use crate::format;
use crate::model::{
    Attempt, Id, MessageDraft, Notice, Owed, Partition, Parts, Settled, Source, Status,
};
use crate::retry::Next;
use crate::store::blocks::{Fate, Noted};
use crate::store::command::{health_after, status_after};
use crate::store::{
    Gone, Hour, Outcome, Settle, SettledRow, Settlement, StoreError, codes, history, hours, keys,
};

impl Draft<'_> {
    /// Sends audits at once to whoever wants that (R16).
    pub(super) fn send_live(&mut self, placed: &[Placed]) -> Result<(), StoreError> {
        let config = self.config.clone();
        for Placed { account, place, text, rules } in placed {
            let integrations = || config.activities_of(*account).map(Arc::as_ref);
            if !integrations().any(address::wants_live) {
                continue;
            }
            let audit = history::read(*place, *account, rules.clone(), text.as_bytes())?;
            let record = audit.said.record(*account);
            for draft in address::live(integrations(), &record, &audit) {
                let partition = record.partition();
                let id = self.address(draft, partition, Source::Audit(*place), *place, None)?;
                self.list(partition, id, true);
            }
        }
        Ok(())
    }

    /// Adds the record to a body that is to have it: as this commit leaves it.
    fn include_record(&self, draft: &mut MessageDraft) -> Result<(), StoreError> {
        let to = self.config.integrations.get(&draft.integration);
        if let Some(to) = to.filter(|to| to.includes_record()) {
            let seen = self.full(&draft.record)?;
            let text = match seen.filter(|seen| seen.is_seen_in(to.spec.workspace_id.as_ref())) {
                Some(_) => self.text_of(&draft.record)?,
                None => None,
            };
            format::record::add_to_audit(&mut draft.body, text.as_deref());
        }
        Ok(())
    }

    /// Makes a message; `asked_by` somebody, or by an audit or a window on its own.
    pub(super) fn address(
        &mut self,
        mut draft: MessageDraft,
        partition: Partition,
        source: Source,
        oldest: Id,
        asked_by: Option<Box<str>>,
    ) -> Result<Id, StoreError> {
        self.include_record(&mut draft)?;
        let (id, integration) = (self.next_id(), draft.integration);
        let owed = Owed {
            integration,
            partition,
            oldest,
            attempts: 0,
            due: self.now,
            last_code: None,
            asked_by,
        };
        self.blocks.noted.push(Noted::of(id, &draft));
        self.keep_entry(keys::MESSAGES, id, encode(&(source, draft)));
        self.state.counters.totals.messages += 1;
        *self.owed_change.entry(integration).or_default() += 1;
        self.made.insert(id, owed.clone());
        self.note_owed(id, owed.clone());
        self.owed.push((id, owed));
        Ok(id)
    }

    /// What is owed of a message, as this commit leaves it.
    pub(super) fn owed(&self, message: Id) -> Result<Option<Owed>, StoreError> {
        if let Some(owed) = self.outbox.get(&message) {
            return Ok(owed.clone());
        }
        self.store.owed(message)
    }

    /// Something is owed of a message that was tried, or asked for again.
    pub(super) fn owe(&mut self, message: Id, owed: Owed) {
        self.leaves_untried(message);
        self.batch.insert(&keys::by_id(keys::OUTBOX, message), encode(&owed));
        self.note_owed(message, owed);
    }

    fn note_owed(&mut self, message: Id, owed: Owed) {
        self.became.push((message, Fate::of_owed(&owed)));
        self.lines.push((message, owed.integration, owed.partition, true));
        self.outbox.insert(message, Some(owed));
    }

    pub(super) fn settle(&mut self, settle: Settle) -> Result<Outcome, StoreError> {
        let Settle { message, integration, attempt, next, parts, .. } = settle;
        if let Some(parts) = parts {
            self.keep_parts(message, &parts);
        }
        let owed = self.owed(message)?;
        let settles = owed.is_some() && !matches!(next, Next::RetryAt(_));
        let mut written = Some(encode(&attempt));
        let in_its_row = written.take_if(|written| settles && SettledRow::takes(written));
        // Given up while the attempt was under way, it may have been forgotten as well by now.
        if let Some(written) = written
            && (owed.is_some() || self.is_kept(message)?)
        {
            self.keep_row(&keys::attempt(message, attempt.number), &written);
        }
        let health = self.store.health(integration);
        let health = self.health.entry(integration).or_insert(health);
        let mut notices = health_after(health, &attempt, next);
        // Attempts that were in flight meanwhile would say it again.
        notices.retain(|notice| match notice {
            Notice::Disabled(because) => self.disable(integration, *because),
            Notice::Failing | Notice::DisabledSoon => true,
        });
        for notice in &notices {
            self.note_notice(integration, *notice)?;
        }

        let Some(owed) = owed else {
            // Given up while the attempt was under way; the hook has heard of it all the same.
            self.count_late(message, &attempt)?;
            self.follow_attempt(message, integration, &attempt.outcome, status_after(next))?;
            return Ok(Outcome::Settled(Settlement { owed: None, notices }));
        };
        let (attempts, last_code) = (attempt.number, attempt.outcome.code());
        let before = Some((owed.attempts, owed.last_code));
        codes::index(&mut self.batch, message, before, (attempts, last_code));
        match (next, status_after(next)) {
            (Next::RetryAt(due), _) => {
                let owed = Owed { attempts, due, last_code, asked_by: None, ..owed };
                self.owe(message, owed);
            }
            (_, status) => {
                let status = status.unwrap_or(Status::Failed);
                let settled = Settled { status, at: self.now, attempts, last_code, by: None };
                self.settle_as(message, &owed, SettledRow { settled, attempt: in_its_row });
            }
        }
        self.follow_attempt(message, integration, &attempt.outcome, status_after(next))?;
        // A newer message about the record may have taken it in by now.
        let owed = self.owed(message)?;
        Ok(Outcome::Settled(Settlement { owed, notices }))
    }

    /// Whether a message is still in the log, as this commit leaves it.
    pub(super) fn is_kept(&self, message: Id) -> Result<bool, StoreError> {
        Ok(!self.by_record.forgotten.contains(&message) && self.store.has_message(message)?)
    }

    /// Counts an attempt of a message that was given up while it was under way, so that another, should
    /// somebody ask for one, does not take its place in the log.
    fn count_late(&mut self, message: Id, attempt: &Attempt) -> Result<(), StoreError> {
        if !self.is_kept(message)? {
            return Ok(());
        }
        // Pruned, or as good as.
        let Some(row) = self.settled_row(message)? else { return Ok(()) };
        let (attempts, last_code) = (attempt.number, attempt.outcome.code());
        let before = Some((row.settled.attempts, row.settled.last_code));
        codes::index(&mut self.batch, message, before, (attempts, last_code));
        let row = SettledRow { settled: Settled { attempts, last_code, ..row.settled }, ..row };
        self.became.push((message, Fate::of_settled(&row.settled)));
        self.settled.insert(message, Some(row));
        Ok(())
    }

    /// How a message was settled, as this commit leaves it.
    pub(super) fn settled_row(&self, message: Id) -> Result<Option<SettledRow>, StoreError> {
        match self.settled.get(&message) {
            Some(row) => Ok(row.clone()),
            None => self.store.settled_row(message),
        }
    }

    /// Writes down which events of a message are left.
    fn keep_parts(&mut self, message: Id, parts: &Parts) {
        let key = keys::by_id(keys::PARTS, message);
        match parts.is_empty() {
            true => self.batch.remove(&key),
            false => self.batch.insert(&key, encode(parts)),
        }
    }

    /// Marks a message that a newer one took in, if it is still owed (R17).
    pub(super) fn supersede(&mut self, message: Option<Id>) -> Result<(), StoreError> {
        let Some(message) = message else { return Ok(()) };
        if let Some(owed) = self.owed(message)? {
            self.give_up(message, &owed, Status::Superseded, None);
        }
        Ok(())
    }

    /// Settles a message that no attempt settled.
    pub(super) fn give_up(
        &mut self,
        message: Id,
        owed: &Owed,
        status: Status,
        by: Option<Box<str>>,
    ) {
        let Owed { integration, partition, attempts, last_code, .. } = *owed;
        let settled = Settled { status, at: self.now, attempts, last_code, by };
        self.settle_as(message, owed, SettledRow { settled, attempt: None });
        self.gone.push(Gone { message, integration, partition });
    }

    fn settle_as(&mut self, message: Id, owed: &Owed, row: SettledRow) {
        if !self.leaves_untried(message) {
            self.batch.remove(&keys::by_id(keys::OUTBOX, message));
        }
        self.outbox.insert(message, None);
        self.lines.push((message, owed.integration, owed.partition, false));
        self.state.counters.kept_bytes += row.kept_bytes();
        let settled = row.settled.clone();
        self.became.push((message, Fate::of_settled(&settled)));
        self.settled.insert(message, Some(row));
        let totals = &mut self.state.counters.totals;
        match settled.status {
            Status::Delivered => totals.delivered += 1,
            Status::Failed => totals.failed += 1,
            Status::Superseded => totals.superseded += 1,
            Status::Cancelled => totals.cancelled += 1,
            Status::Pending | Status::Held => {}
        }
        if let Some(integration) = self.config.integrations.get(&owed.integration) {
            let done = self.done.entry(integration.account).or_default();
            match settled.status {
                Status::Delivered => done.delivered += 1,
                Status::Failed => done.failed += 1,
                _ => {}
            }
        }
        if settled.status != Status::Delivered {
            self.batch.insert(&keys::status_message(settled.status, message), &[]);
        }
        *self.owed_change.entry(owed.integration).or_default() -= 1;
    }

    /// Adds what this commit is done with to its hour; the first of an hour forgets one of long ago.
    pub(super) fn count_hour(&mut self) -> Result<(), StoreError> {
        let hour = hours::hour_of(self.now);
        for (account, done) in &self.done {
            let key = keys::hour(*account, hour);
            let before = match self.store.tree().get(key)? {
                Some(bytes) => hours::decode(&bytes)?,
                None => {
                    self.batch.remove(&keys::hour(*account, hours::forgotten_with(hour)));
                    Hour::default()
                }
            };
            let sum = Hour {
                delivered: before.delivered + done.delivered,
                failed: before.failed + done.failed,
            };
            self.batch.insert(&key, encode(&sum));
        }
        Ok(())
    }
}
