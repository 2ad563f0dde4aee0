//! What goes over the wire for an attempt: the body, compressed where that is asked for, and the
//! headers with its signature; and how much of the answer is kept.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Request;
use crate::clock::Timestamp;
use crate::format::siem;
use crate::model::{AttemptOutcome, HIDDEN, Id, Integration, looks_secret};
use crate::sign;

/// What every request says it is from.
const USER_AGENT: &str = concat!("Lull/", env!("CARGO_PKG_VERSION"));
/// The headers of every request, none of which is a secret.
const OWN: [&str; 5] =
    ["content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature"];
/// The most bytes of an answer's body that are kept.
const KEPT_BYTES_MAX: usize = 16 << 10;
/// The most bytes of an answer that are read where it says what became of each of many events.
const RECEIPT_BYTES_MAX: usize = 4 << 20;

/// The request to the integration's hook with this body, that is sent `at`.
pub fn request(integration: &Integration, message: Id, at: Timestamp, body: String) -> Request {
    let spec = &integration.spec;
    let body = if spec.gzip { gzipped(body.as_bytes()) } else { body.into_bytes() };
    let id = message.to_string();
    let signature = sign::sign(integration.secrets(at), &id, at, &body);
    let own = OWN.into_iter().zip([
        siem::content_type(spec.format).to_owned(),
        USER_AGENT.to_owned(),
        id,
        at.unix_seconds().to_string(),
        signature,
    ]);
    let encoding = spec.gzip.then(|| ("content-encoding", "gzip".to_owned()));
    let own = own.chain(encoding).map(|(name, value)| (name.to_owned(), value));
    let added = spec.headers.iter();
    let headers = own.chain(added.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())));
    let many = spec.format.takes_batches();
    Request {
        url: spec.hook_url.clone(),
        headers: headers.collect(),
        body: body.into(),
        timeout: spec.timeout,
        answer_bytes_max: if many { RECEIPT_BYTES_MAX } else { KEPT_BYTES_MAX },
    }
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.expect("invariant: writing to memory does not fail")
}

/// Hides the values of headers that look like credentials (section 7).
pub fn redacted(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    for (name, value) in &mut headers {
        if !OWN.contains(&name.as_str()) && looks_secret(name) {
            *value = HIDDEN.to_owned();
        }
    }
    headers
}

/// Keeps the beginning of an answer's body, up to a whole character.
pub fn cut(mut outcome: AttemptOutcome) -> AttemptOutcome {
    if let AttemptOutcome::Answered { body, body_cut, .. } = &mut outcome
        && body.len() > KEPT_BYTES_MAX
    {
        let end = (0..=KEPT_BYTES_MAX).rev().find(|at| body.is_char_boundary(*at));
        body.truncate(end.unwrap_or(0));
        *body_cut = true;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_on_a_whole_character() {
        let body = "é".repeat(KEPT_BYTES_MAX);
        let headers = Vec::new();
        let outcome = cut(AttemptOutcome::Answered { code: 200, headers, body, body_cut: false });
        let AttemptOutcome::Answered { body, body_cut, .. } = outcome else { unreachable!() };
        assert_eq!((body.len(), body_cut), (KEPT_BYTES_MAX, true));
    }

    #[test]
    fn what_is_compressed_is_what_it_was() {
        use std::io::Read;
        let mut text = String::new();
        let packed = gzipped("events ".repeat(1_000).as_bytes());
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "events ".repeat(1_000));
        assert!(packed.len() < 200);
    }
}
