//! Receivers that do what no receiver should. Each ends as an attempt in the log with a reason that
//! a person can read; none holds memory, a thread, or another hook.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::raw::{listen, read_request};
use crate::harness::tls::{Identity, receiver};
use crate::harness::{Options, Receiver, Server, first_attempt};

/// How much the server's memory may grow by all of them.
const GROWTH_MAX: u64 = 50 << 20;
/// How long the good hook may take meanwhile.
const GOOD_WITHIN: Duration = Duration::from_secs(5);

/// A receiver, and what the log must say of it: "delivered", or part of the reason.
struct Nasty {
    name: &'static str,
    url: String,
    said: &'static str,
}

#[test]
#[allow(clippy::disallowed_methods)] // real processes take real time
fn nasty_receivers_are_logged_with_a_reason_and_harm_nobody() {
    let (never_accepts, _queue) = never_accepts();
    let nasty = all(never_accepts);
    let mut server = Server::start(Options::quiet("0s"));
    server.may_owe();
    let good = Receiver::start();
    let integrations: Vec<String> = nasty
        .iter()
        .map(|nasty| server.api.integration(&nasty.url, json!({"timeout": "2s"})))
        .collect();
    server.api.integration(&good.url("/good"), json!({}));
    let before = server.resident_bytes();

    let started = Instant::now();
    let audit = json!({"audit_action": "update", "auditable_type": "feature",
                       "auditable_id": "42", "changes": [{"field_name": "Name", "value": "x"}]});
    server.api.post("/audits", &audit, 202);
    good.wait_for(1);
    let took = started.elapsed();
    assert!(took < GOOD_WITHIN, "the good hook had to wait for {took:?}");

    let attempts: Vec<Value> =
        integrations.iter().map(|id| first_attempt(&server.api, id)).collect();
    let grown = server.resident_bytes().saturating_sub(before);
    println!("{:44} | how it ended", "receiver");
    println!("{:-<44} | {:-<12}", "", "");
    for (nasty, attempt) in nasty.iter().zip(&attempts) {
        println!("{:44} | {}", nasty.name, ending(attempt));
    }
    println!("the server's memory grew by {} KiB; the good hook took {took:?}", grown >> 10);
    for (nasty, attempt) in nasty.iter().zip(&attempts) {
        assert!(ending(attempt).contains(nasty.said), "{}: {attempt:#}", nasty.name);
        let total_ms = attempt["timing"]["total_ms"].as_u64().expect("a time");
        assert!(total_ms < 4_000, "{}: {total_ms} ms", nasty.name);
        let body = attempt["response"]["body"].as_str().unwrap_or_default();
        assert!(body.len() <= 64 << 10, "{}: {} bytes of body", nasty.name, body.len());
    }
    assert!(grown < GROWTH_MAX, "memory grew by {grown} bytes");
    server.api.get("//healthz", 200);
}

/// How an attempt ended, in a line.
fn ending(attempt: &Value) -> String {
    let text = |key: &str| attempt[key].as_str().map(str::to_owned);
    let note = text("note").map(|note| format!("; {note}")).unwrap_or_default();
    let cut = if attempt["response"]["body_cut"] == true && note.is_empty() {
        "; its beginning is kept"
    } else {
        ""
    };
    match text("error").or(text("reason")) {
        Some(why) => format!("{why}{note}"),
        None => format!("delivered, {}{note}{cut}", attempt["response"]["code"]),
    }
}

/// A socket that listens, whose queue of connections is full and stays so.
fn never_accepts() -> (SocketAddr, Vec<socket2::Socket>) {
    use socket2::{Domain, Socket, Type};
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    socket.bind(&any.into()).expect("a port");
    socket.listen(0).expect("a listener");
    let address = socket.local_addr().expect("an address").as_socket().expect("of IP");
    let mut sockets = vec![socket];
    for _ in 0..4 {
        let filler = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        filler.set_nonblocking(true).expect("a socket");
        let _ = filler.connect(&address.into());
        sockets.push(filler);
    }
    (address, sockets)
}

/// Answers every request with these bytes, and closes.
fn answers(bytes: impl Into<Vec<u8>>) -> u16 {
    let bytes = bytes.into();
    listen(move |mut stream| {
        if read_request(&mut stream).is_ok() {
            let _ = stream.write_all(&bytes);
        }
    })
}

/// Answers every request with `head`, and then with `more` for ever, pausing in between.
fn goes_on(head: &'static str, more: Vec<u8>, pause: Duration) -> u16 {
    listen(move |mut stream| {
        if read_request(&mut stream).is_err() || stream.write_all(head.as_bytes()).is_err() {
            return;
        }
        while stream.write_all(&more).is_ok() {
            std::thread::sleep(pause);
        }
    })
}

/// Keeps the connection open until the other side closes it.
fn wait_for_close(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

fn all(never_accepts: SocketAddr) -> Vec<Nasty> {
    const SECOND: Duration = Duration::from_secs(1);
    const OK: &str = "HTTP/1.1 200 OK\r\n";
    let at = |port: u16| format!("http://127.0.0.1:{port}/");
    let nasty = |name, port, said| Nasty { name, url: at(port), said };
    let retry_after = |value| {
        answers(format!("HTTP/1.1 503 Busy\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n"))
    };
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed_port = closed.local_addr().expect("an address").port();
    drop(closed);
    let gzip = {
        let mut bytes =
            format!("{OK}content-encoding: gzip\r\nconnection: close\r\n\r\n").into_bytes();
        bytes.extend(gzip_bomb(8_000));
        bytes
    };
    let itself = listen(|mut stream| {
        let port = stream.local_addr().map_or(0, |address| address.port());
        if read_request(&mut stream).is_ok() {
            let _ = write!(
                stream,
                "HTTP/1.1 301 Moved\r\nlocation: http://127.0.0.1:{port}/\r\ncontent-length: 0\r\n\r\n"
            );
        }
    });
    let tls = receiver(&Identity::self_signed(&["127.0.0.1"]), None);
    let plain = listen(|mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    });
    vec![
        nasty("nobody listens", closed_port, "connection refused by 127.0.0.1:"),
        Nasty {
            name: "a name that leads nowhere",
            url: "http://nowhere.invalid/".to_owned(),
            said: "nowhere.invalid",
        },
        nasty("never accepts", never_accepts.port(), "did not take the connection within 2s"),
        nasty("closes at once", listen(drop), "without an answer"),
        nasty("accepts and says nothing", listen(wait_for_close), "no answer within 2s"),
        Nasty {
            name: "accepts and says nothing, under https",
            url: at(listen(wait_for_close)).replace("http:", "https:"),
            said: "did not finish the TLS handshake within 2s",
        },
        Nasty {
            name: "closes in the middle of the TLS handshake",
            url: at(listen(|mut stream| drop(stream.read(&mut [0; 16]))))
                .replace("http:", "https:"),
            said: "closed the connection during the TLS handshake",
        },
        nasty(
            "one byte of headers a second",
            listen(|mut stream| {
                let _ = read_request(&mut stream);
                for byte in format!("{OK}content-length: 0\r\n\r\n").bytes() {
                    if stream.write_all(&[byte]).is_err() {
                        break;
                    }
                    std::thread::sleep(SECOND);
                }
            }),
            "no answer within 2s",
        ),
        nasty(
            "endless headers",
            goes_on(OK, b"x-more: and more\r\n".to_vec(), Duration::ZERO),
            "more headers than are read",
        ),
        nasty(
            "one endless header",
            goes_on("HTTP/1.1 200 OK\r\nx-long: ", vec![b'a'; 4096], Duration::ZERO),
            "more headers than are read",
        ),
        nasty(
            "endless body",
            goes_on(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
                [b"1000\r\n", &[b'a'; 4096][..], b"\r\n"].concat(),
                Duration::ZERO,
            ),
            "delivered, 200; its beginning is kept",
        ),
        nasty(
            "endless body without a length",
            goes_on("HTTP/1.1 200 OK\r\n\r\n", vec![b'a'; 4096], Duration::ZERO),
            "delivered",
        ),
        nasty(
            "one byte of body a second",
            goes_on("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", b"a".to_vec(), SECOND),
            "delivered, 200; the answer's body did not end within 2s",
        ),
        nasty(
            "one byte of body a second, of an error",
            goes_on("HTTP/1.1 500 No\r\ncontent-length: 100\r\n\r\n", b"a".to_vec(), SECOND),
            "answered 500 Internal Server Error; the answer's body did not end",
        ),
        nasty(
            "100 MB of body",
            listen(|mut stream| {
                let _ = read_request(&mut stream);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n");
                for _ in 0..100 {
                    if stream.write_all(&vec![b'a'; 1_000_000]).is_err() {
                        break;
                    }
                }
            }),
            "delivered",
        ),
        nasty(
            "content length too long",
            answers(format!("{OK}content-length: 100\r\n\r\nshort")),
            "delivered, 200; the connection was closed before the end",
        ),
        nasty(
            "content length too short",
            answers(format!("{OK}content-length: 2\r\n\r\nlonger than that")),
            "delivered, 200",
        ),
        nasty(
            "content length that is no number",
            answers(format!("{OK}content-length: many\r\n\r\nx")),
            "not HTTP",
        ),
        nasty(
            "closes in the middle of a chunk",
            answers(format!("{OK}transfer-encoding: chunked\r\n\r\nff\r\nhalf")),
            "delivered, 200; the connection was closed before the end",
        ),
        nasty(
            "closes in the middle of its headers",
            answers("HTTP/1.1 200 OK\r\ncontent-le"),
            "in the middle of its answer's headers",
        ),
        nasty("301 to itself", itself, "redirects are not followed"),
        nasty(
            "200 with HTML",
            answers(format!(
                "{OK}content-type: text/html\r\ncontent-length: 15\r\n\r\n<h1>Log in</h1>"
            )),
            "delivered, 200",
        ),
        nasty("HTTP/0.9 noise", answers("<html>welcome to 1991</html>\r\n\r\n"), "not HTTP"),
        nasty("SMTP", answers("220 mail.example.com ESMTP\r\n"), "not HTTP"),
        Nasty {
            name: "plain HTTP where TLS is expected",
            url: at(plain).replace("http:", "https:"),
            said: "does not speak TLS at all",
        },
        nasty("TLS where plain HTTP is expected", tls, "URL should be https"),
        nasty("gzip bomb", answers(gzip), "delivered, 200"),
        nasty("retry-after: -1", retry_after("-1"), "with retry-after \"-1\""),
        nasty("retry-after: 99999999999", retry_after("99999999999"), "answered 503"),
        nasty("retry-after in 1970", retry_after("Thu, 01 Jan 1970 00:00:00 GMT"), "answered 503"),
    ]
}

/// Gzip of zeros, written by hand: `runs` times "258 more of the same", thirteen bits each.
fn gzip_bomb(runs: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut held, mut bits) = (0_u32, 0);
    let mut put = |code: u32, length: u32| {
        held |= code << bits;
        bits += length;
        while bits >= 8 {
            bytes.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    };
    put(0b011, 3); // the last block, with the fixed codes
    put(0b00001100, 8); // a zero; codes are written from their highest bit
    for _ in 0..runs {
        put(0b10100011, 8); // a length of 258
        put(0, 5); // a distance of one
    }
    put(0, 7 + 7); // the end, and zeros up to a whole byte
    bytes.extend([0; 8]);
    bytes
}

#[test]
fn a_body_without_an_end_is_not_read_as_the_answer_to_the_next_request() {
    let server = Server::start(Options::quiet("0s"));
    // The second connection is answered well; the first would be, with what was left on it.
    let port = listen(|mut stream| {
        while read_request(&mut stream).is_ok() {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            std::thread::sleep(Duration::from_millis(300));
            let _ = stream.write_all(b"HTTP/1.1 500 Left\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let id = server.api.integration(&format!("http://127.0.0.1:{port}/"), json!({}));
    for record in ["1", "2"] {
        let audit = json!({"audit_action": "update", "auditable_type": "feature",
                           "auditable_id": record});
        server.api.post("/audits", &audit, 202);
        server.settled();
    }
    let messages = server.api.get(&format!("/messages?integration={id}"), 200);
    for message in messages["items"].as_array().expect("items") {
        assert_eq!((&message["status"], &message["attempts"]), (&json!("delivered"), &json!(1)));
    }
}
