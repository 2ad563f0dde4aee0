//! How long a single audit takes to be durable when there is time for it: a thousand a second, each from
//! when it was due.

use super::LONG;
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::report::Figure;
use crate::request::Request;
use crate::server::{Server, fresh_folder};
use crate::units::Unit;

const RATE: f64 = 1_000.0;

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), LONG)?;
    let load = |first_record, time| Load {
        first_record,
        pace: Pace::Rate(RATE),
        ..Load::new(server.address, Request::one_audit(&server.token), time)
    };
    let warm_up = generator::send(&load(0, plan.warm_up))?;
    let sent = generator::send(&load(warm_up.audits, plan.long_load))?;
    server.stop()?;
    let figure =
        |name: &str, percentile| Figure::new(name, sent.latency_ms(percentile), Unit::Milliseconds);
    Ok(vec![
        figure("S8 one audit, 1,000 a second, median", 50.0).at_most(1.0),
        figure("  99 of 100 of them", 99.0).at_most(5.0),
        figure("  999 of 1,000 of them", 99.9),
    ])
}
