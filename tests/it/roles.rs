//! Who may call what: every row of the table by every role, about things of its own workspace, of
//! another workspace, of the whole account, and of another account.

use std::cell::Cell;

use lull::model::Role;
use lull::web::access::{Row, TABLE, Who};
use serde_json::{Value, json};

use crate::harness::{Client, Options, Server};

/// A hook that is never there; what is owed to it stays owed.
const HOOK: &str = "http://127.0.0.1:9/";

/// A server with two accounts, each with two workspaces.
struct Place {
    server: Server,
    /// The administrator of the other account.
    other: Client,
    made: Cell<u32>,
}

/// Whose thing a call is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whose {
    /// Of the workspace that the owner owns.
    OwnWorkspace,
    OtherWorkspace,
    WholeAccount,
    OtherAccount,
}

impl Place {
    fn new() -> Self {
        let mut server = Server::start(Options::quiet("1h"));
        server.may_owe();
        let made = server.api.post("/accounts", &json!({"id": "other"}), 201);
        let other = server.api.with_token(made["token"].as_str());
        for admin in [&server.api, &other] {
            for workspace in ["ws1", "ws2"] {
                admin.post("/workspaces", &json!({"id": workspace}), 201);
            }
        }
        Self { server, other, made: Cell::new(0) }
    }

    fn token(&self, role: Role) -> Client {
        let workspaces = if role == Role::Owner { json!(["ws1"]) } else { json!([]) };
        let token = json!({"name": role.name(), "roles": [role.name()], "workspaces": workspaces});
        let made = self.server.api.post("/tokens", &token, 201);
        self.server.api.with_token(made["token"].as_str())
    }

    /// Another name each time.
    fn fresh(&self, what: &str) -> String {
        self.made.set(self.made.get() + 1);
        format!("{what}-{}", self.made.get())
    }

    fn admin(&self, whose: Whose) -> &Client {
        if whose == Whose::OtherAccount { &self.other } else { &self.server.api }
    }

    /// A fresh thing for a call to be about: the path, and what to send.
    fn call(&self, row: &Row, whose: Whose) -> (String, Value) {
        let (admin, workspace) = (self.admin(whose), whose.workspace());
        let spec = |collation: &str| {
            json!({"name": self.fresh("hook"), "kind": "activity", "hook_url": HOOK,
                   "workspace_id": workspace, "collation": collation})
        };
        let audit = |record: &str| {
            json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record,
                   "workspace_id": workspace.unwrap_or("elsewhere")})
        };
        let integration = |collation: &str| {
            let made = admin.post("/integrations", &spec(collation), 201);
            made["id"].as_str().expect("an id").to_owned()
        };
        let made = |path: &str, body: Value| admin.post(path, &body, 201)["id"].clone();
        let path = match row.path {
            "/integrations/{id}" => format!("/integrations/{}", integration("collated")),
            path if path.starts_with("/integrations/{id}/") => {
                path.replace("{id}", &integration("collated"))
            }
            path if path.starts_with("/messages/{id}") => {
                let to = integration("live");
                admin.post("/audits", &audit(&self.fresh("record")), 202);
                let log = admin.get(&format!("/messages?integration={to}"), 200);
                path.replace("{id}", log["items"][0]["id"].as_str().expect("a message"))
            }
            path if path.starts_with("/records/{type}/{id}") => {
                let record = self.fresh("record");
                admin.post("/audits", &audit(&record), 202);
                let workspace = json!({"workspace_id": workspace.unwrap_or("elsewhere")});
                admin.put(&format!("/records/feature/{record}"), &workspace, 200);
                let mut path = path.replace("{type}", "feature").replace("{id}", &record);
                if path.contains("{integration}") {
                    let spec = json!({"name": self.fresh("hook"), "kind": "record", "hook_url": HOOK,
                                      "workspace_id": workspace["workspace_id"]});
                    let hook = admin.post("/integrations", &spec, 201)["id"].clone();
                    let hook = hook.as_str().expect("an id");
                    if row.method == "DELETE" {
                        let send = format!("/records/feature/{record}/send-to/{hook}");
                        admin.post(&send, &json!({}), 200);
                    }
                    path = path.replace("{integration}", hook);
                }
                match path.ends_with("/why") {
                    true => format!("{path}?integration={}", integration("collated")),
                    false => path,
                }
            }
            "/records" => "/records?pending=true".to_owned(),
            "/tokens/{id}" => {
                let token = json!({"name": self.fresh("token"), "roles": ["producer"]});
                format!("/tokens/{}", made("/tokens", token).as_str().expect("an id"))
            }
            "/workspaces/{id}" => {
                let id = made("/workspaces", json!({"id": self.fresh("ws")}));
                format!("/workspaces/{}", id.as_str().expect("an id"))
            }
            "/accounts/{id}" => {
                let account = json!({"id": self.fresh("account")});
                let made = self.server.api.post("/accounts", &account, 201);
                format!("/accounts/{}", made["id"].as_str().expect("an id"))
            }
            path => path.to_owned(),
        };
        let body = match (row.method, row.path) {
            ("POST", "/audits") => audit(&self.fresh("record")),
            ("POST", "/security-events") => json!({"action": "login"}),
            ("POST", "/integrations") => spec("collated"),
            ("PUT", "/config") => json!({"integrations": []}),
            ("PUT", _) => json!({"workspace_id": workspace.unwrap_or("elsewhere")}),
            ("PATCH", _) => json!({"enabled": false}),
            ("POST", "/workspaces") => json!({"id": self.fresh("ws")}),
            ("POST", "/accounts") => json!({"id": self.fresh("account")}),
            ("POST", "/tokens") => json!({"name": self.fresh("token"), "roles": ["producer"]}),
            ("POST", path) if path.ends_with("/recover") || path.ends_with("/replay") => {
                json!({"since": "2026-01-01T00:00:00Z"})
            }
            _ => Value::Null,
        };
        let outside = matches!(row.path, "/healthz" | "/readyz" | "/metrics");
        (if outside { format!("//{}", &path[1..]) } else { path }, body)
    }

    /// The status of the call, and what was said.
    fn status(&self, by: &Client, row: &Row, whose: Whose) -> (u16, String) {
        let (path, body) = self.call(row, whose);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("content-type", "application/json")];
        let headers = if body.is_null() { &headers[..0] } else { &headers[..] };
        let answer = by.call(row.method, &path, headers, text.as_bytes()).expect("an answer");
        (answer.status, format!("{} {path} ({whose:?}): {}", row.method, answer.text))
    }
}

impl Whose {
    const ALL: [Whose; 4] =
        [Whose::OwnWorkspace, Whose::OtherWorkspace, Whose::WholeAccount, Whose::OtherAccount];

    fn workspace(self) -> Option<&'static str> {
        match self {
            Whose::OwnWorkspace => Some("ws1"),
            Whose::OtherWorkspace => Some("ws2"),
            Whose::WholeAccount => None,
            Whose::OtherAccount => Some("ws1"),
        }
    }
}

/// Whether the call is about one thing that somebody owns, which the path names. The windows of a
/// record that have closed are a list, which leaves out what the caller does not see.
fn is_about_a_thing(row: &Row) -> bool {
    // What is put is the caller's own.
    let puts = row.method == "PUT";
    let others = ["/accounts/{id}", "/records/{type}/{id}/windows"];
    row.path.contains('{') && !others.contains(&row.path) && !puts
}

/// Whether that thing, or the one to be made, is of a workspace.
fn is_of_a_workspace(row: &Row) -> bool {
    let makes_one = (row.method, row.path) == ("POST", "/integrations");
    let of_account = row.path.starts_with("/tokens") || row.path.starts_with("/workspaces");
    makes_one || (is_about_a_thing(row) && !of_account)
}

#[test]
fn every_call_is_open_to_the_roles_of_its_row_and_closed_to_all_others() {
    let place = Place::new();
    let nobody = place.server.api.with_token(None);
    for row in TABLE {
        let (status, said) = place.status(&nobody, row, Whose::OwnWorkspace);
        match row.who {
            Who::Anyone => assert_ne!(status, 401, "{said}"),
            _ => assert_eq!(status, 401, "{said}"),
        }
        if status == 401 {
            assert!(said.contains("Authorization: Bearer"), "{said}");
        }
        // A wrong token opens no more; after some it is told to slow down.
        let stranger = place.server.api.with_token(Some("lull_wrong"));
        let (status, said) = place.status(&stranger, row, Whose::OwnWorkspace);
        assert!(row.who == Who::Anyone || matches!(status, 401 | 429), "{said}");
    }
}

#[test]
fn pages_are_open_to_everybody_also_where_a_call_has_the_same_name() {
    let place = Place::new();
    let headers = [("accept", "text/html")];
    for by in [place.server.api.with_token(None), place.token(Role::Producer)] {
        for path in
            ["/", "/records", "/records/feature/1", "/integrations", "/messages/1", "/settings"]
        {
            let answer = by.call("GET", &format!("/{path}"), &headers, b"").expect("an answer");
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            assert!(answer.text.contains("<!doctype html>"), "{path}: {}", answer.text);
        }
    }
}

#[test]
fn what_a_role_may_do_ends_where_the_table_says() {
    let place = Place::new();
    for role in Role::ALL {
        let by = place.token(role);
        for row in TABLE {
            let Who::Roles(roles) = row.who else { continue };
            for whose in Whose::ALL {
                let (status, said) = place.status(&by, row, whose);
                let said = format!("{role}: {status} {said}");
                let strange = whose != Whose::OwnWorkspace && is_of_a_workspace(row);
                // An operator sees to the tokens of every account.
                let everywhere = role == Role::Operator && row.path == "/tokens/{id}";
                if !roles.contains(&role) {
                    assert_eq!(status, 403, "{said}");
                    assert!(roles.iter().any(|role| said.contains(role.name())), "{said}");
                } else if whose == Whose::OtherAccount && is_about_a_thing(row) && !everywhere {
                    assert_eq!(status, 404, "{said}");
                } else if role == Role::Owner && strange && whose != Whose::OtherAccount {
                    assert_eq!(status, 403, "{said}");
                    assert!(said.contains("the role admin"), "{said}");
                } else {
                    assert!((200..300).contains(&status), "{said}");
                }
            }
        }
    }
}

#[test]
fn lists_show_an_owner_what_is_of_its_workspaces_and_nobody_another_account() {
    let place = Place::new();
    let post_message = TABLE.iter().find(|row| row.path == "/messages/{id}").expect("in the table");
    for whose in Whose::ALL {
        place.call(post_message, whose);
    }
    let count = |by: &Client, path: &str| by.all(path, "after").len();
    let (owner, viewer) = (place.token(Role::Owner), place.token(Role::Viewer));
    for (path, of_owner, of_account) in
        [("/integrations", 1, 3), ("/messages", 1, 3), ("/workspaces", 1, 3)]
    {
        assert_eq!(count(&owner, path), of_owner, "{path}");
        assert_eq!(count(&viewer, path), of_account, "{path}");
    }
    let audits = |by: &Client| by.all("/audits", "after_id");
    assert_eq!((audits(&owner).len(), audits(&viewer).len()), (1, 3));
    assert_eq!(audits(&owner)[0]["workspace_id"], "ws1");
    let windows = |by: &Client| by.all("/records?pending=true", "after");
    assert_eq!((windows(&owner).len(), windows(&viewer).len()), (1, 3));
    // Not even by moving it there.
    let own = owner.get("/integrations", 200)["items"][0]["id"].as_str().unwrap().to_owned();
    owner.patch(&format!("/integrations/{own}"), &json!({"workspace_id": "ws2"}), 403);
    owner.patch(&format!("/integrations/{own}"), &json!({"workspace_id": null}), 403);
}
