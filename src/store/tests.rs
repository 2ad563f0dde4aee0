//! Commands in, queries out, on a real folder.

mod backup;
mod configured;
mod events;
mod full_records;
mod hours;
mod learned;
mod once;
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
    MessageDraft, RecordKey, Secret, Slot, Status, Timing, Trigger, WindowRule,
};
use crate::retry::Next;
use crate::settings::Limits;
use crate::testing::created;

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
        let places = self.places(ids);
        let messages = to.iter().map(|integration| message(*integration, record, body));
        let close = Close {
            record: key(record),
            slot: Slot::SERVER,
            rule: RULE,
            closed_by: ClosedBy::Quiet,
            places,
            messages: messages
                .map(|draft| NewMessage { draft, oldest: Id::default(), supersedes: None })
                .collect(),
            nothing_changed: vec![],
        };
        self.journal.close(close).await.unwrap().messages
    }

    fn places(&self, ids: &[ExternalId]) -> Vec<Id> {
        let place = |id| self.store.place_of(Account::DEFAULT, id).unwrap().unwrap();
        ids.iter().map(place).collect()
    }

    async fn settle(&self, message: Id, number: u32, next: Next) {
        let integration = self.store.message(message).unwrap().unwrap().message.draft.integration;
        let attempt = Attempt {
            number,
            at: self.clock.now(),
            trigger: Trigger::Scheduled,
            asked_by: None,
            request_headers: vec![],
            total_ms: 3,
            timing: Timing::default(),
            outcome: AttemptOutcome::Unanswered("x".repeat(20_000)),
            note: None,
        };
        let partition = key("1").partition();
        let settle = Settle { message, integration, partition, attempt, next, parts: None };
        self.journal.settle(settle).await.unwrap();
    }

    fn history(&self, edit: impl FnOnce(&mut AuditFilter), open: &[Id]) -> Vec<String> {
        let mut filter = AuditFilter {
            workspaces: None,
            account: Account::DEFAULT,
            record: None,
            user_id: None,
            since: None,
            until: None,
            after: None,
            limit: 1_000,
        };
        edit(&mut filter);
        let page = self.store.history(&filter, open).unwrap();
        page.items.iter().map(|audit| audit.id().to_string()).collect()
    }

    fn log(&self, edit: impl FnOnce(&mut MessageFilter)) -> Vec<Id> {
        let mut filter = MessageFilter {
            among: None,
            code: None,
            record_type: None,
            user: None,
            text: None,
            account: Account::DEFAULT,
            integration: None,
            status: None,
            record: None,
            since: None,
            until: None,
            before: None,
            limit: 1_000,
        };
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

#[actix::test]
async fn an_id_is_kept_once_however_it_comes_again() {
    let opened = Opened::fresh();
    let first =
        opened.append(&[edit("a", "1", "u"), edit("b", "1", "u"), edit("a", "2", "u")]).await;
    assert_eq!((texts(&first.ids), texts(&first.duplicates)), (vec!["a", "b"], vec!["a"]));
    let opened = opened.reopen();
    let again = opened.append(&[edit("b", "1", "u"), edit("c", "1", "u")]).await;
    assert_eq!((texts(&again.ids), texts(&again.duplicates)), (vec!["c"], vec!["b"]));
    // One that was given its id here comes back with it.
    let mut nameless = edit("x", "1", "u");
    nameless.as_object_mut().unwrap().remove("id");
    let given = opened.append(&[nameless]).await.ids.remove(0);
    let back = opened.append(&[edit(given.as_str(), "1", "u")]).await;
    assert_eq!(back.duplicates, [given]);
    assert_eq!(opened.store.totals().audits, 4);
    assert_eq!(opened.store.totals().duplicates, 3);
}

#[actix::test]
async fn the_history_is_listed_by_record_user_and_time_in_the_order_of_receipt() {
    let opened = Opened::fresh();
    let day = |days: u32| Timestamp::from_unix_ms(1_772_440_000_000) + DAY * days;
    opened.append(&[edit("a", "1", "u"), edit("b", "2", "v")]).await;
    opened.pass(DAY);
    opened.append(&[edit("c", "1", "v"), edit("d", "3", "u")]).await;
    opened.pass(DAY);
    let open = opened.append(&[edit("e", "1", "u")]).await.ids;
    let closed: Vec<ExternalId> =
        ["a", "c"].iter().map(|id| ExternalId::new(*id).unwrap()).collect();
    opened.close("1", &closed, &[], "{}").await;
    let open = opened.places(&open);

    assert_eq!(opened.history(|_| {}, &[]), ["a", "b", "c", "d", "e"]);
    assert_eq!(opened.history(|f| f.record = Some(key("1")), &open), ["a", "c", "e"]);
    assert_eq!(opened.history(|f| f.user_id = ExternalId::new("v").ok(), &[]), ["b", "c"]);
    assert_eq!(opened.history(|f| f.since = Some(day(1)), &[]), ["c", "d", "e"]);
    assert_eq!(opened.history(|f| f.until = Some(day(1)), &[]), ["a", "b"]);
    let after = opened.places(&[ExternalId::new("b").unwrap()]);
    assert_eq!(opened.history(|f| f.after = Some(after[0]), &[]), ["c", "d", "e"]);
    assert_eq!(
        opened.history(
            |f| (f.record, f.since, f.until) = (Some(key("1")), Some(day(1)), Some(day(2))),
            &open
        ),
        ["c"]
    );
}

#[actix::test]
async fn pages_of_the_history_and_of_the_log_lead_from_one_to_the_next() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let ids: Vec<String> = (0..25).map(|number| format!("audit-{number:02}")).collect();
    for id in &ids {
        let kept = opened.append(&[edit(id, "1", "u")]).await.ids;
        opened.close("1", &kept, &[hook.id], "{}").await;
        opened.pass(DAY / 10);
    }
    for record in [None, Some(key("1"))] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let (account, limit) = (Account::DEFAULT, 10);
            let record = record.clone();
            let (user_id, since, until) = (None, None, None);
            let filter = AuditFilter {
                workspaces: None,
                account,
                record,
                user_id,
                since,
                until,
                after,
                limit,
            };
            let page = opened.store.history(&filter, &[]).unwrap();
            seen.extend(page.items.iter().map(|audit| audit.id().to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids);
    }
    let newest_first = opened.log(|_| {});
    assert_eq!(newest_first.len(), 25);
    assert!(newest_first.is_sorted_by(|one, next| one > next));
    let filter = |before, status| MessageFilter {
        among: None,
        code: None,
        record_type: None,
        user: None,
        text: None,
        account: Account::DEFAULT,
        integration: Some(hook.id),
        status,
        record: None,
        since: None,
        until: None,
        before,
        limit: 10,
    };
    let first = opened.store.messages(&filter(None, None)).unwrap();
    let second = opened.store.messages(&filter(first.next, Some(Status::Pending))).unwrap();
    assert_eq!(second.items[0].message.id, newest_first[10]);
    let third = opened.store.messages(&filter(second.next, None)).unwrap();
    assert_eq!((third.items.len(), third.next), (5, None));
}

#[actix::test]
async fn long_audits_and_bodies_come_back_whole() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let long = "é".repeat(500_000);
    let mut audit = edit("long", "1", "u");
    audit["description"] = json!(long);
    let kept = opened.append(&[edit("a", "1", "u"), audit, edit("b", "1", "u")]).await.ids;
    let body = format!("\"{long}\"");
    let message = opened.close("1", &kept, &[hook.id], &body).await[0];
    let opened = opened.reopen();
    let audits = opened.store.audits_at(&opened.places(&kept)).unwrap();
    assert_eq!(audits[1].said.description.as_deref(), Some(long.as_str()));
    assert_eq!(opened.store.message(message).unwrap().unwrap().message.draft.body, body);
    assert_eq!(opened.history(|_| {}, &[]), ["a", "long", "b"]);
    assert_eq!(opened.log(|_| {}).len(), 1, "parts of long values are not messages");
}

#[actix::test]
async fn only_windows_that_did_not_close_are_open_after_a_restart() {
    let opened = Opened::fresh();
    let first =
        opened.append(&[edit("a", "1", "u"), edit("b", "2", "u"), edit("c", "1", "u")]).await;
    opened.close("1", &[first.ids[0].clone(), first.ids[2].clone()], &[], "{}").await;
    opened.pass(DAY);
    opened.append(&[edit("d", "1", "u"), edit("e", "2", "u")]).await;
    let opened = opened.reopen();
    let mut windows: Vec<(String, usize)> = opened
        .recovered
        .windows
        .iter()
        .map(|window| (window.record.record_id.to_string(), window.places.len()))
        .collect();
    windows.sort();
    assert_eq!(windows, [("1".to_owned(), 1), ("2".to_owned(), 2)]);
    assert!(opened.recovered.windows.iter().all(|window| window.last_rule == RULE));
}

#[actix::test]
async fn a_message_is_owed_until_it_is_settled_and_its_state_is_found_by_every_filter() {
    let opened = Opened::fresh();
    let (one, other) = (opened.integration().await, opened.integration().await);
    let kept = opened.append(&[edit("a", "1", "u")]).await.ids;
    let messages = opened.close("1", &kept, &[one.id, other.id], "{}").await;
    let due = opened.clock.now() + DAY;
    opened.settle(messages[0], 1, Next::RetryAt(due)).await;
    opened.settle(messages[1], 1, Next::Delivered).await;
    let opened = opened.reopen();
    assert_eq!(opened.recovered.owed.len(), 1);
    let (owed_id, owed) = &opened.recovered.owed[0];
    assert_eq!((*owed_id, owed.attempts, owed.due), (messages[0], 1, due));
    opened.settle(messages[0], 2, Next::Failed).await;
    assert_eq!(opened.store.outbox().unwrap(), []);
    assert_eq!(opened.log(|f| f.status = Some(Status::Failed)), [messages[0]]);
    assert_eq!(opened.log(|f| f.status = Some(Status::Delivered)), [messages[1]]);
    assert_eq!(opened.log(|f| f.integration = Some(other.id)), [messages[1]]);
    assert_eq!(opened.log(|f| f.record = Some(key("1"))), [messages[1], messages[0]]);
    assert_eq!(opened.log(|f| f.status = Some(Status::Pending)), []);
    let attempts = opened.store.attempts(messages[0]).unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);
    let totals = opened.store.totals();
    assert_eq!((totals.delivered, totals.failed, totals.messages), (1, 1, 2));
}

#[actix::test]
async fn what_is_old_is_forgotten_with_everything_that_hangs_on_it() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    for number in 0..30 {
        let kept = opened.append(&[edit(&format!("a{number}"), "1", "u")]).await.ids;
        let message = opened.close("1", &kept, &[hook.id], &"b".repeat(20_000)).await[0];
        opened
            .settle(message, 1, if number % 2 == 0 { Next::Delivered } else { Next::Failed })
            .await;
        opened.pass(DAY);
    }
    opened.prune(DAY * 10, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]).len(), 10);
    assert_eq!(opened.history(|f| f.record = Some(key("1")), &[]).len(), 10);
    assert_eq!(opened.log(|_| {}).len(), 10);
    assert_eq!(opened.log(|f| f.record = Some(key("1"))).len(), 10);
    assert_eq!(opened.log(|f| f.status = Some(Status::Failed)).len(), 5);
    // A forgotten id may come again.
    assert_eq!(opened.append(&[edit("a0", "2", "u")]).await.duplicates, []);
    let open = opened.append(&[edit("a1", "2", "u")]).await.ids;
    opened.close("2", &[ExternalId::new("a0").unwrap(), open[0].clone()], &[], "{}").await;
    opened.pass(DAY * 40);
    opened.prune(DAY * 10, u64::MAX).await;
    for kind in ["a", "w", "r", "i", "g", "o", "s", "f", "Y", "t", "B", "D", "X", "e"] {
        assert_eq!(opened.rows(kind.as_bytes()), 0, "rows of kind {kind}");
    }
    assert_eq!(opened.store.kept_bytes(), 0);
}

#[actix::test]
async fn what_is_too_much_is_forgotten_oldest_first() {
    let opened = Opened::fresh();
    for number in 0..3_000 {
        let mut audit = edit(&format!("a{number}"), &number.to_string(), "u");
        audit["description"] = json!("d".repeat(6_000));
        let kept = opened.append(&[audit]).await.ids;
        opened.close(&number.to_string(), &kept, &[], "{}").await;
        opened.pass(Duration::from_secs(400));
    }
    let bytes = opened.store.kept_bytes();
    opened.prune(DAY * 3_650, bytes / 2).await;
    assert!(opened.store.kept_bytes() <= bytes / 2);
    let left = opened.history(|_| {}, &[]);
    assert!((500..1_600).contains(&left.len()), "{}", left.len());
    assert_eq!(left.last().unwrap(), "a2999");
}

#[actix::test]
async fn no_audit_of_an_open_window_or_of_a_message_still_owed_is_forgotten() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let owed = opened.append(&[edit("owed", "1", "u")]).await.ids;
    let message = opened.close("1", &owed, &[hook.id], "{}").await[0];
    opened.pass(DAY);
    let done = opened.append(&[edit("done", "2", "u")]).await.ids;
    opened.close("2", &done, &[], "{}").await;
    opened.pass(DAY);
    opened.append(&[edit("open", "3", "u")]).await;
    opened.pass(DAY * 100);
    opened.prune(DAY * 30, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]), ["owed", "open"]);
    let entry = opened.store.message(message).unwrap().unwrap();
    assert!(matches!(entry.delivery, Delivery::Owed(_)));
    let opened = opened.reopen();
    assert_eq!(opened.recovered.windows.len(), 1);
    opened.settle(message, 1, Next::Delivered).await;
    opened.prune(DAY * 30, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]), ["open"]);
}

#[actix::test]
async fn a_window_that_closed_beside_an_open_one_is_not_open_again_after_forgetting() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    opened.append(&[edit("open", "1", "u")]).await;
    let done = opened.append(&[edit("done", "2", "u")]).await.ids;
    let message = opened.close("2", &done, &[hook.id], "{}").await[0];
    opened.settle(message, 1, Next::Delivered).await;
    opened.pass(DAY * 100);
    opened.prune(DAY * 30, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]), ["open", "done"]);
    let opened = opened.reopen();
    let open: Vec<&RecordKey> =
        opened.recovered.windows.iter().map(|window| &window.record).collect();
    assert_eq!(open, [&key("1")], "what was sent is not sent in another window");
}

#[actix::test]
async fn ids_increase_even_when_the_clock_jumps_back() {
    let opened = Opened::fresh();
    let first = opened.append(&[edit("a", "1", "u")]).await.ids;
    opened.clock.0.fetch_sub(DAY.as_nanos() as u64, Ordering::Relaxed);
    let opened = opened.reopen();
    let second = opened.append(&[edit("b", "1", "u")]).await.ids;
    assert!(opened.places(&first) < opened.places(&second));
}

#[actix::test]
async fn a_store_that_is_in_use_newer_or_damaged_is_refused_with_a_clear_line() {
    let opened = Opened::fresh();
    let refusal = |folder: &TempDir| match Store::open(folder.path(), Timestamp::default()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("opened"),
    };
    assert!(refusal(&opened.folder).contains("in use by another Lull"));
    // sled's own threads may hold the lock for a moment longer than the store.
    let refused = |folder: &TempDir| {
        let refusals = std::iter::repeat_with(|| refusal(folder)).take(1_000);
        let last = |refusal: &String| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            !refusal.contains("in use by another Lull")
        };
        refusals.into_iter().find(last).expect("let go of")
    };

    let Opened { folder, store, journal, .. } = opened;
    let rewrite = |key: &[u8], value: &[u8]| {
        let database = sled::open(folder.path()).unwrap();
        database.insert(key, value).unwrap();
        database.flush().unwrap();
    };
    drop((store, journal));
    rewrite(keys::FORMAT, &99_u32.to_be_bytes());
    assert!(refused(&folder).contains("format 99"));
    rewrite(keys::FORMAT, b"?");
    assert!(refused(&folder).contains("damaged"));
    rewrite(keys::FORMAT, &1_u32.to_be_bytes()); // an older one, which is migrated
    rewrite(keys::COUNTERS, b"?");
    assert!(refused(&folder).contains("damaged: its counters"));
}

/// The journal's own thread: many commands at once, each completed on its own.
#[actix::test]
async fn the_journal_groups_what_comes_at_once_and_answers_each_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Still(AtomicU64::new(1_772_440_000_000_000_000)));
    let (store, writer, _) = Store::open(folder.path(), Timestamp::default()).unwrap();
    let metrics = metrics();
    let (journal, thread) =
        Journal::start(writer, clock, Box::new(Nobody), metrics.clone()).unwrap();
    let new_audit = |number: usize| {
        let text = edit(&format!("a{number}"), "1", "u").to_string();
        let id = ExternalId::new(format!("a{number}")).ok();
        NewAudit { record: key("1"), id, text, learned: vec![] }
    };
    let appends = (0..500).map(|number| journal.append(vec![new_audit(number)], RULE));
    let appended = futures_util::future::join_all(appends).await;
    for (number, appended) in appended.into_iter().enumerate() {
        assert_eq!(texts(&appended.unwrap().ids), [format!("a{number}")]);
    }
    assert_eq!(store.totals().audits, 500);
    assert_eq!(metrics.audits.accepted.get(), 500);
    thread.stop().await;
    let refused = journal.append(vec![new_audit(500)], RULE).await;
    assert!(matches!(refused, Err(StoreError::Stopped)));
}
