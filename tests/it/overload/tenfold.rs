//! Ten times what it can take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::json;

use super::load::{Load, send};
use super::{number, watch};
use crate::harness::{Options, Receiver, Server, eventually};

/// Records in a call.
const AUDITS: u64 = 50;
/// Bytes of bodies that may be held at a time.
const REQUEST_BYTES: u64 = 16 << 20;
/// Memory that has nothing to do with load: the program, and the store's cache, which fills up.
const BASE_BYTES: u64 = 200 << 20;
/// What a window may take, and what is owed of it.
const WINDOW_BYTES: u64 = 4 << 10;
/// What an audit that is kept takes for good: the store's map of what lies where is in memory.
const KEPT_BYTES: u64 = 512;
/// How long anything that is taken in may take; generous, for machines that run tests.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// How soon after the load all is as it was.
const RECOVERED_WITHIN: Duration = Duration::from_secs(5);

#[test]
#[allow(clippy::disallowed_methods)] // how long is the question
fn ten_times_what_it_can_take_is_told_to_come_again_and_costs_no_more_memory() {
    let seconds = number("LULL_OVERLOAD_SECONDS", 8);
    let rate = number("LULL_OVERLOAD_RATE", 500);
    // A window is open for a second: so many of them are so many a second.
    let options = Options::quiet("1s").with(&[
        "--max-open-windows",
        &rate.to_string(),
        "--max-body",
        "1MiB",
        "--max-request-bytes",
        &format!("{}MiB", REQUEST_BYTES >> 20),
    ]);
    let server = Server::start(options.logging());
    let receiver = Receiver::start();
    server.api.integration(&receiver.url("/hook"), json!({"timeout": "30s"}));
    let stop = Arc::new(AtomicBool::new(false));
    let calls_a_second = (rate * 10 / AUDITS) as f64;
    let connections = 200;
    let load = Load {
        address: server.url.trim_start_matches("http://").parse().expect("an address"),
        token: server.api.token(),
        audits: AUDITS,
        connections,
        every: Duration::from_secs_f64(connections as f64 / calls_a_second),
        stop: stop.clone(),
        records: Arc::new(AtomicU64::new(0)),
    };
    let (mut answers, moments) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&load));
        let watching = scope.spawn(|| watch::watch(&server, Duration::from_millis(200), &stop));
        std::thread::sleep(Duration::from_secs(seconds));
        stop.store(true, Relaxed);
        (sending.join().expect("no panic"), watching.join().expect("no panic"))
    });

    let ended = Instant::now();
    eventually("what comes after the load is taken in", || {
        let audit = json!({"audit_action": "update", "auditable_type": "after", "auditable_id": 1});
        let json = [("content-type", "application/json")];
        let answer = server.api.call("POST", "/audits", &json, audit.to_string().as_bytes())?;
        (answer.status == 202).then_some(())
    });
    let recovered = ended.elapsed();
    watch::print(&moments);
    let (accepted, offered) = (answers.accepted.len() as u64, load.records.load(Relaxed) / AUDITS);
    let (half, most, longest) = (answers.within(50), answers.within(99), answers.within(100));
    println!(
        "{seconds} s: {offered} calls of {AUDITS} audits offered, {accepted} taken in, {} told to \
         come again; taken in within {half:?} (median), {most:?} (99 of 100), {longest:?} (all); \
         at most {} MiB; took the next call {recovered:?} after",
        answers.refused,
        watch::most(&moments) >> 20,
    );
    assert!(answers.wrong.is_empty(), "{:?}", &answers.wrong[..answers.wrong.len().min(5)]);
    assert!(accepted > 0 && answers.refused > accepted, "that was no overload");
    assert!(longest < ANSWERED_WITHIN && recovered < RECOVERED_WITHIN);
    let bound = BASE_BYTES
        + 4 * REQUEST_BYTES
        + (rate + AUDITS * connections) * WINDOW_BYTES
        + accepted * AUDITS * KEPT_BYTES;
    let held = watch::most(&moments);
    assert!(held < bound, "{} MiB, more than {} MiB", held >> 20, bound >> 20);

    let log = std::fs::read_to_string(server.options.log()).expect("the log");
    let complaints = log.lines().filter(|line| line.contains(" WARN ")).count() as u64;
    assert!((1..=2 + seconds / 10).contains(&complaints), "{complaints} warnings");

    server.settled();
    let stats = server.api.get("/stats", 200);
    assert_eq!(stats["audits"]["accepted"], accepted * AUDITS + 1, "no more, no less");
    assert_eq!(stats["messages"]["delivered"], accepted * AUDITS + 1);
}
