//! What there is of records: what a commit lists, and what it forgets of it.

use super::Draft;
use crate::model::{Id, Partition};
use crate::store::by_record::{self, Entry};
use crate::store::{StoreError, keys};

impl Draft<'_> {
    /// Lists a window of a record, or a message about it that no mark names.
    pub(super) fn list(&mut self, partition: Partition, id: Id, is_message: bool) {
        self.by_record.listed.push(Entry { shelf: partition.into(), id, is_message });
    }

    /// Writes a run, if there is enough for one.
    pub(super) fn finish_run(&mut self) {
        let last = self.state.counters.last_id;
        let table = self.store.by_record.read();
        self.by_record.run = table.fill(&self.by_record, last, &mut self.batch);
    }

    /// Forgets runs of whose time this commit leaves neither windows nor messages.
    pub(super) fn forget_runs(&mut self) -> Result<(), StoreError> {
        let forgotten = &self.by_record.forgotten;
        if forgotten.is_empty() {
            return Ok(());
        }
        let runs = self.store.by_record.read().runs_of(forgotten);
        for run in runs {
            if !self.leaves_some(keys::MARKS, run.first, run.last)?
                && !self.leaves_some(keys::MESSAGES, run.first, run.last)?
            {
                by_record::forget(&mut self.batch, self.store.tree(), run.number)?;
                self.by_record.gone.push(run.number);
            }
        }
        Ok(())
    }
}
