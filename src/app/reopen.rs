//! Opening the store again after a commit failed half-way, without anybody's help.
//!
//! sled cannot go on after a write that failed, and a sync that failed says that the system may have
//! thrown away what it held of the file: a second sync that succeeds proves nothing then. The one state
//! that is certain is what is read from the disk itself. So from the first failure on nothing is
//! acknowledged; reads go on, but for pages that the failure left half split, which sled wants to finish
//! first; and once the disk takes what is written again, the process replaces itself: `exec` of the same
//! executable with the same arguments, which opens the store as after a crash. That way is shown right
//! by the crash tests, and it leaves nothing of the old state behind, as opening it within the process
//! would: sled's threads, its lock, everyone's `Arc<Store>`.
//!
//! - The process keeps its id, so a supervisor (systemd, a container) sees nothing of it.
//! - The listening socket is handed on, so new connections wait for a moment instead of being refused.
//! - What the system holds of the store's files in memory is forgotten first (`store::forget_cached`).
//! - Pauses grow while the store breaks again at once, so a disk that is really gone costs little.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};

/// What the next process is told: the number of the socket, how often the store was opened again in a
/// row, and the process's id, so that nobody else takes it for themselves.
const TOLD: &str = "LULL_REOPENED";
/// The pause before the first probe; twice that before each next one that had to come.
const PAUSE: Duration = Duration::from_secs(2);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(8);
/// How long it must have gone well for pauses to begin anew.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Whether this process has taken the place of another, and how often in a row that was so.
pub struct Reopened {
    times: u32,
}

impl Reopened {
    /// What the process before this one handed on, if there was one: its socket as well.
    pub fn take() -> (Reopened, Option<TcpListener>) {
        let told = std::env::var(TOLD).ok();
        match told.as_deref().and_then(parse).filter(|told| told.process == std::process::id()) {
            Some(told) => {
                // SAFETY: the process before this one left the descriptor open for this purpose, and
                // nothing else in this process knows of it: this is called once, at the start.
                let listener = unsafe { TcpListener::from_raw_fd(told.socket) };
                (Reopened { times: told.times }, Some(listener))
            }
            None => (Reopened { times: 0 }, None),
        }
    }

    /// Whether the store is being opened again.
    pub fn is_again(&self) -> bool {
        self.times > 0
    }

    /// How long to wait before trying again.
    pub fn pause(&self) -> Duration {
        PAUSE.saturating_mul(1 << self.times.min(8)).min(PAUSE_MAX)
    }

    /// Replaces this process; comes back only with why that failed.
    pub fn exec(&self, listener: TcpListener) -> io::Error {
        let went_well = SystemClock.monotonic() > WELL_AFTER;
        let times = if went_well { 1 } else { self.times.saturating_add(1) };
        let socket = listener.as_raw_fd();
        // SAFETY: the descriptor is open; this only lets it stay open over `exec`.
        if unsafe { libc::fcntl(socket, libc::F_SETFD, 0) } < 0 {
            return io::Error::last_os_error();
        }
        let mut arguments = std::env::args_os();
        let mut command = Command::new(executable());
        if let Some(name) = arguments.next() {
            command.arg0(name);
        }
        command.args(arguments).env(TOLD, format!("{socket} {times} {}", std::process::id())).exec()
    }
}

/// This executable, also when another version lies in its place by now: a failing disk is no moment for
/// an upgrade.
fn executable() -> PathBuf {
    let current = std::env::current_exe().unwrap_or_default();
    if current.exists() { current } else { PathBuf::from("/proc/self/exe") }
}

#[derive(Debug, PartialEq, Eq)]
struct Told {
    socket: i32,
    times: u32,
    process: u32,
}

fn parse(text: &str) -> Option<Told> {
    let mut words = text.split(' ');
    let (socket, times) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let process = words.next()?.parse().ok()?;
    words.next().is_none().then_some(Told { socket, times, process })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let pauses = [0, 1, 2, 3, 4, 5, 1_000].map(|times| Reopened { times }.pause().as_millis());
        assert_eq!(pauses, [2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000]);
    }

    #[test]
    fn only_what_was_said_whole_is_heard() {
        assert_eq!(parse("7 2 99"), Some(Told { socket: 7, times: 2, process: 99 }));
        for text in ["", "7", "7 2", "7 2 x", "7 2 99 1"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
