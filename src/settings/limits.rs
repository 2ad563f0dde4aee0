//! The bounds on what is taken in (D8).

use std::num::NonZeroU32;
use std::ops::RangeInclusive;

use super::values::{count, size};
use super::{BadSetting, Given, bad, write_size};

/// Sizes below this are taken for a slip of the pen.
const SIZE_MIN: u64 = 1 << 10;
/// The largest body that may be allowed: it is held in memory whole.
const BODY_MAX: u64 = 1 << 30;
/// The most of anything that is counted.
const COUNTS: RangeInclusive<u64> = 1..=1_000_000_000;

/// The bounds on what is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most windows that may be open.
    pub open_windows: u64,
    /// The most bytes of audits in open windows.
    pub buffered_bytes: u64,
    /// The most bytes of request bodies held at one time.
    pub request_bytes: u64,
    /// The largest body of a call, in bytes.
    pub body_bytes: usize,
    /// The largest single audit, in bytes.
    pub audit_bytes: usize,
    /// The most audits in one call.
    pub batch_audits: usize,
    /// The most connections at a time.
    pub connections: usize,
    /// The most requests a second that one token may make.
    pub request_rate: Option<NonZeroU32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open_windows: 2_000_000,
            buffered_bytes: 4 << 30,
            request_bytes: 256 << 20,
            body_bytes: 16 << 20,
            audit_bytes: 1 << 20,
            batch_audits: 10_000,
            connections: 10_000,
            request_rate: None,
        }
    }
}

impl Limits {
    /// Fills what `given` leaves open from the defaults, and checks all of it.
    pub(super) fn resolve(given: &mut Given) -> Result<Limits, BadSetting> {
        let defaults = Limits::default();
        let counted = |setting, given: &mut Option<String>, default| match given.take() {
            Some(text) => count(setting, text, COUNTS),
            None => Ok(default),
        };
        let sized = |setting, given: Option<String>, default, high| match given {
            Some(text) => size(setting, text, SIZE_MIN..=high),
            None => Ok(default),
        };
        let (buffered, requests) = (given.max_buffered.take(), given.max_request_bytes.take());
        let (body, audit) = (given.max_body.take(), given.max_audit.take());
        let request_bytes =
            sized("max_request_bytes", requests.clone(), defaults.request_bytes, u64::MAX)?;
        let body_bytes = sized("max_body", body.clone(), defaults.body_bytes as u64, BODY_MAX)?;
        let audit_default = body_bytes.min(defaults.audit_bytes as u64);
        let audit_bytes = sized("max_audit", audit.clone(), audit_default, BODY_MAX)?;
        // Else there would be calls that are allowed and never get room. The blame goes to what
        // was given.
        if request_bytes < body_bytes {
            let (body_size, requests_size) = (write_size(body_bytes), write_size(request_bytes));
            return Err(match (requests, body) {
                (Some(text), _) => bad(
                    "max_request_bytes",
                    text,
                    format!(
                        "has no room for one body of max_body ({body_size}); use at least that"
                    ),
                ),
                (None, text) => bad(
                    "max_body",
                    text.unwrap_or(body_size),
                    format!("is more than max_request_bytes ({requests_size}); raise that as well"),
                ),
            });
        }
        if let Some(text) = audit.filter(|_| audit_bytes > body_bytes) {
            let body = write_size(body_bytes);
            let wrong = format!("is more than max_body ({body}); use at most that, or raise it");
            return Err(bad("max_audit", text, wrong));
        }
        let windows = &mut given.max_open_windows;
        let (batch, connections) = (defaults.batch_audits as u64, defaults.connections as u64);
        Ok(Limits {
            open_windows: counted("max_open_windows", windows, defaults.open_windows)?,
            buffered_bytes: sized("max_buffered", buffered, defaults.buffered_bytes, u64::MAX)?,
            request_bytes,
            body_bytes: body_bytes as usize,
            audit_bytes: audit_bytes as usize,
            batch_audits: counted("max_batch", &mut given.max_batch, batch)? as usize,
            connections: counted("max_connections", &mut given.max_connections, connections)?
                as usize,
            request_rate: rate(given.rate_limit.take())?,
        })
    }
}

fn rate(given: Option<String>) -> Result<Option<NonZeroU32>, BadSetting> {
    let Some(text) = given.filter(|text| text != "off") else { return Ok(None) };
    match text.parse() {
        Ok(rate) => Ok(Some(rate)),
        Err(_) => {
            let wrong = "is neither off nor a number of requests a second, like 100";
            Err(bad("rate_limit", text, wrong))
        }
    }
}
