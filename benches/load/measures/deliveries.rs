//! Deliveries to one hook that answers at once, of many records whose windows close almost at once.
//! Counted at the hook; closing the windows goes on meanwhile, and is part of it.

use super::{path, post_records};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::Figure;
use crate::server::{Server, fresh_folder};
use crate::units::{Unit, grouped};

const QUIET_PERIOD: &str = "2s";

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let receiver = Receiver::start()?;
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    path::deliver_all(&server, &receiver)?;
    post_records(&server, 0, plan.deliveries)?;
    path::drain(&server, &receiver, plan.deliveries)?;
    server.stop()?;

    let rate = plan.deliveries as f64 / receiver.arrivals().took().as_secs_f64();
    let name = format!("{} deliveries on end to one hook", grouped(plan.deliveries as f64));
    Ok(vec![Figure::new(name, rate, Unit::PerSecond)])
}
