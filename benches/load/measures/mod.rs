//! What is measured, a file each. A measure starts its own server, and returns its figures.

mod batches;
mod deliveries;
mod disk;
mod due;
mod growth;
mod hooks;
mod idle;
mod latency;
mod lateness;
mod log;
mod memory;
mod path;
mod prompt;
mod singles;
mod sustained;

use std::time::Duration;

use crate::failure::Failure;
use crate::generator::{self, Load};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::report::Figure;
use crate::request::Request;
use crate::server::Server;

/// A quiet period during which no window closes by itself.
const LONG: &str = "1h";
/// Audits in a batch.
const BATCH_AUDITS: u64 = 500;
/// Connections that post batches.
const BATCH_CONNECTIONS: usize = 16;
/// How long posting a given number of audits may take.
const POSTING_MAX: Duration = Duration::from_secs(120);

/// A measure.
pub struct Measure {
    /// What it is called on the command line.
    pub name: &'static str,
    /// In how many runs, the last, it is worth taking: what hardly varies, or takes long, in one.
    pub runs_max: u32,
    /// Takes it once.
    pub take: fn(&Plan) -> Result<Vec<Figure>, Failure>,
}

const fn every_run(name: &'static str, take: fn(&Plan) -> Result<Vec<Figure>, Failure>) -> Measure {
    Measure { name, runs_max: u32::MAX, take }
}

const fn once(name: &'static str, take: fn(&Plan) -> Result<Vec<Figure>, Failure>) -> Measure {
    Measure { name, runs_max: 1, take }
}

/// All of them, in the order in which they are taken.
pub static ALL: [Measure; 14] = [
    every_run("singles", singles::take),
    every_run("batches", batches::take),
    every_run("deliveries", deliveries::take),
    once("sustained", sustained::take),
    once("memory", memory::take),
    every_run("lateness", lateness::take),
    once("due", due::take),
    every_run("latency", latency::take),
    every_run("prompt", prompt::take),
    once("log", log::take),
    once("growth", growth::take),
    once("disk", disk::take),
    every_run("idle", idle::take),
    once("hooks", hooks::take),
];

impl Measure {
    /// The measure of that name.
    pub fn named(name: &str) -> Option<&'static Measure> {
        ALL.iter().find(|measure| measure.name == name)
    }
}

/// Posts the audits `first..end` in batches, each about a record of its own.
fn post_records(server: &Server, first: u64, end: u64) -> Result<(), Failure> {
    post(server, Request::batch(&server.token, BATCH_AUDITS), (first, end), Pace::Free)
}

/// Posts the audits `first..end` in such requests.
fn post(
    server: &Server,
    request: Request,
    (first, end): (u64, u64),
    pace: Pace,
) -> Result<(), Failure> {
    let (audits, each) = (end - first, request.audits());
    assert!(audits.is_multiple_of(each), "whole batches only");
    let sent = generator::send(&Load {
        connections: BATCH_CONNECTIONS,
        first_record: first,
        pace,
        requests_max: audits / each,
        ..Load::new(server.address, request, POSTING_MAX)
    })?;
    if sent.audits == audits {
        Ok(())
    } else {
        Err(Failure::Late { what: "posting audits", time_max: POSTING_MAX })
    }
}
