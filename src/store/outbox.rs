//! What is owed, and what became of messages.

use std::collections::{BTreeMap, BTreeSet};

use super::log::decode;
use super::{Store, StoreError, keys, settled};
use crate::model::{Delivery, Id, Owed};

const FIRST: Id = Id::from_u64(0);
const LAST: Id = Id::from_u64(u64::MAX);

impl Store {
    /// What is owed of a message; none once it is settled.
    pub fn owed(&self, message: Id) -> Result<Option<Owed>, StoreError> {
        if let Some(owed) = self.tally().untried.get(message) {
            return Ok(Some(owed.clone()));
        }
        let row = self.tree().get(keys::by_id(keys::OUTBOX, message))?;
        row.map(|bytes| decode(&bytes, message)).transpose()
    }

    /// What became of a message.
    pub(super) fn delivery(&self, id: Id) -> Result<Option<Delivery>, StoreError> {
        self.delivery_among(id, &mut settled::Reader::new(self.tree()))
    }

    /// What became of a message, which is one of many.
    pub(super) fn delivery_among(
        &self,
        id: Id,
        settled: &mut settled::Reader<'_>,
    ) -> Result<Option<Delivery>, StoreError> {
        if let Some(owed) = self.owed(id)? {
            return Ok(Some(Delivery::Owed(owed)));
        }
        if let Some(bytes) = settled.get(id)? {
            return Ok(Some(Delivery::Settled(decode(&bytes, id)?)));
        }
        // Settled since the others were read.
        if let Some(bytes) = settled::get(self.tree(), id)? {
            return Ok(Some(Delivery::Settled(decode(&bytes, id)?)));
        }
        // It may have come to be owed again between the two.
        Ok(self.owed(id)?.map(Delivery::Owed))
    }

    /// All that is owed, oldest first.
    pub fn outbox(&self) -> Result<Vec<(Id, Owed)>, StoreError> {
        // First what may be tried meanwhile: it has a row of its own before it is gone from there.
        let mut outbox: BTreeMap<Id, Owed> =
            self.tally().untried.within(FIRST, LAST).cloned().collect();
        for row in self.tree().scan_prefix([keys::OUTBOX]) {
            let (key, bytes) = row?;
            let id = keys::id_of(&key)
                .ok_or_else(|| StoreError::Damaged("a key of the outbox".to_owned()))?;
            outbox.insert(id, decode(&bytes, id)?);
        }
        Ok(outbox.into_iter().collect())
    }

    /// The oldest message that is owed.
    pub fn oldest_owed(&self) -> Result<Option<Id>, StoreError> {
        let untried = self.tally().untried.within(FIRST, LAST).next().map(|(id, _)| *id);
        let tried = self.tree().scan_prefix([keys::OUTBOX]).keys().next().transpose()?;
        Ok(untried.into_iter().chain(tried.and_then(|key| keys::id_of(&key))).min())
    }

    /// The newest message that is owed, from `from` on, before `until`.
    pub(super) fn newest_owed_within(&self, from: Id, until: Id) -> Result<Option<Id>, StoreError> {
        let untried = self.tally().untried.within(from, until).next_back().map(|(id, _)| *id);
        let tried = self.rows_of(&[keys::OUTBOX], from, until).next().transpose()?;
        Ok(untried.into_iter().chain(tried.map(|(id, _)| id)).max())
    }

    /// The messages that are owed, from `from` on, before `until`.
    pub(super) fn owed_within(&self, from: Id, until: Id) -> Result<BTreeSet<Id>, StoreError> {
        let mut owed: BTreeSet<Id> =
            self.tally().untried.within(from, until).map(|(id, _)| *id).collect();
        for row in self.rows_of(&[keys::OUTBOX], from, until) {
            owed.insert(row?.0);
        }
        Ok(owed)
    }
}
