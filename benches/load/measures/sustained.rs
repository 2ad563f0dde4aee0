//! The whole path, kept up: first how many messages a second come through when as many audits go in as
//! messages come out; then nine tenths of that, at a fixed rate, for minutes. Whether it keeps up shows
//! in what is owed when the minutes are over.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::path::{self, QUIET_PERIOD};
use crate::arrivals::ms;
use crate::clock;
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::Figure;
use crate::request::Request;
use crate::server::{Server, fresh_folder};
use crate::units::Unit;

/// What is kept up, of what comes through at most.
const PART: f64 = 0.9;
/// Audits in a batch of what an application posts that gathers them for a moment.
const BATCH_AUDITS: u64 = 50;
/// The quiet period, and a second for the flow to become even.
const WARM_UP: Duration = Duration::from_secs(2);

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let mut figures = take_with(plan, "one by one", Request::one_audit)?;
    let batches = format!("in batches of {BATCH_AUDITS}");
    figures.extend(take_with(plan, &batches, |token| Request::batch(token, BATCH_AUDITS))?);
    Ok(figures)
}

fn take_with(
    plan: &Plan,
    how: &str,
    request: impl Fn(&str) -> Request,
) -> Result<Vec<Figure>, Failure> {
    let receiver = Receiver::start()?;
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    path::deliver_all(&server, &receiver)?;
    let request = request(&server.token);
    let most = path::flow(&server, &receiver, request.clone(), 1.0, (WARM_UP, plan.load * 2))?;
    path::drain(&server, &receiver, most.audits)?;

    receiver.time(Duration::from_secs(1));
    let rate = most.rate * PART;
    let load = Load {
        first_record: most.audits,
        pace: Pace::Rate(rate / request.audits() as f64),
        ..Load::new(server.address, request, WARM_UP + plan.sustained)
    };
    let through = receiver.through();
    let (sent, came, took, owed) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| generator::send(&load));
        std::thread::sleep(WARM_UP);
        let (before, begun) = (through.load(Relaxed), clock::now());
        let sent = sending.join().expect("no panic in the generator")?;
        let (came, took) = (through.load(Relaxed) - before, clock::now() - begun);
        Ok((sent, came, took, server.stat("/messages/owed")?))
    })?;
    path::drain(&server, &receiver, most.audits + sent.audits)?;
    server.stop()?;

    let arrivals = receiver.arrivals();
    let times = arrivals.times.as_ref().expect("invariant: asked for above");
    let (seconds, late) = (took.as_secs(), ms(&times.came, 99.0));
    let name = format!("S3 whole path, audits {how}, {seconds} s on end");
    let kept_up = came as f64 / took.as_secs_f64();
    let answered = format!("  audits {how} answered within, 99 of 100");
    Ok(vec![
        Figure::new(name, kept_up, Unit::PerSecond)
            .at_least(12_000.0)
            .beside("as much in as comes out", most.rate),
        Figure::new(format!("  owed at the end, {how}"), owed, Unit::Count),
        Figure::new(
            format!("  at the hook after the quiet, {how}, 99 of 100"),
            late,
            Unit::Milliseconds,
        ),
        Figure::new(answered, sent.latency_ms(99.0), Unit::Milliseconds),
    ])
}
