//! The server against its own document, by a tool that we did not write: it makes calls that the document
//! allows and calls that it forbids, follows what they make, and compares every answer with it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::harness::{Client, Options, Receiver, Server, eventually};

/// The same calls each time.
const SEED: &str = "20260302";
/// What cannot hold. `ignored_auth` sends a wrong token to every call, and the server answers 429 after
/// twenty of them a minute; `object_level_authorization` needs two callers. `roles` tries every call
/// without a token, and every call about what is another account's.
const LEFT_OUT: &str = "ignored_auth,object_level_authorization";
/// What is worth telling of a run.
const TOLD: [&str; 5] = ["Tested:", "generated", "covered", "Seed:", "Scenarios"];
/// Calls of a kind, beside those that the tool works out from the document itself.
const EXAMPLES: &str = "15";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn tool() -> PathBuf {
    let tool = root().join("target/openapi/bin/schemathesis");
    assert!(tool.exists(), "{} is missing. Run tests/run once: it installs it", tool.display());
    tool
}

/// A server with something of everything.
fn filled(receiver: &Receiver) -> Server {
    let mut server = Server::start(Options::quiet("1h"));
    server.may_owe();
    let api = &server.api;
    api.post("/workspaces", &json!({"id": "ws1", "name": "Mobile"}), 201);
    api.integration(&receiver.url("/live"), json!({"collation": "live"}));
    api.integration(&receiver.url("/collated"), json!({"workspace_id": "ws1"}));
    let of_ws1 = json!({"workspace_id": "ws1", "kind": "record"});
    let records = api.integration(&receiver.url("/records"), of_ws1);
    api.put("/records/release/R1", &json!({"workspace_id": "ws1", "name": "R1"}), 200);
    let parent = json!({"type": "release", "id": "R1"});
    api.put("/records/feature/42", &json!({"workspace_id": "ws1", "parent": parent}), 200);
    api.post(&format!("/records/feature/42/send-to/{records}"), &json!({}), 200);
    for record in 0..5 {
        let audit = json!({
            "id": format!("a-{record}"), "audit_action": "update", "auditable_type": "feature",
            "auditable_id": 42 + record, "workspace_id": "ws1", "associated_type": "release",
            "user": {"id": 101, "name": "Ada"}, "contributors": [{"id": "102", "team": "x"}],
            "changes": [{"field_name": "Name", "value": "Export", "old_value": null, "id": 7}],
        });
        api.post("/audits", &audit, 202);
    }
    eventually("messages", || {
        let delivered = api.get("/messages?status=delivered", 200);
        (delivered["items"].as_array()?.len() == 7).then_some(())
    });
    server
}

/// A token of its own, and its id, by which the tool's hooks keep it from revoking that.
fn caller(api: &Client) -> (Client, String) {
    let token = json!({"name": "the tool", "roles": ["admin", "operator"]});
    let made = api.post("/tokens", &token, 201);
    (api.with_token(made["token"].as_str()), made["id"].as_str().expect("an id").to_owned())
}

/// Lets the tool call a server with something of everything; what it said.
fn tried(phases: &str, more: &[&str]) -> String {
    let receiver = Receiver::start();
    let server = filled(&receiver);
    let (by, own_token) = caller(&server.api);
    let base = server.greeting.split("http://").nth(1).and_then(|rest| rest.lines().next());
    let base = base.expect("an address").trim_end_matches('/');
    let settings = root().join("tests/verify/openapi");
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(tool())
        .arg("--config-file")
        .arg(settings.join("schemathesis.toml"))
        .args(["run", &format!("http://{base}/api/v1/openapi.json")])
        .args(["-H", &format!("Authorization: Bearer {}", by.token())])
        .args(["--checks", "all", "--exclude-checks", LEFT_OUT, "--phases", phases])
        .args(["--generation-database", "none"])
        .args(["--continue-on-failure", "--no-shrink", "--no-color"])
        .args(more)
        .env("LULL_OWN_TOKEN", own_token)
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", &settings)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder.path())
        .output()
        .expect("the tool");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = said.lines().filter(|line| TOLD.iter().any(|word| line.contains(word)));
    for line in told {
        println!("schemathesis: {}", line.trim());
    }
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    // It was let in to the end.
    by.get("/session", 200);
    said
}

#[test]
fn the_server_does_what_its_document_says_and_refuses_what_it_forbids() {
    let said = tried("examples,coverage,fuzzing", &["--seed", SEED, "--max-examples", EXAMPLES]);
    assert!(said.contains("Tested:"), "{said}");
}

#[test]
fn calls_about_what_earlier_calls_made_do_what_the_document_says() {
    // For so long, with other calls each time; without it, the same few.
    let minutes = std::env::var("LULL_SCHEMATHESIS_MINUTES");
    let seconds = minutes.map(|minutes| {
        let minutes: u64 = minutes.parse().expect("a number of minutes");
        (60 * minutes).to_string()
    });
    let said = match &seconds {
        Ok(seconds) => tried("stateful", &["--max-time", seconds]),
        Err(_) => tried("stateful", &["--seed", SEED, "--max-examples", EXAMPLES]),
    };
    let followed = said.lines().find(|line| line.contains("covered") && line.contains("selected"));
    assert!(followed.is_some(), "no call followed another: {said}");
}
