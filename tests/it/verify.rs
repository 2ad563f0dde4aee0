//! Real deliveries, verified by clients that we did not write, in the three languages of the README.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::harness::{Receiver, Server};

#[path = "../verify/receive.rs"]
mod receive;

/// A secret that is nobody's.
const OTHER_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// A delivery of the real executable, and the secrets that it must verify with: as the scripts take it.
fn delivery() -> Value {
    let receiver = Receiver::start();
    let server = Server::quiet("0s");
    let spec = json!({"name": "hook", "kind": "activity", "hook_url": receiver.url("/hook")});
    let secret = server.api.post("/integrations", &spec, 201)["secret"].clone();
    deliver(&server, &receiver, json!([secret]))
}

fn deliver(server: &Server, receiver: &Receiver, secrets: Value) -> Value {
    let audit = json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
        "changes": [{"field_name": "Name", "value": "Éxport 😀 & more"}]});
    server.api.post("/audits", &audit, 202);
    let got = receiver.wait_for(1).remove(0);
    server.settled();
    json!({"secrets": secrets, "headers": got.headers, "body": got.body})
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run_script(program: PathBuf, script: &str, needs: &Path, delivery: &Value) {
    for needed in [needs, &program] {
        let is_there = needed.exists() || needed.components().count() == 1;
        assert!(is_there, "{} is missing. Run tests/run once: it installs it", needed.display());
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("delivery.json");
    std::fs::write(&file, delivery.to_string()).expect("a file");
    let output = Command::new(&program).arg(root().join(script)).arg(&file).output();
    let output = output.unwrap_or_else(|error| {
        panic!("{}: {error}. Run tests/run once: it installs it", program.display())
    });
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

fn verify_with_python(delivery: &Value) {
    let venv = root().join("target/verify");
    let packages = venv.join("installed");
    run_script(venv.join("bin/python"), "tests/verify/verify.py", &packages, delivery);
}

fn verify_with_javascript(delivery: &Value) {
    let packages = root().join("tests/verify/node_modules/standardwebhooks");
    run_script("node".into(), "tests/verify/verify.mjs", &packages, delivery);
}

fn verify_with_rust(delivery: &Value) {
    let mut headers = http::HeaderMap::new();
    for (name, value) in delivery["headers"].as_object().unwrap() {
        let name: http::HeaderName = name.parse().unwrap();
        headers.insert(name, value.as_str().unwrap().parse().unwrap());
    }
    let body = delivery["body"].as_str().unwrap();
    let tampered = body.replace("update", "create");
    for secret in delivery["secrets"].as_array().unwrap() {
        let secret = secret.as_str().unwrap();
        receive::verify(secret, &headers, body.as_bytes()).unwrap();
        receive::verify(secret, &headers, tampered.as_bytes()).unwrap_err();
        // Genuine, but more than five minutes ago.
        let then = headers["webhook-timestamp"].to_str().unwrap().parse::<i64>().unwrap() - 310;
        let id = headers["webhook-id"].to_str().unwrap();
        let signature = Webhook::new(secret).unwrap().sign(id, then, body.as_bytes()).unwrap();
        let mut stale = headers.clone();
        stale.insert("webhook-timestamp", then.into());
        stale.insert("webhook-signature", signature.parse().unwrap());
        receive::verify(secret, &stale, body.as_bytes()).unwrap_err();
    }
    receive::verify(OTHER_SECRET, &headers, body.as_bytes()).unwrap_err();
}

#[test]
fn a_delivery_verifies_in_rust_and_what_is_wrong_with_it_is_refused() {
    verify_with_rust(&delivery());
}

#[test]
fn a_delivery_verifies_in_python_and_what_is_wrong_with_it_is_refused() {
    verify_with_python(&delivery());
}

#[test]
fn a_delivery_verifies_in_javascript_and_what_is_wrong_with_it_is_refused() {
    verify_with_javascript(&delivery());
}

#[test]
fn while_a_secret_is_rotated_either_verifies_in_all_three() {
    let receiver = Receiver::start();
    let server = Server::quiet("0s");
    let spec = json!({"name": "hook", "kind": "activity", "hook_url": receiver.url("/hook")});
    let made = server.api.post("/integrations", &spec, 201);
    let path = format!("/integrations/{}/rotate-secret", made["id"].as_str().unwrap());
    let rotated = server.api.post(&path, &json!({}), 200);
    assert_ne!(made["secret"], rotated["secret"]);
    let delivery = deliver(&server, &receiver, json!([made["secret"], rotated["secret"]]));
    let signatures = delivery["headers"]["webhook-signature"].as_str().unwrap();
    assert_eq!(signatures.split(' ').filter(|token| token.starts_with("v1,")).count(), 2);
    verify_with_rust(&delivery);
    verify_with_python(&delivery);
    verify_with_javascript(&delivery);
}

#[test]
fn the_readme_shows_the_very_code_that_is_tested() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for (language, file) in
        [("rust", "receive.rs"), ("python", "receive.py"), ("js", "receive.mjs")]
    {
        let code = std::fs::read_to_string(root().join("tests/verify").join(file)).unwrap();
        let block = format!("```{language}\n{code}```\n");
        assert!(readme.contains(&block), "README.md does not have {file} as it is:\n{block}");
    }
}
