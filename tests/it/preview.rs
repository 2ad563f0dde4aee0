//! Open windows, and what they promise.

use serde_json::{Value, json};

use crate::harness::{Receiver, Server};

fn edit(record: &str, user: &str, field: &str) -> Value {
    json!({"audit_action": "update", "auditable_type": "ideas/idea", "auditable_id": record,
           "user": {"id": user, "name": user.to_uppercase()},
           "changes": [{"field_name": field, "value": user}]})
}

#[test]
fn an_open_window_says_what_would_be_sent_to_whom_and_that_is_sent() {
    let receiver = Receiver::start();
    let server = Server::quiet("1h");
    let all = server.api.integration(&receiver.url("/all"), json!({"name": "all"}));
    let names = json!({"name": "names", "activities": [{"fields": ["Name"]}]});
    let names = server.api.integration(&receiver.url("/names"), names);
    let off = json!({"name": "off", "enabled": false});
    server.api.integration(&receiver.url("/off"), off);
    let edits = [edit("4/2", "ada", "Name"), edit("4/2", "grace", "Status")];
    server.api.post("/audits", &json!(edits), 202);

    let expected = json!([
        {"integration": {"id": all, "name": "all"}, "audits": 2, "fields": ["Name", "Status"],
         "contributors": ["ADA", "GRACE"], "absorbs": null},
        {"integration": {"id": names, "name": "names"}, "audits": 1, "fields": ["Name"],
         "contributors": ["ADA"], "absorbs": null},
    ]);
    let listed = server.api.get("/records?pending=true", 200);
    assert_eq!(listed["items"][0]["preview"], expected);
    assert_eq!(listed["items"][0]["preview_cut"], false);
    let with_bodies = server.api.get("/records?pending=true&preview=true", 200);
    let one = server.api.get("/records/ideas%2Fidea/4%2F2", 200);
    assert_eq!(one["items"], with_bodies["items"]);
    assert_eq!(one["stored"], Value::Null, "it was not put");

    server.api.post("/records/ideas%2Fidea/4%2F2/send-now", &json!({}), 200);
    receiver.wait_for(2);
    server.settled();
    for promised in one["items"][0]["preview"].as_array().unwrap() {
        let integration = promised["integration"]["id"].as_str().unwrap();
        let log = server.api.get(&format!("/messages?integration={integration}"), 200);
        let id = log["items"][0]["id"].as_str().unwrap();
        let message = server.api.get(&format!("/messages/{id}"), 200);
        assert_eq!(message["body"], promised["body"]);
    }
    let problem = server.api.get("/records/ideas%2Fidea/4%2F2", 404);
    assert_eq!(problem["type"], "/problems/not-found");
}

#[test]
fn pages_with_bodies_are_short() {
    let server = Server::quiet("1h");
    let edits: Vec<Value> =
        (0..60).map(|record| edit(&record.to_string(), "ada", "Name")).collect();
    server.api.post("/audits", &json!(edits), 202);
    let problem = server.api.get("/records?pending=true&preview=true&limit=51", 400);
    assert!(problem["detail"].as_str().unwrap().contains("from 1 to 50"), "{problem}");
    let first = server.api.get("/records?pending=true&preview=true&limit=50", 200);
    let next = first["next"].as_str().unwrap();
    let rest = server.api.get(&format!("/records?pending=true&preview=true&after={next}"), 200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 10);
    assert_eq!(
        server.api.get("/records?pending=true&limit=1000", 200)["items"].as_array().unwrap().len(),
        60
    );
    let problem = server.api.get("/records?pending=true&preview=yes", 400);
    assert!(problem["detail"].as_str().unwrap().contains("preview"), "{problem}");
    server.api.get("/records/feature/1", 404);
    server.api.get("/records/feature/1?x=1", 400);
    server.api.with_token(None).get("/records/ideas%2Fidea/1", 401);
}

#[test]
fn a_page_of_long_windows_is_short_and_leads_on() {
    let server = Server::quiet("1h");
    for _ in 0..100 {
        server.api.integration("https://example.com/hook", json!({"enabled": false}));
    }
    for record in ["1", "2", "3", "4"] {
        let edits: Vec<Value> = (0..1_000).map(|_| edit(record, "ada", "Name")).collect();
        server.api.post("/audits", &json!(edits), 202);
    }
    let first = server.api.get("/records?pending=true", 200);
    assert_eq!(first["items"].as_array().unwrap().len(), 2, "as many as are not too much");
    assert_eq!(first["items"][0]["count"], 1_000);
    let listed = server.api.all("/records?pending=true", "after");
    let ids: Vec<&Value> = listed.iter().map(|item| &item["record"]["id"]).collect();
    assert_eq!(ids, ["1", "2", "3", "4"]);
}
