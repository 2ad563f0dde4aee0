//! Starting servers, scripted receivers, calling the API.

mod client;
mod receiver;
mod server;

use std::time::{Duration, Instant};

pub use client::Client;
pub use receiver::Receiver;
pub use server::{Options, Server, executable, run};

/// How long anything that must happen may take. Generous: machines that run tests are slow at times.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again until there is an answer; panics with `what` when there is none in time.
#[allow(clippy::disallowed_methods)] // real processes take real time
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
