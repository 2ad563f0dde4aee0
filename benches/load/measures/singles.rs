//! Durable audits one by one: each request is answered once its audit is on disk, and each is of
//! another record. The rival is the same server answering without store, token or body
//! (`GET /healthz`): what the HTTP stack does on this machine while the load shares its cores.

use super::{LONG, REQUESTS_MAX};
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::plan::Plan;
use crate::report::{Figure, Unit};
use crate::request::Request;
use crate::server::{Server, fresh_folder};

const CONNECTIONS: usize = 64;

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), LONG)?;
    let load = |request, expected, first_record, time_max| Load {
        address: server.address,
        request,
        expected,
        connections: CONNECTIONS,
        first_record,
        requests_max: REQUESTS_MAX,
        time_max,
    };
    let health = Request::get("/healthz");
    generator::send(&load(health.clone(), 200, 0, plan.warm_up))?;
    let health = generator::send(&load(health, 200, 0, plan.load))?;

    let audit = Request::one_audit(&server.token);
    let warm_up = generator::send(&load(audit.clone(), 202, 0, plan.warm_up))?;
    let audits = generator::send(&load(audit, 202, warm_up.audits, plan.load))?;
    server.stop()?;

    let ratio = audits.request_rate() / health.request_rate() * 100.0;
    let name = format!("single audits, {CONNECTIONS} connections");
    let ceiling = format!("  GET /healthz, {CONNECTIONS} connections (no store, no body)");
    Ok(vec![
        Figure::new(name, audits.audit_rate(), Unit::PerSecond),
        Figure::new("  answered within, median", audits.latency_ms(50.0), Unit::Milliseconds),
        Figure::new("  answered within, 99 of 100", audits.latency_ms(99.0), Unit::Milliseconds),
        Figure::new(ceiling, health.request_rate(), Unit::PerSecond),
        Figure::new("  single audits, of that", ratio, Unit::Percent),
    ])
}
