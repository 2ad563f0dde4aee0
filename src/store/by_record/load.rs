//! Reading runs at a start, and making those that are missing.

use std::iter;

use ahash::HashSet;

use super::{Change, Entry, Table};
use crate::model::{Addressed, Id};
use crate::store::head::Head;
use crate::store::history::decode_mark;
use crate::store::tree::Tree;
use crate::store::{Batch, Bundle, Store, StoreError, bundle, keys};

/// Reads what is kept in memory of runs.
pub fn load(tree: &Tree) -> Result<Table, StoreError> {
    let mut table = Table::default();
    for row in tree.scan_prefix([keys::RUNS]) {
        let run = postcard::from_bytes(&row?.1);
        table.runs.push(run.map_err(|error| {
            StoreError::Damaged(format!("the list of what there is of records: {error}"))
        })?);
    }
    table.next = table.runs.last().map_or(0, |run| run.number + 1);
    Ok(table)
}

/// Lists what is in no run, which is less than a run of it, but where the store is of an older format or was
/// repaired. A full disk is no reason not to start: then more of it is listed in memory.
pub fn make_missing(store: &Store) -> Result<(), StoreError> {
    let mut table = store.by_record.write();
    *table = load(store.tree())?;
    let mut is_full = false;
    for entry in unlisted(store.tree(), table.last())? {
        let entry = entry?;
        let mut batch = Batch::default();
        // The time of a run ends where the next entry is, so that the messages of its last window are in it.
        let last = Id::from_u64(entry.id.as_u64().saturating_sub(1));
        if !is_full && let Some(run) = table.fill(&Change::default(), last, &mut batch) {
            match store.disk.commit(batch) {
                Err(StoreError::Full) => is_full = true,
                written => {
                    written?;
                    table.apply(Change { run: Some(run), ..Change::default() });
                }
            }
        }
        table.list(entry);
    }
    Ok(())
}

/// The windows, and the messages that none of their marks names, made after `after`; in the order of time.
fn unlisted(
    tree: &Tree,
    after: Id,
) -> Result<impl Iterator<Item = Result<Entry, StoreError>>, StoreError> {
    let (from, until) = (after.plus(1), Id::from_u64(u64::MAX));
    let mut marks = bundle::entries(tree, keys::MARKS, from, until)?.peekable();
    let rows = bundle::rows(tree, keys::MESSAGES, from, until)?;
    let of_row = move |row: &Bundle| -> Vec<Result<Entry, StoreError>> {
        row.entries().filter(|(id, _)| *id >= from).map(|(id, bytes)| message(id, bytes)).collect()
    };
    let mut messages = rows
        .flat_map(move |row| match row {
            Ok(row) => of_row(&row),
            Err(error) => vec![Err(error)],
        })
        .peekable();
    let mut named = HashSet::default();
    Ok(iter::from_fn(move || {
        loop {
            let message = match messages.peek() {
                Some(Ok(entry)) => entry.id,
                // Also an error, which then comes next.
                Some(Err(_)) => Id::default(),
                None => until,
            };
            // A mark is older than the messages that it names.
            let is_older = |mark: &Result<(Id, _), _>| {
                mark.as_ref().map_or(true, |(id, _): &(Id, Vec<u8>)| *id < message)
            };
            if let Some(mark) = marks.next_if(is_older) {
                return Some(mark.and_then(|(id, bytes)| window(id, &bytes, &mut named)));
            }
            match messages.next()? {
                Ok(entry) if named.remove(&entry.id) => {}
                entry => return Some(entry),
            }
        }
    }))
}

fn window(id: Id, bytes: &[u8], named: &mut HashSet<Id>) -> Result<Entry, StoreError> {
    let mark = decode_mark(id, bytes)?;
    named.extend(mark.addressed.iter().filter_map(|(_, addressed)| match addressed {
        Addressed::Message(message) => Some(*message),
        Addressed::NothingChanged => None,
    }));
    Ok(Entry { shelf: mark.record.partition().into(), id, is_message: false })
}

fn message(id: Id, bytes: &[u8]) -> Result<Entry, StoreError> {
    let shelf = Head::of(bytes, id)?.partition().into();
    Ok(Entry { shelf, id, is_message: true })
}
