//! sled's files, read without sled: to say which place of which file cannot be read once something is
//! known to be wrong, and to save what can be read. It never says by itself that a store is damaged: what
//! lies about in a file that is used over and over is sled's affair.
//!
//! The file `db` is a row of segments of 512 KiB, each with a header and messages; a message is a page as a
//! whole, a change of one, or something about the log. Its number in the log (`lsn`) follows from the
//! segment number in its own header and from where it lies, so a segment's header is not needed. A page
//! is its newest whole message, and the changes behind it.
//!
//! - `layout.rs`: numbers and headers, as they lie in the file
//! - `page.rs`: what is in a page, and in a change of one
//! - `scan.rs`: every message that can be read, and the places where none can
//! - `versions.rs`: pages, put together
//! - `rows.rs`: the rows of the newest pages that can be read
//! - `suspect.rs`: whether sled would overwrite what can still be read

mod layout;
mod page;
mod rows;
mod scan;
mod suspect;
#[cfg(test)]
mod tests;
mod versions;

pub use rows::{Row, Salvage};
pub use scan::{Hole, Log};
pub use suspect::is_suspect;
