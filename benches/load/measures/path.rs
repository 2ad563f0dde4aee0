//! The whole path: audits in, windows closing after a real quiet period, signed deliveries out, attempts
//! logged. Each audit is about a record of its own, so each comes to a message: the most work there is.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use serde_json::json;

use crate::clock;
use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::pace::Pace;
use crate::receiver::Receiver;
use crate::request::Request;
use crate::server::Server;

/// How long records are left alone here: real, but short.
pub const QUIET_PERIOD: &str = "1s";
/// Attempts that may be under way at a time to one hook.
const MAX_IN_FLIGHT: u32 = 256;
/// Audits that may be on their way through at a time: a second of waiting for the quiet and then some, so
/// that there is always something to do, and never more than that.
const UNDER_WAY_MAX: u64 = 40_000;
/// How often it is looked whether all has come.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long it may take until nothing is under way any more.
const DRAIN_MAX: Duration = Duration::from_secs(120);

/// What came through while as much went in as came out.
pub struct Flow {
    /// Messages that came out a second.
    pub rate: f64,
    /// Audits posted.
    pub audits: u64,
}

/// Has the server deliver everything to the receiver.
pub fn deliver_all(server: &Server, receiver: &Receiver) -> Result<(), Failure> {
    server.integrate(&receiver.hook(), json!({"max_in_flight": MAX_IN_FLIGHT}))
}

/// Posts such requests as quickly as messages come out, for `time` after `warm_up`. `share` of the audits
/// lead to the quick hook, the rest nowhere that counts.
pub fn flow(
    server: &Server,
    receiver: &Receiver,
    request: Request,
    share: f64,
    (warm_up, time): (Duration, Duration),
) -> Result<Flow, Failure> {
    let through = receiver.through();
    let pace = Pace::Within { audits_max: UNDER_WAY_MAX, through: through.clone(), share };
    let load = Load { pace, ..Load::new(server.address, request, warm_up + time) };
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| generator::send(&load));
        std::thread::sleep(warm_up);
        let (before, begun) = (through.load(Relaxed), clock::now());
        std::thread::sleep(time);
        let came = through.load(Relaxed) - before;
        let rate = came as f64 / (clock::now() - begun).as_secs_f64();
        let sent = sending.join().expect("no panic in the generator")?;
        Ok(Flow { rate, audits: sent.audits })
    })
}

/// Waits until so many requests have come to the quick hook and all of them are written down.
pub fn drain(server: &Server, receiver: &Receiver, messages: u64) -> Result<(), Failure> {
    let through = receiver.through();
    let came = clock::poll(LOOK_EVERY, DRAIN_MAX, || {
        Ok((through.load(Relaxed) >= messages).then_some(()))
    })?;
    came.ok_or_else(|| {
        let posts = through.load(Relaxed);
        Failure::Wrong(format!("{posts} of {messages} messages came within {DRAIN_MAX:?}"))
    })?;
    server.wait_for("writing down the last deliveries", "/messages/owed", 0, DRAIN_MAX)?;
    let stat = |name| server.stat(&format!("/messages/{name}"));
    let (made, delivered) = (stat("created")?, stat("delivered")?);
    let (posts, ids) = {
        let arrivals = receiver.arrivals();
        (arrivals.posts(), arrivals.messages())
    };
    // Each once; what was sent again all the same, as happens when an answer is not read in time, is told.
    if ids != messages || delivered != made {
        return Err(Failure::Wrong(format!(
            "of {messages} messages {ids} came; of {made} that were ever made {delivered} are written \
             down as delivered"
        )));
    }
    if posts > messages {
        eprintln!("        {} of {messages} messages were sent again", posts - messages);
    }
    Ok(())
}
