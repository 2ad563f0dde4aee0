//! Why a run ended early.

use std::io;
use std::time::Duration;

/// Why a run ended early. Any of these makes its figures worthless.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The system refused, or a connection broke.
    #[error("{doing}: {source}")]
    System {
        /// What was being done.
        doing: &'static str,
        /// Why it could not be.
        source: io::Error,
    },
    /// The server answered, but not as it should.
    #[error("the server answered {status} instead of {expected}: {body}")]
    Refused {
        /// The status code.
        status: u16,
        /// What it should have been.
        expected: u16,
        /// The beginning of the answer's body.
        body: String,
    },
    /// Something did not happen in time.
    #[error("{what} took longer than {time_max:?}")]
    Late {
        /// What did not happen.
        what: &'static str,
        /// The time there was for it.
        time_max: Duration,
    },
    /// What was measured is not what should have been measured.
    #[error("{0}")]
    Wrong(String),
}

impl Failure {
    /// Makes the failure of `doing` something, for `map_err`.
    pub fn system(doing: &'static str) -> impl FnOnce(io::Error) -> Failure {
        move |source| Failure::System { doing, source }
    }

    /// The failure of an answer that is not the expected one.
    pub fn refused(status: u16, expected: u16, body: &[u8]) -> Failure {
        /// Enough to read what is wrong.
        const BODY_BYTES_SHOWN: usize = 300;
        let body = String::from_utf8_lossy(&body[..body.len().min(BODY_BYTES_SHOWN)]).into_owned();
        Failure::Refused { status, expected, body }
    }
}
