//! The commits that are made while a backup reads: in memory as long as they are few, then in a file
//! without a name, which is gone with the backup whatever happens.

use std::io::{Read, Seek, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tempfile::SpooledTempFile;

use super::frame::{COMMIT, Rows};
use crate::clock::Monotonic;
use crate::store::{Batch, StoreError};

/// Bytes of commits that are held in memory.
const MEMORY_BYTES_MAX: usize = 8 << 20;
/// Bytes of commits after which a backup is given up: whoever takes it is too slow (D8).
const BYTES_MAX: u64 = 8 << 30;

/// Where the writer hands its commits to the backup under way, if there is one.
#[derive(Default)]
pub struct Tap(Mutex<Inside>);

#[derive(Default)]
pub struct Inside {
    last_number: u64,
    spool: Option<Spool>,
    reader: Option<Reader>,
}

/// Who takes the backup.
struct Reader {
    number: u64,
    asked_at: Monotonic,
}

/// The commits since a backup began.
pub struct Spool {
    file: SpooledTempFile,
    bytes: u64,
    pub commits: u64,
    /// Why there is a commit missing.
    failed: Option<StoreError>,
}

impl Tap {
    /// Keeps what is committed from here on for a new backup, whose number is answered; none when
    /// another is under way, unless nobody has asked for more of that for `forsaken_after`.
    pub fn open(&self, folder: &Path, now: Monotonic, forsaken_after: Duration) -> Option<u64> {
        let mut inside = self.lock();
        let taken = inside.reader.as_ref();
        if taken.is_some_and(|reader| now.saturating_sub(reader.asked_at) < forsaken_after) {
            return None;
        }
        inside.last_number += 1;
        let number = inside.last_number;
        inside.reader = Some(Reader { number, asked_at: now });
        inside.spool = Some(Spool {
            file: SpooledTempFile::new_in(MEMORY_BYTES_MAX, folder),
            bytes: 0,
            commits: 0,
            failed: None,
        });
        Some(number)
    }

    /// Somebody asks for more of a backup.
    pub fn asked(&self, number: u64, now: Monotonic) -> Result<(), StoreError> {
        let mut inside = self.lock();
        match inside.reader.as_mut().filter(|reader| reader.number == number) {
            Some(reader) => reader.asked_at = now,
            None => return Err(gone()),
        }
        let failed = inside.spool.as_ref().and_then(|spool| spool.failed.as_ref());
        failed.map_or(Ok(()), |error| Err(error.for_another()))
    }

    /// What was committed since the backup began. Waits for a commit that is under way.
    pub fn take(&self, number: u64) -> Result<Spool, StoreError> {
        let mut inside = self.lock();
        let is_its = inside.reader.as_ref().is_some_and(|reader| reader.number == number);
        let spool = inside.spool.take_if(|_| is_its).ok_or_else(gone)?;
        match &spool.failed {
            Some(error) => Err(error.for_another()),
            None => Ok(spool),
        }
    }

    /// The backup is over.
    pub fn close(&self, number: u64) {
        let mut inside = self.lock();
        if inside.reader.as_ref().is_some_and(|reader| reader.number == number) {
            (inside.reader, inside.spool) = (None, None);
        }
    }

    /// Whether commits are kept for somebody.
    #[cfg(test)]
    pub fn is_open(&self) -> bool {
        self.lock().spool.is_some()
    }

    /// Commits are noted while this is held, so that a backup begins and ends between two of them.
    pub fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inside {
    /// A commit was made, or failed half-way. What goes wrong with noting it is the backup's trouble, not
    /// the commit's.
    pub fn note(&mut self, batch: &Batch, committed: Result<(), &StoreError>) {
        let Some(spool) = self.spool.as_mut().filter(|spool| spool.failed.is_none()) else {
            return;
        };
        let noted = match committed {
            Ok(()) => spool.add(batch),
            // What was read of the tree may hold half of it.
            Err(error) => Err(error.for_another()),
        };
        if let Err(error) = noted {
            spool.failed = Some(error);
            // Gives back what it took.
            spool.file = SpooledTempFile::new(0);
        }
    }
}

impl Spool {
    fn add(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let mut rows = Rows::default();
        for (key, value) in batch.rows() {
            rows.add(key, value);
        }
        let frame = rows.framed(COMMIT);
        self.bytes += frame.len() as u64;
        self.commits += 1;
        if self.bytes > BYTES_MAX {
            let why = "more was committed meanwhile than a backup can keep: it is taken too slowly";
            return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, why).into());
        }
        Ok(self.file.write_all(&frame)?)
    }

    /// All of it, from its beginning.
    pub fn read(mut self) -> Result<Box<dyn Read + Send>, StoreError> {
        self.file.rewind()?;
        Ok(Box::new(self.file))
    }
}

fn gone() -> StoreError {
    let why = "nobody read on for a minute, and another backup took its place";
    std::io::Error::new(std::io::ErrorKind::TimedOut, why).into()
}
