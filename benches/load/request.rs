//! The bytes of requests, made beforehand: for each request only the numbers of its records are
//! written anew, so that the generator takes as little as it can of the cores it shares.

/// The bytes of an audit as it is posted.
pub const AUDIT_BYTES: usize = 600;
/// How many digits a record's number has.
const NUMBER_DIGITS: usize = 10;
/// What stands where a record's number will be.
const NUMBER_BLANK: &str = "##########";
/// What stands where the number of its kind will be.
const KIND_BLANK: &str = "@@";

/// A request that can be sent again and again, each time about other records.
#[derive(Clone)]
pub struct Request {
    bytes: Vec<u8>,
    /// Where the number of each audit's record stands.
    numbers: Vec<usize>,
    /// Where that of each one's kind stands; none when all are of one kind.
    kinds: Vec<usize>,
    /// How many kinds there are.
    kinds_count: u64,
    /// How many audits in a row are about one record.
    edits: u64,
    /// How many records there are; then it begins with the first again.
    records: u64,
}

impl Request {
    /// Posts one audit.
    pub fn one_audit(token: &str) -> Request {
        Request::post(token, "application/json", &audit("feature"))
    }

    /// Posts `audits` audits at once, one a line.
    pub fn batch(token: &str, audits: u64) -> Request {
        let line = audit("feature") + "\n";
        Request::post(token, "application/x-ndjson", &line.repeat(audits as usize))
    }

    /// The same, of records of so many types: see [`kind`].
    pub fn batch_of_kinds(token: &str, audits: u64, kinds: u64) -> Request {
        let line = audit(&format!("kind-{KIND_BLANK}")) + "\n";
        let body = line.repeat(audits as usize);
        Request { kinds_count: kinds, ..Request::post(token, "application/x-ndjson", &body) }
    }

    /// So many audits in a row are about one record.
    pub fn edits(self, edits: u64) -> Request {
        Request { edits, ..self }
    }

    /// After so many records it begins with the first again.
    pub fn of_records(self, records: u64) -> Request {
        Request { records, ..self }
    }

    fn post(token: &str, media: &str, body: &str) -> Request {
        let length = body.len();
        let head = format!(
            "POST /api/v1/audits HTTP/1.1\r\nhost: lull\r\nauthorization: Bearer {token}\r\n\
             content-type: {media}\r\ncontent-length: {length}\r\n\r\n"
        );
        let places = |blank| body.match_indices(blank).map(|(at, _)| head.len() + at).collect();
        let (numbers, kinds) = (places(NUMBER_BLANK), places(KIND_BLANK));
        let bytes = (head + body).into_bytes();
        Request { bytes, numbers, kinds, kinds_count: 1, edits: 1, records: u64::MAX }
    }

    /// How many audits it posts.
    pub fn audits(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// The bytes to send: its first audit is the one of this number.
    pub fn about(&mut self, first: u64) -> &[u8] {
        let record = |audit: u64| audit / self.edits % self.records;
        for (audit, at) in (first..).zip(&self.numbers) {
            write(&mut self.bytes[*at..*at + NUMBER_DIGITS], record(audit));
        }
        for (audit, at) in (first..).zip(&self.kinds) {
            let kind = record(audit) % self.kinds_count;
            write(&mut self.bytes[*at..*at + KIND_BLANK.len()], kind);
        }
        &self.bytes
    }
}

/// What the records of a kind are called.
pub fn kind(number: u64) -> String {
    format!("kind-{number:02}")
}

/// The audit of a record of that type and number.
pub fn audit_about(auditable_type: &str, record: u64) -> String {
    audit(auditable_type).replace(NUMBER_BLANK, &format!("{record:0NUMBER_DIGITS$}"))
}

/// Writes a number with as many digits as there is room for.
fn write(room: &mut [u8], number: u64) {
    let mut rest = number;
    for digit in room.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// An update of two fields, as an application would post it, with a blank for its record's number.
fn audit(auditable_type: &str) -> String {
    let with_text = |text: &str| {
        format!(
            "{{\"audit_action\":\"update\",\"auditable_type\":\"{auditable_type}\",\
             \"auditable_id\":\"{NUMBER_BLANK}\",\"workspace_id\":\"product\",\
             \"user\":{{\"id\":\"101\",\"name\":\"Ada\",\"email\":\"ada@example.com\"}},\
             \"description\":\"updated feature Export\",\
             \"auditable_url\":\"https://app.example.com/features/export\",\"changes\":[\
             {{\"field_name\":\"Name\",\"value\":\"Export\"}},\
             {{\"field_name\":\"Description\",\"value\":\"<p>{text}</p>\"}}]}}"
        )
    };
    let room = AUDIT_BYTES - with_text("").len();
    let words = "what was asked for ".repeat(room);
    let audit = with_text(&words[..room]);
    assert_eq!(audit.len(), AUDIT_BYTES);
    audit
}
