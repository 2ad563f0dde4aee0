//! What was going on when the server stopped: open windows, and messages owed.
//!
//! An open window is not written down; it is what the history holds and no mark names. So recovery
//! reads both from the low water on, which every commit stores.

use ahash::{HashMap, HashSet};

use super::counters::{Counters, State};
use super::history::decode_mark;
use super::untried::Untried;
use super::{LinkTimer, Store, StoreError, bundle, keys, pack};
use crate::clock::Timestamp;
use crate::ingest;
use crate::model::{Account, Id, Owed, RecordKey, Slot, WindowRule};

/// What was going on.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Windows that had not closed, in no particular order.
    pub windows: Vec<OpenWindow>,
    /// Messages owed, oldest first.
    pub owed: Vec<(Id, Owed)>,
    /// Integrations for which security events wait, and until when.
    pub waiting: Vec<(Id, Timestamp)>,
    /// Links whose records were being changed.
    pub links: Vec<LinkTimer>,
}

/// A window that has not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenWindow {
    /// The record.
    pub record: RecordKey,
    /// Which of its windows.
    pub slot: Slot,
    /// Its audits, oldest first; at least one.
    pub places: Vec<Id>,
    /// How large those are together, as they are kept.
    pub bytes: u64,
    /// The rule of its first audit, for max wait (R3).
    pub first_rule: WindowRule,
    /// The rule of its last audit, for the quiet period.
    pub last_rule: WindowRule,
}

/// Reads what was going on, and the writer's state.
pub(super) fn recover(store: &Store, now: Timestamp) -> Result<(State, Recovered), StoreError> {
    let counters: Counters = match store.tree().get(keys::COUNTERS)? {
        Some(bytes) => Counters::decode(&bytes)?,
        None => Counters::default(),
    };
    let windows = open_windows(store, counters.low_water)?;
    store.tally().untried = Untried::load(store.tree())?;
    let owed = store.outbox()?;

    let mut state = State { counters, ..State::default() };
    for place in windows.iter().flat_map(|window| &window.places) {
        state.open.add(*place, 1);
    }
    let mut tally = store.tally();
    tally.counters = counters;
    tally.health = store.load_health()?.into_iter().collect();
    for (message, owed) in &owed {
        *tally.owed.entry(owed.integration).or_default() += 1;
        tally.owe(*message, owed.integration, owed.partition, true);
        // It may have been in flight when the server stopped.
        if owed.due <= now {
            store.in_hand.attempt(*message);
        }
    }
    drop(tally);
    let waiting = store.all_waiting()?;
    let waiting =
        waiting.into_iter().map(|(integration, waiting)| (integration, waiting.due)).collect();
    let links = store.link_timers(now)?;
    Ok((state, Recovered { windows, owed, waiting, links }))
}

fn open_windows(store: &Store, low_water: Id) -> Result<Vec<OpenWindow>, StoreError> {
    let closed = closed_places(store, low_water)?;
    let is_closed = |slot: &Slot, place: &Id| closed.get(slot).is_some_and(|of| of.contains(place));
    let mut position: HashMap<(RecordKey, Slot), usize> = HashMap::default();
    let mut windows: Vec<OpenWindow> = Vec::new();
    for pack in pack::scan(store.tree(), low_water)? {
        let (first, bytes) = pack?;
        let pack = pack::decode(first, &bytes)?;
        let slots: Vec<(Slot, WindowRule)> = Slot::of_rules(&pack.rules).collect();
        for (at, (account, text)) in pack.audits.iter().enumerate() {
            let place = first.plus(at as u64);
            let open =
                slots.iter().filter(|(slot, _)| place >= low_water && !is_closed(slot, &place));
            let mut record = None;
            for (slot, rule) in open {
                let record = match &record {
                    Some(record) => record,
                    None => record.insert(record_of(place, *account, text)?),
                };
                let at = *position.entry((record.clone(), slot.clone())).or_insert(windows.len());
                match windows.get_mut(at) {
                    Some(window) => {
                        window.places.push(place);
                        window.bytes += text.len() as u64;
                        window.last_rule = *rule;
                    }
                    None => windows.push(OpenWindow {
                        record: record.clone(),
                        slot: slot.clone(),
                        places: vec![place],
                        bytes: text.len() as u64,
                        first_rule: *rule,
                        last_rule: *rule,
                    }),
                }
            }
        }
    }
    Ok(windows)
}

fn record_of(place: Id, account: Account, text: &str) -> Result<RecordKey, StoreError> {
    ingest::kept_record(text, account)
        .map_err(|fault| StoreError::Damaged(format!("the audit at {place}: {fault}")))
}

/// The places at or above `low_water` that marks name, by the slot of their window. A mark is younger
/// than what it names.
fn closed_places(store: &Store, low_water: Id) -> Result<HashMap<Slot, HashSet<Id>>, StoreError> {
    let mut closed: HashMap<Slot, HashSet<Id>> = HashMap::default();
    for row in bundle::rows(store.tree(), keys::MARKS, low_water, Id::from_u64(u64::MAX))? {
        for (id, bytes) in row?.entries() {
            let mark = decode_mark(id, bytes)?;
            let places = mark.places.into_iter().filter(|place| *place >= low_water);
            closed.entry(mark.slot).or_default().extend(places);
        }
    }
    Ok(closed)
}
