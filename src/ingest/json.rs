//! JSON objects and arrays as raw, borrowed members, and pointers to their places.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A member of an object: its key, and its value as text.
pub type Member<'a> = (Cow<'a, str>, &'a RawValue);

/// The members of an object in order, or none when `raw` is not an object.
pub fn members(raw: &RawValue) -> Option<Vec<Member<'_>>> {
    serde_json::from_str::<Members>(raw.get()).ok().map(|members| members.0)
}

/// The elements of an array.
pub fn elements(raw: &RawValue) -> Result<Vec<&RawValue>, String> {
    serde_json::from_str(raw.get()).map_err(|error| error.to_string())
}

/// What kind of value this is, in words.
pub fn kind(raw: &RawValue) -> &'static str {
    match raw.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// The value as text, when it is a string.
pub fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// Whether the value is `null`.
pub fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// Whether the value is a number without fraction or exponent.
pub fn is_integer(raw: &RawValue) -> bool {
    let digits = raw.get().strip_prefix('-').unwrap_or(raw.get());
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

struct Members<'a>(Vec<Member<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<Member<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                #[derive(Deserialize)]
                struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

                let mut members = Vec::with_capacity(16);
                while let Some((Key(key), value)) = map.next_entry()? {
                    members.push((key, value));
                }
                Ok(members)
            }
        }

        from.deserialize_map(InOrder).map(Members)
    }
}

/// A place in a JSON text: a path of keys and positions, written (RFC 6901) only when it is needed.
pub struct Pointer<'p> {
    above: Option<(&'p Pointer<'p>, Step<'p>)>,
}

enum Step<'p> {
    Key(&'p str),
    Position(usize),
}

impl<'p> Pointer<'p> {
    /// The whole text.
    pub const ROOT: Pointer<'static> = Pointer { above: None };

    /// The member `key` of this object.
    pub fn key(&'p self, key: &'p str) -> Pointer<'p> {
        Pointer { above: Some((self, Step::Key(key))) }
    }

    /// The element at `position` of this array.
    pub fn position(&'p self, position: usize) -> Pointer<'p> {
        Pointer { above: Some((self, Step::Position(position))) }
    }
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.above {
            None => Ok(()),
            Some((above, Step::Key(key))) => {
                write!(f, "{above}/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Some((above, Step::Position(position))) => write!(f, "{above}/{position}"),
        }
    }
}
