//! Load that does not wait: requests begin by the clock, whatever became of those before.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::http::Connection;

/// Bytes of an audit, about.
const AUDIT_BYTES: usize = 600;

/// What to send, where to, how often.
#[derive(Clone)]
pub struct Load {
    pub address: SocketAddr,
    pub token: String,
    /// Audits in a call, each of a record of its own.
    pub audits: u64,
    /// Over so many connections, which share out the calls.
    pub connections: u64,
    /// When a connection begins its next call, counted from when it began the last.
    pub every: Duration,
    /// Goes on until this is set.
    pub stop: Arc<AtomicBool>,
    /// The number of the next record, of all loads together.
    pub records: Arc<AtomicU64>,
}

/// What became of the calls.
#[derive(Default)]
pub struct Answers {
    /// How long those took that were taken in.
    pub accepted: Vec<Duration>,
    /// Calls that were told to come again, and when.
    pub refused: u64,
    /// Calls that got no answer, or one that says nothing of when to come again.
    pub wrong: Vec<String>,
}

impl Answers {
    fn add(&mut self, other: Answers) {
        self.accepted.extend(other.accepted);
        self.refused += other.refused;
        self.wrong.extend(other.wrong);
    }

    /// So many of a hundred were answered within.
    pub fn within(&mut self, percent: usize) -> Duration {
        self.accepted.sort_unstable();
        let last = self.accepted.len().saturating_sub(1);
        self.accepted.get(last * percent / 100).copied().unwrap_or_default()
    }
}

/// Sends it on the current thread until it is to stop.
pub fn send(load: &Load) -> Answers {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let tasks: Vec<_> = (0..load.connections)
            .map(|number| tokio::spawn(one_connection(load.clone(), number)))
            .collect();
        let mut all = Answers::default();
        for task in tasks {
            all.add(task.await.expect("no panic"));
        }
        all
    })
}

#[allow(clippy::disallowed_methods)] // real load takes real time
async fn one_connection(load: Load, number: u64) -> Answers {
    let mut answers = Answers::default();
    let offset = load.every.mul_f64(number as f64 / load.connections as f64);
    tokio::time::sleep(offset).await;
    let mut ticks = tokio::time::interval(load.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut connection: Option<Connection> = None;
    while !load.stop.load(Relaxed) {
        ticks.tick().await;
        let request = request(&load);
        let began = Instant::now();
        let open = match connection.take() {
            Some(open) => Ok(open),
            None => TcpStream::connect(load.address).await.map(Connection::new),
        };
        let mut open = match open {
            Ok(open) => open,
            Err(error) => {
                answers.wrong.push(format!("no connection: {error}"));
                continue;
            }
        };
        match ask(&mut open, &request).await {
            Ok(202) => answers.accepted.push(began.elapsed()),
            Ok(_) => answers.refused += 1,
            Err(wrong) => answers.wrong.push(wrong),
        }
        connection = Some(open);
    }
    answers
}

/// 202, or a status that came with words on when to come again.
async fn ask(connection: &mut Connection, request: &[u8]) -> Result<u16, String> {
    connection.send(request).await.map_err(|error| error.to_string())?;
    let answer = connection.receive().await.map_err(|error| error.to_string())?;
    let answer = answer.ok_or("closed without an answer")?;
    let status = answer.status().map_err(|error| error.to_string())?;
    let again = answer.header("retry-after").and_then(|text| text.parse::<u32>().ok());
    match (status, again) {
        (202, _) | (429 | 503, Some(1..)) => Ok(status),
        _ => Err(format!("{status}: {}", String::from_utf8_lossy(answer.body))),
    }
}

fn request(load: &Load) -> Vec<u8> {
    let first = load.records.fetch_add(load.audits, Relaxed);
    let mut body = String::with_capacity(load.audits as usize * AUDIT_BYTES);
    for record in first..first + load.audits {
        body.push_str(&format!(
            "{{\"audit_action\":\"update\",\"auditable_type\":\"feature\",\"auditable_id\":{record},\
             \"user\":{{\"id\":101,\"name\":\"Ada\"}},\"changes\":[{{\"field_name\":\"Note\",\
             \"value\":\"{:.<450}\"}}]}}\n",
            "words "
        ));
    }
    let head = format!(
        "POST /api/v1/audits HTTP/1.1\r\nhost: lull\r\nauthorization: Bearer {}\r\n\
         content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
        load.token,
        body.len()
    );
    (head + &body).into_bytes()
}
