//! Durations in JSON.

/// A duration in JSON, as text.
pub mod duration_text {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes it like `15s`.
    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&crate::settings::write_duration(*duration))
    }

    /// Reads what [`crate::settings::parse_duration`] reads.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        crate::settings::parse_duration(&text).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is not a duration; write it like 30s, 5m or 2h"))
        })
    }
}

/// A duration in JSON that may be null, as text.
pub mod optional_duration {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes it like `30s`, or null.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        duration.map(crate::settings::write_duration).serialize(to)
    }

    /// Reads what [`crate::settings::parse_duration`] reads, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        crate::settings::parse_duration(&text).map(Some).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is not a duration; write it like 30s, 5m or 2h"))
        })
    }
}

/// Durations in JSON, as texts.
pub mod duration_list {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes them like `["5s", "5m"]`.
    pub fn serialize<S: Serializer>(durations: &[Duration], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(durations.iter().map(|duration| crate::settings::write_duration(*duration)))
    }

    /// Reads what [`crate::settings::parse_duration`] reads.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Duration>, D::Error> {
        let read = |text: String| {
            crate::settings::parse_duration(&text).ok_or_else(|| {
                D::Error::custom(format!("{text:?} is not a duration; write it like 30s, 5m or 2h"))
            })
        };
        Vec::<String>::deserialize(from)?.into_iter().map(read).collect()
    }
}
