//! What follows for a link from what became of its messages: in the commit that settles them (D3).

use super::Draft;
use crate::model::{AttemptOutcome, FullRecord, Id, Kind, Message, Pending, Source, Stage, Status};
use crate::store::{RecordHash, StoreError, keys};

impl Draft<'_> {
    /// An attempt was made, which settled the message as `status`, or not yet.
    pub(super) fn follow_attempt(
        &mut self,
        message: Id,
        integration: Id,
        outcome: &AttemptOutcome,
        status: Option<Status>,
    ) -> Result<(), StoreError> {
        let Some(mut record) = self.linked_by(message, integration)? else { return Ok(()) };
        let Some(link) = record.link_to_mut(integration) else { return Ok(()) };
        let before = link.clone();
        let is_newest = link.message == Some(message);
        link.tried = true;
        link.owed &= !is_newest || status.is_none();
        if status == Some(Status::Delivered) {
            if let AttemptOutcome::Answered { body, .. } = outcome {
                link.learn(body);
            }
            // An older message, which somebody gave up, has come after all: what is comes after it.
            if !is_newest && !link.owed && link.change == Pending::Nothing {
                link.change = Pending::Due;
            }
            if link.stage == Stage::New {
                link.stage = Stage::Known;
            }
        }
        let (is_due, is_new) = (link.change == Pending::Due, link.stage == Stage::Known);
        let changed = *link != before;
        if is_new && before.stage == Stage::New {
            self.release_children(&mut record, integration)?;
        }
        if is_due {
            self.send_next(&mut record, integration, is_newest, None)?;
        }
        if changed || is_due { self.keep_full(record) } else { Ok(()) }
    }

    /// Somebody gave the message up.
    pub(super) fn follow_cancelled(
        &mut self,
        message: Id,
        integration: Id,
    ) -> Result<(), StoreError> {
        let Some(mut record) = self.linked_by(message, integration)? else { return Ok(()) };
        let Some(link) = record.link_to_mut(integration) else { return Ok(()) };
        if link.message == Some(message) {
            link.owed = false;
            if link.change == Pending::Due {
                self.send_next(&mut record, integration, false, None)?;
            }
            self.keep_full(record)?;
        }
        Ok(())
    }

    /// Whether a message about a full record must not be sent again: a newer one has taken its place,
    /// which it would undo, or the record was sent there anew since.
    pub(super) fn is_outdated(&self, message: &Message) -> Result<bool, StoreError> {
        let Source::Link(link) = message.source else { return Ok(false) };
        let record = self.full(&message.draft.record)?;
        let found = record.as_ref().and_then(|record| record.link_to(message.draft.integration));
        Ok(found.is_some_and(|found| found.id != link || found.message != Some(message.id)))
    }

    /// Somebody asked for the message again.
    pub(super) fn link_owes_again(
        &mut self,
        message: Id,
        integration: Id,
    ) -> Result<(), StoreError> {
        let Some(mut record) = self.linked_by(message, integration)? else { return Ok(()) };
        let Some(link) = record.link_to_mut(integration) else { return Ok(()) };
        if link.message == Some(message) && !link.owed {
            link.owed = true;
            self.keep_full(record)?;
        }
        Ok(())
    }

    /// The record that a message is about, if its link is still there.
    fn linked_by(&self, message: Id, integration: Id) -> Result<Option<FullRecord>, StoreError> {
        let Some(to) = self.config.integrations.get(&integration) else { return Ok(None) };
        if to.spec.kind != Kind::Record {
            return Ok(None);
        }
        let Some(Source::Link(id)) = self.store.source_of(message)? else { return Ok(None) };
        let row = self.store.tree().get(keys::link(integration, id))?;
        let Some(hash) = row.and_then(|row| RecordHash::from_end(&row)) else { return Ok(None) };
        let record = self.full_at(to.account, hash)?;
        Ok(record.filter(|record| record.links.iter().any(|link| link.id == id)))
    }

    /// Forgets the links of integrations that are forgotten.
    pub(super) fn forget_links_to(&mut self, ids: &[Id]) -> Result<(), StoreError> {
        for id in ids {
            let Some(to) = self.config.integrations.get(id).cloned() else { continue };
            let mut records: Vec<RecordHash> = self.full.changed_of(to.account);
            for row in self.store.tree().scan_prefix(keys::links_of(*id)) {
                let (key, hash) = row?;
                self.batch.remove(key);
                records.extend(RecordHash::from_end(&hash));
            }
            for hash in records {
                let Some(mut record) = self.full_at(to.account, hash)? else { continue };
                if let Some(link) = record.link_to(*id) {
                    self.batch.remove(&keys::link(*id, link.id));
                    record.links.retain(|link| link.integration != *id);
                    self.keep_full(record)?;
                }
            }
        }
        Ok(())
    }
}
