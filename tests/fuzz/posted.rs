//! What every reader of bodies promises: of what it refuses it says where and why; of what it takes,
//! nothing depends on the shape it came in.

use lull::ingest::{Fault, Media, Refused};
use lull::settings::Limits;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
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
    // Numbers past what fits are read, but only as text; of two members of one name, either may be
    // meant.
    let Ok(Unambiguous(item)) = serde_json::from_str(item) else { return };
    let above = fault.pointer.rsplit_once('/').map_or("", |(above, _)| above);
    let is_there = item.pointer(&fault.pointer).is_some() || item.pointer(above).is_some();
    assert!(is_there, "{fault:?} of {item}");
}

/// A value none of whose objects has two members of one name.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Members).map(Unambiguous)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Value;

    fn expecting(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        to.write_str("a value without twins")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unambiguous(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = serde_json::Map::new();
        while let Some((name, Unambiguous(value))) = members.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("two members of one name"));
            }
        }
        Ok(object.into())
    }
}
