//! `lull backup`: copies of a server under load hold what was acknowledged, and can be started on.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::raw;
use crate::harness::{Client, Options, Receiver, Server, Stop, eventually, executable, noise, run};

/// Connections that post at the same time.
const CONNECTIONS: u64 = 3;
/// Copies that are taken meanwhile.
const COPIES: usize = 3;

/// Copies a server's store to `dir`.
pub fn backup(url: &str, token: &str, dir: &Path) -> Output {
    run(executable().arg("backup").arg(dir).args(["--server", url, "--token", token]))
}

/// What a command printed.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn audit(id: &str, record: u64, length: usize) -> Value {
    json!({"id": id, "audit_action": "update", "auditable_type": "feature",
           "auditable_id": record.to_string(), "user": {"id": "1"},
           "changes": [{"field_name": "Note", "value": format!("{id}{}", noise(record, length))}]})
}

/// Posts until it is told to stop; what is acknowledged is taken down.
fn post(api: &Client, connection: u64, stop: &AtomicBool, acknowledged: &Mutex<Vec<String>>) {
    for call in 0.. {
        if stop.load(SeqCst) {
            return;
        }
        let id = format!("{connection}-{call}");
        let length = if call % 20 == 0 { 20_000 } else { 50 };
        api.post("/audits", &audit(&id, connection * 1000 + call % 40, length), 202);
        acknowledged.lock().unwrap().push(id);
    }
}

fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

/// A copy, and what had been acknowledged when it was asked for.
struct Copied {
    options: Options,
    acknowledged: Vec<String>,
}

fn copies(server: &Server, acknowledged: &Mutex<Vec<String>>) -> Vec<Copied> {
    let copy = |number| {
        eventually("more audits", || {
            (acknowledged.lock().unwrap().len() > 100 * (number + 1)).then_some(())
        });
        let options = Options::quiet("200ms");
        let acknowledged = acknowledged.lock().unwrap().clone();
        let done = backup(&server.url, &server.api.token(), &options.data());
        assert!(done.status.success(), "{}", said(&done));
        let line = said(&done);
        assert!(line.starts_with("copied ") && line.lines().count() == 1, "{line}");
        Copied { options, acknowledged }
    };
    (0..COPIES).map(copy).collect()
}

#[test]
fn a_copy_of_a_server_under_load_holds_what_was_acknowledged_and_goes_on_from_there() {
    let (receiver, after) = (Receiver::start(), Receiver::start());
    let mut server = Server::start(Options::quiet("200ms"));
    server.may_owe();
    let mode = std::fs::metadata(server.options.data()).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the server's own folder");
    server.api.integration(&receiver.url("/live"), json!({"name": "live"}));
    let down = json!({"name": "down", "collate_backlog": false, "retry_schedule": ["1h"]});
    let down = server.api.integration("http://127.0.0.1:9/", down);
    let (stop, acknowledged) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let copied = std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let (api, stop, acknowledged) = (server.api.clone(), &stop, &acknowledged);
            scope.spawn(move || post(&api, connection, stop, acknowledged));
        }
        let _stop = Stop(&stop);
        copies(&server, &acknowledged)
    });
    let history = ids(&server.api.all("/audits", "after_id"));
    let token = server.api.token();
    for Copied { options, acknowledged } in copied {
        private(&options.data());
        let checked = run(executable().arg("check").arg("--data").arg(options.data()));
        assert!(checked.status.success(), "{}", said(&checked));
        // The file with the token is not in it; the token is.
        assert!(!options.data().join("admin-token").exists());
        std::fs::write(options.data().join("admin-token"), &token).expect("a file");
        let mut copy = Server::start(options);
        copy.may_owe();
        let in_copy = ids(&copy.api.all("/audits", "after_id"));
        assert_eq!(in_copy, history[..in_copy.len()], "the history begins as the server's");
        let (in_copy, acknowledged): (BTreeSet<String>, BTreeSet<String>) =
            (in_copy.into_iter().collect(), acknowledged.into_iter().collect());
        assert_eq!(acknowledged.difference(&in_copy).count(), 0, "acknowledged before");
        assert!(copy.api.all("/security-events", "after").iter().any(taken));
        goes_on(&copy, &after, &down, &in_copy);
    }
}

fn taken(event: &Value) -> bool {
    event["action"] == "backup.created" && event["user"]["name"] == "admin"
}

/// Windows close, and what was owed is delivered as the message it was.
fn goes_on(copy: &Server, after: &Receiver, down: &str, history: &BTreeSet<String>) {
    eventually("no window is open", || {
        (copy.api.get("/stats", 200)["windows"]["open"] == 0).then_some(())
    });
    let before = after.received().len();
    copy.api.patch(&format!("/integrations/{down}"), &json!({"hook_url": after.url("/up")}), 200);
    let owed = ids(&copy.api.all(&format!("/messages?integration={down}"), "after"));
    assert!(!owed.is_empty());
    for message in &owed {
        redeliver(&copy.api, message);
    }
    copy.settled();
    let received = after.received().split_off(before);
    let webhooks: BTreeSet<&str> =
        received.iter().map(|got| got.headers["webhook-id"].as_str()).collect();
    assert_eq!(webhooks, owed.iter().map(String::as_str).collect());
    let mut told = BTreeSet::new();
    for got in &received {
        let audits = got.json()["audit"]["collated"]["audit_ids"].clone();
        for id in audits.as_array().expect("ids") {
            told.insert(id.as_str().expect("an id").to_owned());
        }
    }
    assert_eq!(told, *history, "every audit of the copy was told of, and none besides");
}

/// Asks for another attempt; again when the one before is just coming to its end.
fn redeliver(api: &Client, message: &str) {
    let path = format!("/messages/{message}/redeliver");
    eventually("a message that is not being settled", || {
        let answer = api.call("POST", &path, &[], b"").expect("an answer");
        assert!([202, 409].contains(&answer.status), "{}", answer.text);
        (answer.status == 202).then_some(())
    });
}

/// Nobody else can read any of it.
fn private(path: &Path) {
    let mode = std::fs::metadata(path).expect("a file").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    if path.is_dir() {
        for entry in std::fs::read_dir(path).expect("a folder") {
            private(&entry.expect("an entry").path());
        }
    }
}

/// A server that holds more than fits on the way to a client.
fn filled() -> Server {
    let mut server = Server::quiet("1h");
    server.may_owe();
    for batch in 0..12 {
        let audits: Vec<Value> =
            (0..20).map(|at| audit(&format!("{batch}-{at}"), at, 60_000)).collect();
        server.api.post("/audits", &json!(audits), 202);
    }
    server
}

/// Asks for a copy; what reads it.
fn asked(server: &Server) -> TcpStream {
    let address = server.url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let token = server.api.token();
    let request = format!(
        "POST /api/v1/backup HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-length: 0\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).expect("sent");
    stream
}

#[test]
fn one_copy_is_taken_at_a_time_and_one_that_nobody_reads_ends_with_its_connection() {
    let server = filled();
    let mut first = asked(&server);
    let mut head = [0; 1000];
    first.read_exact(&mut head).expect("it begins");
    let refused = server.api.post("/backup", &Value::Null, 409);
    assert!(refused["detail"].as_str().unwrap().contains("another backup"), "{refused}");
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("copy");
    let second = backup(&server.url, &server.api.token(), &dir);
    assert_eq!(second.status.code(), Some(1));
    assert!(said(&second).contains("another backup is being taken"), "{}", said(&second));
    assert!(!dir.join("store").exists());
    // Audits are taken in all the same.
    server.api.post("/audits", &audit("meanwhile", 1, 10), 202);
    drop(first);
    eventually("the first has ended", || {
        backup(&server.url, &server.api.token(), &dir).status.success().then_some(())
    });
    assert!(dir.join("store/db").is_file());
    // What is there is not written over.
    let again = backup(&server.url, &server.api.token(), &dir);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("is not empty"), "{}", said(&again));
}

/// A server that says these bytes to everybody, and goes away.
fn parrot(bytes: Vec<u8>) -> String {
    let port = raw::listen(move |mut stream| {
        if raw::read_request(&mut stream).is_ok() {
            let _ = stream.write_all(&bytes);
        }
    });
    format!("http://127.0.0.1:{port}")
}

#[test]
fn an_answer_that_is_cut_or_garbled_leaves_no_store() {
    let server = Server::quiet("1h");
    server.api.post("/audits", &json!([audit("1", 1, 30_000), audit("2", 1, 10)]), 202);
    let mut whole = Vec::new();
    asked(&server).read_to_end(&mut whole).expect("a copy");
    let body = whole.windows(4).position(|at| at == b"\r\n\r\n").expect("a head") + 4;
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("copy");
    let good = backup(&parrot(whole.clone()), "t", &dir);
    assert!(good.status.success() && said(&good).contains("copied 2 audits"), "{}", said(&good));
    std::fs::remove_dir_all(&dir).expect("there");
    let fails = |bytes: Vec<u8>, what: &str| {
        let bad = backup(&parrot(bytes), "t", &dir);
        assert_eq!(bad.status.code(), Some(1), "{what}: {}", said(&bad));
        assert_eq!(said(&bad).lines().count(), 1, "{what}: {}", said(&bad));
        assert!(said(&bad).starts_with("lull: "), "{what}: {}", said(&bad));
        assert_eq!(std::fs::read_dir(&dir).map_or(0, Iterator::count), 0, "{what}");
    };
    for length in [body, body + 30, (body + whole.len()) / 2, whole.len() - 20] {
        fails(whole[..length].to_vec(), &format!("cut at {length} of {}", whole.len()));
    }
    let text = "HTTP/1.1 200 OK\r\ncontent-length: 27\r\n\r\n<html>I am a proxy</html>\r\n";
    fails(text.into(), "another server");
    for at in [body + 30, (body + whole.len()) / 2] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fails(flipped, &format!("flipped at {at}"));
    }
}

#[test]
fn a_server_that_is_killed_while_it_is_copied_leaves_a_whole_copy_or_none() {
    let server = filled();
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("copy");
    let (url, token) = (server.url.clone(), server.api.token());
    let copied = std::thread::scope(|scope| {
        let copying = scope.spawn(|| backup(&url, &token, &dir));
        eventually("the copy has begun", || dir.join("store.part").exists().then_some(()));
        std::thread::sleep(Duration::from_millis(20));
        server.kill();
        copying.join().expect("its end")
    });
    assert_eq!(copied.status.success(), dir.join("store").exists(), "{}", said(&copied));
    assert!(!dir.join("store.part").exists());
    if !copied.status.success() {
        assert!(said(&copied).contains("cut off"), "{}", said(&copied));
    }
}
