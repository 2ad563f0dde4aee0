//! What is measured, a file each. A measure starts its own server, and returns its figures.

mod batches;
mod deliveries;
mod log;
mod memory;
mod singles;

use std::time::Duration;

use crate::failure::Failure;
use crate::generator::{self, Load};
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
/// More requests than a load that ends by time ever gets to.
const REQUESTS_MAX: u64 = 100_000_000;

/// A measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Durable audits one by one, beside the server's answers without the store.
    Singles,
    /// Durable audits in batches.
    Batches,
    /// Deliveries to one hook.
    Deliveries,
    /// Memory of open windows, and a restart with them.
    Memory,
    /// Pages of a long log.
    Log,
}

impl Measure {
    /// All of them, in the order in which they are taken.
    pub const ALL: [Measure; 5] =
        [Measure::Singles, Measure::Batches, Measure::Deliveries, Measure::Memory, Measure::Log];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Singles => "singles",
            Measure::Batches => "batches",
            Measure::Deliveries => "deliveries",
            Measure::Memory => "memory",
            Measure::Log => "log",
        }
    }

    /// The measure of that name.
    pub fn named(name: &str) -> Option<Measure> {
        Measure::ALL.into_iter().find(|measure| measure.name() == name)
    }

    /// In how many runs, the last, it is worth taking. Memory hardly varies, and takes long; the log
    /// is asked many times in one run.
    pub fn runs_max(self) -> u32 {
        match self {
            Measure::Memory | Measure::Log => 1,
            _ => u32::MAX,
        }
    }

    /// Takes it once.
    pub fn take(self, plan: &Plan) -> Result<Vec<Figure>, Failure> {
        match self {
            Measure::Singles => singles::take(plan),
            Measure::Batches => batches::take(plan),
            Measure::Deliveries => deliveries::take(plan),
            Measure::Memory => memory::take(plan),
            Measure::Log => log::take(plan),
        }
    }
}

/// Posts one audit to each of the records from `first_record` to `end_record`, in batches.
fn post_records(server: &Server, first_record: u64, end_record: u64) -> Result<(), Failure> {
    let audits = end_record - first_record;
    assert!(audits.is_multiple_of(BATCH_AUDITS), "whole batches only");
    let sent = generator::send(&Load {
        address: server.address,
        request: Request::batch(&server.token, BATCH_AUDITS as usize),
        expected: 202,
        connections: BATCH_CONNECTIONS,
        first_record,
        requests_max: audits / BATCH_AUDITS,
        time_max: POSTING_MAX,
    })?;
    if sent.audits == audits {
        Ok(())
    } else {
        Err(Failure::Late { what: "posting audits", time_max: POSTING_MAX })
    }
}
