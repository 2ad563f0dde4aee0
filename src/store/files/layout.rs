//! Numbers and headers, as they lie in the file.

/// Bytes of a segment.
pub const SEGMENT: usize = 512 << 10;
/// Bytes of a segment's header.
pub const SEGMENT_HEADER: usize = 20;
/// Nothing begins so close to the end of a segment.
pub const RED_ZONE: usize = 32;
/// The page that marks where a batch ends stands for.
const MANIFEST_PAGE: u64 = u64::MAX - 666;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, any more.
    Canceled,
    /// The rest of a segment.
    Cap,
    /// Where the batch that follows ends.
    Manifest,
    /// A page is no more.
    Free,
    /// Something about all pages.
    Other,
    /// A page as a whole.
    Node,
    /// A change of a page.
    Link,
    /// A page as a whole, in a file of its own.
    BlobNode,
    /// A change of a page, in a file of its own.
    BlobLink,
}

/// A message's header.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    checksum: u32,
    pub kind: Kind,
    /// Of the segment, in the order in which they were begun.
    pub segment: u64,
    pub page: u64,
    /// Bytes of the header.
    pub header_bytes: usize,
    /// Bytes behind it.
    pub bytes: usize,
}

/// Takes a number of varying length off.
pub fn number(bytes: &mut &[u8]) -> Option<u64> {
    let first = u64::from(*bytes.first()?);
    let (number, taken) = match first {
        0..=240 => (first, 1),
        241..=248 => (240 + 256 * (first - 241) + u64::from(*bytes.get(1)?), 2),
        249 => (2288 + 256 * u64::from(*bytes.get(1)?) + u64::from(*bytes.get(2)?), 3),
        _ => {
            let length = first as usize - 247;
            let mut whole = [0; 8];
            whole[..length].copy_from_slice(bytes.get(1..=length)?);
            (u64::from_le_bytes(whole), length + 1)
        }
    };
    *bytes = bytes.get(taken..)?;
    Some(number)
}

/// Takes as many bytes off as a number before them says.
pub fn bytes<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(number(bytes)?).ok()?;
    bytes.split_off(..length)
}

/// The header of the message that these bytes begin with, if it is one, and is not longer than they are.
pub fn header(all: &[u8]) -> Option<Header> {
    let (checksum, rest) = all.split_first_chunk::<4>()?;
    let (kind, mut rest) = rest.split_first()?;
    let bytes = usize::try_from(number(&mut rest)?).ok()?;
    let segment = number(&mut rest)?;
    let page = number(&mut rest)?;
    let kind = match (kind, bytes) {
        (1, _) => Kind::Canceled,
        (2, _) => Kind::Cap,
        (3, 8) if page == MANIFEST_PAGE => Kind::Manifest,
        (4, 0) => Kind::Free,
        (5..=7, _) => Kind::Other,
        (8, _) => Kind::Node,
        (9, 8) => Kind::BlobNode,
        (10, _) => Kind::Link,
        (11, 8) => Kind::BlobLink,
        _ => return None,
    };
    let header_bytes = all.len() - rest.len();
    let checksum = u32::from_le_bytes(*checksum);
    (bytes <= rest.len()).then_some(Header { checksum, kind, segment, page, header_bytes, bytes })
}

impl Header {
    /// Bytes of the message.
    pub fn whole_bytes(&self) -> usize {
        self.header_bytes + self.bytes
    }

    /// Whether the message that these bytes begin with is what was written.
    pub fn holds(&self, all: &[u8]) -> bool {
        let (Some(head), Some(body)) =
            (all.get(4..self.header_bytes), all.get(self.header_bytes..self.whole_bytes()))
        else {
            return false;
        };
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(body);
        checksum.update(head);
        checksum.finalize() ^ u32::MAX == self.checksum
    }
}

/// What a segment's header says: where in the log it begins, and how much of the log was on the disk then.
pub fn segment_header(all: &[u8]) -> Option<(u64, u64)> {
    let header: &[u8; SEGMENT_HEADER] = all.first_chunk()?;
    let (checksum, rest) = header.split_first_chunk::<4>()?;
    if crc32fast::hash(rest) ^ u32::MAX != u32::from_le_bytes(*checksum) {
        return None;
    }
    let (lsn, stable) = rest.split_first_chunk::<8>()?;
    let number = |bytes: [u8; 8]| i64::from_le_bytes(bytes) ^ i64::MAX;
    let begins = u64::try_from(number(*lsn)).ok()?;
    Some((begins, number(stable.try_into().ok()?).max(0) as u64))
}
