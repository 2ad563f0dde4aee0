//! Forgetting what is too old, with every row that hangs on it.

use ahash::HashSet;

use super::Draft;
use crate::model::{Id, Settled, Status};
use crate::store::prune::forgotten;
use crate::store::{
    Outcome, Prune, SettledRow, StoreError, bundle, codes, history, keys, settled, value,
};

impl Draft<'_> {
    pub(super) fn prune(&mut self, prune: Prune) -> Result<Outcome, StoreError> {
        let before = prune.before.max(forgotten(self.store.tree())?);
        self.batch.insert(keys::FORGOTTEN, &before.as_u64().to_be_bytes());
        for first in prune.packs {
            let key = keys::by_id(keys::AUDITS, first);
            let Some(bytes) = value::get(self.store.tree(), &key)? else { continue };
            for audit in history::unpack(first, &bytes)? {
                if let Some(id) = audit.said.id {
                    self.batch.remove(keys::audit_id(audit.account, &id));
                }
            }
            self.forget_row(&key, bytes.len());
        }
        for first in prune.marks {
            let Some(row) = bundle::find(self.store.tree(), keys::MARKS, first)? else { continue };
            self.by_record.forgotten.extend(row.ids());
            self.forget_bundle(keys::MARKS, &row);
        }
        // What this commit writes of a message is not in the tree yet, and would be left behind.
        let touched: HashSet<Id> = self.became.iter().map(|(id, _)| *id).collect();
        let mut settled = settled::Reader::new(self.store.tree());
        for first in prune.messages {
            let Some(row) = bundle::find(self.store.tree(), keys::MESSAGES, first)? else {
                continue;
            };
            // Owed again since this was worked out, or only just settled: kept for now.
            let mut may_go = true;
            for id in row.ids() {
                may_go = may_go && self.owed(id)?.is_none() && !touched.contains(&id);
            }
            if may_go {
                for id in row.ids() {
                    self.forget_message(id, &mut settled)?;
                }
                self.forget_bundle(keys::MESSAGES, &row);
            }
        }
        self.forget_events(prune.events)?;
        for key in prune.answers {
            self.batch.remove(key);
        }
        Ok(Outcome::Done)
    }

    /// Removes all that hangs on a message that is settled.
    fn forget_message(
        &mut self,
        id: Id,
        settled: &mut settled::Reader<'_>,
    ) -> Result<(), StoreError> {
        self.by_record.forgotten.insert(id);
        let row = settled.get(id)?.map(|row| SettledRow::decode(&row, id)).transpose()?;
        if let Some(row) = row {
            let Settled { attempts, last_code, .. } = row.settled;
            codes::forget(&mut self.batch, id, (attempts, last_code));
            let kept_bytes = &mut self.state.counters.kept_bytes;
            *kept_bytes = kept_bytes.saturating_sub(row.kept_bytes());
        }
        self.settled.insert(id, None);
        self.batch.remove(&keys::by_id(keys::PARTS, id));
        for status in [Status::Failed, Status::Superseded, Status::Cancelled] {
            self.batch.remove(&keys::status_message(status, id));
        }
        let tree = self.store.tree();
        for row in tree.scan_prefix(keys::attempts(id)) {
            let (key, head) = row?;
            // Longer keys are the parts of long attempts.
            if key.len() == keys::ATTEMPT_BYTES
                && let Some(bytes) = value::whole(tree, &key, &head)?
            {
                self.forget_row(&key, bytes.len());
            }
        }
        Ok(())
    }

    /// Whether this commit leaves entries of a kind from `first` to `last`.
    pub(super) fn leaves_some(&self, kind: u8, first: Id, last: Id) -> Result<bool, StoreError> {
        let forgotten = &self.by_record.forgotten;
        // The oldest are forgotten first.
        for row in bundle::rows(self.store.tree(), kind, first, last.plus(1))?.rev() {
            if row?.ids().any(|id| (first..=last).contains(&id) && !forgotten.contains(&id)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes a row that [`Draft::keep_row`] wrote, whose value has so many bytes.
    pub(super) fn forget_row(&mut self, key: &[u8], value_bytes: usize) {
        value::remove(&mut self.batch, key, value_bytes);
        let kept_bytes = &mut self.state.counters.kept_bytes;
        *kept_bytes = kept_bytes.saturating_sub((key.len() + value_bytes) as u64);
    }
}
