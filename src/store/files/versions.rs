//! Pages, put together: each as it was at one time or another, as far as that can be read.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::layout::{Kind, SEGMENT, SEGMENT_HEADER};
use super::page::{Leaf, Link, Page};
use super::scan::{Log, Message};

/// A page from one whole message of it up to the next.
pub struct Version {
    base: Message,
    links: Vec<Message>,
    /// Whether nothing newer of the page can be read, nor is known to be unreadable.
    pub is_newest: bool,
}

/// What a version comes to.
pub struct Read {
    pub leaf: Leaf,
    /// Whether some change of it cannot be read.
    pub is_broken: bool,
}

/// Reads messages.
pub struct Reader {
    db: File,
    blobs: PathBuf,
}

impl Version {
    /// Every version of every page, newest first.
    pub fn all(log: &Log, end: u64) -> Vec<Version> {
        let mut messages: Vec<Message> =
            log.messages.iter().filter(|message| message.lsn < end).copied().collect();
        messages.sort_by_key(|message| (message.page, message.lsn));
        let mut versions: Vec<Version> = Vec::new();
        for of_page in messages.chunk_by(|one, next| one.page == next.page) {
            let mut current: Option<Version> = None;
            for message in of_page {
                match message.kind {
                    Kind::Node | Kind::BlobNode => {
                        versions.extend(current.take());
                        let base = *message;
                        current = Some(Version { base, links: Vec::new(), is_newest: false });
                    }
                    Kind::Link | Kind::BlobLink => {
                        // One whose page as a whole is gone belongs to what was overwritten since.
                        if let Some(current) = &mut current {
                            current.links.push(*message);
                        }
                    }
                    Kind::Free => versions.extend(current.take()),
                    _ => {}
                }
            }
            versions.extend(current.map(|newest| newest.stop_at_holes(log)));
        }
        // By when they were written as a whole: what follows one may be of another, which is gone.
        versions.sort_by_key(|version| std::cmp::Reverse(version.base.lsn));
        versions
    }

    /// The newest version of a page: up to where something of that page is known to be unreadable, as
    /// what follows may be a change of another whole.
    fn stop_at_holes(mut self, log: &Log) -> Version {
        let page = self.base.page;
        let holes = log.holes.iter().filter(|hole| hole.page == Some(page));
        let first = holes.map(|hole| hole.lsn).filter(|lsn| *lsn > self.base.lsn).min();
        self.is_newest = first.is_none();
        if let Some(first) = first {
            self.links.retain(|link| link.lsn < first);
        }
        self
    }

    /// The page that it is of.
    pub fn page(&self) -> u64 {
        self.base.page
    }

    /// What it comes to; none when it has no rows, or cannot be read.
    pub fn read(&self, reader: &Reader) -> io::Result<Option<Read>> {
        let page = reader.body(&self.base)?.and_then(|body| Page::decode(&body));
        let Some(Page::Leaf(mut leaf)) = page else { return Ok(None) };
        let mut is_broken = false;
        for link in &self.links {
            let body = reader.body(link)?;
            match body.as_deref().and_then(Link::decode) {
                Some(link) => leaf.apply(&link),
                None => {
                    is_broken = true;
                    break;
                }
            }
        }
        Ok(Some(Read { leaf, is_broken }))
    }
}

impl Reader {
    pub fn open(folder: &Path) -> io::Result<Reader> {
        Ok(Reader { db: File::open(folder.join("db"))?, blobs: folder.join("blobs") })
    }

    /// What is in a message; none when the file that it names cannot be read.
    pub fn body(&self, message: &Message) -> io::Result<Option<Vec<u8>>> {
        let mut body = vec![0; message.bytes as usize];
        self.db.read_exact_at(&mut body, message.at)?;
        match message.kind {
            Kind::BlobNode | Kind::BlobLink => Ok(self.blob(&body)),
            _ => Ok(Some(body)),
        }
    }

    fn blob(&self, name: &[u8]) -> Option<Vec<u8>> {
        let name = i64::from_le_bytes(name.try_into().ok()?);
        let bytes = fs::read(self.blobs.join(name.to_string())).ok()?;
        let (checksum, rest) = bytes.split_first_chunk::<4>()?;
        let holds = crc32fast::hash(rest) == u32::from_le_bytes(*checksum);
        rest.get(1..).filter(|_| holds).map(<[u8]>::to_vec)
    }
}

/// Where the log ends for sled: at the first place of its end that was not written, or before the batch
/// that this cuts short.
pub fn end_of_log(log: &Log, reader: &Reader) -> io::Result<u64> {
    // Before that, segments may be missing that were used again.
    let stable = log.segments.iter().map(|(_, stable)| *stable).max().unwrap_or_default();
    let from = stable / SEGMENT as u64 * SEGMENT as u64;
    let from = log.messages.partition_point(|message| message.lsn < from);
    let tail = &log.messages[from..];
    let torn = tail.windows(2).find(|pair| after(&pair[0]) != pair[1].lsn);
    let mut end = torn.map_or(u64::MAX, |pair| after(&pair[0]));
    for manifest in tail.iter().filter(|message| message.kind == Kind::Manifest) {
        let body = reader.body(manifest)?.unwrap_or_default();
        let batch_ends = body.as_slice().try_into().map_or(u64::MAX, u64::from_le_bytes);
        let last = tail.iter().take_while(|message| message.lsn < end).last();
        if last.is_none_or(|last| last.lsn + u64::from(last.whole_bytes) <= batch_ends) {
            end = end.min(manifest.lsn);
        }
    }
    Ok(end)
}

/// Where the message behind this one is.
fn after(message: &Message) -> u64 {
    let (segment, end) = (SEGMENT as u64, message.lsn + u64::from(message.whole_bytes));
    let left = segment - end % segment;
    let is_over = message.kind == Kind::Cap || end % segment == 0;
    if is_over || left < super::layout::RED_ZONE as u64 {
        (message.lsn / segment + 1) * segment + SEGMENT_HEADER as u64
    } else {
        end
    }
}
