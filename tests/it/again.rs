//! The same call twice, and two administrators at once.

use serde_json::{Value, json};

use crate::harness::{Client, Server};

fn post(by: &Client, path: &str, key: &str, body: &Value) -> (u16, String) {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    let answer = by.call("POST", path, &headers, body.to_string().as_bytes()).expect("an answer");
    (answer.status, answer.text)
}

fn edit(record: &str) -> Value {
    json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record})
}

#[test]
fn audits_with_a_key_are_kept_once_even_over_a_kill() {
    let server = Server::quiet("1s");
    let first = post(&server.api, "/audits", "k1", &json!([edit("1"), edit("2")]));
    assert_eq!(first.0, 202);
    assert_eq!(post(&server.api, "/audits", "k1", &json!([edit("1"), edit("2")])), first);
    assert_ne!(post(&server.api, "/audits", "k2", &json!([edit("1"), edit("2")])), first);
    let (status, said) = post(&server.api, "/audits", "k1", &edit("3"));
    assert_eq!(status, 422, "{said}");
    assert!(said.contains("idempotency-key"), "{said}");
    let viewer = json!({"name": "p", "roles": ["producer"]});
    let other = server.api.post("/tokens", &viewer, 201);
    let other = server.api.with_token(other["token"].as_str());
    assert_ne!(
        post(&other, "/audits", "k1", &json!([edit("1"), edit("2")])),
        first,
        "its own keys"
    );

    let server = Server::start(server.kill());
    assert_eq!(post(&server.api, "/audits", "k1", &json!([edit("1"), edit("2")])), first);
    assert_eq!(server.api.all("/audits", "after_id").len(), 6);
}

#[test]
fn the_same_key_at_once_makes_one() {
    let server = Server::quiet("1s");
    let spec = json!({"name": "hook", "kind": "activity", "hook_url": "http://127.0.0.1:9/"});
    let answers: Vec<(u16, String)> = std::thread::scope(|scope| {
        let calls = (0..16).map(|_| scope.spawn(|| post(&server.api, "/integrations", "k", &spec)));
        let calls: Vec<_> = calls.collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    assert_eq!(answers[0].0, 201);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(server.api.all("/integrations", "after").len(), 1);
}

#[test]
fn what_is_made_with_a_key_is_answered_the_same_tokens_too() {
    let server = Server::quiet("1s");
    for (path, body) in [
        ("/tokens", json!({"name": "t", "roles": ["viewer"]})),
        ("/workspaces", json!({"id": "w"})),
        ("/accounts", json!({"id": "acme"})),
    ] {
        let first = post(&server.api, path, path, &body);
        assert_eq!(first.0, 201, "{first:?}");
        assert_eq!(post(&server.api, path, path, &body), first);
        if let Some(token) = serde_json::from_str::<Value>(&first.1).unwrap()["token"].as_str() {
            server.api.with_token(Some(token)).get("/session", 200);
        }
    }
    for bad in ["", &"k".repeat(256)] {
        assert_eq!(post(&server.api, "/audits", bad, &edit("1")).0, 400);
    }
    // What was refused may be tried again.
    let taken = json!({"id": "w"});
    assert_eq!(post(&server.api, "/workspaces", "again", &taken).0, 409);
    server.api.delete("/workspaces/w", 204);
    assert_eq!(post(&server.api, "/workspaces", "again", &taken).0, 201);
}

#[test]
fn two_administrators_do_not_overwrite_each_other() {
    let server = Server::quiet("1s");
    let id = server.api.integration("http://127.0.0.1:9/", json!({}));
    let path = format!("/integrations/{id}");
    let etag = || {
        let answer = server.api.call("GET", &path, &[], b"").expect("an answer");
        answer.header("etag").to_owned()
    };
    let patch = |if_match: &str, body: Value| {
        let headers = [("content-type", "application/json"), ("if-match", if_match)];
        let answer = server.api.call("PATCH", &path, &headers, body.to_string().as_bytes());
        let answer = answer.expect("an answer");
        (answer.status, answer.header("etag").to_owned())
    };
    let read = etag();
    let (status, changed) = patch(&read, json!({"name": "one"}));
    assert_eq!(status, 200);
    assert_eq!(changed, etag());
    assert_ne!(changed, read);
    assert_eq!(patch(&read, json!({"name": "other"})).0, 412);
    assert_eq!(patch(&format!("\"1\", {changed}"), json!({"timeout": "9s"})).0, 200);
    assert_eq!(patch("*", json!({"timeout": "8s"})).0, 200);
    assert_eq!(server.api.get(&path, 200)["name"], "one");
    let stale = [("if-match", read.as_str())];
    assert_eq!(server.api.call("DELETE", &path, &stale, b"").expect("an answer").status, 412);

    // Without it, every one of many changes at once is kept.
    std::thread::scope(|scope| {
        for header in 0..8 {
            let (api, path) = (&server.api, &path);
            let patch = json!({"headers": {format!("x-{header}"): "1"}});
            scope.spawn(move || api.patch(path, &patch, 200));
        }
    });
    let headers = server.api.get(&path, 200)["headers"].clone();
    assert_eq!(headers.as_object().expect("an object").len(), 8, "{headers}");
}
