//! Full records: put all the time, linked to a hook, which ends up with the newest of each.

use std::time::Duration;

use serde_json::{Value, json};

use super::hooks::Arrival;
use super::setup;
use super::world::{World, ask};
use crate::harness::{Client, eventually};

/// How many there are; the others are children of the first.
const COUNT: u64 = 8;

fn path(record: u64) -> String {
    format!("/records/release/{record}")
}

fn text(record: u64, number: u64) -> Value {
    let parent = (record > 0).then(|| json!({"type": "release", "id": "0"}));
    json!({"workspace_id": "ws1", "name": record.to_string(), "n": number, "parent": parent})
}

/// Puts each, and sends it to the hook.
pub fn link(api: &Client, world: &World) {
    for record in 0..COUNT {
        api.put(&path(record), &text(record, 0), 200);
        let send = format!("{}/send-to/{}", path(record), world.integrations.id(setup::RECORDS));
        api.post(&send, &json!({}), 200);
        world.records.lock().unwrap().insert(record, (0, 0));
    }
}

/// Puts one after the other until the server is gone.
pub fn put_until_gone(api: &Client, world: &World) {
    for turn in 0.. {
        let record = turn % COUNT;
        let number = {
            let mut records = world.records.lock().unwrap();
            let (_, asked) = records.get_mut(&record).expect("a record");
            *asked += 1;
            *asked
        };
        if ask(api, "PUT", &path(record), Some(text(record, number)), &[200]).is_none() {
            return;
        }
        world.records.lock().unwrap().get_mut(&record).expect("a record").0 = number;
        world.count("records put", 1);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kept(api: &Client, record: u64) -> u64 {
    api.get(&path(record), 200)["stored"]["record"]["n"].as_u64().expect("a number")
}

/// Of each record the newest that was answered is kept, or a newer one that was asked.
pub fn check_kept(api: &Client, world: &World) {
    for (record, (answered, asked)) in world.records.lock().unwrap().iter() {
        let kept = kept(api, *record);
        assert!(
            (*answered..=*asked).contains(&kept),
            "record {record}: {answered} was answered, {kept} is kept, {asked} was asked"
        );
    }
}

/// Waits until the hook has the newest of each record that it was told of in this stretch.
pub fn settle(api: &Client, world: &World) {
    let links = format!("/integrations/{}/links", world.integrations.id(setup::RECORDS));
    eventually("the records at their hook are current", || {
        let links = api.all(&links, "after");
        assert_eq!(links.len() as u64, COUNT, "{links:?}");
        let current = |link: &Value| link["state"] == "linked" && link["next_update_at"].is_null();
        links.iter().all(current).then_some(())
    });
    let arrivals = world.hooks.arrivals();
    for record in world.records.lock().unwrap().keys() {
        let of_record = arrivals.iter().filter(|arrival| arrival.path == setup::RECORDS);
        let mut numbers = of_record.rev().map(Arrival::json).map(|body| body["release"].clone());
        let name = record.to_string();
        let last = numbers.find(|release| release["name"] == name.as_str());
        if let Some(last) = last {
            assert_eq!(last["n"], kept(api, *record), "record {record} at its hook");
        }
    }
}

/// Each record was made at the hook once, and never became an older one. `firsts` are the first
/// arrivals of each message, in order.
pub fn check_arrivals(world: &World, firsts: &[&Arrival]) {
    let mut numbers = std::collections::HashMap::new();
    for arrival in firsts.iter().filter(|arrival| arrival.path == setup::RECORDS) {
        let body = arrival.json();
        let name = body["release"]["name"].as_str().expect("a name").to_owned();
        if body["event"] == "create_release" {
            let before = world.created.lock().unwrap().insert(name.clone(), arrival.id.clone());
            assert_eq!(before, None, "record {name} was made at its hook twice");
        }
        let number = body["release"]["n"].as_u64().expect("a number");
        let before = numbers.insert(name.clone(), number).unwrap_or_default();
        assert!(before <= number, "record {name}: {number} came after {before}");
    }
}
