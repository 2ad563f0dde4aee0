//! Clocks that jump by hours and years, at start and while running (R2, R5): the wall clock of the real
//! executable is libfaketime's, which the test moves; the monotonic clock is the machine's.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Client, Options, Receiver, Server, eventually, executable, run};

const HOUR: i64 = 3_600;
const YEAR: i64 = 365 * 24 * HOUR;

/// What the server's wall clock is ahead of the machine's, in seconds.
struct FakeClock(PathBuf);

impl FakeClock {
    /// Gives the server such a clock, which shows the right time for now; none, with the reason
    /// printed, where there is no libfaketime.
    fn under(options: Options) -> Option<(Options, FakeClock)> {
        let libraries = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"];
        let libraries = libraries.map(|folder| format!("{folder}/faketime/libfaketimeMT.so.1"));
        let Some(library) = libraries.iter().find(|library| Path::new(library).exists()) else {
            println!("skipped: no libfaketime here (the package faketime)");
            return None;
        };
        let clock = FakeClock(options.folder.path().join("clock"));
        clock.shows(0);
        let options = options
            .with_env("LD_PRELOAD", library)
            .with_env("FAKETIME_TIMESTAMP_FILE", clock.0.to_str().expect("UTF-8"))
            .with_env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .with_env("FAKETIME_NO_CACHE", "1");
        Some((options, clock))
    }

    /// From now on the clock is so many seconds ahead.
    fn shows(&self, ahead: i64) {
        let next = self.0.with_extension("next");
        std::fs::write(&next, format!("{ahead:+}")).expect("written");
        std::fs::rename(&next, &self.0).expect("renamed");
    }
}

fn edit(record: &str) -> Value {
    json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record,
        "changes": [{"field_name": "Name", "value": record}]})
}

fn post(api: &Client, record: &str) {
    api.post("/audits", &edit(record), 202);
}

/// The ids of the history, newest last, must strictly increase.
fn ids_increase(api: &Client, count: usize) {
    let history = api.all("/audits", "after_id");
    let ids: Vec<u64> = history
        .iter()
        .map(|audit| audit["id"].as_str().expect("an id").parse().expect("a number"))
        .collect();
    assert_eq!(ids.len(), count);
    let by_receipt = |pair: &[u64]| pair[0] < pair[1];
    let newest_last = ids.windows(2).all(by_receipt);
    let newest_first = ids.windows(2).all(|pair| pair[0] > pair[1]);
    assert!(newest_last || newest_first, "{ids:?}");
    let mut records: Vec<u64> = history
        .iter()
        .map(|audit| audit["auditable_id"].as_str().expect("a record").parse().expect("a number"))
        .collect();
    if newest_first {
        records.reverse();
    }
    assert!(records.is_sorted(), "in the order of receipt: {records:?}");
}

/// What this thread starts from now on has one core, and so one thread of each kind.
fn on_one_core() {
    // SAFETY: the set is plain data, and lives as long as the calls, which are about this thread.
    unsafe {
        let mut cores: libc::cpu_set_t = std::mem::zeroed();
        let size = std::mem::size_of_val(&cores);
        assert_eq!(libc::sched_getaffinity(0, size, &mut cores), 0);
        let first = (0..libc::CPU_SETSIZE as usize).find(|core| libc::CPU_ISSET(*core, &cores));
        libc::CPU_ZERO(&mut cores);
        libc::CPU_SET(first.expect("a core"), &mut cores);
        assert_eq!(libc::sched_setaffinity(0, size, &cores), 0);
    }
}

fn check(server: Server) {
    let options = server.stop();
    let checked = run(executable().arg("check").arg("--data").arg(options.data()));
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
#[allow(clippy::disallowed_methods)] // real time is what the clock of the server is compared with
fn a_clock_that_jumps_while_the_server_runs_closes_no_window_early_and_none_late() {
    let Some((options, clock)) = FakeClock::under(Options::quiet("2s")) else { return };
    let server = Server::start(options);
    let receiver = Receiver::start();
    server.api.integration(&receiver.url("/hook"), json!({}));
    let jumps = [-5 * HOUR, 5 * HOUR, -YEAR, YEAR, 0];
    for (at, ahead) in jumps.into_iter().enumerate() {
        let began = Instant::now();
        post(&server.api, &at.to_string());
        clock.shows(ahead);
        let received = receiver.wait_for(at + 1);
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(1_900), "{ahead} s ahead: closed after {took:?}");
        assert!(took < Duration::from_secs(12), "{ahead} s ahead: closed after {took:?}");
        // Signed with the time that the clock shows.
        let signed: i64 = received[at].headers["webhook-timestamp"].parse().expect("seconds");
        let real = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs() as i64;
        assert!((signed - real - ahead).abs() < 30, "{ahead} s ahead: signed {signed}, now {real}");
    }
    ids_increase(&server.api, jumps.len());
    server.settled();
    check(server);
}

#[test]
#[allow(clippy::disallowed_methods)] // as above
fn a_server_that_starts_with_its_clock_years_behind_waits_a_quiet_period_and_no_longer() {
    let Some((options, clock)) = FakeClock::under(Options::quiet("3s")) else { return };
    let mut server = Server::start(options);
    let receiver = Receiver::start();
    server.api.integration(&receiver.url("/hook"), json!({}));
    for (at, ahead) in [-3 * YEAR, -5 * HOUR].into_iter().enumerate() {
        let began = Instant::now();
        post(&server.api, &at.to_string());
        let options = server.kill();
        clock.shows(ahead);
        server = Server::start(options);
        let received = receiver.wait_for(at + 1);
        let took = began.elapsed();
        assert_eq!(received[at].json()["audit"]["auditable_id"], at.to_string());
        assert!(took >= Duration::from_millis(2_900), "{ahead} s ahead: closed after {took:?}");
        // Else it would be sent once more after the next kill.
        server.settled();
        clock.shows(0);
    }
    // Posted while the clock is far behind the newest id.
    clock.shows(-3 * YEAR);
    post(&server.api, "2");
    receiver.wait_for(3);
    ids_increase(&server.api, 3);
    server.settled();
    check(server);
}

#[test]
fn a_server_that_starts_with_its_clock_ahead_closes_what_is_overdue_at_once_oldest_first() {
    let Some((options, clock)) = FakeClock::under(Options::quiet("1h")) else { return };
    let server = Server::start(options);
    let receiver = Receiver::start();
    server.api.integration(&receiver.url("/hook"), json!({"max_in_flight": 1}));
    for record in ["0", "1", "2", "3"] {
        post(&server.api, record);
    }
    let options = server.kill();
    clock.shows(5 * HOUR);
    // Threads close windows side by side, each the oldest of its own first.
    on_one_core();
    let server = Server::start(options);
    receiver.wait_for(4);
    let messages = server.api.all("/messages", "after");
    let mut made: Vec<(u64, String)> = messages
        .iter()
        .map(|message| {
            let id = message["id"].as_str().expect("an id").parse().expect("a number");
            (id, message["record"]["id"].as_str().unwrap_or_default().to_owned())
        })
        .collect();
    made.sort_unstable();
    let records: Vec<&str> = made.iter().map(|(_, record)| record.as_str()).collect();
    assert_eq!(records, ["0", "1", "2", "3"], "{messages:?}");
    server.settled();
    check(server);
}

#[test]
fn a_clock_that_jumps_back_puts_off_no_retry_while_running_nor_over_a_restart() {
    let Some((options, clock)) = FakeClock::under(Options::quiet("100ms")) else { return };
    let server = Server::start(options);
    let receiver = Receiver::start();
    let schedule = json!({"retry_schedule": ["5s", "6s", "1h"], "collate_backlog": false});
    let hook = server.api.integration(&receiver.url("/hook"), schedule);
    receiver.will_answer(&[500, 500]);
    post(&server.api, "0");
    receiver.wait_for(1);
    attempts_are_written(&server.api, &hook, 1);
    clock.shows(-5 * HOUR);
    receiver.wait_for(2);
    attempts_are_written(&server.api, &hook, 2);
    let options = server.kill();
    clock.shows(-10 * HOUR);
    let server = Server::start(options);
    receiver.wait_for(3);
    server.settled();
    assert_eq!(receiver.received().len(), 3, "each attempt was made once");
    check(server);
}

fn attempts_are_written(api: &Client, hook: &str, count: usize) {
    eventually("the attempt is written down", || {
        let page = api.get(&format!("/messages?integration={hook}"), 200);
        let message = page["items"][0]["id"].as_str()?.to_owned();
        let attempts = api.get(&format!("/messages/{message}/attempts"), 200);
        (attempts["items"].as_array()?.len() == count).then_some(())
    });
}

#[test]
fn a_rotated_secret_goes_on_signing_by_the_clock_that_the_server_has() {
    let Some((options, clock)) = FakeClock::under(Options::quiet("100ms")) else { return };
    let server = Server::start(options);
    let receiver = Receiver::start();
    let hook = server.api.integration(&receiver.url("/hook"), json!({}));
    server.api.post(&format!("/integrations/{hook}/rotate-secret"), &json!({}), 200);
    // For 24 hours of that clock; one that was put back makes it longer, never shorter.
    for (at, (ahead, signatures)) in
        [(0, 2), (-5 * HOUR, 2), (25 * HOUR, 1)].into_iter().enumerate()
    {
        clock.shows(ahead);
        post(&server.api, &at.to_string());
        let received = receiver.wait_for(at + 1);
        let signed = received[at].headers["webhook-signature"].split(' ').count();
        assert_eq!(signed, signatures, "{ahead} s ahead");
    }
    server.settled();
    check(server);
}

#[test]
fn a_clock_that_jumps_ahead_by_a_year_forgets_nothing_at_once() {
    let options = Options::quiet("100ms").logging();
    let Some((options, clock)) = FakeClock::under(options) else { return };
    let server = Server::start(options);
    post(&server.api, "0");
    server.settled();
    clock.shows(YEAR);
    let log = server.options.log();
    // Old history is looked for once a minute.
    for _ in 0..100 {
        let said = std::fs::read_to_string(&log).expect("a log");
        if said.contains("the clock jumped ahead to") {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(std::fs::read_to_string(&log).expect("a log").contains("the clock jumped ahead to"));
    assert_eq!(server.api.all("/audits", "after_id").len(), 1, "it is there still");
    check(server);
}
