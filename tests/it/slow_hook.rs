//! A hook that never answers delays nobody else.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Receiver, Server, raw};

/// Records that are edited, each of which makes a message to every hook.
const RECORDS: usize = 600;

/// How long the good hook takes to get everything, beside so many hooks that never answer.
#[allow(clippy::disallowed_methods)] // how long is the question
fn good_hook_takes(silent_hooks: usize) -> Duration {
    let receiver = Receiver::start();
    let mut server = Server::quiet("1s");
    for number in 0..silent_hooks {
        let port = raw::listen(|stream| {
            std::thread::sleep(Duration::from_secs(60));
            drop(stream);
        });
        let url = format!("http://127.0.0.1:{port}/");
        server.api.integration(&url, json!({"name": format!("silent {number}"), "timeout": "2m"}));
        server.may_owe();
    }
    server.api.integration(&receiver.url("/good"), json!({"name": "good"}));
    let audits: Vec<Value> = (0..RECORDS)
        .map(|record| {
            json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record,
                   "changes": [{"field_name": "Name", "value": record}]})
        })
        .collect();
    server.api.post("/audits", &json!(audits), 202);
    receiver.wait_for(1);
    let first = Instant::now();
    receiver.wait_for(RECORDS);
    let took = first.elapsed();
    server.kill();
    took
}

#[test]
fn a_hook_that_never_answers_delays_no_other() {
    let alone = good_hook_takes(0);
    let beside = good_hook_takes(3);
    println!(
        "{RECORDS} messages to a good hook: alone {alone:?}, beside three silent hooks {beside:?}"
    );
    // Three hooks more are addressed, so closing has more to write; but nothing waits for an answer,
    // which would be a minute and more.
    assert!(beside < alone * 10 + Duration::from_secs(5), "{beside:?} beside, {alone:?} alone");
}
