//! Load: many connections that are kept alive, each with one outstanding request.
//!
//! `pace` says when requests begin. Closed-loop, the rate is what the server can do with so many
//! callers, and the latency what each of them waits; open-loop, the rate is given.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::net::TcpStream;

use crate::clock;
use crate::failure::Failure;
use crate::http::Connection;
use crate::pace::{Pace, Turns};
use crate::request::Request;

/// Threads that send. Few: what they take, the server lacks.
const THREADS: usize = 2;
/// How long the requests that are outstanding at the end may take.
const GRACE: Duration = Duration::from_secs(30);
/// The longest latency that is told apart, in microseconds.
const LATENCY_MAX_US: u64 = 60_000_000;
/// More requests than a load that ends by time ever gets to.
const REQUESTS_MAX: u64 = 100_000_000;
/// Connections, unless it is said otherwise.
pub const CONNECTIONS: usize = 64;

/// What to send, where to, and until when.
#[derive(Clone)]
pub struct Load {
    /// Where to.
    pub address: SocketAddr,
    /// What.
    pub request: Request,
    /// The status code it is answered with.
    pub expected: u16,
    /// Over how many connections.
    pub connections: usize,
    /// The number of the first request's first record.
    pub first_record: u64,
    /// When requests begin.
    pub pace: Pace,
    /// The most requests.
    pub requests_max: u64,
    /// The longest time during which new requests begin.
    pub time_max: Duration,
    /// Ends it before that.
    pub stop: Arc<AtomicBool>,
}

impl Load {
    /// Audits to be accepted, for so long, as quickly as that goes.
    pub fn new(address: SocketAddr, request: Request, time_max: Duration) -> Load {
        Load {
            address,
            request,
            expected: 202,
            connections: CONNECTIONS,
            first_record: 0,
            pace: Pace::Free,
            requests_max: REQUESTS_MAX,
            time_max,
            stop: Arc::default(),
        }
    }
}

/// What was sent and answered.
pub struct Sent {
    /// Audits in them.
    pub audits: u64,
    /// From the beginning to the last answer.
    pub took: Duration,
    latencies_us: Histogram<u64>,
}

impl Sent {
    /// Audits a second.
    pub fn audit_rate(&self) -> f64 {
        self.audits as f64 / self.took.as_secs_f64()
    }

    /// The latency that so many of a hundred requests stayed within, in milliseconds.
    pub fn latency_ms(&self, percentile: f64) -> f64 {
        self.latencies_us.value_at_percentile(percentile) as f64 / 1_000.0
    }
}

/// Sends `load`. The first answer that is not the expected one ends it.
pub fn send(load: &Load) -> Result<Sent, Failure> {
    let mut connections: Vec<Vec<std::net::TcpStream>> = Vec::new();
    connections.resize_with(THREADS, Vec::new);
    for number in 0..load.connections {
        connections[number % THREADS].push(connect(load.address)?);
    }
    // The connections are there; from here on it counts.
    let turns = Turns::new(load.pace.clone(), load.time_max, load.requests_max, load.stop.clone());
    let run = Run { load, turns: &turns };
    let histograms = std::thread::scope(|scope| {
        scope.spawn(|| turns.give_out(load.request.audits(), load.connections));
        let threads: Vec<_> = connections
            .into_iter()
            .map(|connections| scope.spawn(move || run_thread(run, connections)))
            .collect();
        let ended =
            threads.into_iter().map(|thread| thread.join().expect("no panic in the generator"));
        let ended = ended.collect::<Result<Vec<_>, Failure>>();
        if ended.is_err() {
            load.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        ended
    })?;
    let took = clock::now() - turns.start();
    let mut latencies_us = empty_histogram();
    for histogram in histograms {
        latencies_us.add(histogram).expect("invariant: all have the same bounds");
    }
    let requests = latencies_us.len();
    Ok(Sent { audits: requests * load.request.audits(), took, latencies_us })
}

fn connect(address: SocketAddr) -> Result<std::net::TcpStream, Failure> {
    let connected = std::net::TcpStream::connect(address).and_then(|stream| {
        // A request is one write; waiting for more would only add to its latency.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    });
    connected.map_err(Failure::system("connecting to the server"))
}

/// What all connections have in common.
#[derive(Clone, Copy)]
struct Run<'a> {
    load: &'a Load,
    turns: &'a Turns,
}

/// Runs a thread's connections side by side; the latencies of their requests.
fn run_thread(run: Run, connections: Vec<std::net::TcpStream>) -> Result<Histogram<u64>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::system("starting the load generator"))?;
    let latencies_us = RefCell::new(empty_histogram());
    let time_max = run.load.time_max + GRACE;
    runtime.block_on(async {
        let all = connections.into_iter().map(|stream| run_connection(run, stream, &latencies_us));
        match tokio::time::timeout(time_max, try_join_all(all)).await {
            Ok(ended) => ended.map(drop),
            Err(_) => Err(Failure::Late { what: "a request", time_max }),
        }
    })?;
    Ok(latencies_us.into_inner())
}

async fn run_connection(
    run: Run<'_>,
    stream: std::net::TcpStream,
    latencies_us: &RefCell<Histogram<u64>>,
) -> Result<(), Failure> {
    let broken = "a connection of the load generator";
    let stream = TcpStream::from_std(stream).map_err(Failure::system(broken))?;
    let mut connection = Connection::new(stream);
    let mut request = run.load.request.clone();
    let audits = request.audits();
    while let Some(turn) = run.turns.next().await {
        let bytes = request.about(run.load.first_record + turn.number * audits);
        connection.send(bytes).await.map_err(Failure::system(broken))?;
        let answer = connection.receive().await.map_err(Failure::system(broken))?;
        let answer =
            answer.ok_or_else(|| Failure::Wrong("the server closed a connection".to_owned()))?;
        let status = answer.status().map_err(Failure::system(broken))?;
        if status != run.load.expected {
            return Err(Failure::refused(status, run.load.expected, answer.body));
        }
        let latency = clock::now().saturating_duration_since(turn.due);
        latencies_us.borrow_mut().saturating_record(latency.as_micros() as u64);
    }
    Ok(())
}

fn empty_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_US, 3).expect("invariant: the bounds are in order")
}
