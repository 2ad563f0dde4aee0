//! The id of a call, which its answer, its problem and the log name.

use std::cell::Cell;
use std::fmt;

use actix_web::http::header::{HeaderMap, HeaderValue};
use serde::{Serialize, Serializer};

/// The most characters of an id that a caller brings.
const CHARS_MAX: usize = 64;

thread_local! {
    /// The next id of this thread: begins anywhere, and goes on by one.
    static NEXT: Cell<u64> = Cell::new(getrandom::u64().unwrap_or_default());
}

/// The id of a call: the one it came with as `x-request-id`, if that can stand in a log; else a new
/// one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id of the call with these headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let brought = headers.get("x-request-id").and_then(|value| value.to_str().ok());
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        match brought {
            Some(id) if (1..=CHARS_MAX).contains(&id.len()) && id.chars().all(plain) => {
                Self(id.to_owned())
            }
            _ => Self(format!("{:016x}", NEXT.replace(NEXT.get().wrapping_add(1)))),
        }
    }

    /// The id as a header.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("invariant: plain characters")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn an_id_that_comes_along_is_kept_if_it_can_stand_in_a_log() {
        let of = |id: &str| {
            let request = TestRequest::default().insert_header(("x-request-id", id));
            RequestId::of(request.to_http_request().headers()).to_string()
        };
        assert_eq!(of("abc-1.2_3:4"), "abc-1.2_3:4");
        for bad in ["", "a b", "é", &"a".repeat(65), "<script>"] {
            assert_ne!(of(bad), bad);
            assert_eq!(of(bad).len(), 16);
        }
        let none = || RequestId::of(TestRequest::default().to_http_request().headers());
        assert_ne!(none(), none());
    }
}
