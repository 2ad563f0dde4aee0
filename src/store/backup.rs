//! A copy of the store while it is written to: first every row, read one after the other, then the
//! commits that were made meanwhile, in order. What rows and commits come to is the store as it was
//! between two commits, since a commit says what a row is from then on, not how it changes.
//!
//! - `frame.rs`: how that goes over the wire
//! - `spool.rs`: the commits of meanwhile
//! - `restore.rs`: a new store made of it

mod frame;
mod restore;
mod spool;

use std::io::Read;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use frame::Frames;
pub use restore::{BadBackup, Restore};
pub use spool::Tap;

use super::{Store, StoreError};
use crate::clock::Monotonic;

/// Bytes of rows that are read at a time, about.
const CHUNK_BYTES: usize = 256 << 10;

/// After how long a backup that nobody reads on makes way for another.
const FORSAKEN_AFTER: Duration = Duration::from_secs(60);

/// A backup under way. Ends when it is dropped.
pub struct Backup {
    store: Arc<Store>,
    number: u64,
    part: Part,
    frames: Frames,
}

enum Part {
    Begin,
    /// Rows after this key.
    Rows(Bound<Vec<u8>>),
    Commits(Box<dyn Read + Send>),
    End,
}

impl Backup {
    /// Begins one; none when another is under way.
    pub fn begin(store: Arc<Store>, now: Monotonic) -> Option<Backup> {
        let number = store.disk.tap().open(store.disk.beside(), now, FORSAKEN_AFTER)?;
        Some(Backup { store, number, part: Part::Begin, frames: Frames::default() })
    }

    /// The next bytes to send; none at the end. Why it ended early goes over the wire as well, since by
    /// then the call has been answered.
    pub fn next_chunk(&mut self, now: Monotonic) -> Option<Vec<u8>> {
        if matches!(self.part, Part::End) {
            return None;
        }
        match self.chunk(now) {
            Ok(chunk) => chunk,
            Err(error) => {
                log::error!("a backup ended early: {error}");
                self.part = Part::End;
                Some(self.frames.failed(&error.to_string()))
            }
        }
    }

    fn chunk(&mut self, now: Monotonic) -> Result<Option<Vec<u8>>, StoreError> {
        // Its number is gone when another took its place.
        self.store.disk.tap().asked(self.number, now)?;
        match &mut self.part {
            Part::Begin => {
                self.part = Part::Rows(Bound::Unbounded);
                Ok(Some(self.frames.begin(self.store.disk.format()?)))
            }
            Part::Rows(after) => {
                let mut rows = frame::Rows::default();
                for row in self.store.tree().range((after.clone(), Bound::Unbounded)) {
                    let (key, value) = row?;
                    rows.add(&key, Some(&value));
                    if rows.bytes() >= CHUNK_BYTES {
                        *after = Bound::Excluded(key.to_vec());
                        return Ok(Some(self.frames.rows(rows)));
                    }
                }
                let spool = self.store.disk.tap().take(self.number)?;
                self.frames.count_commits(spool.commits);
                self.part = Part::Commits(spool.read()?);
                Ok(Some(self.frames.rows(rows)))
            }
            Part::Commits(spool) => {
                let mut chunk = vec![0; CHUNK_BYTES];
                let length = spool.read(&mut chunk)?;
                chunk.truncate(length);
                if length == 0 {
                    self.part = Part::End;
                    return Ok(Some(self.frames.end()));
                }
                self.frames.pass_on(&chunk);
                Ok(Some(chunk))
            }
            Part::End => Ok(None),
        }
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        self.store.disk.tap().close(self.number);
    }
}
