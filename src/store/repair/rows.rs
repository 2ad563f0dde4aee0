//! Taking rows over, and going through them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::Mend;
use super::words::name;
use crate::store::files::Row;
use crate::store::sum::Sum;
use crate::store::{Bundle, StoreError, keys, value};

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
        b'B' | b'D' | b'E' | b'X' | b'Y' | b'f' | b'i' | b'j' | b'n' | b'r' | b'z' => {
            return Fate::Dropped;
        }
        keys::AUDITS | keys::MARKS | keys::MESSAGES => long(9),
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

    /// Gives each mark and each message a row of its own: what is lost of one that was bundled with others is
    /// then no loss of those.
    pub(super) fn unbundle(&mut self, kind: u8) -> Result<(), StoreError> {
        self.commit()?;
        let tree = self.tree();
        for row in tree.scan_prefix([kind]) {
            let (key, head) = row?;
            let Some(first) = keys::id_of(&key).filter(|_| value::is_bundle(&head)) else {
                continue;
            };
            // Nobody else removes any.
            let whole = value::whole(&tree, &key, &head).map(Option::unwrap_or_default);
            match whole.and_then(|bytes| Bundle::of(first, true, bytes)) {
                Ok(bundle) => {
                    value::remove(&mut self.batch, &key, bundle.bytes());
                    for (id, bytes) in bundle.entries() {
                        value::put(&mut self.batch, &keys::by_id(kind, id), bytes);
                    }
                    self.wrote(bundle.bytes())?;
                }
                Err(StoreError::Damaged(why)) => {
                    self.lose(format!("{}: {why}", name(kind)));
                    self.batch.remove(key);
                }
                Err(error) => return Err(error),
            }
        }
        self.commit()
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
            match bytes.and_then(|bytes| look(self, &key, bytes)) {
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

/// Encodes a row.
pub fn encode<T: serde::Serialize>(row: &T) -> Vec<u8> {
    postcard::to_stdvec(row).expect("invariant: rows are plain data")
}
