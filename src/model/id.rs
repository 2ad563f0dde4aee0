//! Identifiers: the ones Lull makes ([`Id`]) and the ones others bring ([`ExternalId`]).

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::NAME_CHARS_MAX;
use crate::clock::Timestamp;

/// A 64-bit, time-ordered number that Lull made: Unix seconds in the high 32 bits, the fraction of
/// the second below. Strictly increasing in the order of commits, so it is also the place of a
/// thing in the store. Written as a string, because JSON numbers lose digits past 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u64);

/// The text is not an id that Lull made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not an id; ids are decimal numbers of up to 20 digits")]
pub struct BadId(String);

impl Id {
    /// An id from its number.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// The number of this id.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The smallest id of the moment `unix_nanos` (nanoseconds since the Unix epoch); the largest there
    /// is for moments past what fits, in 2106.
    pub const fn at_nanos(unix_nanos: u64) -> Self {
        let seconds = unix_nanos / 1_000_000_000;
        if seconds > u32::MAX as u64 {
            return Self(u64::MAX);
        }
        let fraction = ((unix_nanos % 1_000_000_000) << 32) / 1_000_000_000;
        Self((seconds << 32) | fraction)
    }

    /// The smallest id of the millisecond `at`; of the epoch for anything before it.
    pub const fn at(at: Timestamp) -> Self {
        let ms = at.unix_ms();
        if ms < 0 { Self(0) } else { Self::at_nanos((ms as u64).saturating_mul(1_000_000)) }
    }

    /// The moment this id was made, cut to the millisecond.
    pub const fn time(self) -> Timestamp {
        let seconds = self.0 >> 32;
        // The fraction was cut on the way in, by less than one; so that `Id::at(t).time() == t`.
        let ms = (((self.0 & 0xFFFF_FFFF) + 1) * 1000) >> 32;
        let ms = if ms > 999 { 999 } else { ms };
        Timestamp::from_unix_ms((seconds * 1000 + ms) as i64)
    }

    /// The id `steps` after this one; the largest there is when there is none.
    pub const fn plus(self, steps: u64) -> Self {
        Self(self.0.saturating_add(steps))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.map(Self).ok_or_else(|| BadId(text.chars().take(40).collect()))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match to.is_human_readable() {
            true => to.collect_str(self),
            false => to.serialize_u64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match from.is_human_readable() {
            true => std::borrow::Cow::<str>::deserialize(from)?.parse().map_err(D::Error::custom),
            false => u64::deserialize(from).map(Self),
        }
    }
}

/// An id or name that somebody else made: a non-empty string of up to 255 characters, kept as it
/// is. A JSON integer is taken as its digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ExternalId(Box<str>);

/// An id or name that is empty or too long.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadName {
    /// It has no characters.
    #[error("must not be empty")]
    Empty,
    /// It has more characters than [`NAME_CHARS_MAX`].
    #[error("has {0} characters; at most {NAME_CHARS_MAX} are allowed")]
    TooLong(usize),
}

impl ExternalId {
    /// Takes `text` when it is neither empty nor longer than [`NAME_CHARS_MAX`] characters.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, BadName> {
        let text = text.into();
        if text.is_empty() {
            return Err(BadName::Empty);
        }
        // Bytes bound characters from above, so the common case counts nothing.
        if text.len() > NAME_CHARS_MAX {
            let chars = text.chars().count();
            if chars > NAME_CHARS_MAX {
                return Err(BadName::TooLong(chars));
            }
        }
        Ok(Self(text))
    }

    /// The id as it came.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as it can stand in a line of a log, whoever made it: on one line, and without anything
    /// that a terminal obeys.
    pub fn escaped(&self) -> impl fmt::Display + '_ {
        self.0.escape_debug()
    }
}

impl From<Id> for ExternalId {
    fn from(id: Id) -> Self {
        Self(id.to_string().into())
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ExternalId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::new(text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_the_time_it_was_made() {
        let at: Timestamp = "2018-04-12T15:16:17.922Z".parse().unwrap();
        assert_eq!(Id::at(at).time(), at);
        assert_eq!(Id::at(at).as_u64() >> 32, 1_523_546_177);
        // An id of the product we learn from, made in the same way.
        let id: Id = "6543581008138760991".parse().unwrap();
        assert_eq!(id.time().unix_seconds(), at.unix_seconds());
    }

    #[test]
    fn every_millisecond_of_a_second_survives_the_round_trip() {
        for ms in 0..1000 {
            let at = Timestamp::from_unix_ms(1_700_000_000_000 + ms);
            assert_eq!(Id::at(at).time(), at);
        }
    }

    #[test]
    fn within_a_millisecond_the_time_is_cut() {
        let second = 1_700_000_000_000_000_000;
        for (nanos, ms) in [(999_999, 0), (1_000_000, 1), (1_999_999, 1), (999_999_999, 999)] {
            let time = Id::at_nanos(second + nanos).time();
            assert_eq!(time.unix_ms() - 1_700_000_000_000, ms, "{nanos}");
        }
    }

    #[test]
    fn moments_past_what_fits_are_after_everything() {
        let last: Timestamp = "2106-02-07T06:28:15.000Z".parse().unwrap();
        assert_eq!(Id::at(last).time(), last);
        for later in ["2106-02-07T06:28:16Z", "2582-03-30T00:20:13Z", "9999-01-01T00:00:00Z"] {
            assert_eq!(Id::at(later.parse().unwrap()), Id::from_u64(u64::MAX), "{later}");
        }
    }

    #[test]
    fn only_decimal_numbers_are_ids() {
        for text in ["", "+1", "-1", "1.0", "abc", "99999999999999999999999"] {
            assert!(text.parse::<Id>().is_err(), "{text}");
        }
        assert_eq!("42".parse(), Ok(Id::from_u64(42)));
    }

    #[test]
    fn a_name_cannot_write_a_line_of_its_own_into_a_log() {
        let name = ExternalId::new("a\nINFO forged\u{1b}[2J").unwrap();
        assert_eq!(name.escaped().to_string(), "a\\nINFO forged\\u{1b}[2J");
    }

    #[test]
    fn names_are_limited_in_characters_not_in_bytes() {
        assert!(ExternalId::new("é".repeat(255)).is_ok());
        assert_eq!(ExternalId::new("é".repeat(256)), Err(BadName::TooLong(256)));
        assert_eq!(ExternalId::new(""), Err(BadName::Empty));
    }
}
