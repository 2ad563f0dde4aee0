//! Whole records, kept current at their hooks (kind `record`).

use serde_json::{Value, json};

use crate::harness::{Client, Options, Receiver, Server, eventually};

/// Long enough to edit within, short enough to wait for.
const QUIET: &str = "2s";

fn record_hook(api: &Client, receiver: &Receiver, edit: Value) -> String {
    let mut spec =
        json!({"kind": "record", "workspace_id": "ws1", "retry_schedule": ["1s", "1s", "1s"]});
    for (key, value) in edit.as_object().expect("an object") {
        spec[key] = value.clone();
    }
    api.integration(&receiver.url("/hook"), spec)
}

/// Puts a record of the workspace `ws1`; what came of it.
fn put(api: &Client, path: &str, edit: Value) -> Value {
    let mut record = json!({"workspace_id": "ws1"});
    for (key, value) in edit.as_object().expect("an object") {
        record[key] = value.clone();
    }
    api.put(&format!("/records/{path}"), &record, 200)
}

fn send(api: &Client, path: &str, hook: &str) -> Value {
    api.post(&format!("/records/{path}/send-to/{hook}"), &json!({}), 200)
}

fn link(api: &Client, path: &str) -> Value {
    api.get(&format!("/records/{path}/links"), 200)["items"][0].clone()
}

fn linked(api: &Client, path: &str) {
    eventually("a link", || (link(api, path)["state"] == "linked").then_some(()));
}

/// What came in: the event and the record's name.
fn events(receiver: &Receiver) -> Vec<String> {
    let event = |body: Value| {
        let event = body["event"].as_str().expect("an event").to_owned();
        let member = event.split_once('_').expect("an action").1;
        let name = body[member]["name"].as_str().unwrap_or("-");
        format!("{event} {name}")
    };
    receiver.received().iter().map(|received| event(received.json())).collect()
}

#[test]
fn a_sync_from_the_first_call_to_the_last_through_a_sigkill() {
    let receiver = Receiver::start();
    let server = Server::quiet(QUIET);
    let hook = record_hook(&server.api, &receiver, json!({}));
    let put_first = put(&server.api, "feature/42", json!({"name": "a", "n": 1.50}));
    assert_eq!((&put_first["outcome"], &put_first["links"]), (&json!("created"), &json!(0)));
    receiver.will_say(201, json!({"id": 77, "url": "https://tool.example.com/77"}));
    let sent = send(&server.api, "feature/42", &hook);
    assert_eq!(sent["linked"], json!([{"type": "feature", "id": "42"}]));
    linked(&server.api, "feature/42");

    // Many edits, of which the last is still young when the power goes.
    for number in 0..20 {
        let name = format!("b{number}");
        let put = put(&server.api, "feature/42", json!({"name": name}));
        assert_eq!((&put["outcome"], &put["links"]), (&json!("changed"), &json!(1)));
    }
    assert!(link(&server.api, "feature/42")["next_update_at"].is_string());
    let server = Server::start(server.kill());
    receiver.wait_for(2);
    let fields = json!([
        {"name": "id", "value": "77", "integration_id": hook},
        {"name": "url", "value": "https://tool.example.com/77", "integration_id": hook},
    ]);
    let update = receiver.received()[1].json();
    assert_eq!(update["event"], "update_feature");
    assert_eq!(
        update["feature"],
        json!({"id": "42", "workspace_id": "ws1", "name": "b19", "integration_fields": fields})
    );
    assert_eq!(link(&server.api, "feature/42")["integration_fields"], fields);
    server.settled();

    // The same bytes are no change, and nothing follows.
    let again = put(&server.api, "feature/42", json!({"name": "b19"}));
    assert_eq!((&again["outcome"], &again["links"]), (&json!("unchanged"), &json!(1)));
    assert_eq!(link(&server.api, "feature/42")["next_update_at"], Value::Null);
    let stored = server.api.get("/records/feature/42", 200)["stored"].clone();
    assert_eq!(stored["record"], json!({"workspace_id": "ws1", "name": "b19"}));
    assert_eq!((&stored["revision"], &stored["links"]), (&again["revision"], &json!(1)));
    server.api.get("/records/feature/42?stored=false", 404);

    server.api.delete("/records/feature/42", 204);
    receiver.wait_for(3);
    let destroy = receiver.received()[2].json();
    assert_eq!(destroy["event"], "destroy_feature");
    assert_eq!(destroy["feature"]["integration_fields"], fields);
    server.api.get("/records/feature/42", 404);
    server.api.get("/records/feature/42/links", 404);
    server.api.delete("/records/feature/42", 404);
    server.settled();
    assert_eq!(
        events(&receiver),
        ["create_feature a", "update_feature b19", "destroy_feature b19"]
    );
    let log = server.api.all("/messages?record=feature/42", "after");
    let actions: Vec<&Value> = log.iter().map(|message| &message["audit_action"]).collect();
    assert_eq!(actions, ["destroy", "update", "create"]);
}

#[test]
fn parents_come_first_through_failing_receivers_and_sigkills() {
    let receiver = Receiver::start();
    let mut server = Server::quiet(QUIET);
    let hook = record_hook(&server.api, &receiver, json!({}));
    let release = |id: &str| json!({"type": "release", "id": id});
    put(&server.api, "release/R", json!({"name": "r"}));
    for id in ["1", "2", "3"] {
        put(&server.api, &format!("feature/{id}"), json!({"name": id, "parent": release("R")}));
    }
    receiver.will_answer(&[500, 500, 503]);
    receiver.will_say(200, json!({"id": "R-1"}));
    let sent = send(&server.api, "feature/1", &hook);
    assert_eq!(sent["linked"], json!([release("R"), {"type": "feature", "id": "1"}]));
    let wait = send(&server.api, "feature/2", &hook);
    assert_eq!(wait["message"], Value::Null, "its parent is on its way");
    assert_eq!(link(&server.api, "feature/2")["waits_for"], release("R"));
    for attempts in 1..4 {
        receiver.wait_for(attempts);
        server = Server::start(server.kill());
    }
    receiver.wait_for(6);
    server.settled();
    let events = events(&receiver);
    let first_child = events.iter().position(|event| event.contains("feature")).expect("a child");
    assert!(first_child >= 4, "the parent was taken at the fourth try: {events:?}");
    assert!(events[..first_child].iter().all(|event| event == "create_release r"));
    linked(&server.api, "feature/1");
    linked(&server.api, "feature/2");
    let child = receiver.received().last().expect("a child").json();
    assert_eq!(child["feature"]["parent"]["integration_fields"][0]["value"], "R-1");
    let ids = |path: &str| -> Vec<String> {
        let links = server.api.all(path, "after").into_iter();
        links.map(|link| link["record"]["id"].as_str().expect("an id").to_owned()).collect()
    };
    assert_eq!(ids(&format!("/integrations/{hook}/links")), ["R", "1", "2"]);
    let page = server.api.get(&format!("/integrations/{hook}/links?limit=2"), 200);
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
    let next = format!("/integrations/{hook}/links?after={}", page["next"].as_str().expect("more"));
    assert_eq!(ids(&next), ["2"]);
}

#[test]
fn updates_are_taken_in_while_a_receiver_is_down_and_unlinking_sends_nothing() {
    let receiver = Receiver::start();
    let server = Server::quiet("200ms");
    let hook = record_hook(&server.api, &receiver, json!({"retry_schedule": ["3s", "3s"]}));
    put(&server.api, "ideas%2Fidea/1", json!({"name": "a"}));
    send(&server.api, "ideas%2Fidea/1", &hook);
    linked(&server.api, "ideas%2Fidea/1");
    receiver.will_answer(&[500]);
    for (name, messages) in [("b", 2), ("c", 3)] {
        put(&server.api, "ideas%2Fidea/1", json!({"name": name}));
        eventually("an update", || {
            let log = server.api.get("/messages", 200);
            (log["items"].as_array()?.len() == messages).then_some(())
        });
        receiver.wait_for(messages);
    }
    server.settled();
    let events = events(&receiver);
    assert_eq!(events, ["create_ideas_idea a", "update_ideas_idea b", "update_ideas_idea c"]);
    let log = server.api.get("/messages", 200);
    let statuses: Vec<&Value> =
        log["items"].as_array().expect("items").iter().map(|message| &message["status"]).collect();
    assert_eq!(statuses, ["delivered", "superseded", "delivered"]);

    put(&server.api, "ideas%2Fidea/1", json!({"name": "d"}));
    server.api.delete(&format!("/records/ideas%2Fidea/1/links/{hook}"), 204);
    server.api.delete(&format!("/records/ideas%2Fidea/1/links/{hook}"), 404);
    assert_eq!(server.api.get("/records/ideas%2Fidea/1/links", 200)["items"], json!([]));
    // Whoever comes after it is told; of it, nothing came.
    put(&server.api, "ideas%2Fidea/2", json!({"name": "other"}));
    send(&server.api, "ideas%2Fidea/2", &hook);
    receiver.wait_for(4);
    server.settled();
    assert_eq!(crate::record_hooks::events(&receiver)[3..], ["create_ideas_idea other"]);
}

#[test]
fn a_record_of_a_mebibyte_is_kept_and_sent_whole_and_one_byte_more_is_refused() {
    let receiver = Receiver::start();
    let server = Server::quiet(QUIET);
    let hook = record_hook(&server.api, &receiver, json!({}));
    let record = |bytes: usize| {
        let frame = json!({"workspace_id": "ws1", "name": "large", "text": ""}).to_string();
        let text = "x".repeat(bytes - frame.len());
        json!({"workspace_id": "ws1", "name": "large", "text": text})
    };
    let (most, more) = (record(1 << 20), record((1 << 20) + 1));
    server.api.put("/records/feature/1", &most, 200);
    let refused = server.api.put("/records/feature/1", &more, 413);
    assert!(refused["detail"].as_str().expect("text").contains("1048576"), "{refused}");
    // From long to short and back: no part of one is left in the other.
    let server = Server::start(server.kill());
    assert_eq!(server.api.get("/records/feature/1", 200)["stored"]["record"], most);
    put(&server.api, "feature/1", json!({"name": "short"}));
    server.api.put("/records/feature/1", &most, 200);
    send(&server.api, "feature/1", &hook);
    let sent = receiver.wait_for(1)[0].json();
    assert_eq!(sent["feature"]["text"], most["text"]);
    server.settled();
}

#[test]
fn what_cannot_be_kept_or_sent_is_refused_with_its_place_and_the_fix() {
    let receiver = Receiver::start();
    let server = Server::quiet(QUIET);
    let api = &server.api;
    for (record, pointer, message) in [
        (json!([]), "", "must be an object"),
        (json!({"name": "x"}), "/workspace_id", "is missing"),
        (json!({"workspace_id": 7}), "/workspace_id", "must be a string"),
        (json!({"workspace_id": "ws1", "parent": "R"}), "/parent", "like {"),
        (json!({"workspace_id": "ws1", "parent": {"id": "R"}}), "/parent/type", "is missing"),
    ] {
        let refused = api.put("/records/feature/1", &record, 422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
        assert!(refused["errors"][0]["message"].as_str().expect("text").contains(message));
    }
    let spec = |edit: Value| {
        let mut spec = json!({"name": "x", "kind": "record", "workspace_id": "ws1", "hook_url": receiver.url("/")});
        for (key, value) in edit.as_object().expect("an object") {
            spec[key] = value.clone();
        }
        spec
    };
    for (edit, pointer) in [
        (json!({"workspace_id": null}), "/workspace_id"),
        (json!({"format": "slack"}), "/format"),
        (json!({"collation": "live"}), "/collation"),
        (json!({"users": ["101"]}), "/users"),
        (json!({"include_record": true}), "/include_record"),
        (json!({"kind": "activity", "format": "slack", "include_record": true}), "/include_record"),
        (json!({"activities": [{"fields": ["Name"]}]}), "/activities/0/fields"),
    ] {
        let refused = api.post("/integrations", &spec(edit), 422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    let hook = record_hook(api, &receiver, json!({"activities": [{"record_types": ["Feature"]}]}));
    let refused = api.patch(&format!("/integrations/{hook}"), &json!({"kind": "activity"}), 422);
    assert_eq!(refused["errors"][0]["pointer"], "/kind");
    let moved = json!({"workspace_id": "ws2"});
    let refused = api.patch(&format!("/integrations/{hook}"), &moved, 422);
    assert_eq!(refused["errors"][0]["pointer"], "/workspace_id");

    let chat = api.integration(&receiver.url("/"), json!({}));
    put(api, "feature/1", json!({"parent": {"type": "feature", "id": "0"}}));
    put(api, "release/1", json!({}));
    api.put("/records/feature/2", &json!({"workspace_id": "ws2"}), 200);
    for (path, to, status, says) in [
        ("feature/9", &hook, 404, "PUT it first"),
        ("feature/1", &"1".to_owned(), 404, "no integration 1"),
        ("feature/1", &chat, 409, "kind record"),
        ("feature/1", &hook, 409, "feature 0, is not known"),
        ("release/1", &hook, 409, "activities"),
        ("feature/2", &hook, 409, "workspace ws2"),
    ] {
        let refused = api.post(&format!("/records/{path}/send-to/{to}"), &json!({}), status);
        let detail = refused["detail"].as_str().expect("text");
        assert!(detail.contains(says), "{path}: {detail}");
    }
    api.patch(&format!("/integrations/{hook}"), &json!({"enabled": false}), 200);
    put(api, "feature/0", json!({}));
    let refused = api.post(&format!("/records/feature/1/send-to/{hook}"), &json!({}), 409);
    assert!(refused["detail"].as_str().expect("text").contains("enable it first"));
    let since = json!({"since": "2026-01-01T00:00:00Z"});
    api.patch(&format!("/integrations/{hook}"), &json!({"enabled": true}), 200);
    api.post(&format!("/integrations/{hook}/replay"), &since, 409);
}

#[test]
fn an_activity_hook_can_have_the_record_beside_its_changes() {
    let receiver = Receiver::start();
    let server = Server::quiet(QUIET);
    server.api.integration(&receiver.url("/with"), json!({"include_record": true}));
    record_hook(&server.api, &receiver, json!({}));
    let audit = |id: &str| {
        json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": id,
               "workspace_id": "ws1", "changes": [{"field_name": "Name", "value": "now"}]})
    };
    server.api.post("/audits", &json!([audit("1"), audit("2")]), 202);
    put(&server.api, "feature/1", json!({"name": "now"}));
    let received = receiver.wait_for(2);
    server.settled();
    assert_eq!(receiver.received().len(), 2, "audits are nothing to a hook of kind record");
    for received in received {
        let audit = received.json()["audit"].clone();
        let record = if audit["auditable_id"] == "1" {
            json!({"workspace_id": "ws1", "name": "now"})
        } else {
            Value::Null
        };
        assert_eq!(audit["record"], record);
    }
}

#[test]
fn producers_put_and_send_and_owners_see_what_is_of_their_workspace() {
    let receiver = Receiver::start();
    let server = Server::start(Options::quiet(QUIET));
    let api = &server.api;
    let token = |roles: Value, workspaces: Value| {
        let token = json!({"name": "t", "roles": roles, "workspaces": workspaces});
        api.with_token(api.post("/tokens", &token, 201)["token"].as_str())
    };
    let (producer, viewer) =
        (token(json!(["producer"]), json!([])), token(json!(["viewer"]), json!([])));
    let owner = token(json!(["owner"]), json!(["ws1"]));
    let stranger = token(json!(["owner"]), json!(["ws2"]));
    let hook = record_hook(api, &receiver, json!({}));
    put(&producer, "feature/1", json!({"name": "a"}));
    send(&producer, "feature/1", &hook);
    linked(api, "feature/1");
    producer.get("/records/feature/1", 403);
    producer.get("/records/feature/1/links", 403);
    for (reader, may) in [(&viewer, true), (&owner, true), (&stranger, false)] {
        let status = if may { 200 } else { 403 };
        reader.get("/records/feature/1", status);
        reader.get("/records/feature/1/links", status);
        reader.get(&format!("/integrations/{hook}/links"), status);
        reader.put("/records/feature/1", &json!({"workspace_id": "ws1"}), 403);
        reader.delete("/records/feature/1", 403);
    }
    viewer.post(&format!("/records/feature/1/send-to/{hook}"), &json!({}), 403);
    stranger.post(&format!("/records/feature/1/send-to/{hook}"), &json!({}), 403);
    stranger.delete(&format!("/records/feature/1/links/{hook}"), 403);
    send(&owner, "feature/1", &hook);
    receiver.wait_for(2);
    server.settled();
    owner.delete(&format!("/records/feature/1/links/{hook}"), 204);
    producer.delete("/records/feature/1", 204);
    assert_eq!(events(&receiver), ["create_feature a", "update_feature a"]);
    // What is sent to test a hook says what it is.
    let attempt = api.post(&format!("/integrations/{hook}/test"), &json!({}), 200);
    assert_eq!(attempt["response"]["code"], 200, "{attempt}");
    assert_eq!(events(&receiver)[2], "create_lull_test Test");
}

#[test]
fn a_sigkill_at_any_moment_loses_no_record_that_was_answered_and_its_hook_ends_up_with_it() {
    const ROUNDS: u64 = 6;
    const RECORDS: u64 = 5;
    let receiver = Receiver::start();
    let mut server = Server::quiet("200ms");
    let hook = record_hook(&server.api, &receiver, json!({}));
    for record in 0..RECORDS {
        put(&server.api, &format!("feature/{record}"), json!({"name": record.to_string(), "n": 0}));
        send(&server.api, &format!("feature/{record}"), &hook);
    }
    // What was answered last, of each record.
    let mut answered = [0; RECORDS as usize];
    let mut number = 0;
    for round in 0..ROUNDS {
        let (api, first) = (server.api.clone(), number);
        let putting = std::thread::spawn(move || put_until_gone(&api, first, RECORDS));
        std::thread::sleep(std::time::Duration::from_millis(150 + 130 * round));
        let options = server.kill();
        let (last, of_round) = putting.join().expect("no refusal");
        number = last;
        of_round.iter().for_each(|n| answered[(n % RECORDS) as usize] = *n);
        server = Server::start(options);
    }
    for (record, answered) in answered.iter().enumerate() {
        let path = format!("/records/feature/{record}");
        let kept = server.api.get(&path, 200)["stored"]["record"]["n"].as_u64().expect("a number");
        assert!(kept >= *answered, "{record}: {answered} was answered, {kept} is kept");
        let name = record.to_string();
        let told = || {
            let received = receiver.received().into_iter().rev().map(|received| received.json());
            let mut of_record = received.map(|body| body["feature"].clone());
            of_record.find(|body| body["name"] == name.as_str())
        };
        eventually("the hook is current", || (told()?["n"] == kept).then_some(()));
        linked(&server.api, &path["/records/".len()..]);
    }
    server.settled();
    let creates: std::collections::BTreeSet<String> = receiver
        .received()
        .iter()
        .filter(|received| received.json()["event"] == "create_feature")
        .map(|received| received.headers["webhook-id"].clone())
        .collect();
    assert_eq!(creates.len() as u64, RECORDS, "each was made once");
}

/// Puts one record after the other, numbered on, until the server is gone: the last number that was
/// sent, and those that were answered.
fn put_until_gone(api: &Client, first: u64, records: u64) -> (u64, Vec<u64>) {
    let mut answered = Vec::new();
    let mut n = first;
    loop {
        n += 1;
        let record = n % records;
        let body = json!({"workspace_id": "ws1", "name": record.to_string(), "n": n}).to_string();
        let (path, json) = (format!("/records/feature/{record}"), "application/json");
        match api.call("PUT", &path, &[("content-type", json)], body.as_bytes()) {
            Some(answer) => assert_eq!(answer.status, 200, "{}", answer.text),
            None => return (n, answered),
        }
        answered.push(n);
    }
}
