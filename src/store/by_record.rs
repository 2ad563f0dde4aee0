//! What there is of a record: the windows of it that closed, and the messages about it that no mark names.
//!
//! Listed in sorted runs. What is new is listed in memory, where it is sorted by record; once that is enough, it
//! is written as a run, and memory begins anew. A row for each window would be the only one of it that goes
//! somewhere in the middle, and so the dearest.
//!
//! What is listed in memory is what the marks and messages after the last run say, so a start reads it from
//! there. A run stays as it was written, whatever was forgotten since, and goes once nothing of its time is left.
//!
//! | row | key | value | read |
//! | --- | --- | --- | --- |
//! | run | its number | from which id to which it goes | at a start |
//! | entries | number of the run, record, id of the first | entries, by record and then by time | when a query is about one of these records |
//!
//! - `rows.rs`: its rows
//! - `load.rs`: reading runs at a start, and making those that are missing

mod load;
mod rows;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use ahash::HashSet;
use serde::{Deserialize, Serialize};

pub(super) use load::{load, make_missing};
pub(super) use rows::{entries, forget, read};

use super::{Batch, Store, StoreError};
use crate::model::{Id, Partition};

/// Entries in a run: how many of them memory holds, and a start reads. Few in tests, so that they meet many runs.
pub(super) const RUN: usize = if cfg!(test) { 8 } else { 16_384 };

/// A record, as entries name it. Another may have the same, so what they lead to has to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Shelf(pub u32);

impl From<Partition> for Shelf {
    fn from(partition: Partition) -> Self {
        Self((partition.0 >> 32) as u32)
    }
}

/// A window or a message of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub shelf: Shelf,
    pub id: Id,
    pub is_message: bool,
}

/// A run: all that was listed of what was made in a time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    /// Its number, in the order of time.
    pub number: u32,
    /// Its oldest entry.
    pub first: Id,
    /// All that was made up to this id, and is in no run before, is in it.
    pub last: Id,
}

/// All that is listed.
#[derive(Default)]
pub(super) struct ByRecord(RwLock<Table>);

/// What is in memory of it.
#[derive(Default)]
pub(super) struct Table {
    /// In the order of time. Those in between may be gone.
    runs: Vec<Run>,
    /// What was listed after the last run, and whether it is a message.
    new: BTreeMap<(Shelf, Id), bool>,
    /// The number of the next run.
    next: u32,
}

/// What a commit changes.
#[derive(Default)]
pub(super) struct Change {
    pub listed: Vec<Entry>,
    /// The run that it writes, of all that is new, `listed` included.
    pub run: Option<Run>,
    /// The numbers of runs that are gone.
    pub gone: Vec<u32>,
    /// Windows and messages that are forgotten.
    pub forgotten: HashSet<Id>,
}

impl ByRecord {
    pub fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lets everyone see what is on disk now.
    pub fn publish(&self, change: Change) {
        let Change { listed, run, gone, forgotten } = &change;
        if !listed.is_empty() || run.is_some() || !gone.is_empty() || !forgotten.is_empty() {
            self.write().apply(change);
        }
    }
}

impl Table {
    fn apply(&mut self, Change { listed, run, gone, forgotten }: Change) {
        match run {
            Some(run) => {
                self.new.clear();
                self.next = run.number + 1;
                self.runs.push(run);
            }
            None => listed.into_iter().for_each(|entry| self.list(entry)),
        }
        if forgotten.iter().any(|id| *id > self.last()) {
            self.new.retain(|(_, id), _| !forgotten.contains(id));
        }
        if !gone.is_empty() {
            self.runs.retain(|run| !gone.contains(&run.number));
        }
    }

    fn list(&mut self, Entry { shelf, id, is_message }: Entry) {
        self.new.insert((shelf, id), is_message);
    }

    /// What is made later than this is in no run.
    pub fn last(&self) -> Id {
        self.runs.last().map_or(Id::default(), |run| run.last)
    }

    /// Writes a run of all that is new and of what a commit lists beside, if that is enough for one. `last` is
    /// the newest id that was given.
    pub fn fill(&self, change: &Change, last: Id, batch: &mut Batch) -> Option<Run> {
        if self.new.len() + change.listed.len() < RUN {
            return None;
        }
        let of_table = self.new.iter().map(|((shelf, id), is_message)| Entry {
            shelf: *shelf,
            id: *id,
            is_message: *is_message,
        });
        let all = of_table.chain(change.listed.iter().copied());
        let mut entries: Vec<Entry> =
            all.filter(|entry| !change.forgotten.contains(&entry.id)).collect();
        entries.sort_unstable();
        let first = entries.iter().map(|entry| entry.id).min()?;
        let run = Run { number: self.next, first, last };
        rows::write(batch, run, &entries);
        Some(run)
    }

    /// The runs in whose time these were made.
    pub fn runs_of(&self, ids: &HashSet<Id>) -> Vec<Run> {
        let run_of = |id: &Id| {
            let at = self.runs.partition_point(|run| run.last < *id);
            self.runs.get(at).filter(|run| run.first <= *id).map(|_| at)
        };
        let at: BTreeSet<usize> = ids.iter().filter_map(run_of).collect();
        at.into_iter().map(|at| self.runs[at]).collect()
    }

    /// Whether there are any.
    pub fn has_runs(&self) -> bool {
        !self.runs.is_empty()
    }
}

impl Store {
    /// The marks, and the messages that no mark names, of the records on a partition's shelf, made at `from` or
    /// later; with whether it is a message. In the order of time.
    pub(super) fn ids_of_record(
        &self,
        partition: Partition,
        from: Id,
    ) -> Result<Vec<(Id, bool)>, StoreError> {
        let newest_first = self.newest_of_record(partition, from, Id::from_u64(u64::MAX));
        let mut ids = newest_first.collect::<Result<Vec<_>, _>>()?;
        ids.retain(|(id, _)| *id >= from);
        ids.reverse();
        Ok(ids)
    }

    /// The same from the newest on, those before `before`, read as far as they are asked for; without runs of
    /// which all is older than `since`.
    pub(super) fn newest_of_record(
        &self,
        partition: Partition,
        since: Id,
        before: Id,
    ) -> impl Iterator<Item = Result<(Id, bool), StoreError>> + use<> {
        let shelf = Shelf::from(partition);
        let within = move |(id, _): &(Id, bool)| *id < before;
        let table = self.by_record.read();
        let new = table.new.range((shelf, Id::default())..(shelf, before));
        let new: Vec<_> = new.map(|((_, id), is_message)| Ok((*id, *is_message))).collect();
        let runs = table.runs.iter().filter(|run| run.last >= since && run.first < before);
        let runs: Vec<Run> = runs.copied().collect();
        let tree = self.tree().clone();
        let of_runs =
            runs.into_iter().rev().flat_map(move |run| match rows::find(&tree, run, shelf) {
                Ok(ids) => ids.into_iter().rev().filter(within).map(Ok).collect(),
                Err(error) => vec![Err(error)],
            });
        new.into_iter().rev().chain(of_runs)
    }
}
