//! Time: wall-clock timestamps, and the one trait through which all code reads a clock.
//!
//! Level 0. Nothing else in the crate may ask the operating system for the time (`clippy.toml`
//! sees to it), so that a test can decide what time it is.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment on the wall clock, in milliseconds since the Unix epoch, UTC.
///
/// Written as RFC 3339 with exactly three digits of a second (`2026-03-02T09:14:05.120Z`); read
/// with any number of digits and any offset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A moment on the monotonic clock: time since some fixed instant of this process.
pub type Monotonic = Duration;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The wall clock, in nanoseconds since the Unix epoch. May jump, in both directions.
    fn unix_nanos(&self) -> u64;

    /// The monotonic clock, which only ever goes forward, at the speed of real time.
    fn monotonic(&self) -> Monotonic;

    /// The wall clock as a [`Timestamp`].
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms((self.unix_nanos() / 1_000_000) as i64)
    }

    /// What the wall clock will show at `moment`, or now when that has passed.
    fn wall_at(&self, moment: Monotonic) -> Timestamp {
        let nanos = moment.saturating_sub(self.monotonic()).as_nanos() as u64;
        Timestamp::from_unix_ms((self.unix_nanos().saturating_add(nanos) / 1_000_000) as i64)
    }
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[allow(clippy::disallowed_methods)] // the one place that may
impl Clock for SystemClock {
    fn unix_nanos(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since_epoch| since_epoch.as_nanos() as u64)
    }

    fn monotonic(&self) -> Monotonic {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

impl Timestamp {
    /// The moment `ms` milliseconds after the Unix epoch.
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn unix_ms(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, as `webhook-timestamp` wants them.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Timestamp;

    fn sub(self, duration: Duration) -> Timestamp {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_unix_ms(self.unix_ms().saturating_sub(ms))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Timestamp;

    fn add(self, later_by: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(later_by.as_millis().min(i64::MAX as u128) as i64))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            // Only a corrupt value is outside the years -9999 to 9999.
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// The text is not an RFC 3339 time.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is not a time; write it as RFC 3339, like 2026-03-02T09:14:05.120Z")]
pub struct BadTimestamp(String);

impl FromStr for Timestamp {
    type Err = BadTimestamp;

    fn from_str(text: &str) -> Result<Self, BadTimestamp> {
        text.parse::<jiff::Timestamp>()
            .map(|moment| Self(moment.as_millisecond()))
            .map_err(|_| BadTimestamp(text.to_owned()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match to.is_human_readable() {
            true => to.collect_str(self),
            false => to.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match from.is_human_readable() {
            true => std::borrow::Cow::<str>::deserialize(from)?.parse().map_err(D::Error::custom),
            false => i64::deserialize(from).map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_any_precision_and_offset_and_written_with_milliseconds_in_utc() {
        for (read, written) in [
            ("2018-04-12T15:16:17.922Z", "2018-04-12T15:16:17.922Z"),
            ("2018-04-12T15:16:17Z", "2018-04-12T15:16:17.000Z"),
            ("2018-04-12T17:16:17.5+02:00", "2018-04-12T15:16:17.500Z"),
            ("2018-04-12T15:16:17.922999Z", "2018-04-12T15:16:17.922Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(read.parse::<Timestamp>().unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused_by_name() {
        for text in ["", "yesterday", "2018-04-12", "2018-13-01T00:00:00Z", "1523546177"] {
            let refused = text.parse::<Timestamp>().unwrap_err().to_string();
            assert!(refused.contains("RFC 3339") && refused.contains(text), "{refused}");
        }
    }
}
