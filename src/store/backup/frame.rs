//! The stream of a backup: a head that names its version and the store's format, then frames, each
//! with its length before it and its checksum behind it. The last says how much there was, and the
//! checksum of all of it: a stream without it was cut.
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 | `LULLBACK` |
//! | 4 | version of the stream |
//! | 4 | format of the store |
//! | 1 + 4 + n + 8 | a frame: kind, length, content, checksum (XXH3) of the content; and so on |
//!
//! Numbers are little-endian. Content of `r` (rows) and `c` (a commit): key length (4), value length
//! (4; all ones: removed), key, value; and so on. Of `e` (the end): rows (8), commits (8), checksum of
//! all bytes before this frame (8). Of `x` (the server could not go on): why, in words.

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// What a stream begins with.
pub const MAGIC: &[u8; 8] = b"LULLBACK";
/// The version of the stream that this program writes and reads.
pub const VERSION: u32 = 1;
/// Bytes of the head.
pub const HEAD_BYTES: usize = 16;
/// Bytes of a frame before its content.
pub const BEFORE_BYTES: usize = 5;
/// Bytes of a frame behind its content.
pub const BEHIND_BYTES: usize = 8;

pub const ROWS: u8 = b'r';
pub const COMMIT: u8 = b'c';
pub const END: u8 = b'e';
pub const FAILED: u8 = b'x';

const REMOVED: u32 = u32::MAX;

/// Rows as a frame holds them.
#[derive(Default)]
pub struct Rows {
    content: Vec<u8>,
    count: u64,
}

impl Rows {
    /// Adds a row; one that is removed has no value.
    pub fn add(&mut self, key: &[u8], value: Option<&[u8]>) {
        let length = |bytes: &[u8]| (bytes.len() as u32).to_le_bytes();
        self.content.extend(length(key));
        self.content.extend(value.map_or(REMOVED.to_le_bytes(), length));
        self.content.extend_from_slice(key);
        self.content.extend_from_slice(value.unwrap_or_default());
        self.count += 1;
    }

    pub fn bytes(&self) -> usize {
        self.content.len()
    }

    /// As a frame of this kind.
    pub fn framed(&self, kind: u8) -> Vec<u8> {
        framed(kind, &self.content)
    }
}

/// Takes the next row off; none when this is not how a row is written.
pub fn take_row<'a>(content: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let key_length = take_number(content)?;
    let value_length = take_number(content)?;
    let key = content.split_off(..key_length as usize)?;
    let value = match value_length {
        REMOVED => None,
        length => Some(content.split_off(..length as usize)?),
    };
    Some((key, value))
}

fn take_number(content: &mut &[u8]) -> Option<u32> {
    let (number, rest) = content.split_first_chunk()?;
    *content = rest;
    Some(u32::from_le_bytes(*number))
}

fn framed(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(BEFORE_BYTES + content.len() + BEHIND_BYTES);
    frame.push(kind);
    frame.extend((content.len() as u32).to_le_bytes());
    frame.extend_from_slice(content);
    frame.extend(xxh3_64(content).to_le_bytes());
    frame
}

/// Writes a stream, and keeps count of it.
#[derive(Default)]
pub struct Frames {
    rows: u64,
    commits: u64,
    digest: Xxh3Default,
}

impl Frames {
    /// The head, for a store of this format.
    pub fn begin(&mut self, format: u32) -> Vec<u8> {
        let head = [&MAGIC[..], &VERSION.to_le_bytes(), &format.to_le_bytes()].concat();
        self.pass_on(&head);
        head
    }

    /// A frame of rows.
    pub fn rows(&mut self, rows: Rows) -> Vec<u8> {
        self.rows += rows.count;
        let frame = rows.framed(ROWS);
        self.pass_on(&frame);
        frame
    }

    /// So many commits are passed on from here.
    pub fn count_commits(&mut self, commits: u64) {
        self.commits += commits;
    }

    /// Bytes that were framed before.
    pub fn pass_on(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    /// The last frame.
    pub fn end(&self) -> Vec<u8> {
        framed(END, &end_content(self.rows, self.commits, self.digest.digest()))
    }

    /// The last frame of one that fails.
    pub fn failed(&self, why: &str) -> Vec<u8> {
        framed(FAILED, why.as_bytes())
    }
}

/// What the last frame holds.
pub fn end_content(rows: u64, commits: u64, digest: u64) -> Vec<u8> {
    [rows, commits, digest].map(u64::to_le_bytes).concat()
}
