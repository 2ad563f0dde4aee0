//! Disks that are full, read-only, slow or broken, and well again (D7): what cannot be kept is refused
//! in words, reads go on, the server recovers by itself, and nothing acknowledged is lost.

mod errors;
mod full;
mod slow;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Options, Receiver, Server, Stop, eventually, executable, run};

/// Posts audits from several connections until it is told to stop, and remembers what was answered.
#[derive(Default)]
struct Posting {
    next: AtomicU64,
    stop: AtomicBool,
    acknowledged: Mutex<BTreeSet<String>>,
    refused: Mutex<BTreeMap<(u16, String), u64>>,
}

impl Posting {
    /// Posts one audit; the status, or none where no answer came.
    fn post(&self, api: &Client) -> Option<u16> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("a{number}");
        let audit = json!({"id": id, "audit_action": "update", "auditable_type": "feature",
            "auditable_id": (number % 7).to_string(),
            "changes": [{"field_name": "Name", "value": number}]});
        let json = [("content-type", "application/json")];
        let answer = api.call("POST", "/audits", &json, audit.to_string().as_bytes())?;
        if answer.status == 202 {
            self.acknowledged.lock().unwrap().insert(id);
        } else {
            assert_eq!(answer.content_type, "application/problem+json", "{answer:?}");
            assert!(answer.header("retry-after").parse::<u32>().is_ok(), "{answer:?}");
            let kind = answer.json()["type"].as_str().expect("a type").to_owned();
            *self.refused.lock().unwrap().entry((answer.status, kind)).or_default() += 1;
        }
        Some(answer.status)
    }

    /// Posts while `act` runs.
    fn during<T>(&self, api: &Client, act: impl FnOnce() -> T) -> T {
        self.stop.store(false, Ordering::Relaxed);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !self.stop.load(Ordering::Relaxed) {
                        self.post(api);
                        std::thread::sleep(Duration::from_millis(5));
                    }
                });
            }
            let _stop = Stop(&self.stop);
            act()
        })
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until more has been acknowledged.
    fn goes_on(&self, what: &str) {
        let before = self.count();
        eventually(what, || (self.count() > before + 20).then_some(()));
    }

    /// Posts a few, which are acknowledged.
    fn goes_on_by_hand(&self, api: &Client) {
        for _ in 0..8 {
            assert_eq!(self.post(api), Some(202));
        }
    }

    /// Waits until calls are refused so; nothing is refused in any other way.
    fn is_refused(&self, status: u16, kind: &str) {
        let so = (status, kind.to_owned());
        eventually("calls are refused", || {
            (self.refused.lock().unwrap().get(&so).copied().unwrap_or(0) > 5).then_some(())
        });
        let others: Vec<_> =
            self.refused.lock().unwrap().keys().filter(|key| **key != so).cloned().collect();
        assert!(others.is_empty(), "refused otherwise: {others:?}");
    }
}

/// What can be read while nothing can be written; why it is not ready.
fn reads_go_on(api: &Client) -> String {
    api.get("/integrations", 200);
    for path in ["/audits", "/messages", "/stats"] {
        let answer = api.call("GET", path, &[], b"").expect("an answer");
        // Before it reads a page, sled finishes what a write that failed left half done to it; where
        // that is a write that cannot be, whoever needs this page has to wait.
        let waits = [503, 507].contains(&answer.status) && !answer.header("retry-after").is_empty();
        assert!(answer.status == 200 || waits, "{answer:?}");
    }
    for path in ["//", "//healthz"] {
        assert_eq!(api.call("GET", path, &[], b"").expect("an answer").status, 200, "{path}");
    }
    let metrics = api.call("GET", "//metrics", &[], b"").expect("an answer");
    assert!(metrics.text.contains("\nlull_store_writable 0\n"), "{}", metrics.text);
    let ready = api.call("GET", "//readyz", &[], b"").expect("an answer");
    assert_eq!(ready.status, 503, "{}", ready.text);
    ready.json()["reason"].as_str().expect("a reason").to_owned()
}

fn is_ready(api: &Client) {
    eventually("it is ready", || {
        let ready = api.call("GET", "//readyz", &[], b"")?;
        (ready.status == 200).then_some(())
    });
}

/// All that was acknowledged is there once, is in one message, and came; the store agrees with itself.
fn nothing_is_lost(server: Server, receiver: &Receiver, posting: &Posting) {
    server.settled();
    let acknowledged = posting.acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() > 10, "hardly anything was posted");
    let history = server.api.all("/audits", "after_id");
    let ids: BTreeSet<String> =
        history.iter().map(|audit| audit["id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(ids.len(), history.len(), "an audit is there twice");
    let lost: Vec<_> = acknowledged.difference(&ids).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let mut message_of: HashMap<String, String> = HashMap::new();
    for got in receiver.received() {
        let message = got.headers["webhook-id"].clone();
        for id in got.json()["audit"]["collated"]["audit_ids"].as_array().expect("ids") {
            let id = id.as_str().expect("an id").to_owned();
            let first = message_of.entry(id.clone()).or_insert(message.clone());
            assert_eq!(*first, message, "{id} is in two messages");
        }
    }
    let told: BTreeSet<String> = message_of.into_keys().collect();
    assert_eq!(told, ids, "the hook was told of every audit and of nothing else");
    let options = server.stop();
    let checked = run(executable().arg("check").arg("--data").arg(options.data()));
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
    if options.logs {
        let log = std::fs::read_to_string(options.log()).expect("a log");
        assert!(!log.contains("panicked"), "{log}");
    }
}

/// How often the log says so.
fn said(options: &Options, what: &str) -> usize {
    std::fs::read_to_string(options.log()).expect("a log").matches(what).count()
}

/// A server with a hook that is told what is posted.
fn start(options: Options) -> (Server, Receiver) {
    let (server, receiver) = (Server::start(options), Receiver::start());
    let edit: Value = json!({"collate_backlog": false});
    server.api.integration(&receiver.url("/hook"), edit);
    (server, receiver)
}
