//! Canaries: secrets that are looked for in everything that anybody is shown.

use std::os::unix::fs::PermissionsExt;

use lull::web::access::TABLE;
use serde_json::json;

use crate::harness::{Options, Receiver, Server, eventually, executable, run};

const HEADER: &str = "canary-of-the-header";
const KEY: &str = "canary-of-the-key";

#[test]
fn no_secret_is_in_a_list_an_error_an_attempt_the_log_the_metrics_or_an_export() {
    let receiver = Receiver::start();
    let mut server = Server::start(Options::quiet("0s").logging());
    server.may_owe();
    let api = &server.api;
    let headers = json!({"Authorization": format!("Bearer {HEADER}"), "X-Api-Key": KEY});
    let spec = json!({"name": "hook", "kind": "activity", "hook_url": receiver.url("/"),
                      "collation": "live", "headers": headers});
    let made = api.post("/integrations", &spec, 201);
    let (id, secret) = (made["id"].as_str().expect("an id"), made["secret"].as_str());
    let secret = secret.expect("shown this once").to_owned();
    let token = api.post("/tokens", &json!({"name": "t", "roles": ["viewer"]}), 201);
    let token = token["token"].as_str().expect("shown this once").to_owned();
    // Answers of hooks may repeat what they were sent; that is theirs to say.
    receiver.will_say(500, "no");
    let audit = json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": 42});
    api.post("/audits", &audit, 202);
    let message = eventually("an attempt", || {
        let messages = api.get("/messages?code=500", 200);
        Some(messages["items"].as_array()?.first()?["id"].as_str()?.to_owned())
    });
    let canaries = [HEADER, KEY, &secret, &secret[6..], &token, &api.token()];
    let clean = |what: &str, text: &str| {
        for canary in canaries {
            assert!(!text.contains(canary), "{canary} is in {what}: {text}");
        }
    };
    let mut read = 0;
    for row in TABLE.iter().filter(|row| row.method == "GET") {
        for thing in [id, &message] {
            let path = row.path.replace("{integration}", id);
            let path = path.replace("{id}", if path.contains("{type}") { "42" } else { thing });
            let path = path.replace("{type}", "feature");
            let outside = matches!(row.path, "/healthz" | "/readyz" | "/metrics");
            let path = if outside { format!("/{path}") } else { path };
            let answer = api.call("GET", &path, &[], b"").expect("an answer");
            read += usize::from(answer.status == 200);
            clean(row.path, &answer.text);
            clean(row.path, &format!("{:?}", answer.headers));
        }
    }
    assert!(read > 30, "{read} answers");
    // What is refused does not repeat them; nor does what comes of a test, or of a wrong token.
    let bad = json!({"headers": {"Authorization": format!("{HEADER}\n")}, "timeout": "0s"});
    clean("a refusal", &api.patch(&format!("/integrations/{id}"), &bad, 422).to_string());
    let tested = api.post(&format!("/integrations/{id}/test"), &json!({}), 200);
    clean("a test", &tested.to_string());
    let wrong = api.with_token(Some(&format!("{token}x"))).get("/stats", 401);
    clean("a 401", &wrong.to_string());
    let exported = run(executable()
        .args(["export-config", "--server", &server.url, "--data"])
        .arg(server.options.data()));
    assert!(exported.status.success());
    clean("an export", &String::from_utf8_lossy(&exported.stdout));
    clean("the log", &std::fs::read_to_string(server.options.log()).expect("the log"));
}

#[test]
fn only_its_owner_may_look_into_the_data_folder() {
    let server = Server::quiet("1s");
    let data = server.options.data();
    let mode =
        |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700, "{}", data.display());
    assert_eq!(mode(&data.join("admin-token")), 0o600);
}
