//! Records being edited: one actor for each that has an open window. Level 3.
//!
//! Owns when a window closes and what it comes to. Depends on `store` downwards; knows nothing of
//! deliveries, which hear of new messages from the journal.
//!
//! - `window.rs`: deadlines, pure
//! - `gauges.rs`: what all shards hold together, and its bounds
//! - `backlog.rs`: what could not be delivered yet takes in what comes after it
//! - `replay.rs`: windows that closed before, addressed again
//! - `outcome.rs`: what a window comes to, when it closes or if it closed now
//! - `slots.rs`: what each integration sees of a window
//! - `actor.rs`: [`RecordActor`], one per open window of a record
//! - `deadlines.rs`: which of them are to be asked whether they are due, and when; pure
//! - `registry.rs`: [`Registry`], one per arbiter, the only starter of record actors
//!
//! **Why no edit is ever missed** (R1). The journal hands an audit to the registry's mailbox before
//! its 202. When its timer fires, the registry does not ask windows whether they are due: it sends
//! itself `Due` through the same mailbox, and asks when that comes back. So every edit that was acknowledged before the deadline
//! has reached the actor by then. A mark names the audits it closes one by one, so one that comes
//! later can only open the next window.

mod actor;
mod backlog;
mod deadlines;
mod gauges;
mod outcome;
mod registry;
mod replay;
mod slots;
#[cfg(test)]
mod tests;
mod window;

use std::sync::Arc;

use tokio::sync::Semaphore;

pub use actor::{RecordActor, WindowView};
pub use gauges::{Gauges, Reached, TakenIn};
pub use outcome::{Foreseen, PREVIEWED_MAX, Preview, audits_to_preview, preview};
pub use registry::{CloseByHand, Edits, ListWindows, Recover, Registry, WindowsOf};
pub use replay::replay;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::store::{Journal, Store};

/// The most windows of one shard that are closing at a time: a bound on memory when very many are
/// due at once.
const CLOSING_MAX: usize = 256;

/// What the record actors of a shard have in common.
pub struct Shared {
    /// Where audits are read.
    pub store: Arc<Store>,
    /// Where windows are closed.
    pub journal: Journal,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Figures for people.
    pub gauges: Arc<Gauges>,
    /// Figures for machines.
    pub metrics: Arc<Metrics>,
    closing: Arc<Semaphore>,
}

impl Shared {
    /// What a new shard has in common.
    pub fn new(
        store: Arc<Store>,
        journal: Journal,
        clock: Arc<dyn Clock>,
        gauges: Arc<Gauges>,
        metrics: Arc<Metrics>,
    ) -> Arc<Shared> {
        let closing = Arc::new(Semaphore::new(CLOSING_MAX));
        Arc::new(Shared { store, journal, clock, gauges, metrics, closing })
    }
}
