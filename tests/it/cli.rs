//! The command line besides `serve`: tokens, and what is configured as a file.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::harness::{Options, Receiver, Server, executable, run};

/// Runs `lull` with these arguments, against this folder and server.
fn lull(options: &Options, server: Option<&Server>, arguments: &[&str]) -> Output {
    let mut command = executable();
    command.args(arguments).arg("--data").arg(options.data());
    if let Some(server) = server {
        command.args(["--server", &server.url]);
    }
    run(&mut command)
}

fn text(output: &Output) -> (bool, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn tokens_are_made_listed_and_revoked_whether_the_server_runs_or_not() {
    let server = Server::quiet("1s");
    let create = ["token", "create", "--name", "ci", "--role", "producer", "--expires-in", "90d"];
    let (good, token, said) = text(&lull(&server.options, Some(&server), &create));
    assert!(good && said.contains("shown this once"), "{said}");
    let by = server.api.with_token(Some(token.trim()));
    by.post(
        "/audits",
        &json!({"audit_action": "update", "auditable_type": "a", "auditable_id": "1"}),
        202,
    );
    by.get("/audits", 403);

    // The way back in, when every token is lost.
    let options = server.stop();
    let lost = ["token", "create", "--name", "found", "--role", "admin", "--role", "operator"];
    let (good, found, said) = text(&lull(&options, None, &lost));
    assert!(good, "{said}");
    let (_, list, _) = text(&lull(&options, None, &["token", "list"]));
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines.len() == 4 && lines[0].starts_with("ID"), "{list}");
    assert!(
        lines.iter().any(|line| line.contains("  ci  ") && line.contains("producer")),
        "{list}"
    );
    assert!(!list.contains(found.trim()), "never again");
    let ci = lines.iter().find(|line| line.contains("  ci  ")).expect("listed");
    let ci = ci.split_whitespace().next().expect("its id").to_owned();
    assert!(text(&lull(&options, None, &["token", "revoke", &ci])).0);

    let server = Server::start(options);
    server.api.with_token(Some(found.trim())).get("/accounts", 200);
    server.api.with_token(Some(token.trim())).get("/session", 401);
    let (_, list, _) = text(&lull(&server.options, Some(&server), &["token", "list"]));
    assert_eq!(list.lines().count(), 3, "{list}");
    let (good, _, said) = text(&lull(&server.options, Some(&server), &["token", "revoke", &ci]));
    assert!(!good && said.contains("there is no token"), "{said}");
}

#[test]
fn what_is_wrong_with_a_command_is_said_in_a_line() {
    let server = Server::quiet("1s");
    let options = server.stop();
    for (arguments, named) in [
        (&["token", "create", "--name", "x", "--role", "boss"][..], "roles[0]"),
        (&["token", "create", "--name", "x", "--role", "owner"], "workspaces: must name"),
        (
            &["token", "create", "--name", "x", "--role", "viewer", "--expires-in", "soon"],
            "expires_in",
        ),
        (
            &["token", "create", "--name", "x", "--role", "viewer", "--account", "no"],
            "account: there is no",
        ),
        (&["token", "revoke", "x"], "id: "),
        (
            &["export-config", "--server", "http://127.0.0.1:9"],
            "server: http://127.0.0.1:9 does not answer",
        ),
        (&["import-config", "/no/such/file.toml"], "file: cannot read /no/such/file.toml"),
    ] {
        let (good, _, said) = text(&lull(&options, None, arguments));
        assert!(!good && said.contains(named), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

/// Something of everything.
fn configured(server: &Server, hook: &str) {
    server.api.post("/workspaces", &json!({"id": "ws1", "name": "Product"}), 201);
    server.api.integration(hook, json!({"name": "Chat", "workspace_id": "ws1",
        "activities": [{"record_types": ["feature"], "fields": ["Name"]}, {"record_types": ["idea"]}],
        "headers": {"X-Api-Key": "abc", "X-Team": "core"}, "retry_schedule": ["5s", "1m"], "quiet_period": "0s"}));
    server.api.integration(hook, json!({"name": "Everything"}));
}

fn export(server: &Server, more: &[&str]) -> String {
    let arguments = [&["export-config"], more].concat();
    let (good, document, said) = text(&lull(&server.options, Some(server), &arguments));
    assert!(good, "{said}");
    document
}

fn import(server: &Server, file: &Path, more: &[&str]) -> (bool, String, String) {
    let arguments = [&["import-config", file.to_str().expect("a path")], more].concat();
    text(&lull(&server.options, Some(server), &arguments))
}

#[test]
fn what_is_exported_is_imported_elsewhere_and_exported_the_same() {
    let receiver = Receiver::start();
    let (one, other) = (Server::quiet("1s"), Server::quiet("1s"));
    configured(&one, &receiver.url("/hook"));
    let document = export(&one, &["--secrets"]);
    assert!(document.contains("whsec_") && document.contains("abc"), "{document}");
    let file = one.options.folder.path().join("hooks.toml");
    std::fs::write(&file, &document).expect("written");

    let (good, said, wrong) = import(&other, &file, &["--dry-run"]);
    assert!(good && said.contains("+ integration Chat would be created"), "{said}{wrong}");
    assert_eq!(other.api.all("/integrations", "after"), Vec::<Value>::new());
    let (good, said, wrong) = import(&other, &file, &[]);
    assert!(good && said.contains("+ integration Chat created"), "{said}{wrong}");
    assert!(!said.contains("whsec_"), "the file has them: {said}");
    assert_eq!(export(&other, &["--secrets"]), document);

    // Again, and nothing happens: not even a new revision.
    let etags = |server: &Server| {
        let ids = server.api.all("/integrations", "after").into_iter();
        let ids = ids.map(|found| found["id"].as_str().expect("an id").to_owned());
        let etag = |id: String| {
            let path = format!("/integrations/{id}");
            server.api.call("GET", &path, &[], b"").expect("an answer").header("etag").to_owned()
        };
        ids.map(etag).collect::<Vec<_>>()
    };
    let before = etags(&other);
    let (good, said, _) = import(&other, &file, &[]);
    assert!(good && said.contains("  integration Chat unchanged"), "{said}");
    assert_eq!(etags(&other), before);

    // What the other sends is signed with the same secret.
    let audit = json!({"audit_action": "update", "auditable_type": "idea", "auditable_id": "1", "workspace_id": "ws1"});
    other.api.post("/audits", &audit, 202);
    other.settled();
    let secret =
        document.lines().find_map(|line| line.strip_prefix("secret = \"")).expect("a secret");
    let verifier = standardwebhooks::Webhook::new(secret.trim_end_matches('"')).expect("a secret");
    let genuine = receiver.received().into_iter().any(|request| {
        let mut headers = http::HeaderMap::new();
        for (name, value) in &request.headers {
            let name: http::HeaderName = name.parse().expect("a name");
            headers.insert(name, value.parse().expect("a value"));
        }
        verifier.verify(request.body.as_bytes(), &headers).is_ok()
    });
    assert!(genuine, "one of the two integrations has this secret");
}

#[test]
fn a_file_without_secrets_keeps_what_there_is_and_a_bad_one_changes_nothing() {
    let server = Server::quiet("1s");
    configured(&server, "http://127.0.0.1:9/");
    let document = export(&server, &[]);
    assert!(!document.contains("whsec_") && !document.contains("abc"), "{document}");
    let file = server.options.folder.path().join("hooks.toml");
    let with_secrets = export(&server, &["--secrets"]);

    let renamed =
        document.replace("name = \"Product\"", "name = \"Products\"").replace("\"1m\"", "\"2m\"");
    std::fs::write(&file, renamed).expect("written");
    let (good, said, wrong) = import(&server, &file, &[]);
    assert!(good && said.contains("~ integration Chat updated"), "{said}{wrong}");
    assert!(said.contains("~ workspace Products updated"), "{said}");
    let now = export(&server, &["--secrets"]);
    assert_eq!(now.replace("Products", "Product").replace("\"2m\"", "\"1m\""), with_secrets);

    // Every fault with its place, and nothing is changed.
    let bad = document
        .replace("retry_schedule", "retry_shedule")
        .replace("http://127.0.0.1:9/", "ftp://x/");
    std::fs::write(&file, bad).expect("written");
    let (good, _, said) = import(&server, &file, &[]);
    assert!(!good, "{said}");
    for named in [
        "/integrations/0/retry_shedule",
        "did you mean \"retry_schedule\"",
        "/integrations/1/hook_url",
    ] {
        assert!(said.contains(named), "{named}: {said}");
    }
    assert_eq!(export(&server, &["--secrets"]), now);

    // Elsewhere there is nothing to keep in place of what is hidden.
    std::fs::write(&file, &document).expect("written");
    let elsewhere = Server::quiet("1s");
    let (good, _, said) = import(&elsewhere, &file, &[]);
    assert!(!good && said.contains("/integrations/0/headers/X-Api-Key"), "{said}");

    // What is not in the file stays, unless it is pruned.
    let only = document.split("[[integrations]]").next().expect("a head");
    std::fs::write(&file, only).expect("written");
    assert!(import(&server, &file, &[]).0);
    assert_eq!(server.api.all("/integrations", "after").len(), 2);
    let (good, said, _) = import(&server, &file, &["--prune"]);
    assert!(good && said.contains("- integration Chat deleted"), "{said}");
    assert_eq!(server.api.all("/integrations", "after").len(), 0);
}
