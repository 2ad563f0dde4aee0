//! The bytes of requests, made beforehand: for each request only the numbers of its records are
//! written anew, so that the generator takes as little as it can of the cores it shares.

/// The bytes of an audit as it is posted.
const AUDIT_BYTES: usize = 600;
/// How many digits a record's number has.
const NUMBER_DIGITS: usize = 10;
/// What stands where a record's number will be.
const NUMBER_BLANK: &str = "##########";

/// A request that can be sent again and again, each time about other records.
#[derive(Clone)]
pub struct Request {
    bytes: Vec<u8>,
    /// Where the number of each audit's record stands.
    numbers: Vec<usize>,
}

impl Request {
    /// A GET without a token.
    pub fn get(path: &str) -> Request {
        let bytes = format!("GET {path} HTTP/1.1\r\nhost: lull\r\n\r\n").into_bytes();
        Request { bytes, numbers: Vec::new() }
    }

    /// Posts one audit.
    pub fn one_audit(token: &str) -> Request {
        Request::post(token, "application/json", &audit())
    }

    /// Posts `audits` audits at once, one a line.
    pub fn batch(token: &str, audits: usize) -> Request {
        let line = audit() + "\n";
        Request::post(token, "application/x-ndjson", &line.repeat(audits))
    }

    fn post(token: &str, media: &str, body: &str) -> Request {
        let length = body.len();
        let head = format!(
            "POST /api/v1/audits HTTP/1.1\r\nhost: lull\r\nauthorization: Bearer {token}\r\n\
             content-type: {media}\r\ncontent-length: {length}\r\n\r\n"
        );
        let numbers = body.match_indices(NUMBER_BLANK).map(|(at, _)| head.len() + at).collect();
        Request { bytes: (head + body).into_bytes(), numbers }
    }

    /// How many audits it posts.
    pub fn audits(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// The bytes to send, about as many records as there are audits from `first` on.
    pub fn about(&mut self, first: u64) -> &[u8] {
        for (number, at) in (first..).zip(&self.numbers) {
            let mut rest = number;
            for digit in self.bytes[*at..*at + NUMBER_DIGITS].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        &self.bytes
    }
}

/// An update of two fields, as an application would post it, with a blank for its record's number.
fn audit() -> String {
    let with_text = |text: &str| {
        format!(
            "{{\"audit_action\":\"update\",\"auditable_type\":\"feature\",\
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
