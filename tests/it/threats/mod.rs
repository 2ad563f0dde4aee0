//! What somebody might try who means harm, against the real executable. `docs/security.md` says which
//! test is about which threat.
//!
//! - `bodies`: bombs, depth, slow clients, two lengths
//! - `browser`: other pages in the browser of somebody who is logged in
//! - `log`: text that would forge the log
//! - `secrets`: everything that must not be shown, looked for in everything that is
//! - `traversal`: files that are not the pages'

mod bodies;
mod browser;
mod log;
mod secrets;
mod traversal;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::Server;

/// What the server answers to these very bytes, until it closes the connection or says no more.
fn raw(server: &Server, bytes: &[u8]) -> String {
    let address = server.url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).expect("the server");
    stream.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
    stream.write_all(bytes).expect("the server listens");
    let mut answer = Vec::new();
    // It may keep the connection open.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}
