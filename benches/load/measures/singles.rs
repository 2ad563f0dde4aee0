//! Durable audits one by one: each request is answered once its audit is on disk, and each is of
//! another record. The rival parses each audit as Lull does and answers at once: what the HTTP library
//! and the parser do on this machine while the load shares its cores.

use super::LONG;
use crate::failure::Failure;
use crate::generator::{self, CONNECTIONS, Load};
use crate::no_store;
use crate::plan::Plan;
use crate::report::Figure;
use crate::request::Request;
use crate::server::{Server, fresh_folder};
use crate::units::Unit;

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let (rival, address) = no_store::start()?;
    let request = Request::one_audit("none");
    generator::send(&Load::new(address, request.clone(), plan.warm_up))?;
    let no_store = generator::send(&Load::new(address, request, plan.load))?;
    drop(rival);

    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), LONG)?;
    let audits = take_on(&server, plan)?;
    server.stop()?;

    let (rate, rival) = (audits.audit_rate(), no_store.audit_rate());
    let name = format!("S1 durable audits one by one, {CONNECTIONS} connections");
    Ok(vec![
        Figure::new(name, rate, Unit::PerSecond).at_least(35_000.0).beside("no store", rival),
        Figure::new("  of the rate without a store", rate / rival * 100.0, Unit::Percent)
            .at_least(42.0),
        Figure::new("  answered within, median", audits.latency_ms(50.0), Unit::Milliseconds)
            .beside("no store", no_store.latency_ms(50.0)),
        Figure::new("  answered within, 99 of 100", audits.latency_ms(99.0), Unit::Milliseconds)
            .beside("no store", no_store.latency_ms(99.0)),
    ])
}

/// Audits one by one to a server on which nothing closes.
pub fn take_on(server: &Server, plan: &Plan) -> Result<generator::Sent, Failure> {
    let audit = Request::one_audit(&server.token);
    let warm_up = generator::send(&Load::new(server.address, audit.clone(), plan.warm_up))?;
    let first_record = warm_up.audits;
    generator::send(&Load { first_record, ..Load::new(server.address, audit, plan.load) })
}
