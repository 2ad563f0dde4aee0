//! Many windows that are due in the same second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::json;

use super::load::{Load, send};
use super::{number, watch};
use crate::harness::{Options, Receiver, Server, Stop};

/// Records in a call.
const AUDITS: u64 = 500;
/// What a window may take, and what is owed of it.
const WINDOW_BYTES: u64 = 4 << 10;
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Memory that has nothing to do with them.
const BASE_BYTES: u64 = 300 << 20;

/// The process does not run until all its windows are overdue, so all are due as it goes on.
#[test]
#[allow(clippy::disallowed_methods)] // how long is the question
fn windows_that_are_all_due_in_one_second_close_while_others_open() {
    let due = number("LULL_OVERLOAD_DUE", 10_000);
    let quiet = Duration::from_secs(5 + due / 20_000);
    let server = Server::start(Options::quiet(&format!("{}s", quiet.as_secs())));
    let receiver = Receiver::start();
    server.api.integration(&receiver.url("/hook"), json!({"timeout": "30s"}));
    let load = Load {
        address: server.url.trim_start_matches("http://").parse().expect("an address"),
        token: server.api.token(),
        audits: AUDITS,
        connections: 8,
        every: Duration::from_millis(1),
        stop: Arc::default(),
        records: Arc::new(AtomicU64::new(0)),
    };
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&load));
        while load.records.load(Relaxed) < due {
            std::thread::sleep(Duration::from_millis(1));
        }
        load.stop.store(true, Relaxed);
        assert!(sending.join().expect("no panic").wrong.is_empty());
    });
    let windows = load.records.load(Relaxed);
    server.signal(libc::SIGSTOP);
    std::thread::sleep(quiet + Duration::from_secs(1));
    let before = server.resident_bytes();
    server.signal(libc::SIGCONT);

    let began = Instant::now();
    let others = Load { audits: 1, every: Duration::from_millis(80), ..load.clone() };
    let others = Load { stop: Arc::new(AtomicBool::new(false)), ..others };
    let (mut answers, moments, took) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&others));
        let watching = scope.spawn(|| watch::watch(&server, LOOK_EVERY, &others.stop));
        let stop = Stop(&others.stop);
        let took = loop {
            let stats = server.api.get("/stats", 200);
            if stats["windows"]["closed"].as_u64() >= Some(windows) {
                break began.elapsed();
            }
            assert!(began.elapsed() < Duration::from_secs(300), "{stats}");
            std::thread::sleep(LOOK_EVERY);
        };
        drop(stop);
        (sending.join().expect("no panic"), watching.join().expect("no panic"), took)
    });
    watch::print(&moments);
    let (half, most) = (answers.within(50), answers.within(99));
    let held = watch::most(&moments).max(before);
    println!(
        "{windows} windows due at once: closed within {took:?}; {} other audits meanwhile, taken in \
         within {half:?} (median), {most:?} (99 of 100); at most {} MiB, {} MiB before",
        answers.accepted.len(),
        held >> 20,
        before >> 20,
    );
    assert!(answers.wrong.is_empty() && answers.refused == 0, "{:?}", answers.wrong.first());
    let bound = BASE_BYTES + windows * WINDOW_BYTES;
    assert!(held < bound, "{} MiB, more than {} MiB", held >> 20, bound >> 20);

    let all = load.records.load(Relaxed);
    let patience = Duration::from_secs(60 + due / 2_000);
    let closed = Instant::now();
    loop {
        let stats = server.api.get("/stats", 200);
        if stats["messages"]["delivered"].as_u64() >= Some(all) {
            break;
        }
        if closed.elapsed() > patience {
            panic!("{stats}; owed: {}", server.api.get("/messages?status=pending", 200));
        }
        std::thread::sleep(LOOK_EVERY);
    }
    println!("all delivered {:?} later", closed.elapsed());
    server.settled();
    let stats = server.api.get("/stats", 200);
    assert_eq!(stats["messages"]["delivered"], all, "each once");
    assert_eq!(stats["windows"]["closed"], all);
    // More when an attempt had to be made again.
    assert!(receiver.received().len() as u64 >= all);
}
