//! Values of any length. sled spills what is longer than about 7 KB into files of their own, at 65
//! times the writing (D5); so a value is pressed where that makes it smaller, and one that is long all the
//! same is cut into parts that follow its key.
//!
//! At the key: two bytes that say how many parts follow, and by their highest bits whether the value is
//! pressed, and whether it is a bundle; then the first piece. At the key plus two bytes (1, 2, …): the other
//! pieces.

use std::borrow::Cow;
use std::ops::Deref;

use serde::Serialize;
use sled::IVec;

use super::press::{press, unpress};
use super::tree::Tree;
use super::{Batch, StoreError};

/// The bit that says that a value is pressed.
const PRESSED: u16 = 1 << 15;
/// The bit that says that a value is a bundle of several.
const BUNDLE: u16 = 1 << 14;
/// The bits that count parts.
const PARTS: u16 = BUNDLE - 1;

/// The longest piece, in bytes.
pub const PIECE_BYTES_MAX: usize = 7 * 1024;

/// How often a value that is being replaced is read.
const READS_MAX: usize = 1_000;

/// A row that is plain data, as it is written.
pub fn encode<T: Serialize>(row: &T) -> Vec<u8> {
    postcard::to_stdvec(row).expect("invariant: rows are plain data")
}

/// Adds `value` to `batch` under `key`.
pub fn put(batch: &mut Batch, key: &[u8], value: &[u8]) {
    put_as(batch, key, value, press(value), 0);
}

/// Adds `value` to `batch` under `key` as it is: one that would hardly be smaller if it were pressed, and of
/// which mostly the beginning is read.
pub fn put_plain(batch: &mut Batch, key: &[u8], value: &[u8]) {
    put_as(batch, key, value, None, 0);
}

/// Adds `value`, which is a bundle, to `batch` under `key`.
pub fn put_bundle(batch: &mut Batch, key: &[u8], value: &[u8]) {
    put_as(batch, key, value, press(value), BUNDLE);
}

fn put_as(batch: &mut Batch, key: &[u8], value: &[u8], pressed: Option<Vec<u8>>, what: u16) {
    let mut pieces = pressed.as_deref().unwrap_or(value).chunks(PIECE_BYTES_MAX);
    let first = pieces.next().unwrap_or_default();
    let how = if pressed.is_some() { PRESSED } else { 0 };
    let parts = pieces.len() as u16 | how | what;
    let mut head = Vec::with_capacity(2 + first.len());
    head.extend_from_slice(&parts.to_be_bytes());
    head.extend_from_slice(first);
    batch.insert(key, head);
    for (piece, part) in pieces.zip(1..) {
        batch.insert(part_key(key, part), piece);
    }
}

/// Adds the removal of the value under `key`, which has `length` bytes before it is pressed, to `batch`.
pub fn remove(batch: &mut Batch, key: &[u8], length: usize) {
    batch.remove(key);
    for part in 1..length.div_ceil(PIECE_BYTES_MAX) {
        batch.remove(part_key(key, part as u16));
    }
}

/// Adds the removal of the parts that follow the first piece of the value under `key`, which has so many, to
/// `batch`; so that another can be put there.
pub fn remove_parts(batch: &mut Batch, key: &[u8], parts: u16) {
    for part in 1..=parts {
        batch.remove(part_key(key, part));
    }
}

/// How many parts follow the first piece, `head`.
pub fn parts(head: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*head.first_chunk()?) & PARTS)
}

/// Whether the value whose first piece is `head` is a bundle.
pub fn is_bundle(head: &[u8]) -> bool {
    head.first_chunk().is_some_and(|how| u16::from_be_bytes(*how) & BUNDLE != 0)
}

/// The value whose first piece, as found under `key`, is `head`; none when it has been removed since. Of
/// one that is never replaced.
pub fn whole(tree: &Tree, key: &[u8], head: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the value at {key:02x?} {what}"));
    let (how, first) = head.split_first_chunk().ok_or_else(|| damaged("has no length"))?;
    let how = u16::from_be_bytes(*how);
    let mut value = Cow::Borrowed(first);
    for part in 1..=how & PARTS {
        match tree.get(part_key(key, part))? {
            Some(piece) => value.to_mut().extend_from_slice(&piece),
            None if tree.contains_key(key)? => return Err(damaged("lacks a part")),
            None => return Ok(None),
        }
    }
    if how & PRESSED == 0 {
        return Ok(Some(value.into_owned()));
    }
    unpress(&value).map(Some).ok_or_else(|| damaged("cannot be unpressed"))
}

/// The value under `key`. Of one that is never replaced.
pub fn get(tree: &Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    match tree.get(key)? {
        Some(head) => whole(tree, key, &head),
        None => Ok(None),
    }
}

/// The beginning of a value, or all of it.
pub struct Beginning {
    row: IVec,
    from: usize,
    /// Whether it is all.
    pub is_all: bool,
}

impl Deref for Beginning {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.row[self.from..]
    }
}

/// The value under `key`, as far as its first row tells it; all of one that is pressed. Of one that is never
/// replaced.
pub fn beginning(tree: &Tree, key: &[u8]) -> Result<Option<Beginning>, StoreError> {
    let Some(row) = tree.get(key)? else { return Ok(None) };
    let how = row.first_chunk().map(|how| u16::from_be_bytes(*how));
    if let Some(how) = how.filter(|how| how & PRESSED == 0) {
        return Ok(Some(Beginning { row, from: 2, is_all: how & PARTS == 0 }));
    }
    let whole = whole(tree, key, &row)?;
    Ok(whole.map(|value| Beginning { row: value.into(), from: 0, is_all: true }))
}

/// The value under `key`, which may be replaced at any time: pieces are read one by one, so they are
/// read until they are the same twice.
pub fn get_current(tree: &Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let mut before = None;
    for _ in 0..READS_MAX {
        let Some(head) = tree.get(key)? else { return Ok(None) };
        if parts(&head) == Some(0) {
            return whole(tree, key, &head);
        }
        // Half of it may be gone while the other half is still there.
        let now = match whole(tree, key, &head) {
            Err(error) if error.is_of_the_disk() => return Err(error),
            read => read.ok().flatten(),
        };
        if now.is_some() && now == before {
            return Ok(now);
        }
        before = now;
    }
    Err(StoreError::Damaged(format!("the value at {key:02x?} lacks a part")))
}

fn part_key(key: &[u8], part: u16) -> Vec<u8> {
    let mut part_key = Vec::with_capacity(key.len() + 2);
    part_key.extend_from_slice(key);
    part_key.extend_from_slice(&part.to_be_bytes());
    part_key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::noise;

    #[test]
    fn values_of_any_length_come_back_whole() {
        let database = sled::Config::new().temporary(true).open().unwrap();
        let tree = Tree::new((*database).clone());
        let edges = [0, 1, PIECE_BYTES_MAX - 1, PIECE_BYTES_MAX, PIECE_BYTES_MAX + 1, 3 << 20];
        for (number, length) in edges.into_iter().enumerate() {
            let value = noise(number as u64, length).into_bytes();
            let key = [b'x', number as u8];
            let mut batch = Batch::default();
            put(&mut batch, &key, &value);
            database.apply_batch(batch.to_sled()).unwrap();
            assert_eq!(get(&tree, &key).unwrap().unwrap(), value);
            let mut batch = Batch::default();
            remove(&mut batch, &key, length);
            database.apply_batch(batch.to_sled()).unwrap();
            assert_eq!(database.scan_prefix(key).count(), 0, "{length} bytes leave nothing");
        }
        assert_eq!(get(&tree, b"none").unwrap(), None);
    }

    #[test]
    fn the_beginning_of_a_value_is_that_of_the_whole() {
        let database = sled::Config::new().temporary(true).open().unwrap();
        let tree = Tree::new((*database).clone());
        for length in [0, 100, PIECE_BYTES_MAX, PIECE_BYTES_MAX + 1, 3 * PIECE_BYTES_MAX] {
            let value = noise(length as u64, length).into_bytes();
            let mut batch = Batch::default();
            put_plain(&mut batch, b"plain", &value);
            put(&mut batch, b"pressed", &"a".repeat(length).into_bytes());
            database.apply_batch(batch.to_sled()).unwrap();
            let (plain, pressed) = (beginning(&tree, b"plain"), beginning(&tree, b"pressed"));
            let (plain, pressed) = (plain.unwrap().unwrap(), pressed.unwrap().unwrap());
            assert_eq!(*plain, value[..length.min(PIECE_BYTES_MAX)]);
            assert_eq!(plain.is_all, length <= PIECE_BYTES_MAX);
            assert_eq!(get(&tree, b"plain").unwrap().unwrap(), value);
            assert!(pressed.is_all && *pressed == *"a".repeat(length).as_bytes());
        }
        assert!(beginning(&tree, b"none").unwrap().is_none());
    }

    #[test]
    fn a_value_that_is_removed_while_it_is_read_is_gone_and_one_that_lacks_a_part_is_damaged() {
        let database = sled::Config::new().temporary(true).open().unwrap();
        let tree = Tree::new((*database).clone());
        let mut batch = Batch::default();
        put(&mut batch, b"x", noise(7, 3 * PIECE_BYTES_MAX).as_bytes());
        database.apply_batch(batch.to_sled()).unwrap();
        let head = database.get(b"x").unwrap().unwrap();
        database.remove(part_key(b"x", 2)).unwrap();
        for read in [whole(&tree, b"x", &head), get(&tree, b"x"), get_current(&tree, b"x")] {
            assert!(matches!(read, Err(StoreError::Damaged(_))), "{read:?}");
        }
        database.remove(b"x").unwrap();
        assert_eq!(whole(&tree, b"x", &head).unwrap(), None);
    }

    /// Whoever reads while others write and remove sees a value that was written, or none.
    #[test]
    fn a_value_that_is_replaced_while_it_is_read_is_never_half_of_each() {
        let database = sled::Config::new().temporary(true).open().unwrap();
        let tree = Tree::new((*database).clone());
        let done = std::sync::atomic::AtomicBool::new(false);
        let written = std::sync::Mutex::new(std::collections::HashSet::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for round in 0_u32..400 {
                    let mut batch = Batch::default();
                    remove(&mut batch, b"x", 4 * PIECE_BYTES_MAX);
                    if !round.is_multiple_of(5) {
                        // Alike in its first piece.
                        let rest = (1 + round as usize % 3) * PIECE_BYTES_MAX;
                        let value = noise(0, PIECE_BYTES_MAX) + &noise(round.into(), rest);
                        put(&mut batch, b"x", value.as_bytes());
                        written.lock().unwrap().insert(value.into_bytes());
                    }
                    database.apply_batch(batch.to_sled()).unwrap();
                }
                done.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            let mut seen = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let Some(value) = get_current(&tree, b"x").unwrap() else { continue };
                assert!(written.lock().unwrap().contains(&value), "half of each");
                seen += 1;
            }
            assert!(seen > 0);
        });
    }
}
