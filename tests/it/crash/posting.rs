//! Posting: audits alone, in batches, one a line; security events; the same again.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::setup;
use super::world::{Dice, Posted, World};
use crate::harness::{Answer, Client, eventually, noise};

/// Records that are edited; the last few have windows that are discarded.
pub const RECORDS: u64 = 80;
/// From here on windows may be discarded.
pub const DISCARDED: u64 = 74;
/// Records that are edited much more often than the others.
pub const HOT: u64 = 3;
/// Users who edit them.
const USERS: u64 = 5;
/// What the ids of security events begin with.
const EVENT: &str = "event-";

/// Who posts, and when.
#[derive(Clone, Copy)]
pub struct Place {
    pub round: u64,
    pub connection: u64,
    pub forgets: bool,
}

/// A call that posts.
#[derive(Clone)]
pub struct Call {
    path: &'static str,
    media: &'static str,
    body: Vec<u8>,
    ids: Vec<String>,
    /// Its `Idempotency-Key`.
    key: Option<String>,
    forgettable: bool,
}

/// Posts until the server is gone.
pub fn until_gone(api: &Client, world: &World, place: Place, mut dice: Dice) {
    for number in 0..100_000 {
        let call = make(world, place, number, &mut dice);
        let Some(answer) = call.made(api, world) else {
            return world.stretch.lock().unwrap().unanswered.push(call);
        };
        if dice.one_in(8) {
            let Some(again) = call.sent(api) else { return };
            call.was_ignored(&answer, &again);
            world.count("repeats", 1);
        }
        std::thread::sleep(Duration::from_millis(dice.roll(40)));
    }
}

/// What the last server did not answer is posted once more, as a client would.
pub fn repeat_what_was_not_answered(api: &Client, world: &World) {
    let calls = std::mem::take(&mut world.stretch.lock().unwrap().unanswered);
    for call in calls {
        // One of two gives up; what it posted may be kept all the same, or not.
        if call.body.len().is_multiple_of(2) {
            call.made(api, world).expect("an answer");
            world.count("repeats", 1);
        }
    }
}

/// Waits until no event waits for others any more: while it does, it is not owed yet.
pub fn settle(world: &World) {
    let events = world.stretch.lock().unwrap().events.clone();
    eventually("the events that wait for each other", || {
        let arrivals = world.hooks.arrivals();
        let to_batches = arrivals.iter().filter(|got| got.path == setup::BATCHES);
        let told: HashSet<String> = to_batches.flat_map(|got| events_in(&got.body)).collect();
        events.keys().all(|id| told.contains(id)).then_some(())
    });
}

/// The ids of events that a body names, in whatever format it is.
pub fn events_in(body: &str) -> HashSet<String> {
    let places = body.match_indices(EVENT).map(|(at, _)| &body[at..]);
    let is_of_id = |c: char| c == '-' || c.is_ascii_alphanumeric();
    places.map(|text| text.chars().take_while(|c| is_of_id(*c)).collect()).collect()
}

impl Call {
    fn sent(&self, api: &Client) -> Option<Answer> {
        let mut headers = vec![("content-type", self.media)];
        headers.extend(self.key.as_deref().map(|key| ("idempotency-key", key)));
        let answer = api.call("POST", self.path, &headers, &self.body)?;
        assert_eq!(answer.status, 202, "{}: {}", self.path, answer.text);
        Some(answer)
    }

    /// Makes the call, and notes what was acknowledged. None when no answer came.
    fn made(&self, api: &Client, world: &World) -> Option<Answer> {
        let answer = self.sent(api)?;
        let said = answer.json();
        let list = |key: &str| said[key].as_array().expect("a list").clone();
        let told = [list("ids"), list("duplicates")].concat();
        assert_eq!(Value::Array(told), json!(self.ids), "{said}");
        world.count("acknowledged", self.ids.len() as u64);
        let mut stretch = world.stretch.lock().unwrap();
        let ids = self.ids.iter().cloned();
        match self.path {
            "/audits" => stretch.acknowledged.extend(ids),
            _ => stretch.events.extend(ids.map(|id| (id, self.forgettable))),
        }
        Some(answer)
    }

    /// The same again changes nothing, and is answered so.
    fn was_ignored(&self, first: &Answer, again: &Answer) {
        match self.key {
            Some(_) => assert_eq!(first.text, again.text),
            None => {
                let said = again.json();
                assert_eq!((&said["accepted"], &said["duplicates"]), (&json!(0), &json!(self.ids)));
            }
        }
    }
}

fn make(world: &World, place: Place, number: u64, dice: &mut Dice) -> Call {
    let Place { round, connection, forgets } = place;
    let size = if dice.one_in(5) { 1 + dice.roll(20) } else { 1 };
    let of_event = dice.one_in(6);
    let prefix = if of_event { EVENT } else { "a-" };
    let ids: Vec<String> =
        (0..size).map(|item| format!("{prefix}{round}-{connection}-{number}-{item}")).collect();
    let items: Vec<Value> = ids
        .iter()
        .map(|id| if of_event { event(id, dice) } else { audit(world, id, forgets, dice) })
        .collect();
    let lines = || items.iter().map(|item| format!("{item}\n")).collect::<String>();
    let (media, body) = match (dice.roll(3), &items[..]) {
        (0, [item]) => ("application/json", item.to_string()),
        (0 | 1, _) => ("application/json", json!(items).to_string()),
        _ => ("application/x-ndjson", lines()),
    };
    let key = dice.one_in(4).then(|| format!("key-{}", ids[0]));
    let path = if of_event { "/security-events" } else { "/audits" };
    Call { path, media, body: body.into_bytes(), ids, key, forgettable: forgets }
}

fn event(id: &str, dice: &mut Dice) -> Value {
    json!({"id": id, "action": "posted", "severity": dice.roll(11)})
}

/// An edit of a record by chance; now and then one that is longer than a page of the store.
fn audit(world: &World, id: &str, forgettable: bool, dice: &mut Dice) -> Value {
    let of = if dice.one_in(3) { HOT } else { RECORDS };
    let record = dice.roll(of);
    let user = dice.roll(USERS);
    let posted = Posted { record, user, forgettable };
    world.stretch.lock().unwrap().posted.insert(id.to_owned(), posted);
    let length = if dice.one_in(50) { 20_000 } else { 200 };
    json!({"id": id, "audit_action": "update", "auditable_type": "feature",
           "auditable_id": record.to_string(), "user": {"id": user.to_string()},
           "changes": [{"field_name": "Note", "value": format!("{id}{}", noise(record, length))}]})
}
