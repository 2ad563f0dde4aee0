//! Wakes a commit that sled leaves asleep.
//!
//! Whoever waits for sled to write is woken when that is done, and when it failed; but one of the ways
//! that a write ends in sled (of a buffer that is full while somebody still fills it) only notes that it
//! failed and wakes nobody. The commit that waits for it would wait for ever, and everyone behind it.
//! Any later flush notices the failure and wakes all, so one is made beside a commit that takes long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often it is looked whether the same commit is still under way.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Looks after commits, until it is dropped.
pub struct Waker {
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    /// Commits that have begun, and ended, together: odd while one is under way.
    steps: AtomicU64,
    stop: AtomicBool,
}

/// A commit that is under way until this is dropped.
pub struct UnderWay<'a>(&'a AtomicU64);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Waker {
    /// Starts the thread that calls `wake` while a commit takes longer than a look.
    pub fn start(wake: impl Fn() + Send + 'static) -> std::io::Result<Waker> {
        Self::looking_every(LOOKS_EVERY, wake)
    }

    fn looking_every(pause: Duration, wake: impl Fn() + Send + 'static) -> std::io::Result<Waker> {
        let state = Arc::new(State::default());
        let its = state.clone();
        let thread =
            std::thread::Builder::new().name("lull-waker".to_owned()).spawn(move || {
                let mut seen = 0;
                while !its.stop.load(Ordering::Acquire) {
                    let steps = its.steps.load(Ordering::Relaxed);
                    if steps % 2 == 1 && steps == seen {
                        wake();
                    }
                    seen = steps;
                    std::thread::park_timeout(pause);
                }
            })?;
        Ok(Waker { state, thread: Some(thread) })
    }

    /// A commit begins. There is one at a time.
    pub fn begin(&self) -> UnderWay<'_> {
        self.state.steps.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.state.steps)
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.state.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It holds the store open until it ends.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_commit_that_waits_is_woken_and_quick_ones_are_left_alone() {
        let (woken, wakes) = channel();
        let waker = Waker::looking_every(Duration::from_millis(20), move || {
            let _ = woken.send(());
        })
        .unwrap();
        for _ in 0..2_000 {
            drop(waker.begin());
        }
        std::thread::sleep(Duration::from_millis(100));
        assert!(wakes.try_recv().is_err(), "nothing is under way");
        let under_way = waker.begin();
        wakes.recv_timeout(Duration::from_secs(20)).expect("woken");
        drop(under_way);
        drop(waker);
        assert!(wakes.iter().count() < 1_000, "it ends");
    }
}
