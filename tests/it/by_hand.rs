//! What people ask for: test, redeliver, cancel, recover, replay, discard, why.

use serde_json::{Value, json};

use crate::harness::{Options, Receiver, Server, eventually};

fn update(record: &str, field: &str) -> Value {
    json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record,
           "user": {"id": "101"}, "changes": [{"field_name": field, "value": 1}]})
}

/// A server, a receiver, and an integration without retries.
fn set_up(quiet_period: &str) -> (Server, Receiver, String) {
    let receiver = Receiver::start();
    let server = Server::start(Options::quiet(quiet_period));
    let id = server.api.integration(&receiver.url("/hook"), json!({"retry_schedule": []}));
    (server, receiver, id)
}

fn wait_for_status(server: &Server, status: &str) -> String {
    eventually(status, || {
        let found = server.api.get(&format!("/messages?status={status}"), 200);
        found["items"][0]["id"].as_str().map(str::to_owned)
    })
}

#[test]
fn a_test_sends_a_signed_sample_now_and_answers_with_the_attempt() {
    let (server, receiver, id) = set_up("1h");
    receiver.will_answer(&[201]);
    let attempt = server.api.post(&format!("/integrations/{id}/test"), &json!({}), 200);
    assert_eq!(
        (&attempt["response"]["code"], &attempt["trigger"]),
        (&json!(201), &json!("manual"))
    );
    assert_eq!(attempt["asked_by"], "admin");
    let got = receiver.wait_for(1).remove(0);
    assert!(got.headers["webhook-signature"].starts_with("v1,"));
    assert_eq!(got.json()["audit"]["auditable_type"], "lull/test");
    assert_eq!(server.api.get("/messages", 200)["items"], json!([]), "it is no message");
    server.api.post("/integrations/1/test", &json!({}), 404);
}

#[test]
fn what_failed_is_redelivered_and_what_is_done_with_cannot_be_cancelled() {
    let (server, receiver, integration) = set_up("0s");
    receiver.will_answer(&[500]);
    server.api.post("/audits", &update("1", "Name"), 202);
    let id = wait_for_status(&server, "failed");
    let failing = eventually("its integration is failing", || {
        let found = server.api.get(&format!("/integrations/{integration}"), 200);
        (found["status"] == "failing").then_some(found)
    });
    assert!(failing["last_error_at"].is_string() && failing["last_delivery_at"].is_null());
    let path = format!("/messages/{id}");
    server.api.post(&format!("{path}/cancel"), &json!({}), 409);
    assert_eq!(server.api.post(&format!("{path}/redeliver"), &json!({}), 202)["queued"], 1);
    assert_eq!(wait_for_status(&server, "delivered"), id);
    let attempts = server.api.get(&path, 200)["attempts_made"].clone();
    assert_eq!(
        (&attempts[1]["trigger"], &attempts[1]["asked_by"]),
        (&json!("manual"), &json!("admin"))
    );
    let well = server.api.get(&format!("/integrations/{integration}"), 200);
    assert_eq!(
        (&well["status"], &well["last_error_at"]),
        (&json!("ok"), &failing["last_error_at"])
    );
    assert!(well["last_delivery_at"].as_str() >= well["last_error_at"].as_str(), "{well}");
    server.api.patch(&format!("/integrations/{integration}"), &json!({"enabled": false}), 200);
    let refused = server.api.post(&format!("{path}/redeliver"), &json!({}), 409);
    assert!(refused["detail"].as_str().unwrap().contains("disabled"));
    server.api.post("/messages/1/redeliver", &json!({}), 404);
}

#[test]
fn a_message_that_waits_is_cancelled_by_name() {
    let receiver = Receiver::start();
    let server = Server::quiet("0s");
    server.api.integration(&receiver.url("/hook"), json!({"retry_schedule": ["1h"]}));
    receiver.will_answer(&[500]);
    server.api.post("/audits", &update("1", "Name"), 202);
    let id = eventually("a failed attempt", || {
        let item = server.api.get("/messages", 200)["items"][0].clone();
        (item["attempts"] == 1).then(|| item["id"].as_str().unwrap().to_owned())
    });
    let cancelled = server.api.post(&format!("/messages/{id}/cancel"), &json!({}), 200);
    assert_eq!(
        (&cancelled["status"], &cancelled["settled_by"]),
        (&json!("cancelled"), &json!("admin"))
    );
}

#[test]
fn everything_that_failed_in_a_time_is_recovered_and_what_was_before_is_replayed() {
    let (server, receiver, id) = set_up("0s");
    receiver.will_answer(&[500, 500, 500]);
    for record in ["1", "2", "3"] {
        server.api.post("/audits", &update(record, "Name"), 202);
    }
    eventually("three failures", || {
        let failed = server.api.get("/messages?status=failed", 200);
        (failed["items"].as_array().unwrap().len() == 3).then_some(())
    });
    let path = format!("/integrations/{id}");
    let past = json!({"since": "2020-01-01T00:00:00Z", "until": "2021-01-01T00:00:00Z"});
    assert_eq!(server.api.post(&format!("{path}/recover"), &past, 202)["queued"], 0);
    let now = json!({"since": "2020-01-01T00:00:00Z"});
    let recovered = server.api.post(&format!("{path}/recover"), &now, 202);
    assert_eq!(recovered, json!({"queued": 3, "more": false}));
    receiver.wait_for(6);
    server.settled();

    let other = server.api.integration(&receiver.url("/other"), json!({"name": "new"}));
    let replayed = server.api.post(&format!("/integrations/{other}/replay"), &now, 202);
    assert_eq!(replayed["queued"], 3);
    let received = receiver.wait_for(9);
    assert_eq!(received.iter().filter(|got| got.path == "/other").count(), 3);
    server.settled();
    for wrong in
        [json!({}), json!({"since": "soon"}), json!({"since": "2020-01-01T00:00:00Z", "x": 1})]
    {
        server.api.post(&format!("{path}/recover"), &wrong, 422);
    }
}

#[test]
fn a_discarded_window_is_sent_to_nobody_and_the_record_tells_why() {
    let (server, receiver, id) = set_up("1h");
    let ranks = server.api.integration(
        &receiver.url("/ranks"),
        json!({"name": "ranks", "activities": [{"fields": ["Rank"]}]}),
    );
    let why = |integration: &str| {
        server.api.get(&format!("/records/feature/1/why?integration={integration}"), 200)["items"]
            .clone()
    };
    server.api.post("/audits", &update("1", "Name"), 202);
    assert_eq!((&why(&id)[0]["decision"], &why(&id)[0]["rule"]), (&json!("waiting"), &json!("R1")));
    assert_eq!(
        (&why(&ranks)[0]["decision"], &why(&ranks)[0]["rule"]),
        (&json!("filtered"), &json!("R7"))
    );

    server.api.post("/records/feature/1/send-now", &json!({}), 200);
    receiver.wait_for(1);
    server.settled();
    assert_eq!(why(&id)[0]["decision"], "addressed");
    assert_eq!(why(&id)[0]["message"]["status"], "delivered");

    server.api.post("/audits", &update("1", "Name"), 202);
    server.api.call(
        "POST",
        "/records/feature/1/discard",
        &[("content-type", "application/json")],
        br#"{"reason":"a mistake"}"#,
    );
    assert_eq!(why(&id)[1]["decision"], "discarded");
    assert_eq!(why(&id)[1]["why"], "its window was discarded by admin: a mistake");
    assert_eq!(receiver.received().len(), 1);
    assert_eq!(
        server.api.get("/audits", 200)["items"].as_array().unwrap().len(),
        2,
        "the history keeps it"
    );
    server.api.post("/records/feature/1/discard", &json!({}), 404);
    server.api.get("/records/feature/1/why", 400);
    server.api.get("/records/feature/1/why?integration=1", 404);
}

#[test]
fn a_record_tells_how_its_windows_closed_and_a_message_what_it_was_made_of() {
    let (server, _receiver, id) = set_up("1h");
    for field in ["Name", "Rank"] {
        server.api.post("/audits", &update("1", field), 202);
    }
    let closed = |query: &str| server.api.get(&format!("/records/feature/1/windows{query}"), 200);
    assert_eq!(closed("")["items"], json!([]), "it is open still");
    let sent = server.api.post("/records/feature/1/send-now", &json!({}), 200);
    let message = sent["messages"][0].as_str().expect("a message");
    server.settled();
    server.api.post("/audits", &update("1", "Name"), 202);
    let reason = json!({"reason": "a mistake"}).to_string();
    let headers = [("content-type", "application/json")];
    server.api.call("POST", "/records/feature/1/discard", &headers, reason.as_bytes());

    let windows = closed("")["items"].clone();
    let said = |at: usize, key: &str| windows[at][key].clone();
    assert_eq!((said(0, "closed_by"), said(0, "reason")), (json!("discarded"), json!("a mistake")));
    assert_eq!((said(1, "closed_by"), said(1, "by")), (json!("send_now"), json!("admin")));
    assert_eq!((said(1, "audits"), said(1, "quiet_period")), (json!(2), json!("1h")));
    let to = &windows[1]["addressed"][0];
    assert_eq!((&to["integration"]["id"], &to["message"]["id"]), (&json!(id), &json!(message)));
    assert_eq!(windows[0]["addressed"], json!([]));
    let first = closed("?limit=1");
    let second = closed(&format!("?limit=1&after={}", first["next"].as_str().expect("more")));
    assert_eq!((&second["items"][0], &second["next"]), (&windows[1], &json!(null)));

    let whole = server.api.get(&format!("/messages/{message}"), 200);
    assert_eq!(whole["window"], windows[1]);
    let of = |query: &str| server.api.get(&format!("/messages/{message}/audits{query}"), 200);
    let fields = |page: &Value| -> Vec<Value> {
        let items = page["items"].as_array().expect("a page").iter();
        items.map(|audit| audit["changes"][0]["field_name"].clone()).collect()
    };
    assert_eq!(fields(&of("")), [json!("Name"), json!("Rank")]);
    let first = of("?limit=1");
    let rest = of(&format!("?after_id={}", first["next"].as_str().expect("more")));
    assert_eq!((fields(&rest), &rest["next"]), (vec![json!("Rank")], &json!(null)));
}

#[test]
fn what_an_integration_did_not_see_is_not_among_the_audits_of_its_message() {
    let (server, receiver, _) = set_up("1h");
    let spec = |format: &str| json!({"name": format, "format": format, "activities": [{"fields": ["Rank"]}]});
    for format in ["audit", "slack"] {
        server.api.integration(&receiver.url("/ranks"), spec(format));
    }
    for field in ["Name", "Rank"] {
        server.api.post("/audits", &update("1", field), 202);
    }
    let sent = server.api.post("/records/feature/1/send-now", &json!({}), 200);
    let mut counts: Vec<usize> = Vec::new();
    for message in sent["messages"].as_array().expect("messages") {
        let path = format!("/messages/{}/audits", message.as_str().expect("an id"));
        counts.push(server.api.get(&path, 200)["items"].as_array().expect("audits").len());
    }
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 2]);
    server.settled();
}

/// What became of each audit of record 1: the decision, the rule, and the status of the message that
/// it went into.
fn why(server: &Server, integration: &str) -> Vec<[Value; 3]> {
    let path = format!("/records/feature/1/why?integration={integration}");
    let items = server.api.get(&path, 200)["items"].clone();
    let of = |item: &Value| {
        [item["decision"].clone(), item["rule"].clone(), item["message"]["status"].clone()]
    };
    items.as_array().unwrap().iter().map(of).collect()
}

#[test]
fn the_record_tells_what_was_sent_live_and_what_was_replayed() {
    let (server, receiver, collated) = set_up("1h");
    let make =
        |name: &str, edit: Value| server.api.integration(&receiver.url(&format!("/{name}")), edit);
    let live = make("live", json!({"collation": "live"}));
    let all = make("all", json!({"collation": "all"}));
    server.api.post("/audits", &json!([update("1", "Name"), update("1", "Status")]), 202);
    eventually("four live deliveries", || {
        let delivered = server.api.get("/messages?status=delivered", 200);
        (delivered["items"].as_array().unwrap().len() == 4).then_some(())
    });
    let sent = || [json!("addressed"), json!("R16"), json!("delivered")];
    assert_eq!(why(&server, &live), [sent(), sent()]);
    let waits = |status: Value| [json!("waiting"), json!("R1"), status];
    assert_eq!(why(&server, &collated), [waits(Value::Null), waits(Value::Null)]);
    assert_eq!(why(&server, &all), [waits(json!("delivered")), waits(json!("delivered"))]);

    server.api.post("/records/feature/1/send-now", &json!({}), 200);
    receiver.wait_for(6);
    server.settled();
    let together = || [json!("addressed"), json!("R7"), json!("delivered")];
    assert_eq!(why(&server, &collated), [together(), together()]);
    assert_eq!(why(&server, &all), [together(), together()]);
    assert_eq!(why(&server, &live), [sent(), sent()]);

    let late = make("late", json!({}));
    let nothing = || [json!("not_addressed"), json!("R10"), Value::Null];
    assert_eq!(why(&server, &late), [nothing(), nothing()]);
    let since = json!({"since": "2020-01-01T00:00:00Z"});
    let replayed = server.api.post(&format!("/integrations/{late}/replay"), &since, 202);
    assert_eq!(replayed["queued"], 1);
    receiver.wait_for(7);
    server.settled();
    assert_eq!(why(&server, &late), [together(), together()]);
    let attempt = crate::harness::first_attempt(&server.api, &late);
    assert_eq!((&attempt["trigger"], &attempt["asked_by"]), (&json!("manual"), &json!("admin")));
}

#[test]
fn a_rotated_secret_is_shown_once_and_both_sign_for_a_while() {
    let (server, receiver, id) = set_up("0s");
    let path = format!("/integrations/{id}/rotate-secret");
    let until = |rotated: &Value| {
        let until = rotated["old_secret_signs_until"].as_str().unwrap().to_owned();
        until.parse::<jiff::Timestamp>().unwrap().as_second() - jiff::Timestamp::now().as_second()
    };
    let rotated = server.api.post(&path, &json!({}), 200);
    assert!((86_300..=86_400).contains(&until(&rotated)), "a day: {rotated}");
    let rotated = server.api.post(&path, &json!({"overlap": "1h"}), 200);
    assert!((3_500..=3_600).contains(&until(&rotated)), "an hour: {rotated}");
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
    server.api.post("/audits", &update("1", "Name"), 202);
    let signatures = receiver.wait_for(1)[0].headers["webhook-signature"].clone();
    assert_eq!(signatures.split(' ').filter(|token| token.starts_with("v1,")).count(), 2);
    server.settled();
    assert!(
        server.api.post(&path, &json!({"overlap": "soon"}), 422)["detail"]
            .as_str()
            .unwrap()
            .contains("/overlap")
    );
    server.api.post(&path, &json!({"overlap": "0s"}), 200);
    server.api.post("/audits", &update("2", "Name"), 202);
    assert!(!receiver.wait_for(2)[1].headers["webhook-signature"].contains(' '));
    server.settled();
}
