//! A store with a bit of everything, made by a real server.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::rows::Rows;
use crate::harness::{Client, Options, Receiver, Server, eventually, noise};

/// A store, and what is in it.
pub struct Made {
    pub data: PathBuf,
    pub rows: Rows,
    /// Kept as long as it is used.
    _folder: std::sync::Arc<tempfile::TempDir>,
}

/// One whose server was stopped in order.
pub fn stopped() -> Made {
    let (server, _receiver) = busy();
    Made::of(server.stop())
}

/// One whose server was killed.
pub fn killed() -> Made {
    let (server, _receiver) = busy();
    Made::of(server.kill())
}

/// One with hardly anything in it.
pub fn small() -> Made {
    let server = Server::quiet("1h");
    server.api.post("/audits", &edits("small", 0), 202);
    Made::of(server.kill())
}

impl Made {
    fn of(options: Options) -> Made {
        // Read from a copy: to open it is to change its files.
        let folder = tempfile::tempdir().expect("a folder");
        let looked_at = folder.path().join("store");
        copy(&options.data().join("store"), &looked_at);
        let rows = Rows::read(&looked_at);
        Made { data: options.data(), rows, _folder: options.folder }
    }
}

/// A server that has done a bit of everything, twice, and is left with something open and owed.
fn busy() -> (Server, Receiver) {
    let receiver = Receiver::start();
    let options = Options::quiet("100ms").with(&["--max-wait", "400ms"]);
    let mut server = Server::start(options);
    let api = &server.api;
    let nobody = "http://127.0.0.1:9/";
    api.integration(nobody, json!({"retry_schedule": ["1h"], "name": "owed"}));
    let records = json!({"kind": "record", "workspace_id": "ws1", "name": "records"});
    let records = api.integration(&receiver.url("/records"), records);
    let settling = [
        api.integration(&receiver.url("/one"), json!({"collate_backlog": false})),
        api.integration(&receiver.url("/live"), json!({"collation": "live", "name": "live"})),
        api.integration(&receiver.url("/own"), json!({"quiet_period": "150ms", "name": "own"})),
        api.integration(&receiver.url("/siem"), json!({"kind": "security", "name": "siem"})),
        api.integration(nobody, json!({"retry_schedule": ["1s"], "name": "failing"})),
        records.clone(),
    ];
    api.post("/tokens", &json!({"name": "another", "roles": ["viewer"]}), 201);
    work(api, "first", &records);
    settles(&server, &settling);
    server = Server::start(server.kill());
    server.may_owe();
    work(&server.api, "second", &records);
    settles(&server, &settling);
    server =
        Server::start(Options { quiet_period: "1h".to_owned(), more: vec![], ..server.kill() });
    server.may_owe();
    for batch in 0..3 {
        server.api.post("/audits", &edits("open", batch), 202);
    }
    (server, receiver)
}

fn work(api: &Client, what: &str, records: &str) {
    for batch in 0..8 {
        api.post("/audits", &edits(what, batch), 202);
        let event =
            json!({"id": format!("{what}-{batch}"), "action": "login", "outcome": "failure"});
        api.post("/security-events", &event, 202);
        let record = format!("/records/release/{}", batch % 3);
        let text =
            json!({"workspace_id": "ws1", "name": what, "n": batch, "text": noise(batch, 9_000)});
        api.put(&record, &text, 200);
        if batch < 3 {
            api.post(&format!("{record}/send-to/{records}"), &json!({}), 200);
        }
        std::thread::sleep(Duration::from_millis(40));
    }
}

/// Some audits, of which one is large now and then.
fn edits(what: &str, batch: u64) -> Value {
    let edit = |number: u64| {
        let length = if number == 7 && batch == 3 { 300_000 } else { 40 };
        json!({"id": format!("{what}-{batch}-{number}"), "audit_action": "update",
            "auditable_type": "feature", "auditable_id": (number % 6 + batch % 4).to_string(),
            "user": {"id": (number % 3).to_string(), "name": "Ada"}, "workspace_id": "ws1",
            "changes": [{"field_name": "Note", "value": format!("{batch}/{number}{}", noise(number, length))}]})
    };
    (0..12).map(edit).collect()
}

/// Waits until all windows have closed, and nothing is owed to these.
fn settles(server: &Server, integrations: &[String]) {
    eventually("no window is open", || {
        (server.api.get("/stats", 200)["windows"]["open"] == 0).then_some(())
    });
    for integration in integrations {
        eventually("nothing is owed", || {
            let owed = format!("/messages?integration={integration}&status=pending");
            server.api.all(&owed, "after").is_empty().then_some(())
        });
    }
}

/// Copies a folder.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a kind").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}
