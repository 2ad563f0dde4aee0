//! `lull listen`, with the real executable.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::json;

use crate::harness::{PATIENCE, Server, executable, first_attempt};

/// A listener that is running.
struct Listener {
    child: Child,
    lines: Receiver<String>,
}

impl Listener {
    fn start(listen: &str, more: &[&str]) -> Self {
        let mut child = executable()
            .args(["listen", "--listen", listen])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines }
    }

    /// What it prints up to the line that contains `text`.
    fn until(&self, text: &str) -> String {
        let mut said = String::new();
        while !said.contains(text) {
            let line = self.lines.recv_timeout(PATIENCE);
            said.push_str(&line.unwrap_or_else(|_| panic!("no {text:?} in:\n{said}")));
            said.push('\n');
        }
        said
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A secret that is nobody's.
const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

#[test]
fn listen_says_which_webhooks_are_genuine() {
    // The secret is known only when the integration is made, so a port is picked before.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let server = Server::quiet("0s");
    let spec =
        json!({"name": "hook", "kind": "activity", "hook_url": format!("http://{address}/a")});
    let secret = server.api.post("/integrations", &spec, 201)["secret"].clone();
    let post = |value: &str| {
        let audit = json!({"audit_action": "update", "auditable_type": "feature",
            "auditable_id": "42", "user": {"id": 1, "name": "Ada"},
            "changes": [{"field_name": "Name", "value": value}]});
        server.api.post("/audits", &audit, 202);
    };
    {
        let listener = Listener::start(&address, &["--secret", secret.as_str().unwrap()]);
        let greeting = listener.until("\"hook_url\"");
        assert!(greeting.starts_with(&format!("Listening on http://{address}/")), "{greeting}");
        post("Export\u{1b}[2J");
        let said = listener.until("collated from 1 audits");
        assert!(said.contains("POST /a\n"), "{said}");
        assert!(said.contains("genuine: signed") && !said.contains("NOT genuine"), "{said}");
        assert!(said.contains("update feature 42 by Ada"), "{said}");
        assert!(said.contains("Export\\u{1b}[2J"), "{said}");
        server.settled();
    }
    let listener = Listener::start(&address, &["--secret", OTHER]);
    listener.until("\"hook_url\"");
    post("Import");
    let said = listener.until("collated from 1 audits");
    assert!(said.contains("NOT genuine: webhook-signature does not fit"), "{said}");
    server.settled();
}

#[test]
fn listen_answers_with_the_status_it_is_told_to() {
    let listener = Listener::start("127.0.0.1:0", &["--status", "503"]);
    let greeting = listener.until("\"hook_url\"");
    let hook = greeting.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let mut server = Server::quiet("0s");
    server.may_owe();
    let id = server.api.integration(hook, json!({}));
    let audit =
        json!({"audit_action": "create", "auditable_type": "feature", "auditable_id": "42"});
    server.api.post("/audits", &audit, 202);
    let said = listener.until("collated from 1 audits");
    assert!(said.contains("not checked (no --secret)"), "{said}");
    let attempt = first_attempt(&server.api, &id);
    assert_eq!(attempt["reason"], "answered 503 Service Unavailable");
    for status in ["199", "600", "ok"] {
        let output = crate::harness::run(executable().args(["listen", "--status", status]));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("--status"), "{said}");
    }
}

#[test]
fn listen_refuses_what_is_no_secret_without_repeating_it() {
    let output = crate::harness::run(executable().args(["listen", "--secret", "hunter2"]));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--secret: is not a secret") && !said.contains("hunter2"), "{said}");
}
