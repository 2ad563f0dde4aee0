//! The pickers: what was learned from audits, through the real server.

use serde_json::{Value, json};

use crate::harness::{Options, Server};

fn edit(record_type: &str, workspace: Option<&str>, user: Value, fields: &[&str]) -> Value {
    let changes: Vec<Value> =
        fields.iter().map(|field| json!({"field_name": field, "value": 1})).collect();
    json!({"audit_action": "update", "auditable_type": record_type, "auditable_id": "1",
           "workspace_id": workspace, "user": user, "changes": changes})
}

#[test]
fn users_record_types_and_fields_are_learned_from_audits_and_survive_a_kill() {
    let server = Server::quiet("1h");
    for path in ["/users", "/record-types", "/fields"] {
        assert_eq!(server.api.get(path, 200), json!({"items": [], "next": null}), "{path}");
    }
    let ada = json!({"id": 101, "name": "Ada", "email": "ada@example.com"});
    let edits = json!([
        edit("feature", Some("ws1"), ada, &["Name", "Status"]),
        edit("ideas/idea", Some("ws2"), json!({"id": "102", "name": "Grace"}), &["Name"]),
        edit("comment", None, Value::Null, &[]),
    ]);
    server.api.post("/audits", &edits, 202);
    server.api.post("/audits", &json!([edit("refused", None, json!({}), &[])]), 422);
    let learned = |server: &Server| {
        assert_eq!(
            server.api.get("/users", 200)["items"],
            json!([{"id": "101", "name": "Ada", "email": "ada@example.com"},
                   {"id": "102", "name": "Grace", "email": null}])
        );
        assert_eq!(
            server.api.get("/record-types", 200)["items"],
            json!([{"name": "comment"}, {"name": "feature"}, {"name": "ideas/idea"}])
        );
        assert_eq!(
            server.api.get("/fields", 200)["items"],
            json!([{"name": "Name", "record_types": ["feature", "ideas/idea"]},
                   {"name": "Status", "record_types": ["feature"]}])
        );
    };
    learned(&server);
    let server = Server::start(server.kill());
    learned(&server);

    // A user with a new name is the same user.
    let renamed = json!({"id": "101", "name": "Countess Ada"});
    server.api.post("/audits", &edit("feature", Some("ws1"), renamed, &[]), 202);
    let users = server.api.get("/users?q=countess", 200)["items"].clone();
    assert_eq!(users, json!([{"id": "101", "name": "Countess Ada", "email": "ada@example.com"}]));
    assert_eq!(server.api.get("/users?q=102", 200)["items"][0]["name"], "Grace");
}

#[test]
fn pickers_are_searched_and_read_page_by_page() {
    let server = Server::start(Options::quiet("1h"));
    let edits: Vec<Value> = (0..120)
        .map(|number| {
            let id = format!("{number:03}");
            let user = json!({"id": id, "name": format!("User {id}")});
            edit(&format!("type {id}"), None, user, &[&format!("Field {id}")])
        })
        .collect();
    server.api.post("/audits", &json!(edits), 202);
    for (path, key) in [("/users", "id"), ("/record-types", "name"), ("/fields", "name")] {
        let first = server.api.get(path, 200);
        let items = first["items"].as_array().unwrap();
        assert_eq!(items.len(), 50, "{path}");
        assert_eq!(first["next"], items[49][key]);
        let cursor = first["next"].as_str().unwrap().replace(' ', "%20");
        let second = server.api.get(&format!("{path}?after={cursor}&limit=70"), 200);
        assert_eq!(
            (second["items"].as_array().unwrap().len(), &second["next"]),
            (70, &Value::Null)
        );
        let found = server.api.get(&format!("{path}?q=11"), 200)["items"].as_array().unwrap().len();
        assert_eq!(found, 11, "{path}: 011, and 110 to 119");
        for (query, named) in [("limit=0", "limit"), ("after=", "after"), ("x=1", "\"x\"")] {
            let problem = server.api.get(&format!("{path}?{query}"), 400);
            assert!(problem["detail"].as_str().unwrap().contains(named), "{problem}");
        }
        server.api.with_token(None).get(path, 401);
        assert_eq!(server.api.patch(path, &json!({}), 405)["type"], "/problems/method-not-allowed");
    }
    let of_type = server.api.get("/fields?record_type=TYPE%20007", 200)["items"].clone();
    assert_eq!(of_type, json!([{"name": "Field 007", "record_types": ["type 007"]}]));
    assert_eq!(server.api.get("/fields?record_type=type", 200)["items"], json!([]));
    server.api.get("/fields?record_type=", 400);
}
