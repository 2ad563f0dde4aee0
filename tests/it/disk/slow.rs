//! A disk that takes half a second to sync.

use std::time::{Duration, Instant};

use super::{Posting, nothing_is_lost, start};
use crate::harness::Options;
use crate::harness::faults::{Fault, FaultyDisk};

/// How long a sync takes.
const SYNC: Duration = Duration::from_millis(500);
const CLIENTS: usize = 40;
const CALLS_EACH: usize = 5;

#[test]
#[allow(clippy::disallowed_methods)] // a real disk takes real time
fn a_slow_disk_makes_acknowledgements_wait_and_nothing_else() {
    let options = Options::quiet("1s").logging();
    let Some((options, disk)) = FaultyDisk::under(options) else { return };
    let (server, receiver) = start(options);
    let posting = Posting::default();
    posting.post(&server.api);
    let memory = server.resident_bytes();
    disk.is(Fault { sync_delay_ms: SYNC.as_millis() as i32, ..Fault::default() });
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                for _ in 0..CALLS_EACH {
                    let began = Instant::now();
                    assert_eq!(posting.post(&server.api), Some(202));
                    assert!(began.elapsed() >= SYNC, "acknowledged before it was on disk");
                }
            });
        }
        for _ in 0..10 {
            let began = Instant::now();
            let health = server.api.call("GET", "//healthz", &[], b"").expect("an answer");
            assert_eq!(health.status, 200);
            server.api.get("/audits", 200);
            assert!(began.elapsed() < Duration::from_secs(2), "reads wait for syncs");
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let took = began.elapsed();
    let calls = (CLIENTS * CALLS_EACH) as u32;
    println!("{calls} calls took {took:?}; one by one they would have taken {:?}", SYNC * calls);
    assert!(took < SYNC * calls / 4, "calls are not grouped into commits: {took:?}");
    let grown = server.resident_bytes().saturating_sub(memory);
    assert!(grown < 100 << 20, "memory grew by {grown}");
    // Windows close, and messages are settled, by the same slow commits.
    server.settled();
    disk.is_well();
    nothing_is_lost(server, &receiver, &posting);
}
