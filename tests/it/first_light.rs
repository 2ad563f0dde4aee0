//! Audits in, one collated audit out.

use serde_json::{Value, json};

use crate::harness::{Options, Receiver, Server};

/// Shapes seen in the wild, each about a record of its own.
fn seen_in_the_wild() -> Vec<Value> {
    vec![
        json!({"event": "audit", "audit": {
            "id": "6543581008138760991", "audit_action": "update",
            "created_at": "2018-04-12T15:16:17.922Z", "interesting": true,
            "user": {"id": "6514078362261846001", "name": "Ada", "email": "ada@example.com",
                     "created_at": "2018-01-22T19:11:12.000Z", "updated_at": "2018-04-12T15:00:00.000Z"},
            "auditable_type": "feature", "auditable_id": "6514078362261846610",
            "description": "updated feature DEMO-28 Language options",
            "auditable_url": "http://app.example.com/features/DEMO-28",
            "changes": [{"field_name": "Workflow status",
                         "value": "Under consideration &rarr; Ready to develop"}]}}),
        json!({"audit_action": "create", "created_at": "2018-04-12T15:16:17Z",
            "user": {"id": "1", "name": "Grace", "email": "grace@example.com"},
            "auditable_type": "release", "auditable_id": "7", "changes": [
                {"field_name": "Rank", "value": 1},
                {"field_name": "Show feature remaining estimate", "value": true},
                {"field_name": "Type", "value": "New"},
                {"field_name": "Type", "value": "Improvement"}]}),
        json!({"audit_action": "create", "auditable_type": "ideas/idea_endorsement",
            "auditable_id": "1234567890123456789012345", "user": null, "changes": []}),
        json!({"audit_action": "create", "auditable_type": "tag",
            "auditable_id": 1_234_567, "interesting": false}),
        json!({"audit_action": "update", "auditable_type": "note", "auditable_id": 77,
            "associated_type": "feature", "associated_id": 42,
            "contributors": [{"user": {"id": 5, "name": "Eve"}}],
            "changes": [{"field_name": "Description", "value":
                "<p>a <span class=\"inserted\">b</span></p>"}]}),
    ]
}

#[test]
fn what_is_seen_in_the_wild_arrives_as_one_post_a_record_with_the_documented_keys_in_order() {
    let receiver = Receiver::start();
    let server = Server::quiet("2s");
    server.api.integration(&receiver.url("/hook"), json!({}));
    for audit in seen_in_the_wild() {
        let answer = server.api.post("/audits", &audit, 202);
        assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(1), &json!([])));
    }
    let received = receiver.wait_for(5);
    server.settled();
    assert_eq!(receiver.received().len(), 5, "one POST a record");
    let of = |record_type: &str| {
        let found =
            received.iter().find(|got| got.json()["audit"]["auditable_type"] == record_type);
        found.unwrap_or_else(|| panic!("nothing of {record_type}")).clone()
    };

    let feature = of("feature");
    assert_eq!(feature.headers["content-type"], "application/json");
    assert!(feature.headers["user-agent"].starts_with("Lull/"));
    assert!(feature.headers.contains_key("webhook-id"));
    assert!(feature.headers["webhook-timestamp"].parse::<i64>().is_ok());
    let user = r#"{"id":"6514078362261846001","name":"Ada","email":"ada@example.com","created_at":"2018-01-22T19:11:12.000Z","updated_at":"2018-04-12T15:00:00.000Z"}"#;
    assert_eq!(
        feature.body,
        [
            r#"{"event":"audit","audit":{"id":"6543581008138760991","audit_action":"update","created_at":"2018-04-12T15:16:17.922Z","interesting":true,"user":"#,
            user,
            r#","contributors":["#,
            user,
            r#"],"auditable_type":"feature","auditable_id":"6514078362261846610","associated_type":null,"associated_id":null,"description":"updated feature DEMO-28 Language options","auditable_url":"http://app.example.com/features/DEMO-28","changes":[{"field_name":"Workflow status","value":"Under consideration &rarr; Ready to develop"}],"collated":{"count":1,"audit_ids":["6543581008138760991"],"first_at":"2018-04-12T15:16:17.922Z","last_at":"2018-04-12T15:16:17.922Z"}}}"#,
        ]
        .concat()
    );

    let release = of("release").json();
    assert_eq!(release["audit"]["created_at"], "2018-04-12T15:16:17.000Z");
    assert_eq!(
        release["audit"]["changes"],
        json!([
            {"field_name": "Rank", "value": 1},
            {"field_name": "Show feature remaining estimate", "value": true},
            {"field_name": "Type", "value": "Improvement"}
        ])
    );
    let vote = of("ideas/idea_endorsement").json();
    assert_eq!(vote["audit"]["auditable_id"], "1234567890123456789012345");
    assert_eq!((&vote["audit"]["user"], &vote["audit"]["changes"]), (&Value::Null, &json!([])));
    let tag = of("tag").json();
    assert_eq!(
        (&tag["audit"]["interesting"], &tag["audit"]["auditable_id"]),
        (&json!(false), &json!("1234567"))
    );
    let note = of("note").json();
    assert_eq!(
        (&note["audit"]["auditable_id"], &note["audit"]["associated_id"]),
        (&json!("77"), &json!("42"))
    );
    assert_eq!(note["audit"]["contributors"][0]["id"], "5");
    assert_eq!(note["audit"]["changes"][0]["value"], "<p>a <span class=\"inserted\">b</span></p>");
}

#[test]
fn the_edits_of_three_people_arrive_as_one_audit_that_names_them_all() {
    let receiver = Receiver::start();
    let server = Server::quiet("1s");
    server.api.integration(&receiver.url("/hook"), json!({}));
    let edit = |user: &str, field: &str, value: &str| {
        json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
               "workspace_id": "ws1", "user": {"id": user, "name": user},
               "changes": [{"field_name": field, "value": value}]})
    };
    server.api.post("/audits", &edit("Ada", "Name", "Exprot"), 202);
    server.api.post(
        "/audits",
        &json!([edit("Grace", "Status", "A &rarr; B"), edit("Ada", "Name", "Export")]),
        202,
    );
    let lines =
        format!("{}\n{}\n", edit("Alan", "Status", "B &rarr; C"), edit("Alan", "Due", "May"));
    server.api.post_text("/audits", "application/x-ndjson", lines.as_bytes(), 202);

    let open = server.api.get("/records?pending=true", 200)["items"].clone();
    assert_eq!(open[0]["record"], json!({"type": "feature", "id": "42"}));
    assert_eq!(
        (&open[0]["count"], &open[0]["fields"]),
        (&json!(5), &json!(["Name", "Status", "Due"]))
    );
    assert_eq!(open[0]["contributors"].as_array().unwrap().len(), 3);

    let got = receiver.wait_for(1).remove(0);
    let audit = &got.json()["audit"];
    assert_eq!(
        audit["changes"],
        json!([{"field_name": "Name", "value": "Export"}, {"field_name": "Status", "value": "A &rarr; C"},
               {"field_name": "Due", "value": "May"}])
    );
    let names: Vec<&str> = audit["contributors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| user["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Ada", "Grace", "Alan"]);
    assert_eq!((&audit["collated"]["count"], &audit["workspace_id"]), (&json!(5), &json!("ws1")));
    server.settled();
    assert_eq!(receiver.received().len(), 1);

    let messages = server.api.get("/messages?record=feature/42", 200)["items"].clone();
    assert_eq!((&messages[0]["status"], &messages[0]["audits"]), (&json!("delivered"), &json!(5)));
    let id = messages[0]["id"].as_str().unwrap();
    assert_eq!(id, got.headers["webhook-id"]);
    let whole = server.api.get(&format!("/messages/{id}"), 200);
    assert_eq!(whole["body"], got.body);
    assert_eq!(whole["attempts_made"][0]["response"]["body"], "from the receiver");
}

#[test]
fn the_same_id_again_is_answered_and_changes_nothing() {
    let receiver = Receiver::start();
    let server = Server::quiet("1s");
    server.api.integration(&receiver.url("/hook"), json!({}));
    let audit = |value: &str| {
        json!({"id": "once", "audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
               "changes": [{"field_name": "Name", "value": value}]})
    };
    assert_eq!(
        server.api.post("/audits", &audit("a"), 202),
        json!({"accepted": 1, "ids": ["once"], "duplicates": []})
    );
    assert_eq!(
        server.api.post("/audits", &audit("b"), 202),
        json!({"accepted": 0, "ids": [], "duplicates": ["once"]})
    );
    let got = receiver.wait_for(1).remove(0).json();
    assert_eq!(got["audit"]["changes"][0]["value"], "a");
    assert_eq!(got["audit"]["collated"]["count"], 1);
    server.settled();
    assert_eq!(server.api.get("/audits", 200)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_hook_that_was_down_gets_its_message_with_the_same_id_and_the_log_tells_the_story() {
    let receiver = Receiver::start();
    let server = Server::quiet("0s");
    server.api.integration(&receiver.url("/hook"), json!({}));
    receiver.will_answer(&[503]);
    let audit =
        json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42"});
    server.api.post("/audits", &audit, 202);
    let first = receiver.wait_for(1).remove(0);
    let owed = server.api.get("/messages?status=pending", 200)["items"].clone();
    assert_eq!(owed.as_array().unwrap().len(), 1);
    // A restart in between changes nothing. The second try comes five seconds after the first.
    let server = Server::start(server.stop());
    let second = receiver.wait_for(2).remove(1);
    assert_eq!(first.headers["webhook-id"], second.headers["webhook-id"]);
    assert_eq!(first.body, second.body);
    server.settled();
    let id = &first.headers["webhook-id"];
    let attempts = server.api.get(&format!("/messages/{id}/attempts"), 200)["items"].clone();
    let codes: Vec<&Value> =
        attempts.as_array().unwrap().iter().map(|attempt| &attempt["response"]["code"]).collect();
    assert_eq!(codes, [503, 200]);
}

#[test]
fn a_hook_that_is_not_there_is_said_so_in_words() {
    let mut server = Server::quiet("0s");
    server.may_owe();
    server.api.integration("http://127.0.0.1:9/hook", json!({}));
    server.api.post(
        "/audits",
        &json!({"audit_action": "update", "auditable_type": "f", "auditable_id": 1}),
        202,
    );
    let error = crate::harness::eventually("an attempt", || {
        let id = server.api.get("/messages", 200)["items"][0]["id"].as_str()?.to_owned();
        let attempts = server.api.get(&format!("/messages/{id}/attempts"), 200);
        attempts["items"][0]["error"].as_str().map(str::to_owned)
    });
    assert_eq!(error, "connection refused by 127.0.0.1:9");
}

#[test]
fn send_now_does_not_wait() {
    let receiver = Receiver::start();
    let server = Server::start(Options::quiet("1h").with(&["--max-wait", "2h"]));
    server.api.integration(&receiver.url("/hook"), json!({}));
    let audit =
        json!({"audit_action": "update", "auditable_type": "ideas/idea", "auditable_id": "a b"});
    server.api.post("/audits", &audit, 202);
    let open = server.api.get("/records?pending=true", 200)["items"][0].clone();
    assert!(open["cap"].as_str() > open["closes_at"].as_str(), "{open}");
    let path = "/records/ideas%2Fidea/a%20b/send-now";
    let made = server.api.post(path, &json!({}), 200)["messages"].clone();
    assert_eq!(made[0], receiver.wait_for(1)[0].headers["webhook-id"].as_str());
    assert_eq!(server.api.post(path, &json!({}), 404)["type"], "/problems/not-found");
    server.settled();
}

#[test]
fn an_integration_with_a_quiet_period_of_its_own_hears_sooner_and_a_live_one_at_once() {
    let receiver = Receiver::start();
    let mut server = Server::quiet("1h");
    server.may_owe();
    server.api.integration(&receiver.url("/live"), json!({"name": "live", "collation": "live"}));
    server.api.integration(&receiver.url("/quick"), json!({"name": "quick", "quiet_period": "1s"}));
    server.api.integration(&receiver.url("/server"), json!({"name": "server"}));
    let audit = |value: u32| {
        json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
               "changes": [{"field_name": "Name", "value": value}]})
    };
    server.api.post("/audits", &audit(1), 202);
    server.api.post("/audits", &audit(2), 202);
    let open = server.api.get("/records?pending=true", 200)["items"].clone();
    let quiet: Vec<&Value> =
        open.as_array().unwrap().iter().map(|window| &window["quiet_period"]).collect();
    assert!(quiet.contains(&&json!("1h")) && quiet.contains(&&json!("1s")), "{open}");
    let received = receiver.wait_for(3);
    let paths: Vec<&str> = received.iter().map(|got| got.path.as_str()).collect();
    assert_eq!(paths, ["/live", "/live", "/quick"]);
    assert_eq!(received[2].json()["audit"]["collated"]["count"], 2);
    let refused =
        json!({"name": "x", "kind": "activity", "hook_url": receiver.url("/"), "max_wait": "5m"});
    assert_eq!(
        server.api.post("/integrations", &refused, 422)["errors"][0]["pointer"],
        "/max_wait"
    );
}
