//! What the API answers, and what it refuses.

use serde_json::{Value, json};

use crate::harness::{Options, Receiver, Server, eventually};

fn update(record: &str) -> Value {
    json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record})
}

#[test]
fn bad_audits_are_refused_whole_with_every_fault_and_its_place() {
    let server = Server::quiet("1s");
    let mut bad = update("2");
    bad["changes"] = json!([{"field_name": "Name", "value": 1}, {"value": 2}]);
    let problem = server.api.post("/audits", &json!([update("1"), bad, 7]), 422);
    assert_eq!(problem["type"], "/problems/invalid");
    assert_eq!(
        problem["errors"],
        json!([{"index": 1, "pointer": "/changes/1/field_name", "message": "is required"},
               {"index": 2, "pointer": "", "message": "must be an object, not a number"}])
    );
    server.api.post_text("/audits", "application/json", b"{", 400);
    server.api.post_text("/audits", "application/x-www-form-urlencoded", b"a=b", 415);
    server.api.post_text("/audits", "application/json", &vec![b' '; (16 << 20) + 1], 413);
    let mut long = update("3");
    long["description"] = json!("d".repeat(1 << 20));
    let problem = server.api.post("/audits", &long, 413);
    assert!(problem["detail"].as_str().unwrap().contains("1048576"), "{problem}");
    assert_eq!(server.api.get("/audits", 200)["items"], json!([]), "nothing was kept");
}

#[test]
fn paths_methods_and_parameters_that_are_not_there_are_refused_by_name() {
    let server = Server::quiet("1s");
    assert_eq!(server.api.get("/nothing", 404)["type"], "/problems/not-found");
    let problem = server.api.patch("/audits", &json!({}), 405);
    assert_eq!(problem["type"], "/problems/method-not-allowed");
    for (path, named) in [
        ("/audits?recrod=a/1", "recrod"),
        ("/audits?limit=0", "limit"),
        ("/audits?limit=1001", "limit"),
        ("/audits?since=yesterday", "since"),
        ("/audits?record=feature", "record"),
        ("/audits?after_id=nothing", "after_id"),
        ("/messages?status=lost", "status"),
        ("/messages?integration=x", "integration"),
        ("/messages?code=6xx", "code"),
        ("/messages?after=x", "after"),
        ("/records", "pending=true"),
        ("/stats?x=1", "\"x\""),
    ] {
        let problem = server.api.get(path, 400);
        assert!(problem["detail"].as_str().unwrap().contains(named), "{path}: {problem}");
    }
    let cursor_past_the_end = "/audits?after_id=18446744073709551615";
    assert_eq!(server.api.get(cursor_past_the_end, 200)["items"], json!([]));
    for path in ["/messages/1", "/messages/x", "/integrations/1", "/messages/1/attempts"] {
        server.api.get(path, 404);
    }
}

#[test]
fn every_answer_says_which_call_it_was_and_so_does_the_log() {
    let server = Server::start(Options::quiet("1s").logging());
    let ask = |path: &str, id: &str| {
        server.api.call("GET", path, &[("x-request-id", id)], b"").expect("an answer")
    };
    assert_eq!(ask("/audits", "mine-1").header("x-request-id"), "mine-1");
    let refused = ask("/integrations/7", "mine-2");
    assert_eq!((refused.status, refused.header("x-request-id")), (404, "mine-2"));
    assert_eq!(refused.json()["request_id"], "mine-2");
    // One that could not stand in a log is replaced.
    let forged = ask("/integrations/7", "x y\tz");
    let id = forged.header("x-request-id").to_owned();
    assert!(id.len() == 16 && forged.json()["request_id"] == id, "{forged:?}");
    eventually("the log", || {
        let log = std::fs::read_to_string(server.options.log()).expect("the log");
        let lines = log.lines().filter(|line| line.contains("there is no integration 7"));
        let told: Vec<&str> = lines.collect();
        (told.len() == 2 && told[0].contains(" mine-2 GET ") && told[1].contains(&id)).then_some(())
    });
}

#[test]
fn a_method_that_is_not_there_is_told_which_are() {
    let server = Server::quiet("1s");
    for (method, path, allow) in [
        ("DELETE", "/audits", "POST, GET"),
        ("PUT", "/integrations/1", "GET, PATCH, DELETE"),
        ("GET", "/integrations/1/test", "POST"),
        ("POST", "//healthz", "GET"),
        ("POST", "//", "GET"),
    ] {
        let answer = server.api.call(method, path, &[], b"").expect("an answer");
        assert_eq!((answer.status, answer.header("allow")), (405, allow), "{method} {path}");
    }
}

#[test]
fn an_integration_is_made_read_changed_and_deleted() {
    let server = Server::quiet("1s");
    let spec = json!({"name": "Chat", "kind": "activity", "hook_url": "https://example.com/hook",
                      "activities": [{"record_types": ["feature"]}], "headers": {"X-Api-Key": "abc", "X-Team": "core"}});
    let mut hidden = spec.clone();
    hidden["headers"]["X-Api-Key"] = json!("(hidden)");
    let problem = server.api.post("/integrations", &hidden, 422);
    assert_eq!(problem["errors"][0]["pointer"], "/headers/X-Api-Key", "nothing to keep");
    let made = server.api.post("/integrations", &spec, 201);
    let id = made["id"].as_str().unwrap();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(
        (&made["status"], &made["enabled"], &made["timeout"]),
        (&json!("ok"), &json!(true), &json!("15s"))
    );

    let path = format!("/integrations/{id}");
    let read = server.api.get(&path, 200);
    assert_eq!(read.get("secret"), None, "shown only when it is made");
    assert_eq!(read["headers"], json!({"X-Api-Key": "(hidden)", "X-Team": "core"}));
    assert_eq!(server.api.get("/integrations", 200)["items"], json!([read]));

    // A merge patch: null takes a setting back to its default, what is left out stays.
    let changed = server.api.patch(
        &path,
        &json!({"name": "Chat 2", "enabled": false, "activities": null, "headers": {"X-Api-Key": "(hidden)", "X-Team": null}}),
        200,
    );
    assert_eq!((&changed["name"], &changed["status"]), (&json!("Chat 2"), &json!("disabled")));
    assert_eq!(
        (&changed["activities"], &changed["headers"]),
        (&json!([]), &json!({"X-Api-Key": "(hidden)"}))
    );
    assert!(changed["updated_at"].as_str() >= changed["created_at"].as_str());

    server.api.delete(&path, 204);
    server.api.get(&path, 404);
    server.api.delete(&path, 404);
    assert_eq!(server.api.get("/integrations", 200)["items"], json!([]));
}

#[test]
fn what_cannot_be_configured_is_refused_with_its_place() {
    let server = Server::quiet("1s");
    let good = json!({"name": "hook", "kind": "activity", "hook_url": "https://example.com/"});
    let id = server.api.post("/integrations", &good, 201)["id"].as_str().unwrap().to_owned();
    for (edit, pointer) in [
        (json!({"hok_url": "x"}), "/hok_url"),
        (json!({"hook_url": "nowhere"}), "/hook_url"),
        (json!({"kind": "carrier pigeon"}), "/kind"),
        (json!({"name": ""}), "/name"),
        (json!({"activities": [{"fields": "Name"}]}), "/activities/0/fields"),
        (json!({"timeout": "soon"}), "/timeout"),
        (json!({"id": "7"}), "/id"),
        (json!({"headers": {"Host": "x"}}), "/headers/Host"),
    ] {
        let mut spec = good.clone();
        for (key, value) in edit.as_object().unwrap() {
            spec[key] = value.clone();
        }
        for problem in [
            server.api.post("/integrations", &spec, 422),
            server.api.patch(&format!("/integrations/{id}"), &edit, 422),
        ] {
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
    }
    server.api.patch(&format!("/integrations/{id}"), &json!([]), 422);
    server.api.post_text("/integrations", "text/plain", b"x", 415);
    server.api.post_text("/integrations", "application/json", b"x", 400);
    assert_eq!(server.api.get("/integrations", 200)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn the_history_keeps_what_was_posted_and_is_listed_as_asked() {
    let server = Server::quiet("1h");
    let mut audit = update("1");
    audit["id"] = json!("a");
    audit["user"] = json!({"id": 101, "name": "Ada", "team": "core"});
    audit["ip"] = json!({"v": 4});
    server.api.post("/audits", &audit, 202);
    server.api.post("/audits", &json!([update("2"), update("1")]), 202);

    let items = server.api.get("/audits", 200)["items"].clone();
    assert_eq!(items.as_array().unwrap().len(), 3);
    assert_eq!((&items[0]["id"], &items[0]["ip"]), (&json!("a"), &json!({"v": 4})));
    assert_eq!(
        (&items[0]["user"]["team"], &items[0]["user"]["id"]),
        (&json!("core"), &json!("101"))
    );
    assert_eq!(items[0]["created_at"], items[0]["received_at"]);

    let count = |query: &str| {
        server.api.get(&format!("/audits?{query}"), 200)["items"].as_array().unwrap().len()
    };
    assert_eq!(count("record=feature/1"), 2, "of a window that is still open");
    assert_eq!((count("record=feature/3"), count("record=Feature/1")), (0, 0));
    assert_eq!((count("user_id=101"), count("after_id=a"), count("limit=1")), (1, 2, 1));
    // A time that ends before it begins is empty; one that ends after all ids is not.
    let years = "since=2031-01-01T00:00:00Z&until=2030-01-01T00:00:00Z";
    assert_eq!((count(years), count(&format!("record=feature/1&{years}"))), (0, 0));
    assert_eq!(count("until=2582-01-01T00:00:00Z"), count("limit=1000"));
    assert_eq!(count("until=2020-01-01T00:00:00Z"), 0);
    assert_eq!(server.api.all("/audits", "after_id").len(), 3);
    let first = server.api.get("/audits?limit=2", 200);
    let rest =
        server.api.get(&format!("/audits?after_id={}", first["next"].as_str().unwrap()), 200);
    assert_eq!(rest["items"], json!([items[2]]));
    assert_eq!(rest["next"], Value::Null);
}

#[test]
fn the_log_is_filtered_and_read_page_by_page() {
    let receiver = Receiver::start();
    let server = Server::quiet("0s");
    let one = server.api.integration(&receiver.url("/one"), json!({"name": "one"}));
    let two =
        server.api.integration(&receiver.url("/two"), json!({"name": "two", "users": ["nobody"]}));
    for record in 0..5 {
        server.api.post("/audits", &update(&record.to_string()), 202);
    }
    receiver.wait_for(5);
    server.settled();
    let ids = |query: &str| -> Vec<String> {
        let items = server.api.get(&format!("/messages?{query}"), 200)["items"].clone();
        items
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = ids("");
    assert_eq!(all.len(), 5);
    assert_eq!(
        (ids(&format!("integration={one}")).len(), ids(&format!("integration={two}")).len()),
        (5, 0)
    );
    assert_eq!((ids("status=delivered").len(), ids("status=failed").len()), (5, 0));
    assert_eq!((ids("code=2xx").len(), ids("code=5xx").len(), ids("code=none").len()), (5, 0, 0));
    assert_eq!((ids("record_type=FEATURE").len(), ids("record_type=idea").len()), (5, 0));
    assert_eq!((ids("q=eature").len(), ids("q=nothing").len(), ids("user=ada").len()), (5, 0, 0));
    assert_eq!(ids("record=feature/3").len(), 1);
    let first = server.api.get("/messages?limit=2", 200);
    assert_eq!(first["items"][0]["integration"], json!({"id": one, "name": "one"}));
    let next = first["next"].as_str().unwrap();
    assert_eq!(ids(&format!("limit=2&after={next}")), all[2..4]);
    let listed = server.api.all("/messages", "after");
    assert_eq!(listed.len(), 5);
}

#[test]
fn the_stats_tell_what_happened() {
    let receiver = Receiver::start();
    let server = Server::quiet("0s");
    server.api.integration(&receiver.url("/hook"), json!({}));
    server.api.integration(&receiver.url("/off"), json!({"enabled": false}));
    server.api.post("/audits", &json!([update("1"), update("2")]), 202);
    receiver.wait_for(2);
    server.settled();
    let stats = server.api.get("/stats", 200);
    assert_eq!(stats["audits"], json!({"accepted": 2, "duplicates": 0}));
    assert_eq!((&stats["windows"]["open"], &stats["windows"]["closed"]), (&json!(0), &json!(2)));
    assert!(stats["windows"]["lateness"]["p99_ms"].as_f64().unwrap() >= 0.0);
    assert_eq!(stats["messages"]["delivered"], 2);
    assert_eq!(stats["messages"]["oldest_owed_at"], Value::Null);
    assert_eq!(stats["integrations"], json!({"ok": 1, "failing": 0, "disabled": 1}));
    assert!(stats["store"]["bytes_kept"].as_u64().unwrap() > 500);
    assert!(stats["store"]["bytes_on_disk"].as_u64().unwrap() > 500);
}
