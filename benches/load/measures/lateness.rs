//! How late windows close while audits come in as quickly as they are taken. Of those, most are about a
//! few records that are never left alone, so their windows stay open; beside them so many others are
//! edited once each second, and are due a second each quiet period later.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use serde_json::json;

use crate::arrivals::ms;
use crate::clock;
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::Figure;
use crate::request::{Request, kind};
use crate::server::{Server, fresh_folder};
use crate::units::{Unit, grouped};

const QUIET_PERIOD: Duration = Duration::from_secs(3);
/// Records that are never left alone.
const RESTLESS: u64 = 1_000;
/// Audits in a batch of those that are edited once: so many are due in one moment.
const BATCH_AUDITS: u64 = 10;
/// Until the flow is even.
const WARM_UP: Duration = Duration::from_secs(1);

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let receiver = Receiver::start()?;
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), "3s")?;
    let once_only = json!({"activities": [{"record_types": [kind(0)]}]});
    server.integrate(&receiver.hook(), once_only)?;

    let stop = Arc::new(AtomicBool::new(false));
    let time = WARM_UP + plan.long_load + QUIET_PERIOD;
    let restless = Request::one_audit(&server.token).of_records(RESTLESS);
    let restless = Load { stop: stop.clone(), ..Load::new(server.address, restless, time * 10) };
    let once = Request::batch_of_kinds(&server.token, BATCH_AUDITS, 1);
    let once = Load {
        pace: Pace::Rate(plan.due_rate as f64 / BATCH_AUDITS as f64),
        connections: super::BATCH_CONNECTIONS,
        stop: stop.clone(),
        ..Load::new(server.address, once, time * 10)
    };
    let (others, came, took, late) = std::thread::scope(|scope| {
        let (others, once) =
            (scope.spawn(|| generator::send(&restless)), scope.spawn(|| generator::send(&once)));
        std::thread::sleep(WARM_UP + QUIET_PERIOD);
        receiver.time(QUIET_PERIOD);
        let (before, begun) = (receiver.through().load(Relaxed), clock::now());
        std::thread::sleep(plan.long_load);
        let (came, took) = (receiver.through().load(Relaxed) - before, clock::now() - begun);
        // What comes from here on is not counted any more.
        let late = receiver.arrivals().times.take().expect("invariant: asked for above");
        stop.store(true, Relaxed);
        once.join().expect("no panic in the generator")?;
        Ok((others.join().expect("no panic in the generator")?, came, took, late))
    })?;
    let by_server = server.stat("/windows/lateness/p99_ms")?;
    if late.early > 0 || late.made.is_empty() {
        let (early, all) = (late.early, late.made.len());
        return Err(Failure::Wrong(format!("{early} of {all} messages were made too early")));
    }

    let name =
        format!("S6 made after the quiet, {} windows due a second", grouped(plan.due_rate as f64));
    let due = came as f64 / took.as_secs_f64();
    Ok(vec![
        Figure::new(format!("{name}, 99 of 100"), ms(&late.made, 99.0), Unit::Milliseconds)
            .at_most(20.0)
            .beside("as the server counts", by_server),
        Figure::new("  made after the quiet, median", ms(&late.made, 50.0), Unit::Milliseconds),
        Figure::new(
            "  at the hook after the quiet, 99 of 100",
            ms(&late.came, 99.0),
            Unit::Milliseconds,
        ),
        Figure::new("  of these at the hook", due, Unit::PerSecond),
        Figure::new("  other audits meanwhile, one by one", others.audit_rate(), Unit::PerSecond),
    ])
}
