//! A small file beside sled's: the newest id that was acknowledged. sled may come up without the newest
//! commits and not say so; this says so.
//!
//! Written after each commit is on the disk, and left for the system to write out: it may lag behind the
//! store, and is never ahead of it. The id stands there twice, and the two are written in turn, so that a
//! write that fails half-way leaves the one before.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use xxhash_rust::xxh3::xxh3_64;

use super::StoreError;
use crate::model::Id;

/// The file's name.
pub const NAME: &str = "synced";

const MAGIC: &[u8; 8] = b"lullsyn1";
const SLOT: usize = 24;

/// The file, held open.
pub struct Synced {
    file: File,
    /// How often it was written; odd when the second slot is next.
    turn: AtomicU64,
}

impl Synced {
    /// Opens the file in `folder`, making it when it is not there.
    pub fn open(folder: &Path) -> Result<Synced, StoreError> {
        let path = folder.join(NAME);
        if !path.exists() {
            // Whole or not at all.
            let draft = folder.join("synced.new");
            let mut file = File::create(&draft)?;
            file.write_all(&encode(Id::default()).repeat(2))?;
            file.sync_all()?;
            fs::rename(draft, &path)?;
            File::open(folder)?.sync_all()?;
        }
        let [first, second] = slots(&fs::read(&path)?);
        let file = OpenOptions::new().write(true).open(path)?;
        Ok(Synced { file, turn: AtomicU64::new(u64::from(first > second)) })
    }

    /// Everything up to `id` is on the disk.
    pub fn note(&self, id: Id) -> Result<(), StoreError> {
        let slot = self.turn.fetch_add(1, Ordering::Relaxed) % 2;
        Ok(self.file.write_all_at(&encode(id), slot * SLOT as u64)?)
    }

    /// What the file in `folder` says; none when there is none.
    pub fn read(folder: &Path) -> Result<Option<Id>, StoreError> {
        let bytes = match fs::read(folder.join(NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let damaged = || StoreError::Damaged(format!("the file {NAME} is not what was written"));
        slots(&bytes).into_iter().max().flatten().map(Some).ok_or_else(damaged)
    }
}

fn encode(id: Id) -> [u8; SLOT] {
    let mut bytes = [0; SLOT];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&id.as_u64().to_be_bytes());
    let checksum = xxh3_64(&bytes[..16]);
    bytes[16..].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

/// What each slot says; none where it is not what was written.
fn slots(bytes: &[u8]) -> [Option<Id>; 2] {
    [0, SLOT].map(|at| decode(bytes.get(at..at + SLOT)?))
}

fn decode(slot: &[u8]) -> Option<Id> {
    let id = Id::from_u64(u64::from_be_bytes(slot.get(8..16)?.try_into().ok()?));
    (encode(id) == *slot).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_and_anything_else_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let read = || Synced::read(folder.path()).unwrap();
        assert_eq!(read(), None);
        let synced = Synced::open(folder.path()).unwrap();
        assert_eq!(read(), Some(Id::default()));
        for number in 1..8 {
            synced.note(Id::from_u64(number)).unwrap();
            assert_eq!(read(), Some(Id::from_u64(number)));
        }
        let again = Synced::open(folder.path()).unwrap();
        again.note(Id::from_u64(8)).unwrap();
        let whole = fs::read(folder.path().join(NAME)).unwrap();
        assert_eq!(slots(&whole).into_iter().min().flatten(), Some(Id::from_u64(7)));
        // One that is not what was written leaves the other.
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            let found = slots(&flipped);
            assert!(found.contains(&None) && found != [None; 2], "byte {at}");
        }
        fs::write(folder.path().join(NAME), [whole[..5].to_vec(), vec![0; 43]].concat()).unwrap();
        assert!(matches!(Synced::read(folder.path()), Err(StoreError::Damaged(_))));
        fs::write(folder.path().join(NAME), &whole[..23]).unwrap();
        assert!(matches!(Synced::read(folder.path()), Err(StoreError::Damaged(_))));
    }
}
