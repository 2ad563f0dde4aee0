//! Other pages in the browser of somebody who is logged in, or who only has a server running.

use lull::web::access::{TABLE, Who};
use serde_json::json;

use crate::harness::{Answer, Client, Server};

const JSON: (&str, &str) = ("content-type", "application/json");

fn call(by: &Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let body: &[u8] = if method == "GET" { b"" } else { b"{}" };
    let all = [&[JSON], headers].concat();
    let all = if body.is_empty() { headers } else { &all };
    by.call(method, path, all, body).unwrap_or_else(|| panic!("{method} {path}: no answer"))
}

/// A path of the table, about things that are not there.
fn filled(path: &str) -> String {
    let outside = matches!(path, "/healthz" | "/readyz" | "/metrics");
    let path = path.replace("{integration}", "7").replace("{id}", "7").replace("{type}", "feature");
    if outside { format!("/{path}") } else { path }
}

#[test]
fn a_page_elsewhere_changes_nothing_with_the_cookie_of_somebody_who_is_logged_in() {
    let server = Server::quiet("1s");
    let nobody = server.api.with_token(None);
    let token = json!({"token": server.api.token()}).to_string();
    let answer = nobody.call("POST", "/session", &[JSON], token.as_bytes()).expect("an answer");
    let cookie = answer.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let mut tried = 0;
    for row in TABLE.iter().filter(|row| row.method != "GET" && row.who != Who::Anyone) {
        for elsewhere in [
            &[("origin", "https://evil.test")][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://evil.test")],
            &[("origin", "null")],
            &[],
        ] {
            let headers = [&[("cookie", cookie.as_str())], elsewhere].concat();
            let answer = call(&nobody, row.method, &filled(row.path), &headers);
            assert_eq!(answer.status, 403, "{} {}: {answer:?}", row.method, row.path);
            assert!(answer.json()["type"].as_str().is_some_and(|kind| kind.contains("origin")));
            tried += 1;
        }
    }
    assert!(tried > 100, "{tried} calls");
    assert_eq!(call(&nobody, "GET", "/session", &[("cookie", &cookie)]).status, 200);
}

#[test]
fn a_name_that_is_led_to_this_machine_opens_nothing() {
    // DNS rebinding: the browser takes evil.test for this server, and its page for the same origin.
    let server = Server::quiet("1s");
    let nobody = server.api.with_token(None);
    let rebound = [
        ("host", "evil.test:8080"),
        ("origin", "http://evil.test:8080"),
        ("sec-fetch-site", "same-origin"),
    ];
    for row in TABLE.iter().filter(|row| row.who != Who::Anyone) {
        // A cookie is for the name that it was set for, so none comes along; and there is no token.
        let answer = call(&nobody, row.method, &filled(row.path), &rebound);
        assert_eq!(answer.status, 401, "{} {}: {answer:?}", row.method, row.path);
    }
    let answer = call(&nobody, "POST", "/session", &rebound);
    assert!(answer.status >= 400 && answer.header("set-cookie").is_empty(), "{answer:?}");
    let token = json!({"token": server.api.token()}).to_string();
    let answer = nobody.call("POST", "/session", &[JSON], token.as_bytes()).expect("an answer");
    let cookie = answer.header("set-cookie").to_lowercase();
    assert!(!cookie.contains("domain="), "a cookie for this host alone: {cookie}");
}

#[test]
fn pages_run_only_scripts_of_this_server_and_stand_in_no_frame() {
    let server = Server::quiet("1s");
    let nobody = server.api.with_token(None);
    for path in ["//", "//integrations", "//settings", "//static/app.js", "//nowhere"] {
        let answer = call(&nobody, "GET", path, &[("accept", "text/html")]);
        let policy = answer.header("content-security-policy");
        for part in
            ["default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        let more = (answer.header("x-content-type-options"), answer.header("referrer-policy"));
        assert_eq!(more, ("nosniff", "no-referrer"), "{path}");
        let inline = ["<script>", "onclick=", "onerror=", "javascript:", "<style", " style="];
        let is_page = answer.content_type.starts_with("text/html");
        assert!(!is_page || !inline.iter().any(|code| answer.text.contains(code)), "{path}");
    }
}

#[test]
fn no_other_page_may_read_an_answer_and_nothing_keeps_one() {
    let server = Server::quiet("1s");
    let from = [("origin", "https://evil.test")];
    for path in ["/stats", "/integrations", "/nowhere", "//healthz"] {
        let answer = call(&server.api, "GET", path, &from);
        let allowed = |(name, _): &(String, String)| name.starts_with("access-control-");
        assert!(!answer.headers.iter().any(allowed), "{path}: {answer:?}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(path.starts_with("//") || answer.header("cache-control") == "no-store", "{path}");
    }
    let asked = [from[0], ("access-control-request-method", "POST")];
    let answer = call(&server.api, "OPTIONS", "/integrations", &asked);
    assert_eq!(answer.status, 405, "{answer:?}");
}
