//! What the server holds, from moment to moment.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::harness::Server;

/// A moment.
pub struct Moment {
    pub at: Duration,
    pub resident_bytes: u64,
    /// Open windows; none when `/stats` had no answer in time.
    pub open: Option<u64>,
    pub owed: Option<u64>,
}

/// Looks every so often until `stop` is set.
#[allow(clippy::disallowed_methods)] // of a real process
pub fn watch(server: &Server, every: Duration, stop: &AtomicBool) -> Vec<Moment> {
    let start = Instant::now();
    let mut moments = Vec::new();
    while !stop.load(Relaxed) {
        let stats = server.api.call("GET", "/stats", &[], b"").filter(|found| found.status == 200);
        let stats = stats.map(|found| found.json());
        let of = |pointer| stats.as_ref().and_then(|stats| stats.pointer(pointer)?.as_u64());
        moments.push(Moment {
            at: start.elapsed(),
            resident_bytes: server.resident_bytes(),
            open: of("/windows/open"),
            owed: of("/messages/owed"),
        });
        std::thread::sleep(every);
    }
    moments
}

/// Prints a score of them.
pub fn print(moments: &[Moment]) {
    println!("{:>8} {:>10} {:>9} {:>9}", "s", "MiB", "open", "owed");
    let text = |count: Option<u64>| count.map_or("?".to_owned(), |count| count.to_string());
    for moment in moments.iter().step_by(moments.len().div_ceil(20).max(1)) {
        let Moment { at, resident_bytes, open, owed } = moment;
        let mebibytes = *resident_bytes as f64 / f64::from(1 << 20);
        let (open, owed) = (text(*open), text(*owed));
        println!("{:>8.1} {mebibytes:>10.1} {open:>9} {owed:>9}", at.as_secs_f64());
    }
}

/// The most memory of any of them.
pub fn most(moments: &[Moment]) -> u64 {
    moments.iter().map(|moment| moment.resident_bytes).max().unwrap_or_default()
}
