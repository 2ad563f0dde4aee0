//! After an attempt: is that it, or when is the next one? Level 1: pure.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::clock::Timestamp;
use crate::model::{AttemptOutcome, Id};

/// The waits after the first try, the second, and so on; then the message has failed.
pub const SCHEDULE: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
    Duration::from_secs(10 * 3600),
];

/// How far a wait strays from the schedule, in both directions, in thousandths.
const JITTER_THOUSANDTHS: u64 = 200;

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it was delivered.
    Delivered,
    /// Another attempt, then.
    RetryAt(Timestamp),
    /// Nothing: the schedule is exhausted.
    Failed,
}

/// Decides what follows attempt `number` (1 for the first) of a message, which ended `at`.
pub fn decide(outcome: &AttemptOutcome, message: Id, number: u32, at: Timestamp) -> Next {
    if outcome.is_success() {
        return Next::Delivered;
    }
    match SCHEDULE.get(number.saturating_sub(1) as usize) {
        Some(wait) => Next::RetryAt(at + jittered(*wait, message, number)),
        None => Next::Failed,
    }
}

/// The wait, up to a fifth shorter or longer. Derived from the message, so that the messages of one
/// outage spread out, and a restart does not draw anew.
fn jittered(wait: Duration, message: Id, number: u32) -> Duration {
    let mut seed = [0; 12];
    seed[..8].copy_from_slice(&message.as_u64().to_be_bytes());
    seed[8..].copy_from_slice(&number.to_be_bytes());
    let strays = xxh3_64(&seed) % (2 * JITTER_THOUSANDTHS + 1);
    let wait_ms = wait.as_millis() as u64;
    Duration::from_millis(wait_ms * (1000 - JITTER_THOUSANDTHS + strays) / 1000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

    fn answer(code: u16) -> AttemptOutcome {
        AttemptOutcome::Answered { code, headers: vec![], body: String::new(), body_cut: false }
    }

    #[test]
    fn only_2xx_is_success() {
        for code in [200, 201, 202, 204, 299] {
            assert_eq!(decide(&answer(code), Id::from_u64(1), 1, NOW), Next::Delivered);
        }
        for code in [100, 199, 300, 301, 302, 304, 400, 404, 410, 429, 500, 503] {
            let next = decide(&answer(code), Id::from_u64(1), 1, NOW);
            assert!(matches!(next, Next::RetryAt(_)), "{code}: {next:?}");
        }
        let unanswered = AttemptOutcome::Unanswered("refused".into());
        assert!(matches!(decide(&unanswered, Id::from_u64(1), 1, NOW), Next::RetryAt(_)));
    }

    #[test]
    fn after_the_schedule_the_message_has_failed() {
        assert!(matches!(decide(&answer(500), Id::from_u64(1), 7, NOW), Next::RetryAt(_)));
        assert_eq!(decide(&answer(500), Id::from_u64(1), 8, NOW), Next::Failed);
        assert_eq!(decide(&answer(500), Id::from_u64(1), 99, NOW), Next::Failed);
    }

    proptest! {
        #[test]
        fn waits_stay_within_a_fifth_of_the_schedule(message: u64, number in 1..8u32) {
            let message = Id::from_u64(message);
            let Next::RetryAt(due) = decide(&answer(500), message, number, NOW) else { panic!() };
            let wait = due.since(NOW);
            let step = SCHEDULE[number as usize - 1];
            prop_assert!(wait >= step * 8 / 10 && wait <= step * 12 / 10, "{:?}", wait);
            prop_assert_eq!(decide(&answer(500), message, number, NOW), Next::RetryAt(due));
        }
    }
}
