//! Settings, first start, ordered stop.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::harness::{Options, Receiver, Server, eventually, executable, run};

/// What a start that must fail says.
fn refusal(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(executable().args(arguments).envs(environment.iter().copied()));
    assert!(!output.status.success(), "{arguments:?} started");
    String::from_utf8(output.stderr).expect("UTF-8")
}

#[test]
fn the_first_start_makes_a_token_that_only_its_owner_can_read_and_shows_it_once() {
    let server = Server::quiet("5m");
    let file = server.options.data().join("admin-token");
    let token = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(server.greeting.contains(&token) && server.greeting.contains("quiet period  5m"));
    // The command that it prints is one that works.
    let curl = server.greeting.lines().skip_while(|line| !line.contains("curl"));
    let curl = curl.collect::<Vec<_>>().join("\n");
    let output = run(std::process::Command::new("sh").args(["-c", &curl]));
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.contains(r#""accepted":1"#), "{answer}");

    let server = Server::start(server.stop());
    assert!(!server.greeting.contains(&token));
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), token);
    assert_eq!(server.api.get("/audits", 200)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_setting_that_cannot_be_used_stops_the_start_with_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lull.toml");
    std::fs::write(&file, "quiet_periods = \"5m\"\n").unwrap();
    let file = file.to_str().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    for (arguments, environment, named) in [
        (vec!["--quiet-period", "5x"], vec![], "quiet_period"),
        (vec!["serve", "--quiet-period", "5x"], vec![], "quiet_period"),
        (vec![], vec![("LULL_QUIET_PERIOD", "soon")], "quiet_period"),
        (vec!["--max-wait", "5m"], vec![], "max_wait"),
        (vec!["--listen", "nowhere"], vec![], "listen"),
        (vec!["--config", "/no/such/file"], vec![], "config"),
        (vec!["--config", file], vec![], "config"),
        (vec![], vec![("LULL_CONFIG", file)], "quiet_periods"),
        (vec!["--retention-size", "1"], vec![], "retention_size"),
        (vec!["--data", "/dev/null/x", "--listen", "127.0.0.1:0"], vec![], "data"),
    ] {
        let said = refusal(&arguments, &environment);
        assert!(said.contains(named), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    }
    // A port that is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    assert!(refusal(&["--data", data, "--listen", &taken], &[]).contains(&taken));
}

#[test]
fn flags_win_over_the_environment_that_over_the_file_and_that_over_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lull.toml");
    std::fs::write(&file, "max_wait = \"4m\"\nquiet_period = \"3m\"\n").unwrap();
    let file = file.to_str().unwrap();
    // What cannot be together says which values were taken.
    let said = refusal(&["--config", file, "--quiet-period", "4m"], &[]);
    assert!(said.contains("\"4m\" is not longer than the quiet period (4m)"), "{said}");
    let said = refusal(&["--config", file], &[("LULL_QUIET_PERIOD", "5m")]);
    assert!(said.contains("the quiet period (5m)"), "{said}");
    let said = refusal(&["--config", file, "--quiet-period", "6m"], &[("LULL_QUIET_PERIOD", "5m")]);
    assert!(said.contains("the quiet period (6m)"), "{said}");
}

#[test]
fn two_servers_on_one_folder_are_refused() {
    let server = Server::quiet("5m");
    let data = server.options.data();
    let said = refusal(&["--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"], &[]);
    assert!(said.contains("in use by another Lull"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_stop_lets_attempts_in_flight_settle_and_what_is_open_goes_on_at_the_next_start() {
    let receiver = Receiver::start();
    let server = Server::start(Options::quiet("3s"));
    server.api.integration(&receiver.url("/hook"), json!({}));
    for record in 0..20 {
        let audit =
            json!({"audit_action": "update", "auditable_type": "f", "auditable_id": record});
        server.api.post("/audits", &audit, 202);
    }
    let options = server.stop();
    let server = Server::start(options);
    receiver.wait_for(20);
    server.settled();
    // Stopped while messages are being sent: none is lost, and the log says so after a restart.
    for record in 0..200 {
        let audit =
            json!({"audit_action": "update", "auditable_type": "g", "auditable_id": record});
        server.api.post("/audits", &audit, 202);
    }
    eventually("the first of them", || (receiver.received().len() > 25).then_some(()));
    let server = Server::start(server.stop());
    server.settled();
    let ids: std::collections::HashSet<String> =
        receiver.received().iter().map(|got| got.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 220);
    assert_eq!(server.api.get("/stats", 200)["messages"]["delivered"], 220);
    assert_eq!(receiver.received().len(), 220, "an ordered stop sends nothing twice");
}
