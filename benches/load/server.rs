//! The executable under test: start, calls, memory, stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::clock;
use crate::failure::Failure;
use crate::http;

/// How long a start may take, recovery included.
const START_MAX: Duration = Duration::from_secs(120);
/// How long an orderly stop may take.
const STOP_MAX: Duration = Duration::from_secs(60);
/// How long a single call may take.
const CALL_MAX: Duration = Duration::from_secs(30);
/// How often something is looked at that is waited for.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// A fresh folder for a server's state, beside what cargo builds: the system's folder for temporary
/// files may be in memory, and then nothing would be durable.
pub fn fresh_folder() -> Result<TempDir, Failure> {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(Failure::system("making a folder"))
}

/// A server that is running.
pub struct Server {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// The administrator's token.
    pub token: String,
    /// From its start until it was ready.
    pub ready_after: Duration,
}

/// The server's process. Killed when dropped, unless it has ended.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Does nothing to one that has ended and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Server {
    /// Starts a server on `data`, and waits until it is ready.
    pub fn start(data: &Path, quiet_period: &str) -> Result<Server, Failure> {
        let begun = clock::now();
        let (process, output) = spawn(data, quiet_period)?;
        let address = address_of(output)?;
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

    /// Waits until the number that `/stats` has at `pointer` is `value`.
    pub fn wait_for(
        &self,
        what: &'static str,
        pointer: &str,
        value: u64,
        time_max: Duration,
    ) -> Result<(), Failure> {
        let reached = clock::poll(POLL_EVERY * 10, time_max, || {
            let stats = self.api("GET", "/stats", None, 200)?;
            let found = stats.pointer(pointer).and_then(Value::as_u64);
            Ok((found == Some(value)).then_some(()))
        })?;
        reached.ok_or(Failure::Late { what, time_max })
    }

    /// Bytes of its memory that are resident.
    pub fn resident_bytes(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.0.id()))
            .map_err(Failure::system("reading the server's memory"))?;
        let kibibytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
        let unknown = || Failure::Wrong("the system does not tell a process's memory".to_owned());
        kibibytes.map(|kibibytes: u64| kibibytes << 10).ok_or_else(unknown)
    }

    /// Asks the server to stop, and waits until it has; how long that took.
    pub fn stop(mut self) -> Result<Duration, Failure> {
        let begun = clock::now();
        // SAFETY: kill has no preconditions. The process is a child that nobody has waited for, so
        // its number is still its own.
        if unsafe { libc::kill(self.process.0.id() as libc::pid_t, libc::SIGTERM) } != 0 {
            return Err(Failure::system("stopping the server")(std::io::Error::last_os_error()));
        }
        let status = clock::poll(POLL_EVERY, STOP_MAX, || self.process.0.try_wait())
            .map_err(Failure::system("waiting for the server to stop"))?;
        match status {
            Some(status) if status.success() => Ok(clock::now() - begun),
            Some(status) => Err(Failure::Wrong(format!("the server ended with {status}"))),
            None => Err(Failure::Late { what: "stopping the server", time_max: STOP_MAX }),
        }
    }
}

fn spawn(data: &Path, quiet_period: &str) -> Result<(Process, ChildStdout), Failure> {
    let mut process = Command::new(env!("CARGO_BIN_EXE_lull"))
        // Whatever LULL_… says here is not meant for this server.
        .env_clear()
        .env("RUST_LOG", "warn")
        .args(["serve", "--listen", "127.0.0.1:0", "--quiet-period", quiet_period])
        // The receivers are on this machine.
        .args(["--allow-nets", "127.0.0.0/8"])
        // However much is written, all of it is there to be read.
        .args(["--retention-size", "1TiB"])
        .arg("--data")
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(Failure::system("starting the server"))?;
    let output = process.stdout.take().expect("invariant: it was piped");
    Ok((Process(process), output))
}

/// The address in the first line of what the server prints. The rest is read and forgotten: a pipe
/// that nobody reads would hold the server up once it is full.
fn address_of(output: ChildStdout) -> Result<SocketAddr, Failure> {
    let (sender, line) = mpsc::channel();
    std::thread::spawn(move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        let read = output.read_line(&mut line).map(|_| line);
        let _ = sender.send(read);
        let _ = std::io::copy(&mut output, &mut std::io::sink());
    });
    let line = line
        .recv_timeout(START_MAX)
        .map_err(|_| Failure::Late { what: "starting the server", time_max: START_MAX })?
        .map_err(Failure::system("reading what the server prints"))?;
    let address = line.rsplit_once("http://").and_then(|(_, address)| address.trim().parse().ok());
    address.ok_or_else(|| Failure::Wrong(format!("the server began with {line:?}")))
}

fn wait_until_ready(address: SocketAddr) -> Result<(), Failure> {
    let ready = clock::poll(POLL_EVERY, START_MAX, || {
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
