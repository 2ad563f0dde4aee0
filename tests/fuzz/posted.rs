//! What every reader of bodies promises: of what it refuses it says where and why; of what it takes,
//! nothing depends on the shape it came in.

use lull::ingest::{Fault, Media, Refused};
use lull::settings::Limits;
use serde_json::Value;
use serde_json::value::RawValue;

/// The most faults an answer lists.
const FAULTS_MAX: usize = 100;

/// Bounds that small inputs meet.
pub fn limits() -> Limits {
    Limits { audit_bytes: 4 << 10, batch_audits: 40, ..Limits::default() }
}

/// The items of a body, as their reader finds them.
pub fn items(text: &str, media: Media) -> Vec<&str> {
    match media {
        Media::Ndjson => text.lines().filter(|line| !line.trim().is_empty()).collect(),
        Media::Json => match serde_json::from_str::<Vec<&RawValue>>(text) {
            Ok(items) => items.into_iter().map(RawValue::get).collect(),
            Err(_) => vec![text.trim()],
        },
    }
}

/// A refusal is one that a person can act on.
pub fn is_told(body: &[u8], media: Media, refused: &Refused) {
    assert!(!refused.to_string().is_empty());
    let text = std::str::from_utf8(body);
    match refused {
        Refused::NotJson(_) => assert!(
            media == Media::Json && serde_json::from_slice::<&RawValue>(body).is_err()
                || text.is_err()
        ),
        Refused::TooLarge { bytes, max, .. } => assert!(bytes > max && *bytes == body.len()),
        Refused::TooMany { max, .. } => assert!(items(text.expect("text"), media).len() > *max),
        Refused::Invalid { faults, .. } => {
            assert!((1..=FAULTS_MAX).contains(&faults.len()), "{} faults", faults.len());
            let items = items(text.expect("text"), media);
            faults.iter().for_each(|fault| is_at_its_place(fault, items[fault.index]));
        }
    }
}

/// The place that a fault names is there, or is a member that is missing of what is there.
fn is_at_its_place(fault: &Fault, item: &str) {
    assert!(!fault.message.is_empty() && !fault.message.chars().any(char::is_control), "{fault:?}");
    // Numbers past what fits are read, but only as text.
    let Ok(item) = serde_json::from_str::<Value>(item) else { return };
    let above = fault.pointer.rsplit_once('/').map_or("", |(above, _)| above);
    let is_there = item.pointer(&fault.pointer).is_some() || item.pointer(above).is_some();
    assert!(is_there, "{fault:?} of {item}");
}
