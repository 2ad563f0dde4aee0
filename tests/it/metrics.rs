//! `/metrics`: what Prometheus reads, and whether it likes it.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Options, Receiver, Server, eventually};

/// Every family that there is to be, with its type.
const FAMILIES: [(&str, &str); 24] = [
    ("lull_attempt_duration_seconds", "histogram"),
    ("lull_attempts_total", "counter"),
    ("lull_audit_calls_refused_total", "counter"),
    ("lull_audits_accepted_total", "counter"),
    ("lull_audits_duplicate_total", "counter"),
    ("lull_backlog_audits", "gauge"),
    ("lull_build_info", "gauge"),
    ("lull_commit_commands", "histogram"),
    ("lull_commit_duration_seconds", "histogram"),
    ("lull_commit_waiting_commands", "gauge"),
    ("lull_commits_failed_total", "counter"),
    ("lull_integrations", "gauge"),
    ("lull_messages_made_total", "counter"),
    ("lull_messages_settled_total", "counter"),
    ("lull_outbox_messages", "gauge"),
    ("lull_outbox_oldest_age_seconds", "gauge"),
    ("lull_store_disk_bytes", "gauge"),
    ("lull_store_kept_bytes", "gauge"),
    ("lull_store_writable", "gauge"),
    ("lull_window_lateness_seconds", "histogram"),
    ("lull_windows_closed_total", "counter"),
    ("lull_windows_open", "gauge"),
    ("process_resident_memory_bytes", "gauge"),
    ("process_start_time_seconds", "gauge"),
];

fn update(record: &str, id: &str) -> Value {
    json!({"id": id, "audit_action": "update", "auditable_type": "feature", "auditable_id": record,
           "user": {"id": "101"}, "changes": [{"field_name": "Name", "value": 1}]})
}

fn scrape(server: &Server) -> String {
    let answer = server.api.call("GET", "//metrics", &[], b"").expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.content_type.starts_with("text/plain; version=0.0.4"), "{answer:?}");
    answer.text
}

/// The values, by series.
fn values(text: &str) -> HashMap<&str, f64> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| line.rsplit_once(' ').expect("a name and a value"));
    samples.map(|(series, value)| (series, value.parse().expect("a number"))).collect()
}

/// Scrapes until there is this value, since what is settled may be counted a moment later.
fn wait_for(server: &Server, series: &str, value: f64) -> String {
    eventually(&format!("{series} {value}"), || {
        let text = scrape(server);
        (values(&text)[series] == value).then_some(text)
    })
}

/// What Prometheus' own linter says of it: nothing.
fn lint(text: &str) {
    let linter = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut linter = linter.unwrap_or_else(|error| {
        panic!("promtool: {error}. It comes with Prometheus; tests/run installs it")
    });
    let mut stdin = linter.stdin.take().expect("piped");
    stdin.write_all(text.as_bytes()).expect("taken");
    drop(stdin);
    let output = linter.wait_with_output().expect("its output");
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert!(output.status.success() && said == ["", ""], "{said:?} of {text}");
}

#[test]
fn what_happens_is_counted_and_the_linter_of_prometheus_has_nothing_to_say() {
    let receiver = Receiver::start();
    let mut server = Server::start(Options::quiet("0s"));
    lint(&scrape(&server));
    let good = server.api.integration(&receiver.url("/hook"), json!({"retry_schedule": []}));

    server.api.post("/audits", &json!([update("1", "a"), update("1", "b")]), 202);
    wait_for(&server, "lull_messages_settled_total{outcome=\"delivered\"}", 1.0);
    server.api.post("/audits", &update("1", "a"), 202);
    server.api.post("/audits", &json!([update("2", "c"), {"audit_action": "vote"}]), 422);
    server.api.post_text("/audits", "application/json", b"{", 400);
    server.api.post_text("/audits", "text/csv", b"a,b", 415);
    server.api.with_token(None).post("/audits", &update("2", "c"), 401);
    receiver.will_answer(&[500]);
    server.api.post("/audits", &update("2", "d"), 202);
    wait_for(&server, "lull_messages_settled_total{outcome=\"failed\"}", 1.0);

    // One more that stays owed, and a window that stays open.
    server.api.patch(&format!("/integrations/{good}"), &json!({"enabled": false}), 200);
    let down = json!({"name": "down", "retry_schedule": ["1h"]});
    server.api.integration("http://127.0.0.1:9/", down);
    let slow = json!({"name": "slow", "quiet_period": "1h"});
    server.api.integration(&receiver.url("/slow"), slow);
    server.api.post("/audits", &update("3", "e"), 202);
    wait_for(&server, "lull_windows_closed_total{why=\"quiet\"}", 3.0);
    let text = wait_for(&server, "lull_attempts_total{code=\"none\",outcome=\"unanswered\"}", 1.0);
    lint(&text);

    let values = values(&text);
    for (series, value) in [
        ("lull_audits_accepted_total", 4.0),
        ("lull_audits_duplicate_total", 1.0),
        ("lull_audit_calls_refused_total{reason=\"invalid\"}", 1.0),
        ("lull_audit_calls_refused_total{reason=\"not-json\"}", 1.0),
        ("lull_audit_calls_refused_total{reason=\"unsupported-media-type\"}", 1.0),
        ("lull_audit_calls_refused_total{reason=\"unauthorized\"}", 1.0),
        ("lull_audit_calls_refused_total{reason=\"overloaded\"}", 0.0),
        ("lull_windows_open", 1.0),
        ("lull_windows_closed_total{why=\"quiet\"}", 3.0),
        ("lull_windows_closed_total{why=\"discarded\"}", 0.0),
        ("lull_window_lateness_seconds_count", 3.0),
        ("lull_messages_made_total", 3.0),
        ("lull_attempts_total{code=\"2xx\",outcome=\"delivered\"}", 1.0),
        ("lull_attempts_total{code=\"5xx\",outcome=\"refused\"}", 1.0),
        ("lull_attempt_duration_seconds_count{outcome=\"delivered\"}", 1.0),
        ("lull_outbox_messages", 1.0),
        ("lull_integrations{status=\"ok\"}", 2.0),
        ("lull_integrations{status=\"failing\"}", 0.0),
        ("lull_integrations{status=\"disabled\"}", 1.0),
        ("lull_commits_failed_total", 0.0),
        ("lull_backlog_audits", 0.0),
        ("lull_store_writable", 1.0),
        (concat!("lull_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0),
    ] {
        assert_eq!(values.get(series), Some(&value), "{series} in {text}");
    }
    let commits = values["lull_commit_duration_seconds_count"];
    assert!(commits >= 8.0 && values["lull_commit_commands_sum"] >= commits, "{text}");
    for series in [
        "lull_outbox_oldest_age_seconds",
        "lull_commit_duration_seconds_sum",
        "lull_store_kept_bytes",
        "lull_store_disk_bytes",
        "process_start_time_seconds",
        "process_resident_memory_bytes",
    ] {
        assert!(values[series] > 0.0, "{series} in {text}");
    }
    let families: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|family| family.split_once(' '))
        .collect();
    assert_eq!(families, FAMILIES);
    server.may_owe();
}

#[test]
fn counters_begin_anew_with_the_server_and_what_stands_is_found_again() {
    let server = Server::quiet("1h");
    server.api.post("/audits", &update("1", "a"), 202);
    assert_eq!(values(&scrape(&server))["lull_audits_accepted_total"], 1.0);
    let server = Server::start(server.stop());
    let text = scrape(&server);
    assert_eq!(values(&text)["lull_audits_accepted_total"], 0.0);
    assert_eq!(values(&text)["lull_windows_open"], 1.0);
    assert_eq!(server.api.get("/stats", 200)["audits"]["accepted"], 1, "over restarts");
}

#[test]
fn metrics_are_for_those_with_a_token_and_take_no_parameters() {
    let server = Server::quiet("1h");
    let nobody = server.api.with_token(None);
    nobody.get("//metrics", 401);
    server.api.get("//metrics?name=lull", 400);
    server.api.post("//metrics", &json!({}), 405);
}
