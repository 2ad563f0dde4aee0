//! Full records: put, removed, kept.

use std::sync::Arc;

use ahash::HashMap;

use super::{Draft, encode};
use crate::model::{Account, FullRecord, Id, Pending, RecordKey, Stage, WindowRule};
use crate::store::{
    LinkTimer, NewRecord, PutDone, RecordHash, Refusal, Store, StoreError, keys, value,
};

/// Full records as a commit leaves them, where they differ from the tree.
#[derive(Default)]
pub(super) struct Changed<'s> {
    rows: HashMap<(Account, RecordHash), Row>,
    texts: HashMap<(Account, RecordHash), Arc<str>>,
    /// Something is to be sent for these links.
    pub timers: Vec<LinkTimer>,
    /// Messages that newer ones take in, so that nobody sends them meanwhile.
    pub hands: Vec<Hand<'s>>,
}

struct Row {
    /// None when it is forgotten.
    record: Option<FullRecord>,
    /// How many bytes it has in the tree.
    before: usize,
}

/// A message in hand until the commit is done.
pub(super) struct Hand<'s> {
    pub store: &'s Store,
    pub message: Id,
}

impl Changed<'_> {
    /// The records of an account that this commit has changed.
    pub fn changed_of(&self, account: Account) -> Vec<RecordHash> {
        let of_account = self.rows.keys().filter(|(of, _)| *of == account);
        of_account.map(|(_, hash)| *hash).collect()
    }
}

impl Drop for Hand<'_> {
    fn drop(&mut self) {
        self.store.in_hand().release(self.message);
    }
}

impl Draft<'_> {
    /// What is kept of a record, as this commit leaves it.
    pub(super) fn full(&self, key: &RecordKey) -> Result<Option<FullRecord>, StoreError> {
        let found = self.full_at(key.account, RecordHash::of(key))?;
        Ok(found.filter(|record| record.key == *key))
    }

    pub(super) fn full_at(
        &self,
        account: Account,
        hash: RecordHash,
    ) -> Result<Option<FullRecord>, StoreError> {
        match self.full.rows.get(&(account, hash)) {
            Some(row) => Ok(row.record.clone()),
            None => self.store.full_record_at(account, hash),
        }
    }

    /// Keeps a record that was changed; forgets one that was removed, once no hook has to be told.
    pub(super) fn keep_full(&mut self, record: FullRecord) -> Result<(), StoreError> {
        let of = (record.key.account, RecordHash::of(&record.key));
        let gone = record.removed && record.links.is_empty();
        if gone {
            value::remove(&mut self.batch, &keys::record_text(of.0, of.1), record.bytes as usize);
            self.full.texts.remove(&of);
        }
        let before = match self.full.rows.get(&of) {
            Some(row) => row.before,
            None => {
                let before = self.store.full_record_at(of.0, of.1)?;
                before.map_or(0, |before| encode(&before).len())
            }
        };
        self.full.rows.insert(of, Row { record: (!gone).then_some(record), before });
        Ok(())
    }

    /// The text of a record, as this commit leaves it.
    pub(super) fn text_of(&self, key: &RecordKey) -> Result<Option<Arc<str>>, StoreError> {
        match self.full.texts.get(&(key.account, RecordHash::of(key))) {
            Some(text) => Ok(Some(text.clone())),
            None => Ok(self.store.record_text(key)?.map(Arc::from)),
        }
    }

    /// Writes what has changed, once a commit.
    pub(super) fn write_full_records(&mut self) {
        for ((account, hash), row) in &self.full.rows {
            let key = keys::full_record(*account, *hash);
            value::remove(&mut self.batch, &key, row.before);
            if let Some(record) = &row.record {
                value::put(&mut self.batch, &key, &encode(record));
            }
        }
    }

    pub(super) fn put_full(
        &mut self,
        new: NewRecord,
        server: WindowRule,
    ) -> Result<Result<PutDone, Refusal>, StoreError> {
        let NewRecord { key, workspace_id, parent, text } = new;
        if self.config.account(key.account).is_none() {
            return Ok(Err(Refusal::Missing));
        }
        let before = self.full(&key)?;
        let created = before.as_ref().is_none_or(|before| before.removed);
        if let Some(before) = before.as_ref().filter(|_| !created)
            && before.bytes as usize == text.len()
            && self.text_of(&key)?.as_deref() == Some(text.as_str())
        {
            let (revision, links) = (before.revision, before.links.len());
            return Ok(Ok(PutDone { revision, created, changed: false, links }));
        }
        let revision = self.next_id();
        let (bytes_before, links) = before.map_or((0, Vec::new()), |old| (old.bytes, old.links));
        let bytes = text.len() as u32;
        let mut record =
            FullRecord { key, workspace_id, parent, revision, bytes, removed: false, links };
        let of = (record.key.account, RecordHash::of(&record.key));
        let text_key = keys::record_text(of.0, of.1);
        value::remove(&mut self.batch, &text_key, bytes_before as usize);
        value::put(&mut self.batch, &text_key, text.as_bytes());
        self.full.texts.insert(of, text.into());
        self.leave_other_workspaces(&mut record)?;
        self.start_timers(&mut record, server);
        let links = record.links.len();
        self.keep_full(record)?;
        Ok(Ok(PutDone { revision, created, changed: true, links }))
    }

    /// A record that has moved to another workspace has no links in the one before: they end as
    /// when somebody unlinks them.
    fn leave_other_workspaces(&mut self, record: &mut FullRecord) -> Result<(), StoreError> {
        let config = self.config.clone();
        let is_there = |integration: &Id| {
            let found = config.integrations.get(integration);
            found
                .is_some_and(|found| found.spec.workspace_id.as_ref() == Some(&record.workspace_id))
        };
        let links = record.links.iter().map(|link| link.integration);
        let left: Vec<Id> = links.filter(|integration| !is_there(integration)).collect();
        for integration in left {
            self.unlink(record, integration, None)?;
        }
        Ok(())
    }

    /// Each link of a changed record is to be sent once that has been left alone; one that waits for
    /// its parent is made of the record as it is then.
    fn start_timers(&mut self, record: &mut FullRecord, server: WindowRule) {
        let (now, revision) = (self.now, record.revision);
        for link in &mut record.links {
            let Some(to) = self.config.integrations.get(&link.integration) else { continue };
            if !matches!(link.stage, Stage::Waits(_)) {
                link.change = link.change.changed(now, revision, to.spec.pair().rule(server));
            }
        }
        let timers = record.links.iter().filter_map(|link| LinkTimer::of(record, link, now));
        self.full.timers.extend(timers);
    }

    /// Removes a record: hooks that have heard of it are told, and others forget it.
    pub(super) fn remove_full(
        &mut self,
        key: &RecordKey,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let Some(mut record) = self.full(key)?.filter(|found| !found.removed) else {
            return Ok(Err(Refusal::Missing));
        };
        record.removed = true;
        let links: Vec<Id> = record.links.iter().map(|link| link.integration).collect();
        for integration in links {
            // Who waited for it waits in vain.
            self.release_children(&mut record, integration)?;
            self.send_next(&mut record, integration, false, None)?;
        }
        self.keep_full(record)?;
        Ok(Ok(()))
    }

    /// Forgets all full records of an account, whose integrations are forgotten already.
    pub(super) fn forget_full_records(&mut self, account: Account) -> Result<(), StoreError> {
        for prefix in [keys::record_texts_of(account), keys::full_records_of(account)] {
            for key in self.store.tree().scan_prefix(prefix).keys() {
                self.batch.remove(key?);
            }
        }
        // And those that this very commit has made.
        self.full.rows.retain(|(of, _), _| *of != account);
        let Changed { texts, .. } = &mut self.full;
        for ((of, hash), text) in texts.iter().filter(|((of, _), _)| *of == account) {
            value::remove(&mut self.batch, &keys::record_text(*of, *hash), text.len());
        }
        texts.retain(|(of, _), _| *of != account);
        Ok(())
    }

    /// Nothing is to be sent for this link any more, or something else.
    pub(super) fn is_pending(record: &FullRecord, integration: Id, revision: Option<Id>) -> bool {
        match record.link_to(integration).map(|link| &link.change) {
            Some(Pending::Quiet(quiet)) => revision == Some(quiet.revision),
            Some(Pending::Due) => true,
            Some(Pending::Nothing) | None => false,
        }
    }
}
