use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::raw;
use crate::harness::Server;

const CALLS: [(&str, &str); 5] = [
    ("POST", "/audits"),
    ("POST", "/security-events"),
    ("POST", "/integrations"),
    ("PUT", "/records/feature/42"),
    ("PUT", "/config"),
];

#[test]
fn what_is_small_and_becomes_large_is_refused_before_it_does() {
    let server = Server::quiet("1s");
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let blank = vec![b' '; 1 << 20];
    (0..1_024).for_each(|_| bomb.write_all(&blank).expect("memory"));
    let bomb = bomb.finish().expect("memory");
    assert!(bomb.len() < 2 << 20, "a gibibyte in {} bytes", bomb.len());
    let before = server.resident_bytes();
    for (method, path) in CALLS {
        let headers = [("content-type", "application/json"), ("content-encoding", "GZip")];
        // It may hang up in the middle of it.
        if let Some(answer) = server.api.call(method, path, &headers, &bomb) {
            assert_eq!(answer.status, 415, "{method} {path}: {answer:?}");
            assert!(answer.text.contains("send it as it is"), "{answer:?}");
        }
    }
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 64 << 20, "{grown} bytes more");
    server.api.get("/stats", 200);
}

#[test]
fn json_as_deep_as_a_body_is_long_is_refused_and_harms_nobody() {
    let server = Server::quiet("1s");
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    for text in [deep("[", "]"), deep(r#"{"a":"#, "}"), "[".repeat(1_000_000)] {
        for (method, path) in CALLS {
            let headers = [("content-type", "application/json")];
            let answer = server.api.call(method, path, &headers, text.as_bytes());
            let answer = answer.unwrap_or_else(|| panic!("{method} {path}: no answer"));
            assert!((400..500).contains(&answer.status), "{method} {path}: {answer:?}");
        }
    }
    server.api.get("/stats", 200);
}

#[test]
fn a_request_with_two_ends_is_no_request() {
    let server = Server::quiet("1s");
    let smuggled = "GET /healthz HTTP/1.1\r\nhost: lull\r\n\r\n";
    for lengths in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "content-length: 4\r\ncontent-length: 40",
        "content-length: +4",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
    ] {
        let request = format!(
            "POST /api/v1/audits HTTP/1.1\r\nhost: lull\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}"
        );
        let answer = raw(&server, request.as_bytes());
        assert!(!answer.contains("200 OK"), "{lengths}: the second was answered: {answer}");
    }
}

#[test]
fn who_never_ends_a_request_is_not_waited_for() {
    let server = Server::quiet("1s");
    let address = server.url.trim_start_matches("http://").trim_end_matches('/');
    let mut slow = TcpStream::connect(address).expect("the server");
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: lull\r\nx-slow: ").expect("the server listens");
    slow.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("the server hangs up in time");
    assert!(answer.is_empty() || answer.contains("408"), "{answer}");
}
