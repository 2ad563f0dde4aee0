//! Deliveries to one hook that answers at once, of many records whose windows close almost at once.
//! Counted at the hook; closing the windows goes on meanwhile, and is part of it.

use std::time::Duration;

use serde_json::json;

use super::post_records;
use crate::clock;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::{Figure, Unit, grouped};
use crate::server::{Server, fresh_folder};

const QUIET_PERIOD: &str = "2s";
const MAX_IN_FLIGHT: u32 = 256;
/// How long all deliveries may take.
const DELIVERING_MAX: Duration = Duration::from_secs(180);
/// How long writing down the last of them may take.
const SETTLING_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether all have come.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let receiver = Receiver::start()?;
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    let integration = json!({
        "name": "receiver",
        "kind": "activity",
        "hook_url": format!("http://{}/hook", receiver.address),
        "max_in_flight": MAX_IN_FLIGHT,
    });
    server.api("POST", "/integrations", Some(&integration), 201)?;
    post_records(&server, 0, plan.deliveries)?;
    wait_for_all(&receiver, plan.deliveries)?;
    server.wait_for("writing down the last deliveries", "/messages/owed", 0, SETTLING_MAX)?;
    server.stop()?;

    let arrivals = receiver.arrivals();
    check(arrivals.ids.len() as u64, arrivals.posts, plan.deliveries)?;
    let rate = arrivals.posts as f64 / arrivals.took().as_secs_f64();
    let name = format!("deliveries of {} to one hook", grouped(plan.deliveries as f64));
    Ok(vec![Figure::new(name, rate, Unit::PerSecond)])
}

fn wait_for_all(receiver: &Receiver, deliveries: u64) -> Result<(), Failure> {
    let all = clock::poll(LOOK_EVERY, DELIVERING_MAX, || {
        let ids = receiver.arrivals().ids.len() as u64;
        Ok((ids >= deliveries).then_some(()))
    })?;
    all.ok_or_else(|| {
        let arrivals = receiver.arrivals();
        let (ids, posts) = (arrivals.ids.len(), arrivals.posts);
        Failure::Wrong(format!(
            "{ids} of {deliveries} messages came within {DELIVERING_MAX:?}, in {posts} requests"
        ))
    })
}

/// A record was edited once and the hook always answered: exactly one request each.
fn check(ids: u64, posts: u64, deliveries: u64) -> Result<(), Failure> {
    if ids != deliveries || posts != deliveries {
        return Err(Failure::Wrong(format!(
            "{deliveries} messages were to be delivered once each; {ids} came in {posts} requests"
        )));
    }
    Ok(())
}
