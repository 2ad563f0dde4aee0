//! Durable audits in batches of NDJSON, each audit of another record. The rival is that of audits one by
//! one.

use std::net::SocketAddr;

use super::{BATCH_AUDITS, BATCH_CONNECTIONS, LONG};
use crate::failure::Failure;
use crate::generator::{self, Load, Sent};
use crate::no_store;
use crate::plan::Plan;
use crate::report::Figure;
use crate::request::Request;
use crate::server::{Server, fresh_folder};
use crate::units::Unit;

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let (rival, address) = no_store::start()?;
    let no_store = take_on(address, "none", plan)?;
    drop(rival);
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), LONG)?;
    let sent = take_on(server.address, &server.token, plan)?;
    server.stop()?;
    let name =
        format!("S2 durable audits in batches of {BATCH_AUDITS}, {BATCH_CONNECTIONS} connections");
    let (median, most) = (sent.latency_ms(50.0), sent.latency_ms(99.0));
    Ok(vec![
        Figure::new(name, sent.audit_rate(), Unit::PerSecond)
            .at_least(200_000.0)
            .beside("no store", no_store.audit_rate()),
        Figure::new("  a batch answered within, median", median, Unit::Milliseconds),
        Figure::new("  a batch answered within, 99 of 100", most, Unit::Milliseconds),
    ])
}

fn take_on(address: SocketAddr, token: &str, plan: &Plan) -> Result<Sent, Failure> {
    let load = |first_record, time_max| Load {
        connections: BATCH_CONNECTIONS,
        first_record,
        ..Load::new(address, Request::batch(token, BATCH_AUDITS), time_max)
    };
    let warm_up = generator::send(&load(0, plan.warm_up))?;
    generator::send(&load(warm_up.audits, plan.load))
}
