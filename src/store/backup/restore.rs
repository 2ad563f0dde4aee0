//! A new store made of a backup's stream.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::frame::{
    BEFORE_BYTES, BEHIND_BYTES, COMMIT, END, FAILED, HEAD_BYTES, MAGIC, ROWS, VERSION, end_content,
    take_row,
};
use crate::store::synced::Synced;
use crate::store::tree::flush;
use crate::store::{Batch, Disk, StoreError, look};

/// Why no store came of it.
#[derive(Debug, thiserror::Error)]
pub enum BadBackup {
    /// It begins with something else.
    #[error("what came is not a backup")]
    NotOne,
    /// Its stream is of another version.
    #[error(
        "the backup is written in version {0}, and this Lull reads {VERSION}; use the server's"
    )]
    Version(u32),
    /// A checksum is wrong, or what is in a frame makes no sense.
    #[error("the backup was garbled on its way")]
    Garbled,
    /// It ends before its end.
    #[error("the backup was cut off before its end")]
    Cut,
    /// The server could not go on.
    #[error("the server gave up: {0}")]
    Failed(String),
    /// The new store cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A store that is being made of a backup.
pub struct Restore {
    folder: PathBuf,
    database: sled::Db,
    /// What came, and has not been taken in.
    waiting: Vec<u8>,
    digest: Xxh3Default,
    rows: u64,
    commits: u64,
    begun: bool,
    ended: bool,
}

impl Restore {
    /// Begins a new store in `folder`.
    pub fn begin(folder: &Path) -> Result<Restore, BadBackup> {
        fs::create_dir_all(folder).map_err(StoreError::from)?;
        let database = Disk::database(folder)?;
        // A store that holds a sum has this file, from before its first commit.
        Synced::open(folder)?;
        Ok(Restore {
            folder: folder.to_owned(),
            database,
            waiting: Vec::new(),
            digest: Xxh3Default::new(),
            rows: 0,
            commits: 0,
            begun: false,
            ended: false,
        })
    }

    /// Takes the next bytes of the stream.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), BadBackup> {
        self.waiting.extend_from_slice(bytes);
        let waiting = std::mem::take(&mut self.waiting);
        let mut rest = waiting.as_slice();
        if !self.begun {
            let Some(head) = rest.split_off(..HEAD_BYTES) else {
                self.waiting = waiting;
                return Ok(());
            };
            self.head(head)?;
        }
        while let Some((frame, kind, content)) = split_frame(&mut rest)? {
            if self.ended {
                return Err(BadBackup::Garbled);
            }
            self.frame(kind, content)?;
            self.digest.update(frame);
        }
        let taken = waiting.len() - rest.len();
        self.waiting = waiting;
        self.waiting.drain(..taken);
        Ok(())
    }

    fn head(&mut self, head: &[u8]) -> Result<(), BadBackup> {
        if !head.starts_with(MAGIC) {
            return Err(BadBackup::NotOne);
        }
        let number = |at: usize| {
            head.get(at..at + 4).map_or(0, |bytes| {
                u32::from_le_bytes(bytes.try_into().expect("invariant: four bytes"))
            })
        };
        if number(8) != VERSION {
            return Err(BadBackup::Version(number(8)));
        }
        Disk::knows(number(12))?;
        self.digest.update(head);
        self.begun = true;
        Ok(())
    }

    fn frame(&mut self, kind: u8, mut content: &[u8]) -> Result<(), BadBackup> {
        match kind {
            ROWS | COMMIT => {
                let mut batch = Batch::default();
                while !content.is_empty() {
                    match take_row(&mut content).ok_or(BadBackup::Garbled)? {
                        (key, Some(value)) => batch.insert(key, value),
                        (key, None) => batch.remove(key),
                    }
                    self.rows += u64::from(kind == ROWS);
                }
                self.commits += u64::from(kind == COMMIT);
                self.database.apply_batch(batch.to_sled()).map_err(StoreError::from)?;
            }
            END => {
                if content != end_content(self.rows, self.commits, self.digest.digest()) {
                    return Err(BadBackup::Garbled);
                }
                self.ended = true;
            }
            FAILED => return Err(BadBackup::Failed(String::from_utf8_lossy(content).into_owned())),
            _ => return Err(BadBackup::Garbled),
        }
        Ok(())
    }

    /// The stream is over: makes sure that the store is on the disk.
    pub fn finish(self) -> Result<(), BadBackup> {
        if !self.ended {
            return Err(BadBackup::Cut);
        }
        flush(&self.database)?;
        drop(self.database);
        look::until_let_go_of(&self.folder)?;
        sync_all(&self.folder).map_err(StoreError::from)?;
        Ok(())
    }
}

/// Takes the next whole frame off: all of it, its kind and its content.
#[allow(clippy::type_complexity)] // three things that are only ever taken apart
fn split_frame<'a>(rest: &mut &'a [u8]) -> Result<Option<(&'a [u8], u8, &'a [u8])>, BadBackup> {
    let Some((before, _)) = rest.split_at_checked(BEFORE_BYTES) else { return Ok(None) };
    let length: [u8; 4] = before[1..].try_into().expect("invariant: four bytes");
    let length = u32::from_le_bytes(length) as usize;
    let Some(frame) = rest.split_off(..BEFORE_BYTES + length + BEHIND_BYTES) else {
        return Ok(None);
    };
    let (content, checksum) = frame[BEFORE_BYTES..].split_at(length);
    if checksum != xxh3_64(content).to_le_bytes() {
        return Err(BadBackup::Garbled);
    }
    Ok(Some((frame, before[0], content)))
}

/// Syncs every file of a folder, and the folder.
fn sync_all(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}
