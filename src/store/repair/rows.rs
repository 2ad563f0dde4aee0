//! Taking rows over, and going through them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::Mend;
use super::words::name;
use crate::model::Id;
use crate::store::files::Row;
use crate::store::sum::Sum;
use crate::store::{Bundle, StoreError, bundle, keys, value};

/// Bytes of rows that are written together.
const BATCH_BYTES: usize = 4 << 20;

/// What was taken over.
#[derive(Default)]
pub struct Taken {
    /// The format of the damaged store.
    pub format: Option<u32>,
    /// Rows that may be old, by kind.
    pub old: BTreeMap<u8, u64>,
    /// Rows whose keys make no sense.
    pub strange: u64,
    /// What the rows come to, and what they should.
    sum: Sum,
    stored: Option<Vec<u8>>,
}

impl Taken {
    /// Whether it is every row of the store, as it was.
    pub fn is_all(&self) -> bool {
        self.stored.as_deref().is_some_and(|stored| self.sum.is(stored))
    }
}

/// What is to become of a row.
enum Fate {
    Kept,
    /// It is made anew.
    Dropped,
    Strange,
}

/// What is to become of the row with this key.
fn fate(key: &[u8]) -> Fate {
    let Some(kind) = key.first() else { return Fate::Strange };
    let length = key.len();
    // Long values go on under keys that are longer by two.
    let long = |whole: usize| length == whole || length == whole + 2;
    let is_well = match *kind {
        b'B' | b'D' | b'E' | b'R' | b'X' | b'Y' | b'f' | b'i' | b'j' | b'n' | b'r' | b'z' => {
            return Fate::Dropped;
        }
        keys::AUDITS | keys::MARKS | keys::MESSAGES | keys::UNTRIED | keys::SETTLED => long(9),
        b'b' | b'h' | b'o' | b'p' | b'q' | b's' | b'u' => length == 9,
        b't' | b'e' => long(13),
        b'v' | b'y' | b'k' => long(21),
        b'c' => length == 10,
        b'l' => length == 13,
        b'x' => length == 5,
        b'm' if key == keys::SUM || key == keys::FORMAT => return Fate::Dropped,
        b'm' => key == keys::COUNTERS || key == keys::FORGOTTEN || key.starts_with(keys::GAPS),
        _ => false,
    };
    if is_well { Fate::Kept } else { Fate::Strange }
}

impl Mend {
    /// Takes a row over.
    pub(super) fn take_over(&mut self, row: &Row, taken: &mut Taken) -> Result<(), StoreError> {
        taken.sum.add(row.key, row.value);
        if row.key == keys::SUM {
            taken.stored = Some(row.value.to_vec());
        }
        if row.key == keys::FORMAT {
            taken.format = row.value.try_into().ok().map(u32::from_be_bytes);
        }
        match fate(row.key) {
            Fate::Dropped => return Ok(()),
            Fate::Strange => {
                taken.strange += 1;
                return Ok(());
            }
            Fate::Kept => {}
        }
        if row.may_be_old {
            *taken.old.entry(row.key[0]).or_default() += 1;
        }
        self.batch.insert(row.key, row.value);
        self.wrote(row.key.len() + row.value.len())
    }

    /// So many bytes more are to be written.
    pub(super) fn wrote(&mut self, bytes: usize) -> Result<(), StoreError> {
        self.batch_bytes += bytes;
        if self.batch_bytes < BATCH_BYTES { Ok(()) } else { self.commit() }
    }

    pub(super) fn commit(&mut self) -> Result<(), StoreError> {
        self.batch_bytes = 0;
        self.disk.commit(std::mem::take(&mut self.batch))
    }

    /// Hands every entry of a kind of which several share a row to `look`, which may have another value for it;
    /// what cannot be read is left out and listed. A row of which nothing is other stays as it is.
    pub(super) fn each_entry(
        &mut self,
        kind: u8,
        mut look: impl FnMut(&mut Mend, Id, &[u8]) -> Result<Option<Vec<u8>>, StoreError>,
    ) -> Result<(), StoreError> {
        // What was written anew further on may come along again.
        let mut done = Id::default();
        self.each_row(&[kind], keys::ENTRY_BYTES, true, |mend, key, head, bytes| {
            let first = keys::id_of(key).unwrap_or_default();
            if first <= done {
                return Ok(());
            }
            let before = bytes.len();
            let row = Bundle::of(first, value::is_bundle(head), bytes)?;
            let (mut left, mut is_other) = (Vec::with_capacity(row.len()), false);
            for (id, bytes) in row.entries() {
                done = id;
                match look(mend, id, bytes) {
                    Ok(None) => left.push((id, bytes.to_vec())),
                    Ok(Some(other)) => {
                        left.push((id, other));
                        is_other = true;
                    }
                    Err(StoreError::Damaged(why)) if row.len() > 1 => {
                        mend.lose(format!("{}: {why}", name(kind)));
                        is_other = true;
                    }
                    Err(error) => return Err(error),
                }
            }
            if is_other {
                value::remove(&mut mend.batch, key, before);
                bundle::put(&mut mend.batch, kind, &left);
                mend.wrote(before)?;
            }
            Ok(())
        })
    }

    /// Hands every value to `look` whose key begins with `prefix` and has so many bytes; what cannot be
    /// read, for which `look` has an error, is removed and listed.
    pub(super) fn each(
        &mut self,
        prefix: &[u8],
        key_bytes: usize,
        is_long: bool,
        mut look: impl FnMut(&mut Mend, &[u8], Vec<u8>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.each_row(prefix, key_bytes, is_long, |mend, key, _, bytes| look(mend, key, bytes))
    }

    /// The same, with the row as it lies in the store.
    fn each_row(
        &mut self,
        prefix: &[u8],
        key_bytes: usize,
        is_long: bool,
        mut look: impl FnMut(&mut Mend, &[u8], &[u8], Vec<u8>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.commit()?;
        let tree = self.tree();
        // The value whose parts follow, and how many those are.
        let mut whole: Option<(Vec<u8>, u16)> = None;
        for row in tree.scan_prefix(prefix) {
            let (key, head) = row?;
            if key.len() != key_bytes {
                let is_part = whole.as_ref().is_some_and(|(of, parts)| {
                    let part =
                        key.strip_prefix(of.as_slice()).and_then(|rest| rest.try_into().ok());
                    part.map(u16::from_be_bytes).is_some_and(|part| (1..=*parts).contains(&part))
                });
                if !is_part {
                    self.batch.remove(key);
                }
                continue;
            }
            let parts = value::parts(&head).unwrap_or_default();
            let bytes = if is_long {
                // Nobody else removes any.
                value::whole(&tree, &key, &head).map(Option::unwrap_or_default)
            } else {
                Ok(head.to_vec())
            };
            match bytes.and_then(|bytes| look(self, &key, &head, bytes)) {
                Ok(()) => whole = Some((key.to_vec(), parts)),
                Err(StoreError::Damaged(why)) => {
                    whole = None;
                    self.lose(format!("{}: {why}", name(key[0])));
                    self.batch.remove(key);
                }
                Err(error) => return Err(error),
            }
            self.wrote(0)?;
        }
        self.commit()
    }

    /// Removes all rows of a kind.
    pub(super) fn forget_all(&mut self, kind: u8) -> Result<(), StoreError> {
        let tree = self.tree();
        for key in tree.scan_prefix([kind]).keys() {
            let key = key?;
            self.wrote(key.len())?;
            self.batch.remove(key);
        }
        self.commit()
    }

    /// Writes a value in the place of one that has `before` bytes.
    pub(super) fn rewrite(
        &mut self,
        key: &[u8],
        before: usize,
        after: &[u8],
    ) -> Result<(), StoreError> {
        value::remove(&mut self.batch, key, before);
        value::put(&mut self.batch, key, after);
        self.wrote(key.len() + after.len())
    }
}

/// Decodes a row.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|error| StoreError::Damaged(error.to_string()))
}
