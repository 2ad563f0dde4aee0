//! The rows of a run.

use super::{Entry, Run, Shelf};
use crate::model::Id;
use crate::store::tree::Tree;
use crate::store::value::encode;
use crate::store::{Batch, StoreError, keys};

/// Entries in a row: about a kilobyte, which is read for one record.
const ENTRIES: usize = if cfg!(test) { 3 } else { 128 };

/// An entry as it lies in a row: how far its shelf and its id are from those of the key.
type Written = (u32, i64, bool);

/// Adds the rows of a run; its entries are sorted.
pub fn write(batch: &mut Batch, run: Run, entries: &[Entry]) {
    batch.insert(&keys::numbered(keys::RUNS, run.number), encode(&run));
    for row in entries.chunks(ENTRIES) {
        let first = row[0];
        let written: Vec<Written> = row
            .iter()
            .map(|entry| {
                let further = entry.id.as_u64().wrapping_sub(first.id.as_u64()) as i64;
                (entry.shelf.0 - first.shelf.0, further, entry.is_message)
            })
            .collect();
        batch.insert(&keys::run_row(run.number, first.shelf.0, first.id), encode(&written));
    }
}

/// Adds the removal of a run's rows.
pub fn forget(batch: &mut Batch, tree: &Tree, number: u32) -> Result<(), StoreError> {
    batch.remove(&keys::numbered(keys::RUNS, number));
    for key in tree.scan_prefix(keys::numbered(keys::RUN_ROWS, number)).keys() {
        batch.remove(key?);
    }
    Ok(())
}

/// What a run has of a shelf, in the order of time.
pub fn find(tree: &Tree, run: Run, shelf: Shelf) -> Result<Vec<(Id, bool)>, StoreError> {
    let first = keys::run_row(run.number, 0, Id::default());
    let last = keys::run_row(run.number, shelf.0, Id::from_u64(u64::MAX));
    let mut found = Vec::new();
    for row in tree.range(first..=last).rev() {
        let (key, bytes) = row?;
        let entries = read(&key, &bytes)?;
        let of_shelf = entries.iter().rev().filter(|entry| entry.shelf == shelf);
        found.extend(of_shelf.map(|entry| (entry.id, entry.is_message)));
        // Only what the row begins with may go on in the one before.
        if entries.first().is_none_or(|first| first.shelf < shelf) {
            break;
        }
    }
    found.reverse();
    Ok(found)
}

/// Every entry of every run.
pub fn entries(tree: &Tree) -> impl Iterator<Item = Result<Vec<Entry>, StoreError>> {
    tree.scan_prefix([keys::RUN_ROWS]).map(|row| {
        let (key, bytes) = row?;
        read(&key, &bytes)
    })
}

/// The entries of the row under `key`, in order.
pub fn read(key: &[u8], row: &[u8]) -> Result<Vec<Entry>, StoreError> {
    let damaged = || StoreError::Damaged(format!("the list of records at {key:02x?}"));
    let (shelf, id) = keys::first_of_run_row(key).ok_or_else(damaged)?;
    let written: Vec<Written> = postcard::from_bytes(row).map_err(|_| damaged())?;
    let entries = written.into_iter().map(|(from_shelf, from_id, is_message)| {
        Some(Entry {
            shelf: Shelf(shelf.checked_add(from_shelf)?),
            id: Id::from_u64(id.as_u64().wrapping_add_signed(from_id)),
            is_message,
        })
    });
    entries.collect::<Option<Vec<Entry>>>().ok_or_else(damaged)
}
