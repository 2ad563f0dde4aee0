//! Linked records: each change of one is sent to its hooks once it has been left alone. Level 3.
//!
//! Owns when that is. What is sent, and whether, the writer decides: it alone knows what of the record
//! is on its way. Depends on `store` downwards; knows nothing of windows or deliveries.
//!
//! - `deadlines.rs`: which links are due, and when the next is; pure
//! - `keeper.rs`: [`Keeper`], one for all: the one timer
//!
//! Invariants: deadlines are in the store (R5), so losing the keeper loses nothing; a link that was due
//! while its integration was disabled is sent when that is enabled (R10), for a hook has to end up
//! with what is.

mod deadlines;
mod keeper;
#[cfg(test)]
mod tests;

pub use keeper::{Changed, Configured, Keeper};
