//! What came to a receiver, and when: how late, told by what the webhooks themselves say.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use lull::clock::Timestamp;

use crate::clock;

/// The longest time that is told apart, in microseconds.
const TIME_MAX_US: u64 = 600_000_000;
/// What the time of the last audit in a webhook stands behind.
const LAST_AT: &[u8] = b"\"last_at\":\"";
/// How long such a time is written.
const TIME_BYTES: usize = "2026-03-02T09:14:05.120Z".len();

/// What came.
#[derive(Default)]
pub struct Arrivals {
    /// The `webhook-id` of each request.
    ids: Vec<u64>,
    /// When the first came.
    first_at: Option<Instant>,
    /// When the last came.
    last_at: Option<Instant>,
    /// How late they were, where that is asked for.
    pub times: Option<Times>,
}

impl Arrivals {
    /// Notes a request.
    pub fn note(&mut self, id: u64, body: &[u8]) {
        let now = clock::now();
        self.ids.push(id);
        self.first_at.get_or_insert(now);
        self.last_at = Some(now);
        if let Some(times) = &mut self.times {
            times.note(id, body);
        }
    }

    /// Requests.
    pub fn posts(&self) -> u64 {
        self.ids.len() as u64
    }

    /// How many different messages they were of.
    pub fn messages(&self) -> u64 {
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        ids.len() as u64
    }

    /// From the first to the last.
    pub fn took(&self) -> Duration {
        match (self.first_at, self.last_at) {
            (Some(first), Some(last)) => last - first,
            _ => Duration::ZERO,
        }
    }
}

/// How late messages were made and came. A message's id is the moment of the commit that made it, before
/// that is synced. A quiet period ends so long after the last audit was received, which the webhook says
/// to the millisecond, cut: so what counts from there may be up to a millisecond too much.
pub struct Times {
    quiet_period: Duration,
    /// From the end of the quiet period until the message was made.
    pub made: Histogram<u64>,
    /// From the end of the quiet period until it came.
    pub came: Histogram<u64>,
    /// From when it was made until it came.
    pub on_the_way: Histogram<u64>,
    /// Made before the quiet period was over, which must not be.
    pub early: u64,
}

impl Times {
    /// Of windows that close after this quiet period.
    pub fn new(quiet_period: Duration) -> Times {
        let empty = || {
            Histogram::new_with_bounds(1, TIME_MAX_US, 3).expect("invariant: bounds are in order")
        };
        let (made, came, on_the_way) = (empty(), empty(), empty());
        Times { quiet_period, made, came, on_the_way, early: 0 }
    }

    fn note(&mut self, id: u64, body: &[u8]) {
        let came_at = clock::unix_nanos();
        let made_at = (id >> 32) * 1_000_000_000 + (((id & 0xFFFF_FFFF) * 1_000_000_000) >> 32);
        // Near the end, so looked for from there.
        let Some(at) = body.windows(LAST_AT.len()).rposition(|found| found == LAST_AT) else {
            return;
        };
        let text = body.get(at + LAST_AT.len()..at + LAST_AT.len() + TIME_BYTES);
        let last_at = text.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
        let Some(last_at): Option<Timestamp> = last_at else { return };
        let due = last_at.unix_ms() as u64 * 1_000_000 + self.quiet_period.as_nanos() as u64;
        self.early += u64::from(made_at < due);
        let mut record = |histogram: fn(&mut Times) -> &mut Histogram<u64>, from, to: u64| {
            histogram(self).saturating_record(to.saturating_sub(from) / 1_000);
        };
        record(|times| &mut times.made, due, made_at);
        record(|times| &mut times.came, due, came_at);
        record(|times| &mut times.on_the_way, made_at, came_at);
    }
}

/// The time that so many of a hundred stayed within, in milliseconds.
pub fn ms(histogram: &Histogram<u64>, percentile: f64) -> f64 {
    histogram.value_at_percentile(percentile) as f64 / 1_000.0
}
