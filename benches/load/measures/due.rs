//! Very many windows that are all due in one moment. No client posts that many in a second, so the server
//! is stopped (SIGSTOP) until the quiet period of the last of them is over, and then goes on: its clocks
//! went on meanwhile, and all are due at once. From there on audits come in at a steady rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::{path, post_records};
use crate::clock;
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::Figure;
use crate::request::Request;
use crate::server::{Server, fresh_folder};
use crate::units::{Unit, grouped};

/// Longer than posting them may take.
const QUIET_PERIOD: Duration = Duration::from_secs(40);
/// Audits that come in meanwhile, a second.
const OTHERS_RATE: f64 = 500.0;
/// How long until all are closed, at most.
const CLOSING_MAX: Duration = Duration::from_secs(300);
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let receiver = Receiver::start()?;
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), "40s")?;
    path::deliver_all(&server, &receiver)?;
    let begun = clock::now();
    post_records(&server, 0, plan.due)?;
    let open = plan.due as f64;
    server.wait_for("opening the windows", "/windows/open", plan.due, QUIET_PERIOD)?;
    let before = server.resident_bytes()?;
    server.process.signal(libc::SIGSTOP)?;
    if clock::now() - begun >= QUIET_PERIOD {
        return Err(Failure::Late { what: "posting the audits", time_max: QUIET_PERIOD });
    }
    std::thread::sleep(QUIET_PERIOD + Duration::from_millis(100));
    server.process.signal(libc::SIGCONT)?;

    let stop = Arc::new(AtomicBool::new(false));
    let others = Load {
        first_record: plan.due,
        pace: Pace::Rate(OTHERS_RATE),
        stop: stop.clone(),
        ..Load::new(server.address, Request::one_audit(&server.token), CLOSING_MAX)
    };
    let begun = clock::now();
    let (took, others, came) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| generator::send(&others));
        let closed = clock::poll(LOOK_EVERY, CLOSING_MAX, || {
            Ok((server.stat("/messages/created")? >= open).then(|| clock::now() - begun))
        });
        stop.store(true, Relaxed);
        let came = receiver.through().load(Relaxed);
        Ok((closed?, sending.join().expect("no panic in the generator")?, came))
    })?;
    let took = took.ok_or(Failure::Late { what: "closing", time_max: CLOSING_MAX })?;
    let (resident, most) = (server.resident_bytes()?, server.process.memory_bytes("VmHWM")?);
    // What is owed still would take a while; nobody asks for it.
    drop(server);

    let count = grouped(open);
    let megabytes = |name: &str, bytes: u64| Figure::new(name, bytes as f64 / 1e6, Unit::Megabytes);
    Ok(vec![
        Figure::new(
            format!("S7 {count} windows due at once, all addressed"),
            took.as_secs_f64(),
            Unit::Seconds,
        )
        .at_most(30.0),
        Figure::new(
            "  audits meanwhile answered within, 99 of 100",
            others.latency_ms(99.0),
            Unit::Milliseconds,
        )
        .at_most(100.0),
        Figure::new(
            "  audits meanwhile answered within, median",
            others.latency_ms(50.0),
            Unit::Milliseconds,
        ),
        Figure::new("  deliveries meanwhile", came as f64 / took.as_secs_f64(), Unit::PerSecond),
        megabytes("  resident memory, most", most),
        megabytes("  resident memory before", before),
        megabytes("  resident memory once all are addressed", resident),
    ])
}
