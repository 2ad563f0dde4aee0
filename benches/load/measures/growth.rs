//! Whether a long history makes it slower: audits one by one and the whole path, on an empty store and on
//! one with a long history.

use std::path::Path;
use std::time::Duration;

use super::path::{self, QUIET_PERIOD};
use super::{LONG, singles};
use crate::clock;
use crate::failure::Failure;
use crate::past;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::Figure;
use crate::request::Request;
use crate::server::{Server, fresh_folder};
use crate::units::{Unit, grouped};

/// Until the flow is even.
const WARM_UP: Duration = Duration::from_secs(2);
/// Audits in a batch.
const BATCH_AUDITS: u64 = 50;

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let empty = fresh_folder()?;
    let (empty_path, empty_singles, _) = take_on(empty.path(), plan)?;
    drop(empty);
    let full = fresh_folder()?;
    let begun = clock::now();
    past::fill(full.path(), plan.history)?;
    let filled = clock::now() - begun;
    let (full_path, full_singles, ready) = take_on(full.path(), plan)?;

    let count = grouped(plan.history as f64);
    let percent = |part: f64, whole: f64| part / whole * 100.0;
    let seconds = |name, time: Duration| Figure::new(name, time.as_secs_f64(), Unit::Seconds);
    Ok(vec![
        Figure::new(
            format!("S11 one by one with {count} audits of history"),
            full_singles,
            Unit::PerSecond,
        )
        .beside("empty store", empty_singles),
        Figure::new(
            "  of the rate of an empty store, one by one",
            percent(full_singles, empty_singles),
            Unit::Percent,
        )
        .at_least(80.0),
        Figure::new(
            format!("  whole path with {count} audits of history"),
            full_path,
            Unit::PerSecond,
        )
        .beside("empty store", empty_path),
        Figure::new(
            "  of the rate of an empty store, whole path",
            percent(full_path, empty_path),
            Unit::Percent,
        )
        .at_least(80.0),
        seconds("  start with such a history", ready),
        seconds("  making such a history", filled),
    ])
}

/// Messages through the whole path a second, audits one by one a second, and how long the start took.
fn take_on(folder: &Path, plan: &Plan) -> Result<(f64, f64, Duration), Failure> {
    let receiver = Receiver::start()?;
    let server = Server::start(folder, QUIET_PERIOD)?;
    let ready = server.ready_after;
    path::deliver_all(&server, &receiver)?;
    let request = Request::batch(&server.token, BATCH_AUDITS);
    let flow = path::flow(&server, &receiver, request, 1.0, (WARM_UP, plan.load * 2))?;
    path::drain(&server, &receiver, flow.audits)?;
    server.stop()?;
    let server = Server::start(folder, LONG)?;
    let singles = singles::take_on(&server, plan)?;
    server.stop()?;
    Ok((flow.rate, singles.audit_rate(), ready))
}
