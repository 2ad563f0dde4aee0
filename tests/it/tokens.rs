//! Tokens, sessions, accounts, workspaces: made, used, taken away.

use serde_json::{Value, json};

use crate::harness::{Client, Options, Server, eventually};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

#[test]
fn a_token_is_shown_once_used_and_revoked_at_once() {
    let server = Server::quiet("1s");
    let asked = json!({"name": "ci", "roles": ["producer", "viewer"], "expires_in": "90d"});
    let made = server.api.post("/tokens", &asked, 201);
    let by = server.api.with_token(made["token"].as_str());
    assert_eq!((&made["created_by"], &made["account"]), (&json!("admin"), &json!("default")));
    by.get("/audits", 200);

    let path = format!("/tokens/{}", text(&made["id"]));
    let listed = server.api.all("/tokens", "after");
    let listed = listed.iter().find(|token| token["id"] == made["id"]).expect("listed");
    assert_eq!(listed.get("token"), None, "never again");
    assert!(!listed["last_used_at"].is_null() && !listed["expires_at"].is_null(), "{listed}");
    let stored = std::fs::read(server.options.data().join("store/db")).expect("the store");
    let secret = text(&made["token"]);
    assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "not stored");

    server.api.delete(&path, 204);
    assert_eq!(by.get("/audits", 401)["type"], "/problems/unauthorized");
    server.api.delete(&path, 404);
}

#[test]
fn what_is_wrong_with_a_token_to_be_made_is_said() {
    let server = Server::quiet("1s");
    for (wrong, pointer, said) in [
        (json!({"name": "x", "roles": []}), "/roles", "must name one"),
        (json!({"name": "x", "roles": ["boss"]}), "/roles/0", "boss"),
        (json!({"name": "x", "roles": ["owner"]}), "/workspaces", "must name what"),
        (
            json!({"name": "x", "roles": ["viewer"], "workspaces": ["w"]}),
            "/workspaces",
            "owner only",
        ),
        (
            json!({"name": "x", "roles": ["viewer"], "expires_in": "soon"}),
            "/expires_in",
            "like 90d",
        ),
        (
            json!({"name": "x", "roles": ["viewer"], "expires_at": "2020-01-01T00:00:00Z"}),
            "/expires_at",
            "passed",
        ),
        (json!({"nmae": "x", "roles": ["viewer"]}), "/nmae", "did you mean \"name\"?"),
    ] {
        let problem = server.api.post("/tokens", &wrong, 422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(text(&problem["errors"][0]["message"]).contains(said), "{problem}");
    }
    // An administrator of an account does not make itself operator.
    let admin = server.api.post("/tokens", &json!({"name": "a", "roles": ["admin"]}), 201);
    let admin = server.api.with_token(admin["token"].as_str());
    admin.post("/tokens", &json!({"name": "o", "roles": ["operator"]}), 403);
    let first = server.api.get("/tokens", 200)["items"][0]["id"].clone();
    admin.delete(&format!("/tokens/{}", text(&first)), 403);
    let problem = server.api.call("DELETE", &format!("/tokens/{}", text(&first)), &[], b"");
    let problem = problem.expect("an answer").json();
    assert_eq!(problem["status"], 409, "nobody could operate the server any more: {problem}");
}

#[test]
fn a_token_that_has_expired_opens_nothing_and_says_so() {
    let server = Server::quiet("1s");
    let asked = json!({"name": "brief", "roles": ["viewer"], "expires_in": "1s"});
    let made = server.api.post("/tokens", &asked, 201);
    let by = server.api.with_token(made["token"].as_str());
    eventually("it expires", || {
        let answer = by.call("GET", "/audits", &[], b"")?;
        (answer.status == 401 && answer.text.contains("expired at")).then_some(())
    });
}

#[test]
fn attempts_with_wrong_tokens_are_slowed_down_and_right_ones_are_not() {
    let server = Server::quiet("1s");
    let stranger = server.api.with_token(Some("lull_wrong"));
    let refused = (0..100).map(|_| stranger.call("GET", "/audits", &[], b"").expect("an answer"));
    let refused: Vec<_> = refused.collect();
    let count = |status| refused.iter().filter(|answer| answer.status == status).count();
    assert!((20..40).contains(&count(401)), "{}", count(401));
    assert_eq!(count(401) + count(429), 100);
    let last = refused.last().expect("many");
    assert!(last.header("retry-after").parse::<u32>().expect("seconds") > 0);
    assert_eq!(last.json()["type"], "/problems/too-many-calls");
    server.api.get("/audits", 200);
}

#[test]
fn behind_a_trusted_proxy_it_is_the_client_that_is_slowed_down() {
    let server = Server::start(Options::quiet("1s").with(&["--trusted-proxies", "127.0.0.1"]));
    let stranger = server.api.with_token(Some("lull_wrong"));
    let from = |client: &str| {
        let forwarded = [("x-forwarded-for", client)];
        stranger.call("GET", "/audits", &forwarded, b"").expect("an answer").status
    };
    let many: Vec<u16> = (0..60).map(|_| from("192.0.2.1")).collect();
    assert!(many.contains(&401) && many.ends_with(&[429]), "{many:?}");
    assert_eq!(from("192.0.2.2"), 401, "another client of the same proxy");
    // What a client itself wrote before the proxy's word counts for nothing.
    assert_eq!(from("192.0.2.3, 192.0.2.1"), 429);
}

/// What a browser would send along.
const SAME_ORIGIN: (&str, &str) = ("sec-fetch-site", "same-origin");

fn log_in(nobody: &Client, with: &Value) -> (u16, String) {
    let json = ("content-type", "application/json");
    let answer = nobody.call("POST", "/session", &[json, SAME_ORIGIN], with.to_string().as_bytes());
    let answer = answer.expect("an answer");
    let cookie = answer.header("set-cookie");
    (answer.status, cookie.split(';').next().unwrap_or_default().to_owned())
}

#[test]
fn the_printed_link_logs_in_once_and_a_session_ends_with_its_token() {
    let server = Server::quiet("1s");
    let link = server.greeting.lines().find_map(|line| line.split_once("#code=")).expect("a link");
    let code = json!({"code": link.1.split_whitespace().next()});
    let nobody = server.api.with_token(None);
    let (status, cookie) = log_in(&nobody, &code);
    assert_eq!(status, 201);
    assert_eq!(log_in(&nobody, &code).0, 401, "once");

    let with = |cookie: &str, method: &str, path: &str, more: &[(&str, &str)]| {
        let mut headers = vec![("cookie", cookie)];
        headers.extend_from_slice(more);
        let answer = nobody.call(method, path, &headers, b"").expect("an answer");
        (answer.status, answer.text)
    };
    let (status, who) = with(&cookie, "GET", "/session", &[]);
    assert_eq!(status, 200);
    let who: Value = serde_json::from_str(&who).expect("JSON");
    assert_eq!(
        (&who["account"], &who["roles"]),
        (&json!("default"), &json!(["admin", "operator"]))
    );

    // Another site cannot change anything with the cookie; a page of this server can.
    for origin in [&[][..], &[("sec-fetch-site", "cross-site")], &[("origin", "https://evil.test")]]
    {
        let (status, said) = with(&cookie, "DELETE", "/integrations/1", origin);
        assert_eq!(status, 403, "{said}");
        assert!(said.contains("/problems/cross-origin"), "{said}");
    }
    assert_eq!(with(&cookie, "DELETE", "/integrations/1", &[SAME_ORIGIN]).0, 404);
    assert_eq!(with(&cookie, "DELETE", "/session", &[SAME_ORIGIN]).0, 204);
    assert_eq!(with(&cookie, "GET", "/session", &[]).0, 401, "logged out");

    let token = json!({"name": "person", "roles": ["viewer"]});
    let made = server.api.post("/tokens", &token, 201);
    let (status, cookie) = log_in(&nobody, &json!({"token": made["token"]}));
    assert_eq!((status, with(&cookie, "GET", "/stats", &[]).0), (201, 200));
    server.api.delete(&format!("/tokens/{}", text(&made["id"])), 204);
    assert_eq!(with(&cookie, "GET", "/stats", &[]).0, 401, "its token was revoked");
}

#[test]
fn a_sessions_cookie_is_for_this_server_alone_and_outlives_a_restart() {
    let server = Server::quiet("1s");
    let nobody = server.api.with_token(None);
    let admin = json!({"token": server.api.token()});
    let json = ("content-type", "application/json");
    let answer = nobody.call("POST", "/session", &[json], admin.to_string().as_bytes());
    let cookie = answer.expect("an answer").header("set-cookie").to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let foreign = [json, ("origin", "https://evil.test")];
    let answer = nobody.call("POST", "/session", &foreign, admin.to_string().as_bytes());
    assert_eq!(answer.expect("an answer").status, 403, "nobody is logged in from elsewhere");

    let server = Server::start(server.stop());
    let nobody = server.api.with_token(None);
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let answer = nobody.call("GET", "/session", &[("cookie", &cookie)], b"").expect("an answer");
    assert_eq!(answer.status, 200);
}

#[test]
fn an_account_is_a_server_of_its_own_and_goes_with_all_that_is_in_it() {
    let mut server = Server::quiet("10s");
    server.may_owe();
    let made = server.api.post("/accounts", &json!({"id": "acme", "name": "Acme"}), 201);
    server.api.post("/accounts", &json!({"id": "acme"}), 409);
    let acme = server.api.with_token(made["token"].as_str());
    acme.integration("http://127.0.0.1:9/", json!({"collation": "live"}));
    let audit = json!({"id": "a1", "audit_action": "update", "auditable_type": "feature",
                       "auditable_id": "1"});
    acme.post("/audits", &audit, 202);
    server.api.post("/audits", &audit, 202);
    assert_eq!(server.api.all("/audits", "after_id").len(), 1, "the same id, another account");
    assert_eq!(
        (acme.all("/messages", "after").len(), server.api.all("/messages", "after").len()),
        (1, 0)
    );
    // A page of open windows is full of one's own.
    for record in 0..3 {
        let edit =
            json!({"audit_action": "update", "auditable_type": "idea", "auditable_id": record});
        server.api.post("/audits", &edit, 202);
    }
    acme.post(
        "/audits",
        &json!({"audit_action": "update", "auditable_type": "idea", "auditable_id": "9"}),
        202,
    );
    eventually("both of its windows", || {
        let first = acme.get("/records?pending=true&limit=1", 200);
        let after = first["next"].as_str()?;
        let second = acme.get(&format!("/records?pending=true&limit=1&after={after}"), 200);
        let ids = [&first, &second].map(|page| page["items"][0]["record"]["id"].clone());
        (ids == ["1", "9"]).then_some(())
    });
    // Figures of the whole server are its operator's to know.
    assert!(acme.get("/stats", 200)["audits"].is_null());
    assert_eq!(server.api.get("/stats", 200)["audits"]["accepted"], 6);

    server.api.delete("/accounts/default", 409);
    server.api.delete("/accounts/acme", 204);
    acme.get("/audits", 401);
    server.api.delete("/accounts/acme", 404);
    let again = server.api.post("/accounts", &json!({"id": "acme"}), 201);
    let again = server.api.with_token(again["token"].as_str());
    assert_eq!(
        again.all("/audits", "after_id"),
        Vec::<Value>::new(),
        "another account of that name"
    );
    let server = Server::start(server.stop());
    let again = server.api.with_token(Some(&again.token()));
    assert_eq!(again.get("/session", 200)["account"], "acme");
}

#[test]
fn a_workspace_stays_while_something_is_about_it() {
    let server = Server::quiet("1s");
    let made = server.api.post("/workspaces", &json!({"id": "a/b", "name": "A"}), 201);
    assert_eq!(made["name"], "A");
    server.api.post("/workspaces", &json!({"id": "a/b"}), 409);
    let hook = server.api.integration("http://127.0.0.1:9/", json!({"workspace_id": "a/b"}));
    server.api.delete("/workspaces/a%2Fb", 409);
    server.api.delete(&format!("/integrations/{hook}"), 204);
    let owner = json!({"name": "o", "roles": ["owner"], "workspaces": ["a/b"]});
    let owner = server.api.post("/tokens", &owner, 201);
    server.api.delete("/workspaces/a%2Fb", 409);
    server.api.delete(&format!("/tokens/{}", text(&owner["id"])), 204);
    server.api.delete("/workspaces/a%2Fb", 204);
    server.api.delete("/workspaces/a%2Fb", 404);
}
