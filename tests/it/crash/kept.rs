//! What the server says it has: history, log, security events.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use crate::harness::Client;

/// All that the server's history holds, read on from where it was read to before.
#[derive(Default)]
pub struct History {
    ids: HashSet<String>,
    order: Vec<String>,
}

impl History {
    /// Reads what came since.
    pub fn read_on(&mut self, api: &Client) {
        let last = self.order.last().cloned();
        for id in read(api, last) {
            assert!(self.ids.insert(id.clone()), "{id} is in the history twice");
            self.order.push(id);
        }
    }

    /// Reads all of it anew, after some may have been forgotten: how much was. What is left stands in
    /// the order it stood in before, with what is new behind it.
    pub fn read_what_is_left(&mut self, api: &Client) -> u64 {
        let left = read(api, None);
        let before = std::mem::take(&mut self.order);
        let mut expected = before.iter();
        let mut known = 0;
        for id in &left {
            if self.ids.contains(id) {
                assert!(expected.any(|other| other == id), "{id} is not where it was");
                known += 1;
            }
        }
        self.ids = left.iter().cloned().collect();
        assert_eq!(self.ids.len(), left.len(), "an audit is in the history twice");
        self.order = left;
        before.len() as u64 - known
    }

    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// A copy holds what was there when it was taken, and nothing else.
    pub fn begins_as(&self, copies: &[Vec<String>]) {
        for copied in copies {
            let same =
                self.order.iter().zip(copied).take_while(|(one, other)| one == other).count();
            let other = copied.get(same);
            assert!(other.is_none(), "the audit {same} of a backup is {other:?}");
        }
    }

    pub fn has_all(&self, acknowledged: &HashSet<String>) {
        let lost: Vec<&String> = acknowledged.difference(&self.ids).collect();
        let (lost_count, count) = (lost.len(), acknowledged.len());
        assert!(lost.is_empty(), "{lost_count} of {count} acknowledged audits are lost: {lost:?}");
    }
}

fn read(api: &Client, after: Option<String>) -> Vec<String> {
    let path = after.map_or("/audits".to_owned(), |id| format!("/audits?after_id={id}"));
    let mut ids = Vec::new();
    let mut page = api.get(&with_limit(&path), 200);
    loop {
        let items = page["items"].as_array().expect("items").iter();
        ids.extend(items.map(|item| item["id"].as_str().expect("an id").to_owned()));
        let Some(next) = page["next"].as_str() else { return ids };
        page = api.get(&with_limit(&format!("/audits?after_id={next}")), 200);
    }
}

fn with_limit(path: &str) -> String {
    format!("{path}{}limit=1000", if path.contains('?') { '&' } else { '?' })
}

pub fn id_of(value: &Value) -> u64 {
    value.as_str().and_then(|id| id.parse().ok()).expect("an id")
}

/// The messages of the log that are newer than `after`.
pub fn log(api: &Client, after: u64) -> BTreeMap<u64, Value> {
    newer(api, "/messages?limit=1000", "id", after)
}

/// The newest message of the log.
pub fn newest_message(api: &Client) -> u64 {
    let page = api.get("/messages?limit=1", 200);
    page["items"].get(0).map_or(0, |message| id_of(&message["id"]))
}

/// The security events that are newer than `after`.
pub fn events(api: &Client, after: u64) -> BTreeMap<u64, Value> {
    newer(api, "/security-events?limit=1000", "place", after)
}

/// What a list has, newest first, down to `after`.
fn newer(api: &Client, path: &str, key: &str, after: u64) -> BTreeMap<u64, Value> {
    let mut found = BTreeMap::new();
    let mut page = api.get(path, 200);
    loop {
        for item in page["items"].as_array().expect("items") {
            let id = id_of(&item[key]);
            if id <= after {
                return found;
            }
            let twice = found.insert(id, item.clone());
            assert!(twice.is_none(), "{path}: {id} is listed twice");
        }
        let Some(next) = page["next"].as_str() else { return found };
        page = api.get(&format!("{path}&after={next}"), 200);
    }
}

/// How often each of these stands there.
pub fn counted<'a>(ids: impl Iterator<Item = &'a str>) -> HashMap<&'a str, usize> {
    let mut counts = HashMap::new();
    ids.for_each(|id| *counts.entry(id).or_default() += 1);
    counts
}
