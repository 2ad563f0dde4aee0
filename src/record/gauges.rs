//! What all shards hold together, and the bounds on it (D8).

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::settings::Limits;
use crate::store::Accepted;

/// How many of the latest lateness figures are kept.
const LATENESS_KEPT: usize = 4_096;

/// Figures about windows, for all shards together.
///
/// An audit is counted from when its call is taken in until its window has closed, at every moment
/// in at least one of three places: calls that are being taken in, edits on their way to their
/// actors, open windows. Whoever moves it counts it in the next before it is out of the last, and
/// [`Gauges::take_in`] reads them in that order; so none slips through a bound.
#[derive(Default)]
pub struct Gauges {
    /// Windows that calls which are being taken in may open.
    coming_windows: AtomicU64,
    /// Bytes of audits in those calls.
    coming_bytes: AtomicU64,
    /// Edits that have not reached their actor yet.
    backlog: AtomicU64,
    /// Open windows.
    open: AtomicU64,
    /// Bytes of audits in open windows, or on their way there.
    buffered: AtomicU64,
    lateness: Mutex<VecDeque<Duration>>,
}

/// A bound that is reached: no more audits are taken in for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// [`Limits::open_windows`].
    OpenWindows,
    /// [`Limits::buffered_bytes`].
    BufferedBytes,
}

/// Room for the audits of a call that is being taken in; held until they are committed or refused.
pub struct TakenIn {
    gauges: Arc<Gauges>,
    records: u64,
    bytes: u64,
}

impl Drop for TakenIn {
    fn drop(&mut self) {
        self.gauges.coming_windows.fetch_sub(self.records, SeqCst);
        self.gauges.coming_bytes.fetch_sub(self.bytes, SeqCst);
    }
}

impl std::fmt::Debug for TakenIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "room for {} records and {} bytes", self.records, self.bytes)
    }
}

impl Gauges {
    /// Makes room for a call with audits of so many records and so many bytes, unless a bound is
    /// reached already. A call that finds any room is taken in whole, or one with many audits might
    /// never be; so a bound may be exceeded by one call.
    ///
    /// Edits of windows that are open already are refused too: which window an audit is in is known
    /// only to its shard, and a bound that is reached should be felt rather than worked around.
    pub fn take_in(
        self: &Arc<Self>,
        records: usize,
        bytes: usize,
        limits: &Limits,
    ) -> Result<TakenIn, Reached> {
        let (records, bytes) = (records as u64, bytes as u64);
        let coming_windows = self.coming_windows.fetch_add(records, SeqCst);
        let coming_bytes = self.coming_bytes.fetch_add(bytes, SeqCst);
        // Gives it back when a bound is reached.
        let taken_in = TakenIn { gauges: self.clone(), records, bytes };
        if coming_windows + self.backlog() + self.open() >= limits.open_windows {
            Err(Reached::OpenWindows)
        } else if coming_bytes + self.buffered() >= limits.buffered_bytes {
            Err(Reached::BufferedBytes)
        } else {
            Ok(taken_in)
        }
    }

    /// Windows that are open now.
    pub fn open(&self) -> u64 {
        self.open.load(SeqCst)
    }

    /// Bytes of audits in open windows; an audit that is in several counts in each.
    pub fn buffered(&self) -> u64 {
        self.buffered.load(SeqCst)
    }

    /// Edits that have not reached their record's actor yet.
    pub fn backlog(&self) -> u64 {
        self.backlog.load(SeqCst)
    }

    /// Counts audits on their way to their actors. To be called before any of them is sent.
    pub fn handed_over(&self, accepted: &[Accepted]) {
        let edits = accepted.iter().map(|audit| audit.rules.len() as u64);
        let bytes = accepted.iter().map(|audit| u64::from(audit.bytes) * audit.rules.len() as u64);
        self.backlog.fetch_add(edits.sum(), SeqCst);
        self.buffered.fetch_add(bytes.sum(), SeqCst);
    }

    /// How late the latest windows closed: the median and the 99th percentile.
    pub fn lateness(&self) -> Option<(Duration, Duration)> {
        let mut latest: Vec<Duration> = self.kept().iter().copied().collect();
        latest.sort_unstable();
        let last = latest.len().checked_sub(1)?;
        Some((latest[last / 2], latest[last * 99 / 100]))
    }

    /// An edit has reached its actor, and any window that it opened is counted.
    pub(super) fn arrived(&self) {
        self.backlog.fetch_sub(1, SeqCst);
    }

    /// Windows have opened with so many bytes that were not on their way here.
    pub(super) fn opened(&self, windows: u64, bytes: u64) {
        self.open.fetch_add(windows, SeqCst);
        self.buffered.fetch_add(bytes, SeqCst);
    }

    /// A window of so many bytes has closed.
    pub(super) fn closed(&self, bytes: u64) {
        self.open.fetch_sub(1, SeqCst);
        self.buffered.fetch_sub(bytes, SeqCst);
    }

    pub(super) fn closed_late_by(&self, lateness: Duration) {
        let mut kept = self.kept();
        if kept.len() == LATENESS_KEPT {
            kept.pop_front();
        }
        kept.push_back(lateness);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<Duration>> {
        self.lateness.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_finds_room_is_taken_in_whole_and_gives_its_room_back() {
        let gauges = Arc::new(Gauges::default());
        let limits = Limits { open_windows: 3, buffered_bytes: 100, ..Limits::default() };
        let take_in = |records, bytes| gauges.take_in(records, bytes, &limits).map(drop);
        assert_eq!(take_in(10, 1000), Ok(()));
        let held = gauges.take_in(2, 50, &limits).expect("room");
        let more = gauges.take_in(1, 50, &limits).expect("room");
        assert_eq!(take_in(1, 1), Err(Reached::OpenWindows));
        drop(held);
        assert_eq!(take_in(1, 1), Ok(()));
        let bytes = gauges.take_in(0, 50, &limits).expect("room");
        assert_eq!(take_in(1, 0), Err(Reached::BufferedBytes));
        drop((more, bytes));
        gauges.opened(2, 100);
        assert_eq!(take_in(1, 1), Err(Reached::BufferedBytes));
        gauges.opened(1, 0);
        assert_eq!(take_in(1, 1), Err(Reached::OpenWindows));
        gauges.closed(1);
        assert_eq!(take_in(1, 1), Ok(()));
    }
}
