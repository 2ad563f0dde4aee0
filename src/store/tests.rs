//! Commands in, queries out, on a real folder.

mod backup;
mod by_record;
mod closing;
mod configured;
mod events;
mod forgetting;
mod full_records;
mod hours;
mod learned;
mod once;
mod opening;
mod reading;
mod repair;
mod search;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::clock::{Clock, Monotonic, Timestamp};
use crate::ingest::{self, Media};
use crate::metrics::Metrics;
use crate::model::{
    Account, Attempt, AttemptOutcome, ClosedBy, Delivery, ExternalId, Id, Integration,
    MessageDraft, RecordKey, Secret, Slot, Source, Status, Timing, Trigger, WindowRule,
};
use crate::retry::Next;
use crate::settings::Limits;
use crate::testing::{created, noise};

const RULE: WindowRule = WindowRule { quiet_period: Duration::from_secs(300), max_wait: None };
const DAY: Duration = Duration::from_secs(86_400);

/// A clock that stands still until it is told otherwise.
struct Still(AtomicU64);

impl Clock for Still {
    fn unix_nanos(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Monotonic {
        Duration::ZERO
    }
}

struct Nobody;

impl Listener for Nobody {
    fn committed(&mut self, _: Vec<Event>) {}
}

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(Timestamp::default()))
}

struct Opened {
    folder: TempDir,
    clock: Arc<Still>,
    store: Arc<Store>,
    journal: Journal,
    recovered: Recovered,
}

impl Opened {
    fn fresh() -> Self {
        let clock = Arc::new(Still(AtomicU64::new(1_772_440_000_000_000_000)));
        Self::open(tempfile::tempdir().unwrap(), clock)
    }

    fn open(folder: TempDir, clock: Arc<Still>) -> Self {
        let (store, writer, recovered) = opened_again(folder.path(), clock.now());
        let journal = Journal::inline(writer, clock.clone(), Box::new(Nobody), metrics());
        Self { folder, clock, store, journal, recovered }
    }

    fn reopen(self) -> Self {
        let Self { folder, clock, store, journal, .. } = self;
        drop((store, journal));
        Self::open(folder, clock)
    }

    fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }

    async fn append(&self, audits: &[serde_json::Value]) -> Appended {
        let body = serde_json::to_vec(audits).unwrap();
        let audits = ingest::audits(&body, Media::Json, &Limits::default()).unwrap().into_iter();
        let mut screen = self.store.screen(Account::DEFAULT);
        let audits = audits.map(|draft| NewAudit {
            record: draft.record(Account::DEFAULT),
            learned: screen.news(&draft),
            text: serde_json::to_string(&draft).unwrap(),
            id: draft.id,
        });
        self.journal.append(audits.collect(), RULE).await.unwrap()
    }

    async fn integration(&self) -> Arc<Integration> {
        let spec = json!({"name": "hook", "kind": "activity", "hook_url": "http://hook.test/"});
        let spec = serde_json::from_value(spec).unwrap();
        let secret = Secret::random().unwrap();
        created(&self.journal, spec, secret).await
    }

    /// Closes the window of the record that these audits are of; its messages.
    async fn close(&self, record: &str, ids: &[ExternalId], to: &[Id], body: &str) -> Vec<Id> {
        let messages = to.iter().map(|integration| message(*integration, record, body));
        let messages =
            messages.map(|draft| NewMessage { draft, oldest: Id::default(), supersedes: None });
        let close = self.closing(record, ids, messages.collect());
        self.journal.close(close).await.unwrap().expect("not overtaken").messages
    }

    fn closing(&self, record: &str, ids: &[ExternalId], messages: Vec<NewMessage>) -> Close {
        Close {
            record: key(record),
            slot: Slot::SERVER,
            rule: RULE,
            closed_by: ClosedBy::Quiet,
            places: self.places(ids),
            messages,
            nothing_changed: vec![],
        }
    }

    fn places(&self, ids: &[ExternalId]) -> Vec<Id> {
        let place = |id| self.store.place_of(Account::DEFAULT, id).unwrap().unwrap();
        ids.iter().map(place).collect()
    }

    async fn settle(&self, message: Id, number: u32, next: Next) {
        self.journal.settle(self.settling(message, number, next)).await.unwrap();
    }

    fn settling(&self, message: Id, number: u32, next: Next) -> Settle {
        let integration = self.store.message(message).unwrap().unwrap().message.draft.integration;
        // Some are long.
        let length =
            if (message.as_u64() + u64::from(number)).is_multiple_of(2) { 20_000 } else { 200 };
        let attempt = Attempt {
            number,
            at: self.clock.now(),
            trigger: Trigger::Scheduled,
            asked_by: None,
            request_headers: vec![],
            total_ms: 3,
            timing: Timing::default(),
            outcome: AttemptOutcome::Unanswered(noise(message.as_u64(), length)),
            note: None,
        };
        let partition = key("1").partition();
        Settle { message, integration, partition, attempt, next, parts: None }
    }

    fn history(&self, edit: impl FnOnce(&mut AuditFilter), open: &[Id]) -> Vec<String> {
        let mut filter = AuditFilter::all(Account::DEFAULT, 1_000);
        edit(&mut filter);
        let page = self.store.history(&filter, open).unwrap();
        page.items.iter().map(|audit| audit.id().to_string()).collect()
    }

    fn log(&self, edit: impl FnOnce(&mut MessageFilter)) -> Vec<Id> {
        let mut filter = MessageFilter::all(Account::DEFAULT, 1_000);
        edit(&mut filter);
        self.store.messages(&filter).unwrap().items.iter().map(|entry| entry.message.id).collect()
    }

    async fn prune(&self, age: Duration, bytes_max: u64) {
        while let Some(prune) = self.store.plan_prune(self.clock.now(), age, bytes_max).unwrap() {
            self.journal.prune(prune).await.unwrap();
        }
    }

    /// How many rows there are of each kind.
    fn rows(&self, kind: &[u8]) -> usize {
        self.store.tree().scan_prefix(kind).count()
    }
}

/// sled's own thread lets go of a store that was dropped a moment later.
fn opened_again(folder: &Path, now: Timestamp) -> (Arc<Store>, Writer, Recovered) {
    for _ in 0..1_000 {
        match Store::open(folder, now) {
            Err(StoreError::InUse(_)) => std::thread::sleep(Duration::from_millis(5)),
            opened => return opened.unwrap(),
        }
    }
    panic!("the store is never let go of");
}

fn key(record: &str) -> RecordKey {
    RecordKey {
        account: Account::DEFAULT,
        record_type: ExternalId::new("feature").unwrap(),
        record_id: ExternalId::new(record).unwrap(),
    }
}

fn message(integration: Id, record: &str, body: &str) -> MessageDraft {
    MessageDraft {
        integration,
        record: key(record),
        audit_id: ExternalId::new("a").unwrap(),
        action: crate::model::Action::Update,
        description: None,
        auditable_url: None,
        earlier_windows: vec![],
        audits: 1,
        fields: vec![],
        contributors: vec![],
        body: body.to_owned(),
    }
}

fn edit(id: &str, record: &str, user: &str) -> serde_json::Value {
    json!({"id": id, "audit_action": "update", "auditable_type": "feature",
           "auditable_id": record, "user": {"id": user}})
}

fn texts(ids: &[ExternalId]) -> Vec<&str> {
    ids.iter().map(ExternalId::as_str).collect()
}
