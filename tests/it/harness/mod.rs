//! Starting servers, scripted receivers, calling the API.

mod client;
pub mod faults;
#[path = "../../../src/testing/noise.rs"]
mod noise;
pub mod raw;
mod receiver;
mod server;
pub mod tls;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use client::{Answer, Client};
pub use noise::noise;
pub use receiver::{Received, Receiver};
pub use server::{Options, Server, executable, run};

/// How long anything that must happen may take. Generous: machines that run tests are slow at times.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Stops what runs beside a test when it is dropped: also where a check fails, which would wait for it for
/// ever otherwise.
pub struct Stop<'a>(pub &'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

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

/// The first attempt of the one message to `integration`, once it has been made.
pub fn first_attempt(api: &Client, integration: &str) -> serde_json::Value {
    eventually("an attempt", || {
        let page = api.get(&format!("/messages?integration={integration}"), 200);
        let message = page["items"][0]["id"].as_str()?.to_owned();
        let attempts = api.get(&format!("/messages/{message}/attempts"), 200);
        attempts["items"].get(0).cloned()
    })
}
