//! Durable audits in batches of NDJSON, each audit of another record.

use super::{BATCH_AUDITS, BATCH_CONNECTIONS, LONG};
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::plan::Plan;
use crate::report::Figure;
use crate::request::Request;
use crate::server::{Server, fresh_folder};
use crate::units::Unit;

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), LONG)?;
    let load = |first_record, time_max| Load {
        connections: BATCH_CONNECTIONS,
        first_record,
        ..Load::new(server.address, Request::batch(&server.token, BATCH_AUDITS), time_max)
    };
    let warm_up = generator::send(&load(0, plan.warm_up))?;
    let sent = generator::send(&load(warm_up.audits, plan.load))?;
    server.stop()?;
    let name =
        format!("S2 durable audits in batches of {BATCH_AUDITS}, {BATCH_CONNECTIONS} connections");
    let (median, most) = (sent.latency_ms(50.0), sent.latency_ms(99.0));
    Ok(vec![
        Figure::new(name, sent.audit_rate(), Unit::PerSecond).at_least(200_000.0),
        Figure::new("  a batch answered within, median", median, Unit::Milliseconds),
        Figure::new("  a batch answered within, 99 of 100", most, Unit::Milliseconds),
    ])
}
