//! Lull.
pub mod clock;
pub mod collate;
pub mod filter;
pub mod format;
pub mod ingest;
pub mod model;
pub mod record;
pub mod retry;
pub mod settings;
pub mod store;
#[cfg(test)]
mod testing;
