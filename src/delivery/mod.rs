//! What is owed, sent: one actor an integration. Level 3.
//!
//! Owns when an attempt is made, and what is written down of it. Depends on `store` downwards; knows
//! nothing of windows, and hears of new messages from the journal.
//!
//! - `schedule.rs`: which message may go next, and when; pure
//! - `pace.rs`: how many may be in flight at a time; pure
//! - `limit.rs`: how many a second
//! - `jump.rs`: a clock that was put back
//! - `actor.rs`: [`DeliveryActor`], one per integration: in-flight attempts and the one timer
//! - `attempt.rs`: one attempt, from the message to what is written down of it
//! - `wire.rs`: its headers and body, and how much of the answer is kept
//! - `receipt.rs`: what receivers of many events say of each
//! - `dispatcher.rs`: [`Dispatcher`], one per arbiter, the only starter of delivery actors
//! - `transport.rs`: one HTTP request, and its answer or why there is none
//! - `connector.rs`, `stream.rs`: name → addresses → guarded connection
//! - `tls.rs`: which certificates are good, and which is shown
//! - `progress.rs`: how far an attempt has come, and when
//! - `guard.rs`: which addresses may be connected to; pure
//! - `words.rs`: what went wrong with a request, in words a person can act on
//!
//! Invariants: at most one message of a record is in flight to an integration, and always the oldest
//! that is owed (D4); an attempt and what follows from it are one commit (D3); losing an actor loses
//! nothing, since the outbox is in the store.

mod actor;
mod attempt;
mod connector;
mod dispatcher;
mod guard;
mod jump;
mod limit;
mod pace;
mod progress;
mod receipt;
mod schedule;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod wire;
mod words;

use std::rc::Rc;
use std::sync::Arc;

pub use actor::DeliveryActor;
pub use connector::{Resolve, SystemResolver};
pub use dispatcher::{Configured, Dispatcher, Drain, GiveUp, Owe, Shard, TestHook, Wait};
pub use guard::{Guard, Refused};
pub use tls::{BadCertificate, config as tls_config};
pub use transport::{HttpTransport, Posted, Request, Transport};
pub use words::reason;

use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::model::Integration;
use crate::store::{Journal, Store};

/// Makes the transport of an integration, on the thread that will use it.
pub type MakeTransport = dyn Fn(&Integration) -> Rc<dyn Transport> + Send + Sync;

/// What all deliveries have in common.
pub struct Shared {
    /// Where messages are read.
    pub store: Arc<Store>,
    /// Where attempts are settled.
    pub journal: Journal,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Figures for machines.
    pub metrics: Arc<Metrics>,
    /// How hooks are reached.
    pub make_transport: Box<MakeTransport>,
}
