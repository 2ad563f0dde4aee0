//! What people do by hand: send now, discard, redeliver, cancel, recover, replay.

use std::time::Duration;

use serde_json::json;

use super::posting::{DISCARDED, HOT, RECORDS};
use super::setup::{ONE, TWO};
use super::world::{Dice, World, ask};
use crate::harness::Client;

/// Does one after the other until the server is gone.
pub fn until_gone(api: &Client, world: &World, forgets: bool, mut dice: Dice) {
    loop {
        std::thread::sleep(Duration::from_millis(10 + dice.roll(60)));
        let done = match dice.roll(8) {
            0 | 1 => send_now(api, world, dice.roll(HOT)),
            2 => discard(api, world, forgets, DISCARDED + dice.roll(RECORDS - DISCARDED)),
            3 => redeliver(api, world, "failed", &mut dice),
            4 => redeliver(api, world, "delivered", &mut dice),
            5 => cancel(api, world, &mut dice),
            6 => recover(api, world),
            _ => replay(api, world, &mut dice),
        };
        if done.is_none() {
            return;
        }
    }
}

fn send_now(api: &Client, world: &World, record: u64) -> Option<()> {
    let path = format!("/records/feature/{record}/send-now");
    if ask(api, "POST", &path, None, &[200, 404, 409])?.status == 200 {
        world.count("windows sent by hand", 1);
    }
    Some(())
}

fn discard(api: &Client, world: &World, forgets: bool, record: u64) -> Option<()> {
    let path = format!("/records/feature/{record}/discard");
    let reason = json!({"reason": "by chance"});
    if ask(api, "POST", &path, Some(reason), &[204, 404])?.status == 204 {
        world.stretch.lock().unwrap().discarded += u64::from(!forgets);
        world.count("windows discarded", 1);
    }
    Some(())
}

/// A message of this status, by chance.
fn message(api: &Client, filter: &str, dice: &mut Dice) -> Option<Option<String>> {
    let page = ask(api, "GET", &format!("/messages?limit=20&{filter}"), None, &[200])?.json();
    let items = page["items"].as_array().expect("items");
    let at = dice.roll(items.len().max(1) as u64) as usize;
    Some(items.get(at).map(|item| item["id"].as_str().expect("an id").to_owned()))
}

fn redeliver(api: &Client, world: &World, status: &str, dice: &mut Dice) -> Option<()> {
    let Some(id) = message(api, &format!("status={status}"), dice)? else { return Some(()) };
    let path = format!("/messages/{id}/redeliver");
    if ask(api, "POST", &path, Some(json!({})), &[202, 404, 409])?.status == 202 {
        world.count("redelivered by hand", 1);
    }
    Some(())
}

fn cancel(api: &Client, world: &World, dice: &mut Dice) -> Option<()> {
    let whose = world.integrations.id(if dice.one_in(2) { ONE } else { TWO });
    let filter = format!("status=pending&integration={whose}");
    let Some(id) = message(api, &filter, dice)? else { return Some(()) };
    let path = format!("/messages/{id}/cancel");
    if ask(api, "POST", &path, None, &[200, 404, 409])?.status == 200 {
        world.count("cancelled", 1);
    }
    Some(())
}

/// All that failed.
const ALWAYS: &str = "2020-01-01T00:00:00Z";

fn recover(api: &Client, world: &World) -> Option<()> {
    let path = format!("/integrations/{}/recover", world.integrations.id(TWO));
    let answer = ask(api, "POST", &path, Some(json!({"since": ALWAYS})), &[202])?;
    world.count("recovered", answer.json()["queued"].as_u64().expect("a number"));
    Some(())
}

/// The last windows again, to one that was not there then.
fn replay(api: &Client, world: &World, dice: &mut Dice) -> Option<()> {
    let Some(id) = world.configured.lock().unwrap().passing(dice) else { return Some(()) };
    let page = ask(api, "GET", "/messages?limit=100", None, &[200])?.json();
    let oldest = page["items"].as_array().expect("items").last().cloned();
    let Some(since) = oldest.map(|message| message["created_at"].clone()) else { return Some(()) };
    let path = format!("/integrations/{id}/replay");
    let answer = ask(api, "POST", &path, Some(json!({"since": since})), &[202, 404, 409])?;
    world.count("replayed", answer.json()["queued"].as_u64().unwrap_or_default());
    Some(())
}
