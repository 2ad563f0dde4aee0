//! A small file beside sled's: the newest id that was acknowledged. sled may come up without the newest
//! commits and not say so; this says so.
//!
//! Written after each commit is on the disk, and left for the system to write out: it may lag behind the
//! store, and is never ahead of it.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::StoreError;
use crate::model::Id;

/// The file's name.
pub const NAME: &str = "synced";

const MAGIC: &[u8; 8] = b"lullsyn1";
const BYTES: usize = 24;

/// The file, held open.
pub struct Synced(File);

impl Synced {
    /// Opens the file in `folder`, making it when it is not there.
    pub fn open(folder: &Path) -> Result<Synced, StoreError> {
        let path = folder.join(NAME);
        if !path.exists() {
            // Whole or not at all: one that is cut short is damage.
            let draft = folder.join("synced.new");
            let mut file = File::create(&draft)?;
            file.write_all(&encode(Id::default()))?;
            file.sync_all()?;
            fs::rename(draft, &path)?;
            File::open(folder)?.sync_all()?;
        }
        Ok(Synced(OpenOptions::new().write(true).open(path)?))
    }

    /// Everything up to `id` is on the disk.
    pub fn note(&self, id: Id) -> Result<(), StoreError> {
        Ok(self.0.write_all_at(&encode(id), 0)?)
    }

    /// What the file in `folder` says; none when there is none.
    pub fn read(folder: &Path) -> Result<Option<Id>, StoreError> {
        let bytes = match fs::read(folder.join(NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let damaged = || StoreError::Damaged(format!("the file {NAME} is not what was written"));
        decode(&bytes).map(Some).ok_or_else(damaged)
    }
}

fn encode(id: Id) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..16].copy_from_slice(&id.as_u64().to_be_bytes());
    let checksum = xxh3_64(&bytes[..16]);
    bytes[16..].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<Id> {
    let id = Id::from_u64(u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?));
    (encode(id) == *bytes).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_and_anything_else_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Synced::read(folder.path()).unwrap(), None);
        let synced = Synced::open(folder.path()).unwrap();
        assert_eq!(Synced::read(folder.path()).unwrap(), Some(Id::default()));
        synced.note(Id::from_u64(7)).unwrap();
        drop(Synced::open(folder.path()).unwrap());
        assert_eq!(Synced::read(folder.path()).unwrap(), Some(Id::from_u64(7)));
        let whole = encode(Id::from_u64(7));
        for at in 0..whole.len() {
            let mut flipped = whole;
            flipped[at] ^= 1 << (at % 8);
            assert_eq!(decode(&flipped), None, "byte {at}");
            assert_eq!(decode(&whole[..at]), None, "{at} bytes");
        }
    }
}
