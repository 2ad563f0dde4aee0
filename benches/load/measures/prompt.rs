//! From the moment a window closes, which is when its message is made, until the webhook has been read
//! from the receiver's socket.

use std::time::Duration;

use super::path::{self, QUIET_PERIOD};
use crate::arrivals::ms;
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::Figure;
use crate::request::Request;
use crate::server::{Server, fresh_folder};
use crate::units::Unit;

const RATE: f64 = 200.0;

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let receiver = Receiver::start()?;
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    path::deliver_all(&server, &receiver)?;
    let load = |first_record, time| Load {
        first_record,
        pace: Pace::Rate(RATE),
        ..Load::new(server.address, Request::one_audit(&server.token), time)
    };
    let warm_up = generator::send(&load(0, plan.warm_up))?;
    path::drain(&server, &receiver, warm_up.audits)?;
    receiver.time(Duration::from_secs(1));
    let sent = generator::send(&load(warm_up.audits, plan.long_load))?;
    path::drain(&server, &receiver, warm_up.audits + sent.audits)?;
    server.stop()?;
    let arrivals = receiver.arrivals();
    let times = arrivals.times.as_ref().expect("invariant: asked for above");
    Ok(vec![
        Figure::new(
            "S9 from close to the hook's socket, 200 a second, 95 of 100",
            ms(&times.on_the_way, 95.0),
            Unit::Milliseconds,
        )
        .at_most(10.0),
        Figure::new(
            "  from close to the hook's socket, median",
            ms(&times.on_the_way, 50.0),
            Unit::Milliseconds,
        ),
        Figure::new(
            "  from the end of the quiet to the hook's socket, 95 of 100",
            ms(&times.came, 95.0),
            Unit::Milliseconds,
        ),
    ])
}
