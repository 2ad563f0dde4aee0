//! What came in at the hooks, by itself: one body for each `webhook-id`, each record in order.

use std::collections::{BTreeMap, HashMap};

use super::hooks::Arrival;
use super::setup;

/// What came in, message by message.
pub struct Arrived {
    /// The first arrival of each message, in the order they came.
    firsts: Vec<Arrival>,
    /// The place of each in that list, and whether any of its requests was taken.
    messages: BTreeMap<u64, (usize, bool)>,
    pub requests: usize,
}

impl Arrived {
    /// Sorts what came in; every request with one `webhook-id` must be the same.
    pub fn of(arrivals: Vec<Arrival>) -> Self {
        let mut arrived = Self { firsts: Vec::new(), messages: BTreeMap::new(), requests: 0 };
        // What is sent to test a hook is no message.
        for got in arrivals.into_iter().filter(|got| !got.body.contains("lull/test")) {
            arrived.requests += 1;
            let id: u64 = got.id.parse().expect("an id");
            let Some((at, taken)) = arrived.messages.get_mut(&id) else {
                arrived.messages.insert(id, (arrived.firsts.len(), got.taken));
                arrived.firsts.push(got);
                continue;
            };
            *taken |= got.taken;
            let first = &arrived.firsts[*at];
            let same = (&first.path, &first.body) == (&got.path, &got.body);
            assert!(same, "one webhook-id, two messages: {first:?} {got:?}");
        }
        arrived
    }

    /// Every message, its first arrival, and whether the hook took it in the end.
    pub fn messages(&self) -> impl Iterator<Item = (u64, &Arrival, bool)> {
        self.messages.iter().map(|(id, (at, taken))| (*id, &self.firsts[*at], *taken))
    }

    pub fn get(&self, id: u64) -> Option<(&Arrival, bool)> {
        self.messages.get(&id).map(|(at, taken)| (&self.firsts[*at], *taken))
    }

    /// The first arrivals of the messages that were made after `after`, in the order they came.
    pub fn firsts(&self, after: u64) -> Vec<&Arrival> {
        let new = |got: &&Arrival| got.id.parse::<u64>().expect("an id") > after;
        self.firsts.iter().filter(new).collect()
    }
}

/// Per record and hook, and at a hook of security events altogether, messages came in the order they
/// were made (D4).
pub fn check_order(firsts: &[&Arrival]) {
    let mut newest: HashMap<(&str, String), u64> = HashMap::new();
    for got in firsts {
        let record = match got.path.as_str() {
            setup::SIEM | setup::BATCHES => String::new(),
            setup::RECORDS => got.json()["release"]["name"].to_string(),
            _ => got.json()["audit"]["auditable_id"].to_string(),
        };
        let id: u64 = got.id.parse().expect("an id");
        let before = newest.insert((&got.path, record), id).unwrap_or_default();
        assert!(before < id, "at {}, {before} came before {id}: {}", got.path, got.body);
    }
}
