//! The marks and the messages of a commit, bundled: one row for as many as fit (D5). Fewer rows are less
//! for sled to do, and what is alike presses better together.
//!
//! A row's key holds the id of its first entry, so an id is all it takes to find an entry: the row that
//! starts at or before it, and a look inside. Such a row is never changed: it goes as a whole, once none
//! of its entries is needed any more. An entry that is alone in its row is the value itself.
//!
//! Rows that say how messages were settled look the same, but have keys of another kind and change: see `settled`.

use std::iter;
use std::ops::Range;

use serde::Deserialize;

use super::tree::Tree;
use super::{Batch, StoreError, keys, value};
use crate::model::Id;

/// Bytes of a row with more than one entry, before it is pressed: whoever wants one entry reads them all.
const ROW_BYTES_MAX: usize = 16 * 1024;
/// Bytes an entry takes beside its value, at the most.
const ENTRY_OVERHEAD: usize = 16;

/// The entries of a row.
#[derive(Clone, Debug)]
pub struct Bundle {
    bytes: Vec<u8>,
    /// Each entry, and where its value lies in the bytes; never none.
    entries: Vec<(Id, Range<usize>)>,
}

/// A row as it lies in the store: each entry with how much greater its id is than the one before, and its
/// value.
#[derive(Deserialize)]
struct Written<'a>(#[serde(borrow)] Vec<(u64, &'a [u8])>);

impl Bundle {
    /// Reads the row that was found under `key`; none when it has been removed since.
    fn read(tree: &Tree, key: &[u8], head: &[u8]) -> Result<Option<Bundle>, StoreError> {
        let Some(first) = keys::id_of(key) else { return Ok(None) };
        let Some(bytes) = value::whole(tree, key, head)? else { return Ok(None) };
        Bundle::of(first, value::is_bundle(head), bytes).map(Some)
    }

    /// What the row at `first` holds.
    pub fn of(first: Id, is_bundle: bool, bytes: Vec<u8>) -> Result<Bundle, StoreError> {
        if !is_bundle {
            let all = 0..bytes.len();
            return Ok(Bundle { bytes, entries: vec![(first, all)] });
        }
        let damaged = |why: &dyn std::fmt::Display| {
            StoreError::Damaged(format!("what was written together from {first} on: {why}"))
        };
        let Written(written) = postcard::from_bytes(&bytes).map_err(|error| damaged(&error))?;
        let (begin, mut id) = (bytes.as_ptr() as usize, first);
        let mut entries = Vec::with_capacity(written.len());
        for (further, value) in written {
            id = Id::from_u64(id.as_u64().checked_add(further).ok_or_else(|| damaged(&"an id"))?);
            let from = value.as_ptr() as usize - begin;
            entries.push((id, from..from + value.len()));
        }
        if entries.is_empty() {
            return Err(damaged(&"nothing"));
        }
        Ok(Bundle { bytes, entries })
    }

    /// These entries in a row; at least one.
    fn together(entries: &[(Id, Vec<u8>)]) -> Bundle {
        match entries {
            [(first, value)] => {
                Bundle { bytes: value.clone(), entries: vec![(*first, 0..value.len())] }
            }
            _ => Bundle::written(entries[0].0, entries),
        }
    }

    /// The value of a row that begins at `first`, which is the id of its first entry or an earlier one.
    pub fn encode(first: Id, entries: &[(Id, Vec<u8>)]) -> Vec<u8> {
        Bundle::written(first, entries).bytes
    }

    /// These entries, as [`Written`] has them.
    fn written(first: Id, entries: &[(Id, Vec<u8>)]) -> Bundle {
        let mut row = Bundle { bytes: Vec::new(), entries: Vec::with_capacity(entries.len()) };
        row.write_number(entries.len() as u64);
        let mut before = first.as_u64();
        for (id, value) in entries {
            row.write_number(id.as_u64() - before);
            row.write_number(value.len() as u64);
            let from = row.bytes.len();
            row.bytes.extend_from_slice(value);
            row.entries.push((*id, from..row.bytes.len()));
            before = id.as_u64();
        }
        row
    }

    fn write_number(&mut self, number: u64) {
        let mut space = [0; 10];
        let written = postcard::to_slice(&number, &mut space);
        self.bytes.extend_from_slice(written.expect("invariant: ten bytes hold any number"));
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The ids, in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = Id> + '_ {
        self.entries.iter().map(|(id, _)| *id)
    }

    /// The entries, in order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (Id, &[u8])> {
        self.entries.iter().map(|(id, lies)| (*id, &self.bytes[lies.clone()]))
    }

    /// Whether an entry of this id would be in this row, and in no other.
    pub fn spans(&self, id: Id) -> bool {
        let (last, _) = self.entries[self.entries.len() - 1];
        (self.first()..=last).contains(&id)
    }

    /// The value of an entry.
    pub fn get(&self, id: Id) -> Option<&[u8]> {
        let at = self.entries.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        Some(&self.bytes[self.entries[at].1.clone()])
    }

    /// The first id, which names the row.
    pub fn first(&self) -> Id {
        self.entries[0].0
    }

    /// The key of the row.
    pub fn key(&self, kind: u8) -> [u8; 9] {
        keys::by_id(kind, self.first())
    }

    /// The values, and what lies between them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of the row's value, before it is pressed.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// Adds the rows of `entries`, whose ids ascend, to `batch`.
pub fn put(batch: &mut Batch, kind: u8, entries: &[(Id, Vec<u8>)]) -> Vec<Bundle> {
    let mut rows = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(fit(rest));
        let row = Bundle::together(now);
        match now {
            [(_, alone)] => value::put(batch, &row.key(kind), alone),
            _ => value::put_bundle(batch, &row.key(kind), &row.bytes),
        }
        rows.push(row);
        rest = later;
    }
    rows
}

/// How many of these fit in one row: at least one, however long it is.
fn fit(entries: &[(Id, Vec<u8>)]) -> usize {
    let mut bytes = 0;
    let fitting = entries.iter().take_while(|(_, value)| {
        bytes += value.len() + ENTRY_OVERHEAD;
        bytes <= ROW_BYTES_MAX
    });
    fitting.count().max(1)
}

/// The row that holds the entry `id`, if any does.
pub fn find(tree: &Tree, kind: u8, id: Id) -> Result<Option<Bundle>, StoreError> {
    Ok(at_or_before(tree, kind, id)?.filter(|bundle| bundle.spans(id)))
}

/// The value of the entry `id`.
pub fn get(tree: &Tree, kind: u8, id: Id) -> Result<Option<Vec<u8>>, StoreError> {
    let found = find(tree, kind, id)?;
    Ok(found.and_then(|bundle| Some(bundle.get(id)?.to_vec())))
}

/// The last row that starts at `id` or before it.
fn at_or_before(tree: &Tree, kind: u8, id: Id) -> Result<Option<Bundle>, StoreError> {
    let range = keys::by_id(kind, Id::default())..=keys::by_id(kind, id);
    for row in tree.range(range).rev() {
        let (key, head) = row?;
        // Longer keys are the parts of long values.
        if keys::id_of(&key).is_some() {
            return Bundle::read(tree, &key, &head);
        }
    }
    Ok(None)
}

/// The rows that hold entries from `from` on, before `until`, in order.
pub fn rows(
    tree: &Tree,
    kind: u8,
    from: Id,
    until: Id,
) -> Result<impl DoubleEndedIterator<Item = Result<Bundle, StoreError>> + use<>, StoreError> {
    // The first may be in a row that starts before.
    let earlier =
        at_or_before(tree, kind, from)?.filter(|bundle| bundle.ids().any(|id| id >= from));
    let after = match &earlier {
        Some(bundle) => bundle.entries[bundle.len() - 1].0.plus(1),
        None => from,
    };
    let range = tree.range(keys::by_id(kind, after)..keys::by_id(kind, until.max(after)));
    let its = tree.clone();
    let rest = range.filter_map(move |row| match row {
        Err(error) => Some(Err(error)),
        Ok((key, head)) => Bundle::read(&its, &key, &head).transpose(),
    });
    Ok(earlier.filter(|_| from < until).map(Ok).into_iter().chain(rest))
}

/// The entries from `from` on, before `until`, in order.
pub fn entries(
    tree: &Tree,
    kind: u8,
    from: Id,
    until: Id,
) -> Result<impl DoubleEndedIterator<Item = Result<(Id, Vec<u8>), StoreError>> + use<>, StoreError>
{
    let within = move |bundle: &Bundle| -> Vec<Result<(Id, Vec<u8>), StoreError>> {
        let entries = bundle.entries().filter(|(id, _)| (from..until).contains(id));
        entries.map(|(id, value)| Ok((id, value.to_vec()))).collect()
    };
    let rows = rows(tree, kind, from, until)?;
    Ok(rows.flat_map(move |row| match row {
        Err(error) => iter::once(Err(error)).collect(),
        Ok(bundle) => within(&bundle),
    }))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::noise;

    const KIND: u8 = b'g';

    /// Commits, each of entries that follow each other: how much greater each id is, and how long its value.
    fn commits() -> impl Strategy<Value = Vec<Vec<(u64, usize)>>> {
        let length = prop_oneof![4 => 0_usize..900, 1 => 0_usize..40_000];
        vec(vec((1_u64..4, length), 0..30), 0..5)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

        #[test]
        fn entries_are_found_and_listed_as_they_were_put(commits in commits(), ends: [u8; 2]) {
            let database = sled::Config::new().temporary(true).open().unwrap();
            let tree = Tree::new((*database).clone());
            let mut expected = BTreeMap::new();
            let mut id = 10;
            for commit in commits {
                let entries: Vec<(Id, Vec<u8>)> = commit
                    .into_iter()
                    .map(|(further, length)| {
                        id += further;
                        (Id::from_u64(id), noise(id, length).into_bytes())
                    })
                    .collect();
                let mut batch = Batch::default();
                for row in put(&mut batch, KIND, &entries) {
                    let read = Bundle::of(row.first(), row.len() > 1, row.bytes.clone()).unwrap();
                    prop_assert!(row.entries().eq(read.entries()));
                }
                database.apply_batch(batch.to_sled()).unwrap();
                expected.extend(entries);
            }
            for id in (0..id + 2).map(Id::from_u64) {
                let found = get(&tree, KIND, id).unwrap();
                prop_assert_eq!(found.as_ref(), expected.get(&id));
            }
            let [from, until] = ends.map(|end| Id::from_u64(u64::from(end)));
            let within = || {
                let all = expected.iter().map(|(id, value)| (*id, value.clone()));
                all.filter(move |(id, _)| (from..until).contains(id))
            };
            let listed = || entries(&tree, KIND, from, until).unwrap().map(Result::unwrap);
            prop_assert!(listed().eq(within()));
            prop_assert!(listed().rev().eq(within().collect::<Vec<_>>().into_iter().rev()));
            let rows: Vec<Bundle> =
                rows(&tree, KIND, Id::default(), Id::from_u64(u64::MAX)).unwrap().map(Result::unwrap).collect();
            prop_assert_eq!(rows.iter().map(Bundle::len).sum::<usize>(), expected.len());
            let fits = |row: &Bundle| row.len() == 1 || row.bytes() <= ROW_BYTES_MAX;
            prop_assert!(rows.iter().all(fits));
            for row in rows {
                let mut batch = Batch::default();
                value::remove(&mut batch, &row.key(KIND), row.bytes());
                database.apply_batch(batch.to_sled()).unwrap();
            }
            prop_assert_eq!(database.len(), 0, "nothing is left behind");
        }

        #[test]
        fn what_is_no_bundle_is_not_read_as_one(bytes in vec(any::<u8>(), 0..64)) {
            if let Ok(bundle) = Bundle::of(Id::from_u64(7), true, bytes.clone()) {
                prop_assert!(bundle.len() > 0);
                prop_assert!(bundle.entries().all(|(_, value)| value.len() <= bytes.len()));
            }
        }
    }

    #[test]
    fn what_is_alone_in_its_row_is_written_as_ever() {
        let mut batch = Batch::default();
        let entry = (Id::from_u64(7), b"one".to_vec());
        assert_eq!(put(&mut batch, KIND, &[entry])[0].len(), 1);
        let mut before = Batch::default();
        value::put(&mut before, &keys::by_id(KIND, Id::from_u64(7)), b"one");
        assert!(batch.rows().eq(before.rows()));
    }
}
