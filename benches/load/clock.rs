//! The time. The one file that asks the system for it: here the time it really takes is the point.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now.
#[allow(clippy::disallowed_methods)] // the code under test is told the time; who measures it is not
pub fn now() -> Instant {
    Instant::now()
}

/// Nanoseconds since the Unix epoch, by the clock that the server's ids and times are of as well.
#[allow(clippy::disallowed_methods)] // as above
pub fn unix_nanos() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock past 1970");
    now.as_nanos() as u64
}

/// Asks `done` every `interval` until it has an answer; none after `time_max`.
pub fn poll<T, E>(
    interval: Duration,
    time_max: Duration,
    mut done: impl FnMut() -> Result<Option<T>, E>,
) -> Result<Option<T>, E> {
    let end = now() + time_max;
    loop {
        match done()? {
            None if now() < end => std::thread::sleep(interval),
            answer => return Ok(answer),
        }
    }
}
