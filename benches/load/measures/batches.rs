//! Durable audits in batches of NDJSON, each audit of another record.

use super::{BATCH_AUDITS, BATCH_CONNECTIONS, LONG, REQUESTS_MAX};
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::plan::Plan;
use crate::report::{Figure, Unit};
use crate::request::Request;
use crate::server::{Server, fresh_folder};

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), LONG)?;
    let load = |first_record, time_max| Load {
        address: server.address,
        request: Request::batch(&server.token, BATCH_AUDITS as usize),
        expected: 202,
        connections: BATCH_CONNECTIONS,
        first_record,
        requests_max: REQUESTS_MAX,
        time_max,
    };
    let warm_up = generator::send(&load(0, plan.warm_up))?;
    let sent = generator::send(&load(warm_up.audits, plan.load))?;
    server.stop()?;
    let name = format!("audits in batches of {BATCH_AUDITS}, {BATCH_CONNECTIONS} connections");
    let (median, most) = (sent.latency_ms(50.0), sent.latency_ms(99.0));
    Ok(vec![
        Figure::new(name, sent.audit_rate(), Unit::PerSecond),
        Figure::new("  a batch answered within, median", median, Unit::Milliseconds),
        Figure::new("  a batch answered within, 99 of 100", most, Unit::Milliseconds),
    ])
}
