//! What is sent for links of full records.
//!
//! A message is made only when the one before has settled, or is taken in (R17): so it has what the
//! receiver calls the record. A record that waits for its parent has no message until that was
//! delivered; so no order of attempts can bring a child before its parent.

use super::Draft;
use super::full_records::Hand;
use crate::filter;
use crate::format;
use crate::model::{
    Action, ExternalId, FullRecord, Id, Integration, MessageDraft, Pending, Source, Stage, Status,
};
use crate::store::StoreError;

impl Draft<'_> {
    /// Sends what a link waits for, as far as that can be now; the message that was made. `ended`
    /// says that an attempt of the message before has just ended, and none is under way.
    pub(super) fn send_next(
        &mut self,
        record: &mut FullRecord,
        integration: Id,
        ended: bool,
        by: Option<&str>,
    ) -> Result<Option<Id>, StoreError> {
        let Some(to) = self.config.integrations.get(&integration).cloned() else { return Ok(None) };
        let removed = record.removed;
        let Some(link) = record.link_to_mut(integration) else { return Ok(None) };
        let (waits, known) = (matches!(link.stage, Stage::Waits(_)), link.stage == Stage::Known);
        let before = link.message.filter(|_| link.owed);
        if waits {
            // The hook has never heard of it.
            if removed {
                self.drop_link(record, integration)?;
            }
            return Ok(None);
        }
        link.change = Pending::Due;
        if !to.spec.enabled || (!removed && filter::hides(&to.spec, record).is_some()) {
            return Ok(None);
        }
        if known && !removed && self.parents_are_due(record, &to)? {
            return Ok(None);
        }
        if let Some(before) = before {
            // What may have arrived is not made anew under another id.
            let keeps_its_turn = !known && !removed;
            if keeps_its_turn || !(ended || self.take_in_hand(before)) {
                return Ok(None);
            }
            self.take_in(before, removed && !known)?;
        }
        let heard = known || record.link_to(integration).is_some_and(|link| link.tried);
        if removed && !heard {
            self.drop_link(record, integration)?;
            return Ok(None);
        }
        let action = match (removed, known) {
            (true, _) => Action::Destroy,
            (false, false) => Action::Create,
            (false, true) => Action::Update,
        };
        let message = self.address_full(record, &to, action, by)?;
        if removed {
            self.drop_link(record, integration)?;
        } else {
            let parent = record.parent.clone();
            let Some(link) = record.link_to_mut(integration) else { return Ok(None) };
            link.parent = parent;
            (link.change, link.message, link.owed) = (Pending::Nothing, Some(message), true);
        }
        Ok(Some(message))
    }

    /// Whether a record that is at the hook has to wait for a parent that is not. A parent that is new
    /// to it is sent once: somebody may unlink it again.
    fn parents_are_due(
        &mut self,
        record: &mut FullRecord,
        to: &Integration,
    ) -> Result<bool, StoreError> {
        let link = record.link_to(to.id).filter(|link| link.parent != record.parent);
        if let Some(by) = link.map(|link| link.by.clone()) {
            self.parents_first(record, to, &by)?;
            let parent = record.parent.clone();
            if let Some(link) = record.link_to_mut(to.id) {
                link.parent = parent;
            }
        }
        self.waits_for_parent(record, to.id)
    }

    fn address_full(
        &mut self,
        record: &FullRecord,
        to: &Integration,
        action: Action,
        by: Option<&str>,
    ) -> Result<Id, StoreError> {
        let lost = || StoreError::Damaged(format!("the record {} has no text", record.key));
        let text = self.text_of(&record.key)?.ok_or_else(lost)?;
        let link = record.link_to(to.id).ok_or_else(lost)?;
        let parent = match &record.parent {
            Some(parent) => self.full(parent)?,
            None => None,
        };
        let parent = parent.as_ref().and_then(|parent| parent.link_to(to.id));
        let parent = parent.filter(|link| link.stage == Stage::Known);
        let body = format::record::body(&format::record::Sent {
            action,
            key: &record.key,
            text: &text,
            integration: to.id,
            fields: &link.fields,
            parent: parent.map(|link| link.fields.as_slice()),
        });
        let event = format::record::event(action, record.key.record_type.as_str());
        let draft = MessageDraft {
            integration: to.id,
            record: record.key.clone(),
            audit_id: ExternalId::from(record.revision),
            action,
            description: Some(event),
            auditable_url: None,
            earlier_windows: Vec::new(),
            audits: 0,
            fields: Vec::new(),
            contributors: Vec::new(),
            body,
        };
        let partition = record.key.partition();
        let (source, oldest) = (Source::Link(link.id), self.state.counters.last_id);
        let message = self.address(draft, partition, source, oldest, by.map(Into::into))?;
        self.list(partition, message, true);
        Ok(message)
    }

    fn take_in_hand(&mut self, message: Id) -> bool {
        let taken = self.store.in_hand().absorb(message);
        if taken {
            self.full.hands.push(Hand { store: self.store, message });
        }
        taken || self.full.hands.iter().any(|hand| hand.message == message)
    }

    /// Settles a message that a newer one takes in; one that was never tried, of a record that is
    /// no more, is given up.
    fn take_in(&mut self, message: Id, in_vain: bool) -> Result<(), StoreError> {
        if let Some(owed) = self.owed(message)? {
            let given_up = in_vain && owed.attempts == 0;
            let status = if given_up { Status::Cancelled } else { Status::Superseded };
            self.give_up(message, &owed, status, None);
        }
        Ok(())
    }
}
