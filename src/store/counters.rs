//! What the writer counts, and stores with every commit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::model::Id;

/// What has been counted since the store was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Audits accepted.
    pub audits: u64,
    /// Audits that were there already.
    pub duplicates: u64,
    /// Windows closed.
    pub windows: u64,
    /// Messages made.
    pub messages: u64,
    /// Messages delivered.
    pub delivered: u64,
    /// Messages whose attempts were exhausted.
    pub failed: u64,
    /// Messages taken in by newer ones.
    pub superseded: u64,
    /// Messages given up.
    pub cancelled: u64,
}

/// The counters, as they are stored with every commit.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counters {
    pub last_id: Id,
    /// No audit below this place is in an open window.
    pub low_water: Id,
    /// Bytes of history and log that are kept (R18).
    pub kept_bytes: u64,
    pub totals: Totals,
}

impl Counters {
    pub fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        postcard::from_bytes(bytes)
            .map_err(|error| StoreError::Damaged(format!("its counters: {error}")))
    }
}

/// What the writer knows besides the tree.
#[derive(Clone, Default)]
pub(super) struct State {
    pub counters: Counters,
    pub open: OpenAudits,
}

/// How many audits are in open windows, by the time of their receipt: enough to know where recovery
/// has to begin, in a few bytes however many there are.
#[derive(Clone, Default)]
pub(super) struct OpenAudits(BTreeMap<u32, u64>);

impl OpenAudits {
    /// Places are counted together by spans of 256 seconds.
    const SPAN_BITS: u32 = 40;

    pub fn add(&mut self, place: Id, windows: usize) {
        *self.0.entry((place.as_u64() >> Self::SPAN_BITS) as u32).or_default() += windows as u64;
    }

    pub fn remove(&mut self, place: Id) {
        let span = (place.as_u64() >> Self::SPAN_BITS) as u32;
        if let Some(count) = self.0.get_mut(&span) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&span);
            }
        }
    }

    /// The place below which none is open; `last` when none is open at all.
    pub fn low_water(&self, last: Id) -> Id {
        let first = self.0.first_key_value();
        first.map_or(last, |(span, _)| Id::from_u64(u64::from(*span) << Self::SPAN_BITS))
    }
}
