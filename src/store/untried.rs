//! What is owed of messages that nobody has tried to deliver yet, which most are for a moment only.
//!
//! It is written once, in a row for all of one row of messages, and kept in memory. What is owed of a message
//! that is tried, or asked for again, has a row of its own from then on; how it was settled is written elsewhere. The row
//! of many goes once none of its messages is owed as it says there; what it says of others is old by then.

use std::collections::BTreeMap;

use ahash::HashSet;

use super::tree::Tree;
use super::{Batch, StoreError, bundle, keys, log, settled, value};
use crate::model::{Id, Owed};

/// What is owed of messages that were not tried, by the first message of its row.
#[derive(Clone, Default)]
pub struct Untried(BTreeMap<Id, Row>);

#[derive(Clone)]
struct Row {
    /// Bytes of its value before it is pressed.
    bytes: usize,
    /// Those of its messages that are still owed as it says; never none.
    left: Vec<(Id, Owed)>,
}

/// A row that a commit writes.
pub struct NewRow(Row);

/// Adds the rows of what is owed of messages, whose ids ascend, to `batch`.
pub fn put(batch: &mut Batch, owed: &[(Id, Owed)]) -> Vec<NewRow> {
    let entries: Vec<_> = owed.iter().map(|(id, owed)| (*id, value::encode(owed))).collect();
    let mut rest = owed;
    let rows = bundle::put(batch, keys::UNTRIED, &entries).into_iter().map(|row| {
        let (its, others) = rest.split_at(row.len());
        rest = others;
        NewRow(Row { bytes: row.bytes(), left: its.to_vec() })
    });
    rows.collect()
}

impl Untried {
    /// Reads what there is in a store.
    pub fn load(tree: &Tree) -> Result<Untried, StoreError> {
        let mut untried = Untried::default();
        let mut settled = settled::Reader::new(tree);
        for row in bundle::rows(tree, keys::UNTRIED, Id::default(), Id::from_u64(u64::MAX))? {
            let row = row?;
            let mut left = Vec::with_capacity(row.len());
            for (id, bytes) in row.entries() {
                if !is_old(tree, &mut settled, id)? {
                    left.push((id, log::decode(bytes, id)?));
                }
            }
            if !left.is_empty() {
                untried.0.insert(row.first(), Row { bytes: row.bytes(), left });
            }
        }
        Ok(untried)
    }

    /// What is owed of a message.
    pub fn get(&self, message: Id) -> Option<&Owed> {
        let left = &self.row(message)?.1.left;
        let at = left.binary_search_by_key(&message, |(id, _)| *id).ok()?;
        Some(&left[at].1)
    }

    /// All of them, in order, from `from` on, before `until`.
    pub fn within(
        &self,
        from: Id,
        until: Id,
    ) -> impl DoubleEndedIterator<Item = &(Id, Owed)> + use<'_> {
        let first = self.row(from).map_or(from, |(first, _)| *first);
        let rows = self.0.range(first..until.max(first)).map(|(_, row)| row);
        rows.flat_map(|row| &row.left).filter(move |(id, _)| (from..until).contains(id))
    }

    /// Adds the removal of each row of which nothing is left without `gone` to `batch`.
    pub fn remove_rows(&self, batch: &mut Batch, gone: &HashSet<Id>) {
        for (first, row) in self.rows_of(gone) {
            if row.left.iter().all(|(id, _)| gone.contains(id)) {
                value::remove(batch, &keys::by_id(keys::UNTRIED, first), row.bytes);
            }
        }
    }

    /// Takes in what a commit has changed.
    pub fn publish(&mut self, new: Vec<NewRow>, gone: &HashSet<Id>) {
        let firsts: Vec<Id> = self.rows_of(gone).into_keys().collect();
        for first in firsts {
            if let Some(row) = self.0.get_mut(&first) {
                row.left.retain(|(id, _)| !gone.contains(id));
                if row.left.is_empty() {
                    self.0.remove(&first);
                }
            }
        }
        self.0.extend(new.into_iter().map(|NewRow(row)| (row.left[0].0, row)));
    }

    /// The row that a message would be in.
    fn row(&self, message: Id) -> Option<(&Id, &Row)> {
        self.0.range(..=message).next_back()
    }

    /// The rows that these are in.
    fn rows_of(&self, messages: &HashSet<Id>) -> BTreeMap<Id, &Row> {
        let rows = messages.iter().filter_map(|message| self.row(*message));
        rows.map(|(first, row)| (*first, row)).collect()
    }
}

/// Whether something newer is known of a message than that nobody tried.
pub fn is_old(
    tree: &Tree,
    settled: &mut settled::Reader<'_>,
    message: Id,
) -> Result<bool, StoreError> {
    let own = keys::by_id(keys::OUTBOX, message);
    Ok(tree.contains_key(own)? || settled.get(message)?.is_some())
}
