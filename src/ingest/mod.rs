//! Bytes to audits and security events: reads what applications post, and says of everything it refuses where it
//! stands and what is wrong with it. Level 1: pure, no clock, no store, no socket.
//!
//! - `mod.rs`: the four shapes of a body, and their limits
//! - `audit.rs`: one audit, field by field
//! - `security.rs`: one security event, field by field
//! - `record.rs`: a full record
//! - `fields.rs`: what fields are read by
//! - `json.rs`: JSON objects as raw members, and pointers to their places
//!
//! Values are never parsed: `value`, `old_value` and unknown keys are kept as the text they came
//! as, so nothing is lost to a number format, and reading costs little.

mod audit;
mod fields;
mod json;
mod record;
mod security;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::{Account, AuditDraft, ExternalId, RecordKey, SecurityDraft};
use crate::settings::Limits;
use json::Pointer;
pub use record::{FaultAt, SaidOfRecord, full_record};

/// The most faults that one answer lists.
const FAULTS_MAX: usize = 100;

/// How the body of a call is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// One JSON text: an audit, an array of audits, or an envelope.
    Json,
    /// One JSON text a line.
    Ndjson,
}

/// One thing wrong with a body: which item, where in it, and what.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The item's position in the batch, from 0; 0 for a single audit.
    pub index: usize,
    /// A JSON pointer (RFC 6901) into the item.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// Why a body was refused; nothing of it is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is not JSON.
    #[error("the body is not valid JSON: {0}")]
    NotJson(String),
    /// A single one is larger than [`Limits::audit_bytes`].
    #[error("the {what} has {bytes} bytes; a call for one may have at most {max} (max_audit)")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        max: usize,
    },
    /// There are more than [`Limits::batch_audits`].
    #[error("the batch has more than {max} {what}s (max_batch); split it")]
    TooMany {
        /// What they are.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// At least one of them is not one.
    #[error("{} of the {what}s cannot be accepted; nothing was kept", count_items(faults))]
    Invalid {
        /// What they are to be.
        what: &'static str,
        /// What is wrong with them.
        faults: Vec<Fault>,
    },
}

/// Reads the audits of a body within `limits`, in order. All or nothing.
pub fn audits(body: &[u8], media: Media, limits: &Limits) -> Result<Vec<AuditDraft>, Refused> {
    items(body, media, Items::within(limits, "audit", audit::unwrap_and_read))
}

/// Reads the security events of a body within `limits`, in order. All or nothing.
pub fn security_events(
    body: &[u8],
    media: Media,
    limits: &Limits,
) -> Result<Vec<SecurityDraft>, Refused> {
    items(body, media, Items::within(limits, "security event", security::unwrap_and_read))
}

fn items<T>(body: &[u8], media: Media, mut items: Items<'_, T>) -> Result<Vec<T>, Refused> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Refused::NotJson(format!("it is not UTF-8 ({error})")))?;
    match media {
        Media::Ndjson => {
            for (number, line) in
                text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty())
            {
                items.next()?;
                match serde_json::from_str::<&RawValue>(line) {
                    Ok(raw) => items.take(raw),
                    Err(error) => items.fault(format!("line {} is not JSON: {error}", number + 1)),
                }
            }
        }
        Media::Json => {
            let raw: &RawValue =
                serde_json::from_str(text).map_err(|error| Refused::NotJson(error.to_string()))?;
            if raw.get().starts_with('[') {
                for raw in json::elements(raw).map_err(Refused::NotJson)? {
                    items.next()?;
                    items.take(raw);
                }
            } else {
                let (what, bytes, max) = (items.what, body.len(), items.limits.audit_bytes);
                if bytes > max {
                    return Err(Refused::TooLarge { what, bytes, max });
                }
                items.next()?;
                items.take(raw);
            }
        }
    }
    let Items { what, read, faults, .. } = items;
    if faults.is_empty() { Ok(read) } else { Err(Refused::Invalid { what, faults }) }
}

/// Reads an audit back from the text the history keeps.
pub fn kept(text: &[u8]) -> Result<AuditDraft, String> {
    let raw: &RawValue = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut faults = Vec::new();
    audit::read(raw, &Pointer::ROOT, &mut |pointer, message| {
        faults.push(format!("{pointer} {message}"));
    })
    .ok_or_else(|| faults.join("; "))
}

/// Reads only which record an audit is about from the text the history keeps, in a fraction of the time.
pub fn kept_record(text: &str, account: Account) -> Result<RecordKey, String> {
    #[derive(Deserialize)]
    struct About {
        auditable_type: ExternalId,
        auditable_id: ExternalId,
    }
    let about: About = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let About { auditable_type: record_type, auditable_id: record_id } = about;
    Ok(RecordKey { account, record_type, record_id })
}

/// Reads one item, out of its envelope if it is in one.
type ReadOne<T> = fn(&RawValue, fields::Report) -> Option<T>;

/// Reads a security event back from the text the list keeps.
pub fn kept_security_event(text: &str) -> Result<SecurityDraft, String> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut faults = Vec::new();
    security::unwrap_and_read(raw, &mut |pointer, message| {
        faults.push(format!("{pointer} {message}"));
    })
    .ok_or_else(|| faults.join("; "))
}

/// The items of a body as they are read.
struct Items<'l, T> {
    limits: &'l Limits,
    /// What they are to be.
    what: &'static str,
    read_one: ReadOne<T>,
    count: usize,
    read: Vec<T>,
    faults: Vec<Fault>,
}

impl<'l, T> Items<'l, T> {
    fn within(limits: &'l Limits, what: &'static str, read_one: ReadOne<T>) -> Self {
        Self { limits, what, read_one, count: 0, read: Vec::new(), faults: Vec::new() }
    }

    fn next(&mut self) -> Result<(), Refused> {
        self.count += 1;
        let (what, max) = (self.what, self.limits.batch_audits);
        if self.count > max { Err(Refused::TooMany { what, max }) } else { Ok(()) }
    }

    fn fault(&mut self, message: String) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault { index: self.count - 1, pointer: String::new(), message });
        }
    }

    fn take(&mut self, raw: &RawValue) {
        let (bytes, max) = (raw.get().len(), self.limits.audit_bytes);
        if bytes > max {
            return self.fault(format!("has {bytes} bytes; it may have {max} (max_audit)"));
        }
        let (index, faults) = (self.count - 1, &mut self.faults);
        let read = (self.read_one)(raw, &mut |pointer, message| {
            if faults.len() < FAULTS_MAX {
                faults.push(Fault { index, pointer, message });
            }
        });
        self.read.extend(read);
    }
}

fn count_items(faults: &[Fault]) -> usize {
    let mut indexes: Vec<usize> = faults.iter().map(|fault| fault.index).collect();
    indexes.dedup();
    indexes.len()
}

#[cfg(test)]
mod tests;
