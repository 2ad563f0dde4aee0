//! Lull: activity webhooks that wait for the quiet.
//!
//! An application posts every audit (who did what to which record). Lull buffers the audits of each
//! record, waits until the record has been left alone for five minutes, collates them into one audit
//! that names every contributor, and posts that to the hooks that asked for it.
//!
//! # The way of an audit
//!
//! ```text
//! POST /audits → web::audits → ingest              bytes to audits, or every fault with its place
//!                                 ↓
//!                           store::Journal         many requests, one commit, synced; then 202
//!                                 ↓
//!                           record::RecordActor    one per record with an open window
//!                                 ↓                quiet period over
//!                           filter, collate, format → messages → store::Journal
//!                                 ↓
//!                           delivery::DeliveryActor  one per integration → HTTP → hook
//!                                 ↓
//!                           retry → attempt and new state → store::Journal → log → web
//! ```
//!
//! # The way of a full record
//!
//! ```text
//! PUT /records/{type}/{id} → store::Journal        the newest is kept; 200
//!                               ↓
//!                           linked::Keeper         quiet period over, for each hook that it was sent to
//!                               ↓
//!                           store::Journal         the message, once the one before has settled
//!                               ↓
//!                           delivery::DeliveryActor  as above; what the hook calls the record comes back
//! ```
//!
//! # The way of a security event
//!
//! ```text
//! POST /security-events, or a change of what is configured → store::Journal
//!                               ↓                  in the list, and the messages, in the same commit
//!                           delivery::DeliveryActor  as above; or when enough of them wait for each other
//! ```
//!
//! # Rooms
//!
//! Imports point only downwards.
//!
//! | level | modules |
//! | --- | --- |
//! | 6 | `main`, [`cli`] |
//! | 5 | [`app`], the composition root |
//! | 4 | [`web`] |
//! | 3 | [`record`], [`delivery`], [`linked`]; none knows another |
//! | 2 | [`store`] |
//! | 1 | [`filter`], [`collate`], [`format`](mod@format), [`ingest`], [`retry`], [`sign`]: pure; and [`address`], which puts the first three together |
//! | 0 | [`model`], [`clock`], [`settings`], [`metrics`] |
//!
//! # What always holds
//!
//! - The store is the truth; messages between actors are hints. Losing any actor loses nothing.
//! - One writer: every change of state is a command to [`store::Journal`], and completes when it is
//!   on disk.
//! - Every accepted audit is in exactly one window, and every closed window was closed in one commit
//!   with the messages it came to.
//! - Rules are pure functions of plain data; actors only hold state and call them. Time comes from
//!   [`clock::Clock`].
//!
//! R1.., D1.. in comments and tests are the numbered rules of the design.

pub mod address;
pub mod app;
pub mod cli;
pub mod clock;
pub mod collate;
pub mod delivery;
pub mod filter;
pub mod format;
pub mod ingest;
pub mod linked;
pub mod metrics;
pub mod model;
pub mod record;
pub mod retry;
pub mod settings;
pub mod sign;
pub mod store;
#[cfg(test)]
mod testing;
pub mod web;
