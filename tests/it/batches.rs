//! Many events in one message: when it goes, and what is sent again when only some were taken.

use serde_json::{Value, json};

use crate::harness::{Client, Received, Receiver, Server, eventually};

/// A hook that takes log-ins only, so that nothing of its own making comes between.
fn hook(api: &Client, url: &str, edit: Value) -> String {
    let mut spec = json!({"name": "siem", "kind": "security", "hook_url": url, "actions": ["login"],
                          "batch": {"max_events": 4, "max_wait": "1s"}, "retry_schedule": ["1s"]});
    json_patch::merge(&mut spec, &edit);
    api.post("/integrations", &spec, 201)["id"].as_str().expect("an id").to_owned()
}

fn post(api: &Client, ids: &[&str]) {
    let event =
        |id: &&str| json!({"id": id, "action": "login", "user": {"id": "101", "name": "Ada"}});
    let events: Vec<Value> = ids.iter().map(event).collect();
    api.post("/security-events", &json!(events), 202);
}

/// The ids of the events in a body for Splunk.
fn splunk_ids(received: &Received) -> Vec<String> {
    let events =
        received.body.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    events.map(|event| event["event"]["id"].as_str().expect("an id").to_owned()).collect()
}

fn only_message(api: &Client, hook: &str, status: &str) -> Value {
    eventually(&format!("a message is {status}"), || {
        let log = api.get(&format!("/messages?integration={hook}&status={status}"), 200);
        let id = log["items"][0]["id"].as_str()?.to_owned();
        Some(api.get(&format!("/messages/{id}"), 200))
    })
}

#[test]
fn events_go_together_when_there_are_enough_of_them_or_the_first_has_waited() {
    let (receiver, server) = (Receiver::start(), Server::quiet("5m"));
    let batch = json!({"max_events": 4, "max_wait": "2s"});
    hook(&server.api, &receiver.url("/"), json!({"format": "splunk_hec", "batch": batch}));
    post(&server.api, &["1", "2", "3", "4", "5"]);
    let full = receiver.wait_for(1);
    assert_eq!(splunk_ids(&full[0]), ["1", "2", "3", "4"]);
    server.settled();
    // The fifth waits, and over the end of the server.
    let server = Server::start(server.kill());
    let late = receiver.wait_for(2);
    assert_eq!(splunk_ids(&late[1]), ["5"]);
    server.settled();
    assert_eq!(receiver.received().len(), 2);
}

#[test]
fn what_splunk_refused_is_told_and_sent_again_by_hand_only() {
    let (receiver, server) = (Receiver::start(), Server::quiet("5m"));
    let id = hook(&server.api, &receiver.url("/"), json!({"format": "splunk_hec"}));
    receiver.will_say(400, r#"{"text":"Invalid data format","code":6,"invalid-event-number":1}"#);
    receiver.will_say(200, r#"{"text":"Success","code":0}"#);
    post(&server.api, &["1", "2", "3", "4"]);
    let received = receiver.wait_for(2);
    assert_eq!(splunk_ids(&received[1]), ["3", "4"], "those behind the one that was refused");
    let message = only_message(&server.api, &id, "failed");
    let note = message["attempts_made"][0]["note"].as_str().expect("why").to_owned();
    assert!(note.contains("Invalid data format"), "{note}");
    receiver.will_say(200, r#"{"text":"Success","code":0}"#);
    let path = format!("/messages/{}/redeliver", message["id"].as_str().expect("an id"));
    server.api.post(&path, &json!({}), 202);
    let received = receiver.wait_for(3);
    assert_eq!(splunk_ids(&received[2]), ["2"], "what was refused, and nothing twice");
    only_message(&server.api, &id, "delivered");
    server.settled();
}

#[test]
fn what_elastic_has_no_room_for_is_sent_again_alone_and_compressed() {
    let (receiver, server) = (Receiver::start(), Server::quiet("5m"));
    let id =
        hook(&server.api, &receiver.url("/_bulk"), json!({"format": "ecs_bulk", "gzip": true}));
    let items = json!([{"create": {"status": 201}}, {"create": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue full"}}},
                       {"create": {"status": 201}}, {"create": {"status": 201}}]);
    receiver.will_say(200, json!({"took": 3, "errors": true, "items": items}));
    receiver.will_say(200, r#"{"took":1,"errors":false,"items":[{"create":{"status":201}}]}"#);
    post(&server.api, &["1", "2", "3", "4"]);
    let received = receiver.wait_for(2);
    for one in &received {
        assert_eq!(one.headers["content-encoding"], "gzip");
        assert_eq!(one.headers["content-type"], "application/x-ndjson");
    }
    let documents = |one: &Received| -> Vec<String> {
        let lines = one.body.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.filter_map(|line| line["event"]["id"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(documents(&received[0]), ["1", "2", "3", "4"]);
    assert_eq!(documents(&received[1]), ["2"]);
    let message = only_message(&server.api, &id, "delivered");
    assert_eq!(message["attempts"], 2);
    assert!(message["attempts_made"][0]["note"].as_str().expect("why").contains("queue full"));
    server.settled();
}

#[test]
fn splunk_has_it_when_it_says_so_in_the_channel() {
    let (receiver, server) = (Receiver::start(), Server::quiet("5m"));
    let channel = "5f1c7a52-7d0a-4bb0-8a3e-2f6f1f1f0a11";
    let headers = json!({"X-Splunk-Request-Channel": channel, "Authorization": "Splunk 0000"});
    let url = receiver.url("/services/collector/event");
    let id = hook(&server.api, &url, json!({"format": "splunk_hec", "headers": headers}));
    receiver.will_say(200, r#"{"text":"Success","code":0,"ackId":7}"#);
    receiver.will_say(200, r#"{"acks":{"7":false}}"#);
    receiver.will_say(200, r#"{"acks":{"7":true}}"#);
    post(&server.api, &["1", "2", "3", "4"]);
    let received = receiver.wait_for(3);
    for asked in &received[1..] {
        assert_eq!(asked.path, "/services/collector/ack");
        assert_eq!(asked.json(), json!({"acks": [7]}));
        assert_eq!(asked.headers["x-splunk-request-channel"], channel);
        assert_eq!(asked.headers["authorization"], "Splunk 0000");
    }
    let message = only_message(&server.api, &id, "delivered");
    assert_eq!(message["attempts"], 1);
    server.settled();
    let headers = message["attempts_made"][0]["request_headers"].to_string();
    assert!(!headers.contains("Splunk 0000"), "{headers}");
}

#[test]
fn a_collated_audit_is_one_event_to_a_siem_however_many_edits_it_is_made_of() {
    let (receiver, server) = (Receiver::start(), Server::quiet("1s"));
    let spec = json!({"format": "splunk_hec", "retry_schedule": ["1s"]});
    let hook = server.api.integration(&receiver.url("/"), spec);
    receiver.will_say(400, r#"{"text":"Invalid data format","code":6,"invalid-event-number":0}"#);
    let audit = |name: &str| {
        json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
               "user": {"id": "101"}, "changes": [{"field_name": "Name", "value": name}]})
    };
    server.api.post("/audits", &json!([audit("a"), audit("b"), audit("c")]), 202);
    let message = only_message(&server.api, &hook, "failed");
    let received = receiver.received();
    assert_eq!(received.len(), 1, "it was refused, and there is nothing else in it to send again");
    assert_eq!(received[0].body.lines().count(), 1);
    let path = format!("/messages/{}/redeliver", message["id"].as_str().expect("an id"));
    server.api.post(&path, &json!({}), 202);
    assert_eq!(receiver.wait_for(2)[1].body, received[0].body, "whole");
    server.settled();
}

#[test]
fn an_activity_integration_writes_for_a_siem_too() {
    let (receiver, server) = (Receiver::start(), Server::quiet("0s"));
    server.api.integration(&receiver.url("/"), json!({"format": "ocsf"}));
    let audit = json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
                       "user": {"id": "101", "name": "Ada"}, "changes": [{"field_name": "Name", "value": "Export"}]});
    server.api.post("/audits", &audit, 202);
    let event = receiver.wait_for(1)[0].json();
    assert_eq!((&event["class_uid"], &event["activity_id"]), (&json!(3004), &json!(3)));
    server.settled();
}
