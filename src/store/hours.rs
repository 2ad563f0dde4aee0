//! How many messages were done with in each hour, for the bars of a day. Counted by the writer, since
//! looking through a day of messages takes too long.

use serde::{Deserialize, Serialize};

use super::{Store, StoreError, keys};
use crate::clock::Timestamp;
use crate::model::Account;

/// Milliseconds in an hour.
const HOUR_MS: i64 = 3_600_000;
/// How many hours are kept: a month.
const HOURS_KEPT: u32 = 31 * 24;

/// What was done with in an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hour {
    /// Messages that the hook took.
    pub delivered: u64,
    /// Messages whose attempts were exhausted.
    pub failed: u64,
}

/// The number of an hour since the epoch.
pub(super) fn hour_of(at: Timestamp) -> u32 {
    u32::try_from(at.unix_ms().div_euclid(HOUR_MS)).unwrap_or(0)
}

/// The hour that is forgotten when this one begins.
pub(super) fn forgotten_with(hour: u32) -> u32 {
    hour.saturating_sub(HOURS_KEPT)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Hour, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::Damaged(format!("what was counted in an hour: {error}")))
}

impl Store {
    /// The last `count` hours up to `now`, oldest first, each with when it began.
    pub fn hours(
        &self,
        account: Account,
        now: Timestamp,
        count: u32,
    ) -> Result<Vec<(Timestamp, Hour)>, StoreError> {
        let last = hour_of(now);
        let hours = last.saturating_sub(count.saturating_sub(1))..=last;
        let counted = |hour: u32| {
            let began = Timestamp::from_unix_ms(i64::from(hour) * HOUR_MS);
            match self.tree().get(keys::hour(account, hour))? {
                Some(bytes) => Ok((began, decode(&bytes)?)),
                None => Ok((began, Hour::default())),
            }
        };
        hours.map(counted).collect()
    }
}
