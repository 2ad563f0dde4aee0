//! Many connections; clients that dawdle; clients that leave.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpStream as AsyncStream;

use super::http::Connection;
use super::number;
use crate::harness::{Options, Server, eventually};

/// What a connection that says little may take of the server's memory.
const CONNECTION_BYTES: u64 = 64 << 10;

fn edit(record: u64) -> Value {
    json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": record})
}

fn address(server: &Server) -> String {
    server.url.trim_start_matches("http://").to_owned()
}

/// As many open files as the system lets this process have.
fn many_open_files() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls are given a valid struct that outlives them.
    unsafe {
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    limit.rlim_cur
}

/// Asks every two seconds, so that the connection is kept, until it is to stop.
#[allow(clippy::disallowed_methods)] // real connections
async fn stay(address: String, stop: Arc<AtomicBool>) -> Result<(), String> {
    let stream = AsyncStream::connect(&address).await.map_err(|error| error.to_string())?;
    let mut connection = Connection::new(stream);
    while !stop.load(Relaxed) {
        let asked = connection.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        asked.map_err(|error| error.to_string())?;
        let answer = connection.receive().await.map_err(|error| error.to_string())?;
        let status = answer.ok_or("closed")?.status().map_err(|error| error.to_string())?;
        if status != 200 {
            return Err(status.to_string());
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    Ok(())
}

#[test]
fn thousands_of_connections_are_served_side_by_side() {
    let count = number("LULL_OVERLOAD_CONNECTIONS", 2_000);
    let files = many_open_files();
    assert!(files > count + 500, "{files} open files are too few for {count} connections");
    let most = (count + 100).to_string();
    let server = Server::start(Options::quiet("1h").with(&["--max-connections", &most]));
    let before = server.resident_bytes();
    let stop = Arc::new(AtomicBool::new(false));
    let (address, ended) = (address(&server), stop.clone());
    let clients = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let stay = |_| tokio::spawn(stay(address.clone(), ended.clone()));
            let tasks: Vec<_> = (0..count).map(stay).collect();
            let mut wrong = Vec::new();
            for task in tasks {
                wrong.extend(task.await.expect("no panic").err());
            }
            wrong
        })
    });
    eventually("all of them are there", || {
        let open = &server.api.get("/stats", 200)["limits"]["connections"]["now"];
        (open.as_u64()? > count).then_some(())
    });
    server.api.post("/audits", &edit(1), 202);
    let held = server.resident_bytes().saturating_sub(before);
    stop.store(true, Relaxed);
    let wrong = clients.join().expect("no panic");
    println!("{count} connections: {} MiB more, {} B each", held >> 20, held / count);
    assert!(wrong.is_empty(), "{} were not served: {:?}", wrong.len(), wrong.first());
    assert!(held < count * CONNECTION_BYTES + (64 << 20), "{held} bytes");
}

/// Says a byte now and then, and never an end; how long it was suffered.
#[allow(clippy::disallowed_methods)] // how long is the question
fn dawdle(address: &str, stop: &AtomicBool) -> Option<Duration> {
    let (mut stream, began) = (TcpStream::connect(address).expect("a connection"), Instant::now());
    stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
    let head = b"POST /api/v1/audits HTTP/1.1\r\nhost: lull\r\nx-slow: ".iter();
    for byte in head.chain(std::iter::repeat(&b'.')) {
        let said = stream.write_all(&[*byte]);
        let heard = stream.read(&mut [0; 256]);
        let waits = matches!(&heard, Err(error) if error.kind() == ErrorKind::WouldBlock);
        if said.is_err() || !waits {
            return Some(began.elapsed());
        }
        if stop.load(Relaxed) {
            return None;
        }
    }
    None
}

#[test]
#[allow(clippy::disallowed_methods)] // how long is the question
fn clients_that_dawdle_over_their_headers_are_let_go_and_hold_nobody_up() {
    let server = Server::start(Options::quiet("1h"));
    let (address, stop) = (address(&server), AtomicBool::new(false));
    let (suffered, slowest) = std::thread::scope(|scope| {
        let dawdlers: Vec<_> = (0..300).map(|_| scope.spawn(|| dawdle(&address, &stop))).collect();
        let mut slowest = Duration::ZERO;
        for record in 0..100 {
            let began = Instant::now();
            server.api.post("/audits", &edit(record), 202);
            slowest = slowest.max(began.elapsed());
            std::thread::sleep(Duration::from_millis(10));
        }
        eventually("nobody is left but who asks", || {
            let open = &server.api.get("/stats", 200)["limits"]["connections"]["now"];
            (open.as_u64()? < 10).then_some(())
        });
        stop.store(true, Relaxed);
        let suffered = dawdlers.into_iter().map(|dawdler| dawdler.join().expect("no panic"));
        (suffered.collect::<Option<Vec<Duration>>>().expect("all were let go"), slowest)
    });
    let longest = suffered.iter().max().expect("some");
    println!("300 dawdlers were let go within {longest:?}; the slowest of others took {slowest:?}");
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
}

#[test]
fn a_client_that_sends_half_a_batch_and_goes_away_leaves_nothing() {
    let server = Server::start(Options::quiet("1h"));
    let token = server.api.token();
    let line = format!("{}\n", edit(1));
    let half = line.repeat(500);
    let head = format!(
        "POST /api/v1/audits HTTP/1.1\r\nhost: lull\r\nauthorization: Bearer {token}\r\n\
         content-type: application/x-ndjson\r\n"
    );
    let counted = format!("{head}content-length: {}\r\n\r\n{half}", half.len() * 2);
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{:x}\r\n{half}\r\n", half.len());
    let torn = &counted[..counted.len() - 10];
    for (number, request) in [&counted, &chunked, torn].into_iter().cycle().take(30).enumerate() {
        let mut stream = TcpStream::connect(address(&server)).expect("a connection");
        stream.write_all(request.as_bytes()).expect("written");
        if number % 2 == 0 {
            // Half closed: it could still hear an answer, which must not be 202.
            stream.shutdown(std::net::Shutdown::Write).expect("open");
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer);
            assert!(!answer.contains(" 202 "), "{answer}");
        }
    }
    eventually("their room is given back", || {
        let held = &server.api.get("/stats", 200)["limits"]["request_bytes"]["now"];
        (*held == 0).then_some(())
    });
    assert_eq!(server.api.all("/audits", "after_id").len(), 0);
    server.api.post_text("/audits", "application/x-ndjson", half.as_bytes(), 202);
    assert_eq!(server.api.all("/audits", "after_id").len(), 500);
}
