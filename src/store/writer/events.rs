//! Security events: taken down in their list, and sent to whoever wants them, at once or together.

use ahash::HashMap;

use super::{Draft, encode};
use crate::address;
use crate::format::siem::{self, Linked, known};
use crate::model::{
    Account, Batch, ChainHash, ExternalId, Id, Integration, SecurityDraft, SecurityEvent, Source,
};
use crate::store::events::{self, Head, Row, Waiting};
use crate::store::{Appended, Outcome, StoreError, keys};

/// What this commit does to the lists of security events.
#[derive(Default)]
pub(super) struct Events {
    /// The ends of the lists, as far as this commit has seen them.
    heads: HashMap<Account, Head>,
    /// Those that this commit has taken down.
    new: HashMap<Id, (SecurityEvent, ChainHash)>,
    ids: HashMap<(Account, ExternalId), Id>,
    /// What waits to be sent together, where this commit changed it.
    pub(super) waiting: HashMap<Id, Waiting>,
}

impl Draft<'_> {
    pub(super) fn secure(
        &mut self,
        account: Account,
        drafts: Vec<SecurityDraft>,
    ) -> Result<Outcome, StoreError> {
        let mut appended = Appended::default();
        for draft in drafts {
            if let Some(id) = &draft.id
                && self.has_event(account, id)?
            {
                appended.duplicates.push(id.clone());
                continue;
            }
            let id = draft.id.clone();
            let place = self.note(account, draft)?;
            appended.ids.push(id.unwrap_or_else(|| ExternalId::from(place)));
        }
        Ok(Outcome::Appended(appended))
    }

    fn has_event(&self, account: Account, id: &ExternalId) -> Result<bool, StoreError> {
        Ok(self.events.ids.contains_key(&(account, id.clone()))
            || self.store.tree().contains_key(keys::event_id(account, id))?)
    }

    /// Takes down a security event at the end of the list, and addresses it.
    pub(super) fn note(
        &mut self,
        account: Account,
        mut draft: SecurityDraft,
    ) -> Result<Id, StoreError> {
        let place = self.next_id();
        draft.severity.get_or_insert_with(|| known::severity(draft.action.as_str(), draft.outcome));
        if let Some(id) = &draft.id {
            let key = keys::event_id(account, id);
            self.batch.insert(key, &place.as_u64().to_be_bytes());
            self.events.ids.insert((account, id.clone()), place);
        }
        let event = draft.at(place);
        let text = serde_json::to_string(&event).expect("invariant: events are plain data");
        let previous = match self.events.heads.get(&account) {
            Some(head) => head.hash,
            None => self.store.event_head(account)?.hash,
        };
        let hash = events::link(previous, &text);
        self.keep_row(&keys::event(account, place), &encode(&Row { previous, hash, text }));
        self.events.heads.insert(account, Head { last: place, hash });
        self.address_event(account, place, event, hash)?;
        Ok(place)
    }

    fn address_event(
        &mut self,
        account: Account,
        place: Id,
        event: SecurityEvent,
        hash: ChainHash,
    ) -> Result<(), StoreError> {
        let config = self.config.clone();
        let wanting: Vec<_> = config
            .of_account(account)
            .filter(|hook| address::security::wants(hook, &event))
            .collect();
        self.events.new.insert(place, (event, hash));
        for integration in wanting {
            match integration.spec.batch {
                Some(batch) => self.wait_for_others(integration, place, batch)?,
                None => self.send_events(integration, &[place])?,
            }
        }
        Ok(())
    }

    fn wait_for_others(
        &mut self,
        integration: &Integration,
        place: Id,
        batch: Batch,
    ) -> Result<(), StoreError> {
        let due = self.now + batch.max_wait;
        let mut waiting = match self.events.waiting.remove(&integration.id) {
            Some(waiting) => waiting,
            None => self.store.waiting_events(integration.id)?.unwrap_or(Waiting::none()),
        };
        if waiting.places.is_empty() {
            waiting.due = due;
            self.waits.push((integration.id, due));
        }
        waiting.places.push(place);
        if waiting.places.len() >= batch.max_events as usize {
            self.send_events(integration, &waiting.places)?;
            waiting.places.clear();
        }
        self.events.waiting.insert(integration.id, waiting);
        Ok(())
    }

    /// Sends what has waited for an integration.
    pub(super) fn send_batch(&mut self, integration: Id) -> Result<Outcome, StoreError> {
        let waiting = match self.events.waiting.get(&integration) {
            Some(waiting) => waiting.clone(),
            None => self.store.waiting_events(integration)?.unwrap_or(Waiting::none()),
        };
        if let Some(found) = self.config.integrations.get(&integration).cloned()
            && !waiting.places.is_empty()
        {
            self.send_events(&found, &waiting.places)?;
        }
        self.events.waiting.insert(integration, Waiting::none());
        Ok(Outcome::Done)
    }

    /// Makes the message, or the messages, with these events.
    fn send_events(&mut self, integration: &Integration, places: &[Id]) -> Result<(), StoreError> {
        let mut found = Vec::with_capacity(places.len());
        for place in places {
            let event = self.event(integration.account, *place)?;
            found.extend(event.map(|(event, hash)| (*place, event, hash)));
        }
        let mut rest = found.as_slice();
        while let [(first, ..), ..] = rest {
            let linked: Vec<Linked> =
                rest.iter().map(|(_, event, hash)| (event, Some(*hash))).collect();
            // The format may have become another while they waited, and they may be large.
            let count = siem::fit(integration.spec.format, &linked);
            let draft = address::security::message(integration, &linked[..count]);
            let (line, record) = (address::security::line(integration), draft.record.partition());
            let source = Source::Events(rest[count - 1].0);
            let id = self.address(draft, line, source, *first, None)?;
            self.list(record, id, true);
            rest = &rest[count..];
        }
        Ok(())
    }

    /// The event at `place`, as this commit leaves it.
    fn event(
        &self,
        account: Account,
        place: Id,
    ) -> Result<Option<(SecurityEvent, ChainHash)>, StoreError> {
        if let Some(found) = self.events.new.get(&place) {
            return Ok(Some(found.clone()));
        }
        let Some(row) = self.store.event_row(account, place)? else { return Ok(None) };
        Ok(Some((events::event_of(place, &row.text)?, row.hash)))
    }

    /// Writes down the ends of the lists, and what waits.
    pub(super) fn write_events(&mut self) {
        for (account, head) in &self.events.heads {
            self.batch.insert(&keys::event_head(*account), encode(head));
        }
        for (integration, waiting) in &self.events.waiting {
            let key = keys::by_id(keys::WAITING_EVENTS, *integration);
            match waiting.places.is_empty() {
                true => self.batch.remove(&key),
                false => self.batch.insert(&key, encode(waiting)),
            }
        }
    }

    /// Forgets entries that are too old, oldest first: the chain begins later from then on.
    pub(super) fn forget_events(&mut self, old: Vec<(Account, Id)>) -> Result<(), StoreError> {
        for (account, place) in old {
            let key = keys::event(account, place);
            let Some(row) = self.store.event_row(account, place)? else { continue };
            let event = events::event_of(place, &row.text)?;
            if event.id != ExternalId::from(place) {
                self.batch.remove(keys::event_id(account, &event.id));
            }
            self.forget_row(&key, encode(&row).len());
        }
        Ok(())
    }
}
