//! The whole core on one thread: store, records and deliveries on tokio's paused time, with hooks
//! that answer by a script. Days pass in milliseconds.

use std::collections::VecDeque;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix::Addr;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::created;
use super::parts::Parts;
use crate::clock::{Clock, Monotonic, Timestamp};
use crate::delivery::{Dispatcher, Owe, Posted, Request, Transport};
use crate::ingest::{self, Media};
use crate::metrics::Metrics;
use crate::model::{
    Account, AttemptOutcome, By, ClosedBy, ExternalId, Id, Integration, Mark, Owed, RecordKey,
    Secret, Timing, WindowRule,
};
use crate::record::{CloseByHand, Registry, WindowView, WindowsOf};
use crate::settings::Limits;
use crate::store::{
    Appended, Closed, Configure, Entry, Journal, Listener, MessageFilter, NewAudit, Store,
};

/// When every test begins.
const BEGINNING: i64 = 1_772_440_000_000;
/// How long the process has been up by then, so that nothing is ever due before it began.
const UP: Duration = Duration::from_secs(600);
/// How long a scripted hook takes to answer.
const ANSWER_TAKES: Duration = Duration::from_millis(20);

/// A clock that follows tokio's paused time, and whose wall time can jump.
pub struct TestClock {
    start: tokio::time::Instant,
    beginning_ms: i64,
    jumped_ms: AtomicI64,
}

#[allow(clippy::disallowed_methods)] // paused: moves only when the test lets it
impl TestClock {
    /// Pauses time; to be called on the test's thread, inside its runtime.
    pub fn pause() -> Arc<TestClock> {
        tokio::time::pause();
        TestClock::showing(BEGINNING + UP.as_millis() as i64)
    }

    /// Shows this time now; inside a runtime whose time is paused already.
    pub fn showing(wall_ms: i64) -> Arc<TestClock> {
        Arc::new(TestClock {
            start: tokio::time::Instant::now(),
            beginning_ms: wall_ms - UP.as_millis() as i64,
            jumped_ms: AtomicI64::new(0),
        })
    }

    /// Moves the wall clock, in either direction.
    pub fn jump_ms(&self, by: i64) {
        self.jumped_ms.fetch_add(by, Ordering::Relaxed);
    }
}

#[allow(clippy::disallowed_methods)] // as above
impl Clock for TestClock {
    fn unix_nanos(&self) -> u64 {
        let wall = self.beginning_ms + self.jumped_ms.load(Ordering::Relaxed);
        wall as u64 * 1_000_000 + self.monotonic().as_nanos() as u64
    }

    fn monotonic(&self) -> Monotonic {
        UP + (tokio::time::Instant::now() - self.start)
    }
}

/// What the hooks are to answer, and what they got.
#[derive(Default)]
struct Script {
    answers: VecDeque<AttemptOutcome>,
    requests: Vec<(Timestamp, Request)>,
}

/// Answers by the script; with 200 once that has run out.
struct ScriptedTransport {
    script: Arc<Mutex<Script>>,
    clock: Arc<TestClock>,
}

impl Transport for ScriptedTransport {
    fn post(&self, request: Rc<Request>) -> LocalBoxFuture<'static, Posted> {
        let mut script = lock(&self.script);
        script.requests.push((self.clock.now(), (*request).clone()));
        let answer = script.answers.pop_front().unwrap_or_else(|| answer(200));
        async move {
            tokio::time::sleep(ANSWER_TAKES).await;
            Posted { outcome: answer, timing: Timing::default(), note: None }
        }
        .boxed_local()
    }
}

fn answer(code: u16) -> AttemptOutcome {
    AttemptOutcome::Answered { code, headers: vec![], body: String::new(), body_cut: false }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// A server without its edges.
pub struct World {
    pub clock: Arc<TestClock>,
    pub store: Arc<Store>,
    pub journal: Journal,
    metrics: Arc<Metrics>,
    pub rule: WindowRule,
    folder: TempDir,
    registry: Addr<Registry>,
    dispatcher: Addr<Dispatcher>,
    script: Arc<Mutex<Script>>,
}

impl World {
    /// A fresh world with this quiet period.
    pub async fn quiet(quiet_period: Duration) -> World {
        World::with(WindowRule { quiet_period, max_wait: None }).await
    }

    /// A fresh world with this quiet period; on a clock of its own when it is the `first` of a test.
    pub async fn opened(quiet_period: Duration, first: bool) -> World {
        if !first {
            tokio::time::resume();
        }
        World::quiet(quiet_period).await
    }

    /// A fresh world with this rule.
    pub async fn with(rule: WindowRule) -> World {
        World::open(tempfile::tempdir().expect("a folder"), TestClock::pause(), rule).await
    }

    async fn open(folder: TempDir, clock: Arc<TestClock>, rule: WindowRule) -> World {
        let script = Arc::new(Mutex::new(Script::default()));
        let (hooks, of) = (script.clone(), clock.clone());
        let make_transport = Box::new(move |_: &Integration| -> Rc<dyn Transport> {
            Rc::new(ScriptedTransport { script: hooks.clone(), clock: of.clone() })
        });
        let listen = |_: &Arc<Store>, switchboard| -> Box<dyn Listener> { Box::new(switchboard) };
        let parts = Parts::assemble(folder.path(), clock.clone(), make_transport, listen).await;
        let Parts { store, journal, metrics, registry, dispatcher } = parts.expect("a store");
        World { clock, store, journal, metrics, rule, folder, registry, dispatcher, script }
    }

    /// What a power cut would leave, started again after `down_for`. The world before goes on
    /// somewhere unseen, with a store and hooks of its own.
    pub async fn crash(self, down_for: Duration) -> World {
        let copy = tempfile::tempdir().expect("a folder");
        copy_folder(self.folder.path(), copy.path());
        tokio::time::sleep(down_for).await;
        World::open(copy, self.clock.clone(), self.rule).await
    }

    /// Makes an integration that asks for this besides what it must.
    pub async fn integration(&self, edit: Value) -> Arc<Integration> {
        let mut spec = json!({"name": "hook", "kind": "activity", "hook_url": "http://hook.test/"});
        json_patch::merge(&mut spec, &edit);
        let spec = serde_json::from_value(spec).expect("a specification");
        let secret = Secret::random().expect("random bytes");
        created(&self.journal, spec, secret).await
    }

    /// Changes an integration.
    pub async fn reconfigure(&self, id: Id, edit: Value) {
        let before = self.store.config().integrations[&id].clone();
        let mut spec = serde_json::to_value(&before.spec).expect("plain data");
        json_patch::merge(&mut spec, &edit);
        let spec = serde_json::from_value(spec).expect("a specification");
        let change = Configure::UpdateIntegration(id, Box::new(spec), None);
        let _ = self.journal.configure(change, By::default()).await.expect("committed");
    }

    /// Posts one audit.
    pub async fn post(&self, audit: Value) -> Appended {
        self.post_all(&[audit]).await
    }

    /// Posts audits in one call.
    pub async fn post_all(&self, audits: &[Value]) -> Appended {
        let body = serde_json::to_vec(audits).expect("JSON");
        let audits = ingest::audits(&body, Media::Json, &Limits::default()).expect("audits");
        let mut screen = self.store.screen(Account::DEFAULT);
        let audits = audits.into_iter().map(|draft| NewAudit {
            record: draft.record(Account::DEFAULT),
            learned: screen.news(&draft),
            text: serde_json::to_string(&draft).expect("JSON"),
            id: draft.id,
        });
        self.journal.append(audits.collect(), self.rule).await.expect("committed")
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Says again what was owed at some time.
    pub async fn say_owed(&self, message: Id, owed: Owed) {
        self.dispatcher.send(Owe(vec![(message, owed)])).await.expect("a dispatcher");
    }

    /// Closes a window by hand.
    pub async fn send_now(&self, record_id: &str) -> Option<Closed> {
        self.close(record_id, ClosedBy::SendNow("tester".to_owned())).await
    }

    /// Closes a window by hand, one way or the other.
    pub async fn close(&self, record_id: &str, closed_by: ClosedBy) -> Option<Closed> {
        let close = CloseByHand { record: feature(record_id), closed_by };
        let closed = self.registry.send(close).await.expect("a registry");
        closed.map(|closed| closed.expect("committed"))
    }

    /// A record's open window.
    pub async fn window(&self, record_id: &str) -> Option<WindowView> {
        self.windows(record_id).await.into_iter().next()
    }

    /// All of a record's open windows.
    pub async fn windows(&self, record_id: &str) -> Vec<WindowView> {
        self.registry.send(WindowsOf(feature(record_id))).await.expect("a registry")
    }

    /// The marks of a record's closed windows.
    pub fn marks(&self, record_id: &str) -> Vec<Mark> {
        self.store
            .marks_of(&feature(record_id), Id::default())
            .expect("readable")
            .into_iter()
            .map(|(_, mark)| mark)
            .collect()
    }

    /// The whole log, oldest first.
    pub fn log(&self) -> Vec<Entry> {
        let filter = MessageFilter::all(Account::DEFAULT, 10_000);
        let mut entries = self.store.messages(&filter).expect("readable").items;
        entries.reverse();
        entries
    }

    /// What has been counted: the value of a series, as `/metrics` has it.
    pub fn counted(&self, series: &str) -> f64 {
        let (_, text) = self.metrics.text();
        let mut lines = text.lines().filter_map(|line| line.rsplit_once(' '));
        let value = lines.find_map(|(name, value)| (name == series).then_some(value));
        value
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| panic!("no {series} in {text}"))
    }

    /// The next attempts are answered with these codes; 0 is no answer at all.
    pub fn will_answer(&self, codes: &[u16]) {
        let answers = codes.iter().map(|code| match code {
            0 => AttemptOutcome::Unanswered("nobody there".to_owned()),
            code => answer(*code),
        });
        lock(&self.script).answers.extend(answers);
    }

    /// The next attempts are answered with these codes, and asked to come again then.
    pub fn will_answer_later(&self, answers: &[(u16, &str)]) {
        let answers = answers.iter().map(|(code, after)| AttemptOutcome::Answered {
            code: *code,
            headers: vec![("retry-after".to_owned(), (*after).to_owned())],
            body: String::new(),
            body_cut: false,
        });
        lock(&self.script).answers.extend(answers);
    }

    /// The next attempt is answered with this body.
    pub fn will_say(&self, code: u16, body: &str) {
        let (headers, body) = (Vec::new(), body.to_owned());
        let answer = AttemptOutcome::Answered { code, headers, body, body_cut: false };
        lock(&self.script).answers.push_back(answer);
    }

    /// From here on attempts are answered with 200.
    pub fn hooks_are_back(&self) {
        lock(&self.script).answers.clear();
    }

    /// All requests that the hooks got: when, and what.
    pub fn requests(&self) -> Vec<(Timestamp, Request)> {
        lock(&self.script).requests.clone()
    }

    /// The bodies that the hooks got.
    pub fn bodies(&self) -> Vec<Value> {
        let requests = self.requests();
        requests.iter().map(|(_, got)| serde_json::from_slice(&got.body).expect("JSON")).collect()
    }
}

/// An update of the feature `record_id`, with one change.
pub fn update(record_id: &str, value: impl Into<Value>) -> Value {
    json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record_id,
           "user": {"id": "101", "name": "Ada"},
           "changes": [{"field_name": "Name", "value": value.into()}]})
}

fn feature(record_id: &str) -> RecordKey {
    RecordKey {
        account: Account::DEFAULT,
        record_type: ExternalId::new("feature").expect("a name"),
        record_id: ExternalId::new(record_id).expect("an id"),
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry")) {
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir(&target).expect("a folder");
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
