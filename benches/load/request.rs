//! The bytes of requests, made beforehand: for each request only what its audits do not have in common
//! is written anew, so that the generator takes as little as it can of the cores it shares.

use crate::prose;

/// The bytes of an audit as it is posted.
pub const AUDIT_BYTES: usize = 600;
/// How many digits a record's number has.
const NUMBER_DIGITS: usize = 10;
/// How many letters a record's name has.
const NAME_LETTERS: usize = 24;
/// What stands where a record's number will be.
const NUMBER_BLANK: &str = "##########";
/// What stands where the number of its kind will be.
const KIND_BLANK: &str = "@@";
/// What stands where a record's name will be.
const NAME_BLANK: &str = "~~~~~~~~~~~~~~~~~~~~~~~~";
/// What the words of an audit will stand in the place of.
const WORDS_BLANK: &str = "^";
/// Added to the numbers of audits, whose words are others than the names of records.
const WORDS_FROM: u64 = 1 << 40;

/// A request that can be sent again and again, each time about other records.
#[derive(Clone)]
pub struct Request {
    bytes: Vec<u8>,
    /// Where the first audit begins.
    first: usize,
    /// How many bytes lie between the beginnings of two.
    step: usize,
    audits: u64,
    blanks: Blanks,
    /// How many kinds of records there are.
    kinds: u64,
    /// How many audits in a row are about one record.
    edits: u64,
    /// How many records there are; then it begins with the first again.
    records: u64,
}

impl Request {
    /// Posts one audit.
    pub fn one_audit(token: &str) -> Request {
        Request::post(token, "application/json", &audit("feature"), 1)
    }

    /// Posts `audits` audits at once, one a line.
    pub fn batch(token: &str, audits: u64) -> Request {
        let line = audit("feature") + "\n";
        Request::post(token, "application/x-ndjson", &line, audits)
    }

    /// The same, of records of so many types: see [`kind`].
    pub fn batch_of_kinds(token: &str, audits: u64, kinds: u64) -> Request {
        let line = audit(&format!("kind-{KIND_BLANK}")) + "\n";
        Request { kinds, ..Request::post(token, "application/x-ndjson", &line, audits) }
    }

    /// So many audits in a row are about one record.
    pub fn edits(self, edits: u64) -> Request {
        Request { edits, ..self }
    }

    /// After so many records it begins with the first again.
    pub fn of_records(self, records: u64) -> Request {
        Request { records, ..self }
    }

    fn post(token: &str, media: &str, audit: &str, audits: u64) -> Request {
        let length = audit.len() as u64 * audits;
        let head = format!(
            "POST /api/v1/audits HTTP/1.1\r\nhost: lull\r\nauthorization: Bearer {token}\r\n\
             content-type: {media}\r\ncontent-length: {length}\r\n\r\n"
        );
        let (first, step) = (head.len(), audit.len());
        let bytes = (head + &audit.repeat(audits as usize)).into_bytes();
        let blanks = Blanks::of(audit);
        Request { bytes, first, step, audits, blanks, kinds: 1, edits: 1, records: u64::MAX }
    }

    /// How many audits it posts.
    pub fn audits(&self) -> u64 {
        self.audits
    }

    /// The bytes to send: its first audit is the one of this number.
    pub fn about(&mut self, first: u64) -> &[u8] {
        let audits = self.bytes[self.first..].chunks_exact_mut(self.step);
        for (number, audit) in (first..).zip(audits) {
            let record = number / self.edits % self.records;
            self.blanks.fill(audit, number, record, record % self.kinds);
        }
        &self.bytes
    }
}

/// Where in an audit stands what no other has.
#[derive(Clone)]
struct Blanks {
    numbers: Vec<usize>,
    kinds: Vec<usize>,
    names: Vec<usize>,
    words: std::ops::Range<usize>,
}

impl Blanks {
    fn of(audit: &str) -> Blanks {
        let places = |blank| audit.match_indices(blank).map(|(at, _)| at).collect();
        let words = audit.find(WORDS_BLANK).expect("invariant: an audit has words");
        let words = words..audit.rfind(WORDS_BLANK).map_or(words, |last| last + 1);
        let (numbers, kinds) = (places(NUMBER_BLANK), places(KIND_BLANK));
        Blanks { numbers, kinds, names: places(NAME_BLANK), words }
    }

    /// Writes an audit of this number, about that record.
    fn fill(&self, audit: &mut [u8], number: u64, record: u64, kind: u64) {
        for at in &self.numbers {
            write(&mut audit[*at..*at + NUMBER_DIGITS], record);
        }
        for at in &self.kinds {
            write(&mut audit[*at..*at + KIND_BLANK.len()], kind);
        }
        for at in &self.names {
            let name = prose::excerpt(record, NAME_LETTERS);
            audit[*at..*at + NAME_LETTERS].copy_from_slice(name.as_bytes());
        }
        let words = prose::excerpt(number + WORDS_FROM, self.words.len());
        audit[self.words.clone()].copy_from_slice(words.as_bytes());
    }
}

/// What the records of a kind are called.
pub fn kind(number: u64) -> String {
    format!("kind-{number:02}")
}

/// The audit of this number, about the record of that type and number.
pub fn audit_about(auditable_type: &str, number: u64, record: u64) -> String {
    let audit = audit(auditable_type);
    let blanks = Blanks::of(&audit);
    let mut bytes = audit.into_bytes();
    blanks.fill(&mut bytes, number, record, 0);
    String::from_utf8(bytes).expect("invariant: only ASCII is written")
}

/// Writes a number with as many digits as there is room for.
fn write(room: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in room.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// An update of two fields, as an application would post it, with blanks for what is its own.
fn audit(auditable_type: &str) -> String {
    let with_words = |words: &str| {
        format!(
            "{{\"audit_action\":\"update\",\"auditable_type\":\"{auditable_type}\",\
             \"auditable_id\":\"{NUMBER_BLANK}\",\"workspace_id\":\"product\",\
             \"user\":{{\"id\":\"101\",\"name\":\"Ada\",\"email\":\"ada@example.com\"}},\
             \"description\":\"updated feature {NAME_BLANK}\",\
             \"auditable_url\":\"https://app.example.com/features/{NUMBER_BLANK}\",\"changes\":[\
             {{\"field_name\":\"Name\",\"value\":\"{NAME_BLANK}\"}},\
             {{\"field_name\":\"Description\",\"value\":\"<p>{words}</p>\"}}]}}"
        )
    };
    let room = AUDIT_BYTES - with_words("").len();
    let audit = with_words(&WORDS_BLANK.repeat(room));
    assert_eq!(audit.len(), AUDIT_BYTES);
    audit
}
