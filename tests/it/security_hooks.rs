//! Security events: posted, taken down, sent; and those of Lull itself.

use serde_json::{Value, json};

use crate::harness::{Client, Receiver, Server, eventually, executable, run};

fn hook(api: &Client, url: &str, edit: Value) -> String {
    let mut spec = json!({"name": "siem", "kind": "security", "hook_url": url});
    json_patch::merge(&mut spec, &edit);
    api.post("/integrations", &spec, 201)["id"].as_str().expect("an id").to_owned()
}

fn listed(api: &Client, filter: &str) -> Vec<String> {
    let items = api.get(&format!("/security-events?{filter}"), 200)["items"].clone();
    let items = items.as_array().expect("a list").clone();
    items.iter().map(|item| item["action"].as_str().expect("an action").to_owned()).collect()
}

#[test]
fn events_arrive_at_once_in_order_and_once_even_when_the_hook_fails_and_the_server_is_killed() {
    let receiver = Receiver::start();
    let server = Server::quiet("5m");
    hook(
        &server.api,
        &receiver.url("/siem"),
        json!({"actions": ["login.*"], "retry_schedule": ["1s", "1s", "1s"]}),
    );
    receiver.will_answer(&[500]);
    let events: Vec<Value> = (0..5)
        .map(|n| json!({"id": format!("s-{n}"), "action": "login.failed", "ip": "192.0.2.1"}))
        .collect();
    let kept = server.api.post("/security-events", &json!(events), 202);
    assert_eq!((&kept["accepted"], &kept["ids"][4]), (&json!(5), &json!("s-4")));
    receiver.wait_for(1);
    // The first has failed, so the rest waits behind it; over the end of the server, too.
    let server = Server::start(server.kill());
    let again = server.api.post("/security-events", &events[0], 202);
    assert_eq!(again["duplicates"], json!(["s-0"]));
    server.api.post("/security-events", &json!({"action": "export.created"}), 202);
    server.settled();
    let received = receiver.received();
    let mut ids: Vec<String> = received
        .iter()
        .map(|one| one.json()["security"]["id"].as_str().expect("an id").to_owned())
        .collect();
    ids.dedup();
    assert_eq!(ids, ["s-0", "s-1", "s-2", "s-3", "s-4"]);
    let body = received.last().expect("one").json();
    assert_eq!(
        (&body["event"], &body["security"]["ip"]),
        (&json!("security"), &json!("192.0.2.1"))
    );
    assert_eq!(body["security"]["hash"].as_str().map(str::len), Some(64));
    assert!(received[0].headers["webhook-signature"].starts_with("v1,"));
}

#[test]
fn what_cannot_be_an_event_is_refused_with_its_place_and_nothing_is_kept() {
    let server = Server::quiet("5m");
    let before = listed(&server.api, "limit=100").len();
    for (event, pointer) in [
        (json!({}), "/action"),
        (json!({"action": ""}), "/action"),
        (json!({"action": "login", "severity": 11}), "/severity"),
        (json!({"action": "login", "ip": "example.com"}), "/ip"),
        (json!({"action": "login", "outcome": "maybe"}), "/outcome"),
        (json!({"action": "login", "target": {"type": "user"}}), "/target/id"),
        (json!({"action": "login", "details": []}), "/details"),
        (json!({"action": "login", "colour": "red"}), "/colour"),
        (json!({"action": "login", "user": {"name": "Ada"}}), "/user/id"),
    ] {
        let refused =
            server.api.post("/security-events", &json!([{"action": "login"}, event]), 422);
        assert_eq!(refused["errors"][0]["index"], 1, "{refused}");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    assert_eq!(listed(&server.api, "limit=100").len(), before);
    for (edit, pointer) in [
        (json!({"workspace_id": "ws1"}), "/workspace_id"),
        (json!({"activities": [{}]}), "/activities"),
        (json!({"format": "slack"}), "/format"),
        (json!({"quiet_period": "1m"}), "/quiet_period"),
        (json!({"batch": {"max_events": 10, "max_wait": "1s"}}), "/batch"),
        (
            json!({"format": "cef", "batch": {"max_events": 0, "max_wait": "1s"}}),
            "/batch/max_events",
        ),
        (json!({"gzip": true}), "/gzip"),
        (json!({"kind": "activity", "actions": ["login"]}), "/actions"),
    ] {
        let mut spec =
            json!({"name": "siem", "kind": "security", "hook_url": "http://127.0.0.1:9/"});
        json_patch::merge(&mut spec, &edit);
        let refused = server.api.post("/integrations", &spec, 422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
}

#[test]
fn what_lull_itself_does_is_taken_down_with_who_did_it_and_sent_like_the_rest() {
    let receiver = Receiver::start();
    let server = Server::quiet("5m");
    hook(&server.api, &receiver.url("/siem"), json!({"actions": ["token.*", "integration.*"]}));
    let api = &server.api;
    let token = api.post("/tokens", &json!({"name": "ci", "roles": ["producer"]}), 201);
    let id = api.integration("http://127.0.0.1:9/", json!({}));
    api.patch(&format!("/integrations/{id}"), &json!({"quiet_period": "1m"}), 200);
    api.patch(&format!("/integrations/{id}"), &json!({"enabled": false}), 200);
    api.post(&format!("/integrations/{id}/rotate-secret"), &json!({}), 200);
    api.delete(&format!("/integrations/{id}"), 204);
    api.delete(&format!("/tokens/{}", token["id"].as_str().expect("an id")), 204);
    api.with_token(Some("lull_wrong")).get("/messages", 401);
    eventually("the failure is taken down", || {
        (listed(api, "action=login.failed&outcome=failure") == ["login.failed"]).then_some(())
    });
    let about = listed(api, &format!("target=integration/{id}"));
    assert_eq!(
        about,
        [
            "integration.deleted",
            "secret.rotated",
            "integration.disabled",
            "integration.changed",
            "integration.created"
        ]
    );
    let changed = api.get("/security-events?action=integration.changed", 200)["items"][0].clone();
    assert_eq!(changed["details"]["changed"], json!(["quiet_period"]));
    assert_eq!((&changed["user"]["name"], &changed["ip"]), (&json!("admin"), &json!("127.0.0.1")));
    // The hook was told of its own making as well.
    let received = receiver.wait_for(7);
    let actions: Vec<Value> =
        received.iter().map(|one| one.json()["security"]["action"].clone()).collect();
    let sent = [
        "integration.created",
        "token.created",
        "integration.created",
        "integration.changed",
        "integration.disabled",
        "integration.deleted",
        "token.revoked",
    ];
    assert_eq!(actions, sent);
    let all = received.iter().map(|one| one.body.as_str()).collect::<String>();
    assert!(!all.contains("whsec_") && !all.contains(token["token"].as_str().expect("a token")));
}

#[test]
fn owners_see_what_is_about_their_integrations_and_nobody_sees_another_account() {
    let server = Server::quiet("5m");
    let api = &server.api;
    let of = |name: &str| json!({"name": name, "roles": ["owner"], "workspaces": [name]});
    let owner = api.post("/tokens", &of("ws1"), 201);
    let owner = api.with_token(owner["token"].as_str());
    owner.integration("http://127.0.0.1:9/", json!({"workspace_id": "ws1"}));
    api.integration("http://127.0.0.1:9/", json!({"workspace_id": "ws2"}));
    api.post("/security-events", &json!({"action": "login"}), 202);
    assert_eq!(listed(&owner, "limit=100"), ["integration.created"]);
    let other = api.post("/accounts", &json!({"id": "other"}), 201);
    let other = api.with_token(other["token"].as_str());
    assert_eq!(listed(&other, "limit=100"), ["account.created"]);
    other.post("/security-events", &json!({"id": "x", "action": "login"}), 202);
    assert!(!listed(api, "limit=100").is_empty() && listed(api, "user_id=nobody").is_empty());
}

#[test]
fn the_check_of_a_stopped_server_finds_nothing_wrong() {
    let receiver = Receiver::start();
    let server = Server::quiet("0s");
    server.api.integration(&receiver.url("/"), json!({}));
    hook(&server.api, &receiver.url("/siem"), json!({}));
    for n in 0..20 {
        let audit = json!({"id": format!("a{n}"), "audit_action": "update", "auditable_type": "feature",
                           "auditable_id": n % 5, "user": {"id": "101"}});
        server.api.post("/audits", &audit, 202);
        server.api.post("/security-events", &json!({"action": "login"}), 202);
    }
    server.settled();
    let check = |data: &std::path::Path| run(executable().arg("check").arg("--data").arg(data));
    let options = server.kill();
    let checked = check(&options.data());
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success() && said.contains("nothing is wrong"), "{said}");
    assert!(said.contains("read 20 audits"), "{said}");
    // One that runs has it open.
    let server = Server::start(options);
    let checked = check(&server.options.data());
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(!checked.status.success() && said.contains("stop it first"), "{said}");
    let empty = tempfile::tempdir().expect("a folder");
    let said = String::from_utf8_lossy(&check(empty.path()).stderr).into_owned();
    assert!(said.contains("there is no store"), "{said}");
}
