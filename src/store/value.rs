//! Values of any length. sled spills what is longer than about 7 KB into files of their own, at 65
//! times the writing (D5); so a long value is cut into parts that follow its key.
//!
//! At the key: two bytes that say how many parts follow, then the first piece. At the key plus two
//! bytes (1, 2, …): the other pieces.

use super::tree::Tree;
use super::{Batch, StoreError};

/// The longest piece, in bytes.
pub const PIECE_BYTES_MAX: usize = 7 * 1024;

/// Adds `value` to `batch` under `key`.
pub fn put(batch: &mut Batch, key: &[u8], value: &[u8]) {
    let mut pieces = value.chunks(PIECE_BYTES_MAX);
    let first = pieces.next().unwrap_or_default();
    let parts = pieces.len() as u16;
    let mut head = Vec::with_capacity(2 + first.len());
    head.extend_from_slice(&parts.to_be_bytes());
    head.extend_from_slice(first);
    batch.insert(key, head);
    for (piece, part) in pieces.zip(1..) {
        batch.insert(part_key(key, part), piece);
    }
}

/// Adds the removal of the value under `key`, which has `length` bytes, to `batch`.
pub fn remove(batch: &mut Batch, key: &[u8], length: usize) {
    batch.remove(key);
    for part in 1..length.div_ceil(PIECE_BYTES_MAX) {
        batch.remove(part_key(key, part as u16));
    }
}

/// The value whose first piece is `head`, when it has no other.
pub fn short(head: &[u8]) -> Option<&[u8]> {
    head.strip_prefix(&[0, 0])
}

/// The value whose first piece, as found under `key`, is `head`.
pub fn whole(tree: &Tree, key: &[u8], head: &[u8]) -> Result<Vec<u8>, StoreError> {
    let damaged = |what: &str| StoreError::Damaged(format!("the value at {key:02x?} {what}"));
    let (parts, first) = head.split_first_chunk().ok_or_else(|| damaged("has no length"))?;
    let mut value = first.to_vec();
    for part in 1..=u16::from_be_bytes(*parts) {
        let piece = tree.get(part_key(key, part))?.ok_or_else(|| damaged("lacks a part"))?;
        value.extend_from_slice(&piece);
    }
    Ok(value)
}

/// The value under `key`.
pub fn get(tree: &Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    tree.get(key)?.map(|head| whole(tree, key, &head)).transpose()
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

    #[test]
    fn values_of_any_length_come_back_whole() {
        let database = sled::Config::new().temporary(true).open().unwrap();
        let tree = Tree::new((*database).clone());
        let edges = [0, 1, PIECE_BYTES_MAX - 1, PIECE_BYTES_MAX, PIECE_BYTES_MAX + 1, 3 << 20];
        for (number, length) in edges.into_iter().enumerate() {
            let value: Vec<u8> = (0..length).map(|at| (at * 31) as u8).collect();
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
}
