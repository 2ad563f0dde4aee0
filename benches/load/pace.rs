//! When requests begin: as soon as they can, at a rate, or as room is made for them.
//!
//! A request that is due takes a turn. Turns are given out by a thread that does nothing else, so a
//! server that stalls does not keep requests from becoming due; and latency counts from when a request
//! was due, not from when a connection was free for it. What is called coordinated omission, a server
//! that is not asked while it is slow, cannot happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::clock;

/// Turns that become due more often than this are given out together. Others are given out when they are due: what
/// the generator waits too long counts as the server's latency.
const TICK: Duration = Duration::from_millis(1);

/// When requests begin.
#[derive(Clone)]
pub enum Pace {
    /// When the connection's last one was answered (closed-loop).
    Free,
    /// So many a second, however long answers take (open-loop).
    Rate(f64),
    /// When fewer than so many audits have been posted and are not `through` yet.
    Within {
        /// So many.
        audits_max: u64,
        /// Counts those that are.
        through: Arc<AtomicU64>,
        /// How many of those that are posted ever will be, as a share of one.
        share: f64,
    },
}

/// The turns of one load.
pub struct Turns {
    pace: Pace,
    start: Instant,
    time_max: Duration,
    requests_max: u64,
    /// Ends it before its time.
    stop: Arc<AtomicBool>,
    /// Turns taken, or for [`Pace::Free`], requests begun.
    taken: AtomicU64,
    given: Semaphore,
    /// How many will have been given in all; known at the end.
    all: AtomicU64,
}

/// A request that is to be sent.
pub struct Turn {
    /// How many came before it.
    pub number: u64,
    /// When it is due.
    pub due: Instant,
}

impl Turns {
    /// The turns of a load that starts now.
    pub fn new(pace: Pace, time_max: Duration, requests_max: u64, stop: Arc<AtomicBool>) -> Turns {
        Turns {
            pace,
            start: clock::now(),
            time_max,
            requests_max,
            stop,
            taken: AtomicU64::new(0),
            given: Semaphore::new(0),
            all: AtomicU64::new(u64::MAX),
        }
    }

    /// When they started.
    pub fn start(&self) -> Instant {
        self.start
    }

    /// The next; none when there are no more.
    pub async fn next(&self) -> Option<Turn> {
        let is_free = matches!(self.pace, Pace::Free);
        if is_free && self.is_over() {
            return None;
        }
        if !is_free {
            self.given.acquire().await.expect("invariant: never closed").forget();
        }
        let number = self.taken.fetch_add(1, Relaxed);
        let all = if is_free { self.requests_max } else { self.all.load(Relaxed) };
        (number < all).then(|| Turn { number, due: self.due(number) })
    }

    fn due(&self, number: u64) -> Instant {
        match self.pace {
            Pace::Rate(rate) => self.start + Duration::from_secs_f64(number as f64 / rate),
            Pace::Free | Pace::Within { .. } => clock::now(),
        }
    }

    fn is_over(&self) -> bool {
        clock::now() - self.start >= self.time_max || self.stop.load(Relaxed)
    }

    /// Gives turns out until they are over, for requests of so many audits over so many connections.
    pub fn give_out(&self, audits: u64, connections: usize) {
        let mut given = 0;
        while !self.is_over() && given < self.requests_max {
            let allowed = match &self.pace {
                Pace::Free => return,
                Pace::Rate(rate) => {
                    let elapsed = clock::now() - self.start;
                    (elapsed.as_secs_f64() * rate) as u64 + 1
                }
                Pace::Within { audits_max, through, share } => {
                    let through = through.load(Relaxed) as f64 / share;
                    (through as u64 + audits_max) / audits
                }
            };
            let more = allowed.min(self.requests_max).saturating_sub(given);
            self.given.add_permits(more as usize);
            given += more;
            std::thread::sleep(match self.pace {
                Pace::Rate(rate) => {
                    let next = self.due(given).saturating_duration_since(clock::now());
                    if rate * TICK.as_secs_f64() > 1.0 { next.max(TICK) } else { next }
                }
                Pace::Free | Pace::Within { .. } => TICK,
            });
        }
        // What was due is sent; what there merely was room for is not. Then each connection takes one more
        // turn, which tells it to end.
        let all = if matches!(self.pace, Pace::Rate(_)) { given } else { self.taken.load(Relaxed) };
        self.all.store(all, Relaxed);
        self.given.add_permits(connections);
    }
}
