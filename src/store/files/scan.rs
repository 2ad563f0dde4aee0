//! Every message of the file `db` that can be read, and the places where none can.

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::layout::{Header, Kind, RED_ZONE, SEGMENT, SEGMENT_HEADER, header, segment_header};

/// A message that can be read.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// Its number in the log.
    pub lsn: u64,
    pub page: u64,
    /// Where what is in it begins in the file.
    pub at: u64,
    pub bytes: u32,
    /// Bytes of it all.
    pub whole_bytes: u32,
    pub kind: Kind,
}

/// A place of the file where no message can be read, though bytes were written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hole {
    pub at: u64,
    pub bytes: u64,
    /// Its number in the log, if it is of the same segment as what is before it.
    pub lsn: u64,
    /// The page that it is about, as far as its beginning tells.
    pub page: Option<u64>,
    /// Whether what follows in the segment is as new as what is before it. Where a segment is used again,
    /// what is left of its last use is older.
    pub is_within: bool,
}

impl fmt::Display for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bytes {} to {} of the file db cannot be read", self.at, self.at + self.bytes - 1)
    }
}

/// All of the log that can be read.
#[derive(Default)]
pub struct Log {
    /// In the order of the log.
    pub messages: Vec<Message>,
    pub holes: Vec<Hole>,
    /// Where each segment with a readable header begins in the log, and how much of the log was on the disk
    /// when it was begun.
    pub segments: Vec<(u64, u64)>,
}

impl Log {
    /// Reads the segments of the store in `folder` that begin in the log at `from` or later; all for 0,
    /// those without a readable header included.
    pub fn read(folder: &Path, from: u64) -> io::Result<Log> {
        let mut log = Log::default();
        let file = match File::open(folder.join("db")) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(log),
            file => file?,
        };
        let segments = file.metadata()?.len().div_ceil(SEGMENT as u64);
        let newest = newest_segment(&file, segments)?;
        for segment in 0..segments {
            let begin = segment * SEGMENT as u64;
            let mut buffer = vec![0; SEGMENT];
            let length = read_up_to(&file, &mut buffer, begin)?;
            buffer.truncate(length);
            let found = segment_header(&buffer);
            log.segments.extend(found);
            if from == 0 || found.is_some_and(|(lsn, _)| lsn >= from) {
                log.segment(&buffer, begin, found.map(|(lsn, _)| lsn), newest);
            }
        }
        log.messages.sort_by_key(|message| message.lsn);
        log.segments.sort_unstable();
        Ok(log)
    }

    fn segment(&mut self, all: &[u8], begin: u64, lsn: Option<u64>, newest: u64) {
        let mut number = lsn.map(|lsn| lsn / SEGMENT as u64);
        let mut at = SEGMENT_HEADER;
        let mut hole = None;
        while at + 4 < all.len() && at + RED_ZONE <= SEGMENT {
            let rest = &all[at..];
            let found = header(rest).filter(|found| found.segment <= newest);
            let Some(found) = found.filter(|found| found.holds(rest)) else {
                hole.get_or_insert(at);
                at += 1;
                continue;
            };
            if let Some(from) = hole.take() {
                let is_within = number.is_none_or(|number| number == found.segment);
                self.hole(all, begin, from..at, number.unwrap_or(found.segment), is_within);
            }
            number = Some(found.segment);
            self.messages.push(message(&found, begin, at));
            at += found.whole_bytes();
            if found.kind == Kind::Cap {
                return;
            }
        }
        if let Some(from) = hole {
            self.hole(all, begin, from..all.len(), number.unwrap_or_default(), false);
        }
    }

    fn hole(
        &mut self,
        all: &[u8],
        begin: u64,
        range: std::ops::Range<usize>,
        number: u64,
        is_within: bool,
    ) {
        let bytes = &all[range.clone()];
        if !is_within && bytes.iter().all(|byte| *byte == 0) {
            return;
        }
        // What stands there may be damaged behind its header only.
        let told = header(&all[range.start..]).filter(|told| told.segment == number);
        self.holes.push(Hole {
            at: begin + range.start as u64,
            bytes: range.len() as u64,
            lsn: number * SEGMENT as u64 + range.start as u64,
            page: told.map(|told| told.page),
            is_within: is_within || told.is_some(),
        });
    }
}

fn message(found: &Header, begin: u64, at: usize) -> Message {
    Message {
        lsn: found.segment * SEGMENT as u64 + at as u64,
        page: found.page,
        at: begin + (at + found.header_bytes) as u64,
        bytes: found.bytes as u32,
        whole_bytes: found.whole_bytes() as u32,
        kind: found.kind,
    }
}

/// The number of the newest segment; nothing newer can be in the file. Generous, should the header of the
/// newest ones be what cannot be read.
fn newest_segment(file: &File, segments: u64) -> io::Result<u64> {
    let mut newest = segments;
    for segment in 0..segments {
        let mut buffer = vec![0; SEGMENT_HEADER];
        read_up_to(file, &mut buffer, segment * SEGMENT as u64)?;
        newest = newest.max(segment_header(&buffer).map_or(0, |(lsn, _)| lsn / SEGMENT as u64));
    }
    Ok(newest + 64)
}

fn read_up_to(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], at + length as u64) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
