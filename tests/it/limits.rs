//! Every bound, at its edge.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Options, Server, eventually};

fn edit(record: &str) -> Value {
    json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record})
}

/// An edit of about so many bytes.
fn long(record: &str, bytes: usize) -> Value {
    let mut edit = edit(record);
    edit["description"] = json!("d".repeat(bytes));
    edit
}

fn start(arguments: &[&str]) -> Server {
    Server::start(Options::quiet("1h").with(arguments))
}

/// Refused for now, and told when to come back.
fn refused_for_now(api: &Client, audit: &Value, kind: &str) {
    let json = [("content-type", "application/json")];
    let answer = api.call("POST", "/audits", &json, audit.to_string().as_bytes());
    let answer = answer.expect("an answer");
    assert_eq!((answer.status, answer.json()["type"].as_str()), (503, Some(kind)), "{answer:?}");
    assert!(answer.header("retry-after").parse::<u32>().expect("seconds") > 0);
}

fn until_open(server: &Server, windows: u64) {
    eventually("the windows are open", || {
        (server.api.get("/stats", 200)["windows"]["open"] == windows).then_some(())
    });
}

#[test]
fn as_many_windows_are_open_as_may_be_and_no_more() {
    let server = start(&["--max-open-windows", "2"]);
    server.api.post("/audits", &edit("1"), 202);
    server.api.post("/audits", &edit("2"), 202);
    until_open(&server, 2);
    refused_for_now(&server.api, &edit("3"), "/problems/too-many-open-windows");
    refused_for_now(&server.api, &edit("1"), "/problems/too-many-open-windows");
    server.api.get("/audits", 200);
    server.api.post("/records/feature/1/send-now", &json!({}), 200);
    until_open(&server, 1);
    server.api.post("/audits", &edit("3"), 202);
    assert_eq!(server.api.all("/audits", "after_id").len(), 3, "what was refused was not kept");
    assert_eq!(server.api.get("/stats", 200)["limits"]["open_windows"]["max"], 2);

    // What is open is counted again after a restart.
    let server = Server::start(server.kill());
    refused_for_now(&server.api, &edit("4"), "/problems/too-many-open-windows");
}

#[test]
fn as_many_bytes_wait_in_windows_as_may_and_no_more() {
    let server = start(&["--max-buffered", "1MiB"]);
    server.api.post("/audits", &long("1", 600 << 10), 202);
    server.api.post("/audits", &long("1", 600 << 10), 202);
    refused_for_now(&server.api, &edit("2"), "/problems/too-much-buffered");
    let server = Server::start(server.kill());
    refused_for_now(&server.api, &edit("2"), "/problems/too-much-buffered");
    server.api.post("/records/feature/1/send-now", &json!({}), 200);
    server.api.post("/audits", &edit("2"), 202);
}

#[test]
fn bodies_audits_and_batches_are_as_long_as_the_settings_say() {
    let server = start(&[
        "--max-body",
        "2MiB",
        "--max-audit",
        "1MiB",
        "--max-batch",
        "3",
        "--max-request-bytes",
        "2MiB",
    ]);
    let told = |body: &[u8], named: &str| {
        let problem = server.api.post_text("/audits", "application/json", body, 413);
        assert_eq!(problem["type"], "/problems/too-large");
        assert!(problem["detail"].as_str().unwrap().contains(named), "{named}: {problem}");
    };
    let batch = |count: usize| json!(vec![edit("1"); count]).to_string();
    server.api.post_text("/audits", "application/json", batch(3).as_bytes(), 202);
    told(batch(4).as_bytes(), "3");
    told(long("1", 1 << 20).to_string().as_bytes(), "1048576");
    told(&vec![b' '; (2 << 20) + 1], "max_body");
    let just_so = long("1", (1 << 20) - 200);
    server.api.post("/audits", &just_so, 202);
}

#[test]
fn bodies_that_are_held_at_a_time_are_bounded() {
    let server = start(&["--max-body", "1MiB", "--max-request-bytes", "1MiB"]);
    let address = server.url.strip_prefix("http://").expect("http").to_owned();
    let mut slow = TcpStream::connect(&address).expect("a connection");
    let token = server.api.token();
    write!(
        slow,
        "POST /api/v1/audits HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 1048576\r\n\r\n{{"
    )
    .expect("written");
    eventually("the slow body has its room", || {
        let stats = server.api.get("/stats", 200);
        (stats["limits"]["request_bytes"]["now"] == 1 << 20).then_some(())
    });
    refused_for_now(&server.api, &edit("1"), "/problems/overloaded");
    server.api.get("/audits", 200);
    drop(slow);
    eventually("its room is given back", || {
        let stats = server.api.get("/stats", 200);
        (stats["limits"]["request_bytes"]["now"] == 0).then_some(())
    });
    server.api.post("/audits", &edit("1"), 202);

    // Whoever may not call gets no room in the first place.
    let mut stranger = TcpStream::connect(&address).expect("a connection");
    write!(stranger, "POST /api/v1/audits HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n\r\n")
        .expect("written");
    let mut answer = [0; 12];
    stranger.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 401");
    server.api.post("/audits", &edit("1"), 202);
}

#[test]
fn connections_beyond_the_bound_wait_until_others_have_gone() {
    let server = start(&["--max-connections", "2"]);
    let address = server.url.strip_prefix("http://").expect("http").to_owned();
    let ask = |stream: &mut TcpStream| {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").expect("written");
    };
    let answered = |stream: &mut TcpStream, patience: Duration| {
        stream.set_read_timeout(Some(patience)).expect("a timeout");
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).is_ok() && &answer == b"HTTP/1.1 200"
    };
    let connect = |_| TcpStream::connect(&address).expect("a connection");
    let mut held: Vec<TcpStream> = (0..2).map(connect).collect();
    for stream in &mut held {
        ask(stream);
        assert!(answered(stream, Duration::from_secs(20)));
    }
    let mut waiting = connect(2);
    ask(&mut waiting);
    assert!(!answered(&mut waiting, Duration::from_millis(700)), "there is no room for it yet");
    held.clear();
    assert!(answered(&mut waiting, Duration::from_secs(20)));
}

#[test]
fn a_token_may_call_so_often_a_second() {
    let mut server = start(&["--rate-limit", "5"]);
    // So that the end of this test asks for nothing.
    server.may_owe();
    let other = server.api.post("/tokens", &json!({"name": "other", "roles": ["viewer"]}), 201);
    let answers = (0..20).map(|_| server.api.call("GET", "/session", &[], b"").expect("an answer"));
    let answers: Vec<_> = answers.collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("too many");
    assert!(refused.header("retry-after").parse::<u32>().expect("seconds") > 0);
    assert!(refused.json()["detail"].as_str().unwrap().contains("rate_limit"), "{refused:?}");
    assert!(answers.iter().filter(|answer| answer.status == 200).count() >= 4);
    server.api.with_token(other["token"].as_str()).get("/session", 200);
    eventually("it may again", || {
        let answer = server.api.call("GET", "/session", &[], b"")?;
        (answer.status == 200).then_some(())
    });
}
