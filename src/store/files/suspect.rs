//! Whether sled would overwrite what can still be read. It goes on from the end of its log, which for it
//! is the first place there that it cannot read, and it overwrites what lies behind that.

use std::path::Path;

use super::layout::SEGMENT;
use super::scan::Log;
use crate::store::{StoreError, look};

/// Whether something stands in the part of the log that sled is about to read again that it may pass
/// over. Perhaps for no reason: a process that was killed leaves such places, too.
pub fn is_suspect(folder: &Path) -> Result<bool, StoreError> {
    let from = snapshot_lsn(folder)? / SEGMENT as u64 * SEGMENT as u64;
    // All of it, when there is no snapshot.
    let log = Log::read(folder, from)?;
    Ok(log.holes.iter().any(|hole| hole.is_within) || is_torn(&log, from))
}

/// Whether segments follow on one that is missing at the end of the log.
fn is_torn(log: &Log, from: u64) -> bool {
    let segments = || log.segments.iter().filter(|(lsn, _)| *lsn >= from);
    let stable = segments().map(|(_, stable)| *stable).max().unwrap_or(0).max(from);
    let first = stable / SEGMENT as u64 * SEGMENT as u64;
    let tail = segments().map(|(lsn, _)| *lsn).filter(|lsn| *lsn >= first);
    (first..).step_by(SEGMENT).zip(tail).any(|(expected, lsn)| lsn != expected)
}

/// Up to where in the log sled's newest snapshot goes.
fn snapshot_lsn(folder: &Path) -> Result<u64, StoreError> {
    let snapshots = look::snapshots(folder)?;
    let name = snapshots.last().and_then(|path| path.extension()?.to_str());
    Ok(name.and_then(|name| u64::from_str_radix(name, 16).ok()).unwrap_or_default())
}
