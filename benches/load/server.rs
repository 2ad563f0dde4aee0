//! The executable under test: start, calls, figures, stop.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clock;
use crate::failure::Failure;
use crate::http;
use crate::process::{Process, START_MAX};

/// How long a single call may take.
const CALL_MAX: Duration = Duration::from_secs(30);
/// How often a figure is looked at that is waited for.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked whether a server is ready, which takes it some tens of milliseconds.
const READY_POLL_EVERY: Duration = Duration::from_millis(1);

/// The executable: the one that was built with this, or what `LULL_BENCH_EXECUTABLE` names, such as one
/// that was built before.
pub fn executable() -> OsString {
    let other = std::env::var_os("LULL_BENCH_EXECUTABLE");
    other.unwrap_or_else(|| env!("CARGO_BIN_EXE_lull").into())
}

/// A fresh folder for a server's state, beside what cargo builds: the system's folder for temporary
/// files may be in memory, and then nothing would be durable.
pub fn fresh_folder() -> Result<TempDir, Failure> {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(Failure::system("making a folder"))
}

/// A server that is running.
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// The administrator's token.
    pub token: String,
    /// From its start until it was ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts a server on `data`, and waits until it is ready.
    pub fn start(data: &Path, quiet_period: &str) -> Result<Server, Failure> {
        let begun = clock::now();
        let (process, address) = Process::start(
            Command::new(executable())
                // Whatever LULL_… says here is not meant for this server.
                .env_clear()
                .env("RUST_LOG", "warn")
                .args(["serve", "--listen", "127.0.0.1:0", "--quiet-period", quiet_period])
                // The receivers are on this machine.
                .args(["--allow-nets", "127.0.0.0/8"])
                // However much is written, all of it is there to be read.
                .args(["--retention-size", "1TiB"])
                .arg("--data")
                .arg(data),
        )?;
        wait_until_ready(address)?;
        let ready_after = clock::now() - begun;
        let token = std::fs::read_to_string(data.join("admin-token"))
            .map_err(Failure::system("reading admin-token"))?;
        Ok(Server { process, address, token: token.trim().to_owned(), ready_after })
    }

    /// Calls the API; the answer, which must have the `expected` status.
    pub fn api(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        expected: u16,
    ) -> Result<Value, Failure> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let path = format!("/api/v1{path}");
        let (status, answer) = call(self.address, &self.token, method, &path, &body)?;
        if status != expected {
            return Err(Failure::refused(status, expected, answer.as_bytes()));
        }
        serde_json::from_str(&answer)
            .map_err(|error| Failure::Wrong(format!("{path} did not answer with JSON: {error}")))
    }

    /// Makes an integration with this hook, and whatever else `with` says of it.
    pub fn integrate(&self, hook: &str, with: Value) -> Result<(), Failure> {
        let mut spec = json!({"name": "receiver", "kind": "activity", "hook_url": hook});
        for (key, value) in with.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        self.api("POST", "/integrations", Some(&spec), 201).map(drop)
    }

    /// The number that `/stats` has at `pointer`.
    pub fn stat(&self, pointer: &str) -> Result<f64, Failure> {
        let stats = self.api("GET", "/stats", None, 200)?;
        let found = stats.pointer(pointer).and_then(Value::as_f64);
        found.ok_or_else(|| Failure::Wrong(format!("/stats has no number at {pointer}")))
    }

    /// Waits until that is `value`.
    pub fn wait_for(
        &self,
        what: &'static str,
        pointer: &str,
        value: u64,
        time_max: Duration,
    ) -> Result<(), Failure> {
        let reached = clock::poll(POLL_EVERY, time_max, || {
            Ok((self.stat(pointer)? == value as f64).then_some(()))
        })?;
        reached.ok_or(Failure::Late { what, time_max })
    }

    /// Bytes of its memory that are resident.
    pub fn resident_bytes(&self) -> Result<u64, Failure> {
        self.process.memory_bytes("VmRSS")
    }

    /// Asks the server to stop, and waits until it has; how long that took.
    pub fn stop(self) -> Result<Duration, Failure> {
        self.process.stop()
    }
}

fn wait_until_ready(address: SocketAddr) -> Result<(), Failure> {
    let ready = clock::poll(READY_POLL_EVERY, START_MAX, || {
        let (status, _) = call(address, "", "GET", "/readyz", "")?;
        Ok((status == 200).then_some(()))
    })?;
    ready.ok_or(Failure::Late { what: "getting ready", time_max: START_MAX })
}

/// One call on a connection of its own; the answer's status and body.
fn call(
    address: SocketAddr,
    token: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String), Failure> {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: lull\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n\
         {body}"
    );
    let exchange = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(CALL_MAX))?;
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        Ok((http::status(head)?, body.to_owned()))
    };
    exchange().map_err(Failure::system("calling the server"))
}
