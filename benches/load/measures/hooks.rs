//! A hundred hooks, each of another type of record: first all quick, then one dead (nothing listens
//! there), one slow (it answers after five seconds), and 98 quick. What the 98 get is compared.

use std::time::Duration;

use serde_json::json;

use super::path::{self, QUIET_PERIOD};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::receiver::{Receiver, SLOW_HEADER};
use crate::report::Figure;
use crate::request::{Request, kind};
use crate::server::{Server, fresh_folder};
use crate::units::Unit;

const HOOKS: u64 = 100;
/// Those that are quick in any case.
const QUICK: u64 = 98;
/// Audits in a batch: one for each hook.
const BATCH_AUDITS: u64 = HOOKS;
/// Until the slow hook has all that it is sent at a time.
const WARM_UP: Duration = Duration::from_secs(4);
/// A port that nothing listens on.
const DEAD_HOOK: &str = "http://127.0.0.1:9/hook";

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let receiver = Receiver::start()?;
    let all_quick = take_with(plan, &receiver, false)?;
    let all_quick = all_quick * QUICK as f64 / HOOKS as f64;
    drop(receiver);
    let receiver = Receiver::start()?;
    let others = take_with(plan, &receiver, true)?;
    let lost = (1.0 - others / all_quick) * 100.0;
    Ok(vec![
        Figure::new("S14 98 quick hooks beside one dead and one slow", others, Unit::PerSecond)
            .beside("beside two quick ones", all_quick),
        Figure::new("  lost by that", lost, Unit::Percent).at_most(5.0),
    ])
}

/// Messages to quick hooks a second; with two that are not.
fn take_with(plan: &Plan, receiver: &Receiver, with_others: bool) -> Result<f64, Failure> {
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    let hook = receiver.hook();
    for number in 0..HOOKS {
        let kinds = [kind(number)];
        let mut with = json!({"name": kinds[0], "activities": [{"record_types": kinds}]});
        let hook = if with_others && number == QUICK { DEAD_HOOK } else { &hook };
        if with_others && number == QUICK + 1 {
            with["headers"] = json!({SLOW_HEADER: "yes"});
        }
        server.integrate(hook, with)?;
    }
    let share = if with_others { QUICK as f64 / HOOKS as f64 } else { 1.0 };
    let request = Request::batch_of_kinds(&server.token, BATCH_AUDITS, HOOKS);
    let flow = path::flow(&server, receiver, request, share, (WARM_UP, plan.long_load))?;
    // What the dead and the slow are owed would take hours.
    drop(server);
    Ok(flow.rate)
}
