//! What stands in the store, as plain data.

use serde_json::Value;

use super::seen::{self, Left, Pair, Row};
use crate::model::{
    Account, Addressed, Attempt, Audit, ClosedBy, Delivery, ExternalId, Id, Mark, RecordKey, Slot,
    Source, Trigger, WindowRule,
};
use crate::store::{AuditFilter, Entry, EventFilter, MessageFilter, Store, StoreError};

/// More than a run ever makes.
const ALL: usize = 1_000_000;

pub fn totals(store: &Store) -> [u64; 8] {
    let of = store.totals();
    [
        of.audits,
        of.duplicates,
        of.windows,
        of.messages,
        of.delivered,
        of.failed,
        of.superseded,
        of.cancelled,
    ]
}

pub fn said(audit: &Audit) -> Value {
    let text = serde_json::to_string(&audit.said).expect("plain data");
    serde_json::from_str(&text).expect("JSON")
}

pub fn marks(store: &Store, after: Id) -> Result<Vec<(Id, Mark)>, StoreError> {
    store.marks_between(Account::DEFAULT, after, Id::from_u64(u64::MAX), ALL)
}

pub fn mark(id: Id, mark: &Mark) -> seen::Mark {
    let own = match mark.slot == Slot::SERVER {
        true => None,
        false => Some(pair(mark.rule)),
    };
    let by = match mark.closed_by {
        ClosedBy::Quiet => seen::ClosedBy::Quiet,
        ClosedBy::MaxWait => seen::ClosedBy::MaxWait,
        ClosedBy::SendNow(_) => seen::ClosedBy::SendNow,
        ClosedBy::Discarded { .. } => seen::ClosedBy::Discarded,
    };
    let addressed = mark.addressed.iter().map(|(hook, came_to)| match came_to {
        Addressed::Message(message) => (hook.as_u64(), Some(message.as_u64())),
        Addressed::NothingChanged => (hook.as_u64(), None),
    });
    seen::Mark {
        id: id.as_u64(),
        record: record(&mark.record),
        own,
        by,
        places: mark.places.iter().map(|place| place.as_u64()).collect(),
        addressed: addressed.collect(),
    }
}

pub fn pair(rule: WindowRule) -> Pair {
    let ms = |time: std::time::Duration| time.as_millis() as u64;
    Pair { quiet: ms(rule.quiet_period), max: rule.max_wait.map(ms) }
}

fn record(key: &RecordKey) -> seen::Record {
    (key.record_type.to_string(), key.record_id.to_string())
}

pub fn key(record: &seen::Record) -> RecordKey {
    RecordKey {
        account: Account::DEFAULT,
        record_type: ExternalId::new(record.0.as_str()).expect("a type"),
        record_id: ExternalId::new(record.1.as_str()).expect("an id"),
    }
}

pub fn row(store: &Store, id: Id) -> Result<Option<Row>, StoreError> {
    Ok(store.message(id)?.map(|entry| of_entry(&entry)))
}

fn of_entry(entry: &Entry) -> Row {
    let message = &entry.message;
    let source = match message.source {
        Source::Window(mark) => seen::Source::Window(mark.as_u64()),
        Source::Audit(place) => seen::Source::Audit(place.as_u64()),
        Source::Events(place) => seen::Source::Event(place.as_u64()),
        other => panic!("a message made of {other:?}"),
    };
    let status = serde_json::to_value(entry.status).expect("plain data");
    Row {
        id: message.id.as_u64(),
        hook: message.draft.integration.as_u64(),
        record: record(&message.draft.record),
        source,
        earlier: message.draft.earlier_windows.iter().map(|mark| mark.as_u64()).collect(),
        body: serde_json::from_str(&message.draft.body).expect("JSON"),
        status: status.as_str().expect("a word").to_owned(),
        attempts: entry.delivery.last_answer().0,
        due: match &entry.delivery {
            Delivery::Owed(owed) => Some(owed.due.unix_ms()),
            Delivery::Settled(_) => None,
        },
    }
}

pub fn attempt(attempt: &Attempt) -> seen::Attempt {
    seen::Attempt {
        number: attempt.number,
        at: attempt.at.unix_ms(),
        manual: attempt.trigger == Trigger::Manual,
        code: attempt.outcome.code(),
    }
}

/// The security events of applications that came after this one.
pub fn events(store: &Store, after: u64) -> Result<Vec<(u64, Value)>, StoreError> {
    let filter = EventFilter {
        account: Account::DEFAULT,
        action: Some(ExternalId::new("app.*").expect("a name")),
        outcome: None,
        user_id: None,
        min_severity: 0,
        target: None,
        among: None,
        since: Some(Id::from_u64(after).time()),
        until: None,
        before: None,
        limit: ALL,
    };
    let page = store.security_events(&filter)?;
    let found = page.items.iter().rev().filter(|(entry, _)| entry.place.as_u64() > after);
    Ok(found
        .map(|(entry, _)| (entry.place.as_u64(), serde_json::from_str(&entry.text).expect("JSON")))
        .collect())
}

/// All that is left.
pub fn left(store: &Store) -> Result<Left, StoreError> {
    let filter = AuditFilter::all(Account::DEFAULT, ALL);
    let audits = store.history(&filter, &[])?.items;
    let marks = marks(store, Id::default())?;
    let mut filter = MessageFilter::all(Account::DEFAULT, 40);
    let mut messages = Vec::new();
    loop {
        let page = store.messages(&filter)?;
        messages.extend(page.items);
        filter.before = page.next;
        if page.next.is_none() {
            break;
        }
    }
    Ok(Left {
        events: events(store, 0)?,
        audits: audits.iter().map(|audit| (audit.place.as_u64(), said(audit))).collect(),
        marks: marks.iter().map(|(id, found)| mark(*id, found)).collect(),
        messages: messages.iter().rev().map(of_entry).collect(),
    })
}
