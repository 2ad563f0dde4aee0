//! After an attempt: is that it, or when is the next one? Level 1: pure.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64;

use crate::clock::Timestamp;
use crate::model::{AttemptOutcome, Id};

/// How far a wait strays from the schedule, in both directions, in thousandths.
const JITTER_THOUSANDTHS: u64 = 200;

/// The longest wait that a hook may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 3600);

/// After how long of nothing but failures an integration is disabled.
pub const DISABLE_AFTER: Duration = Duration::from_secs(5 * 86_400);

/// How long before that a last warning is given.
pub const WARN_BEFORE: Duration = Duration::from_secs(86_400);

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

/// Decides what follows attempt `number` (1 for the first) of a message, which ended `at`, by the
/// waits of `schedule`.
pub fn decide(
    outcome: &AttemptOutcome,
    message: Id,
    number: u32,
    at: Timestamp,
    schedule: &[Duration],
) -> Next {
    match outcome.is_success() {
        true => Next::Delivered,
        false => again(outcome, message, number, at, schedule),
    }
}

/// What follows an attempt of which something is to be sent again, whatever the status said.
pub fn again(
    outcome: &AttemptOutcome,
    message: Id,
    number: u32,
    at: Timestamp,
    schedule: &[Duration],
) -> Next {
    match schedule.get(number.saturating_sub(1) as usize) {
        Some(wait) => {
            let step = jittered(*wait, message, number);
            // A hook may ask for a longer wait, but neither for a shorter nor for an endless one.
            let asked = retry_after(outcome, at).unwrap_or_default().min(RETRY_AFTER_MAX);
            Next::RetryAt(at + step.max(asked))
        }
        None => Next::Failed,
    }
}

/// The longest that the schedule lets a message wait after attempt `number`.
pub fn longest_wait(number: u32, schedule: &[Duration]) -> Duration {
    let wait = schedule.get(number.saturating_sub(1) as usize).copied().unwrap_or_default();
    wait.saturating_mul(1000 + JITTER_THOUSANDTHS as u32) / 1000
}

/// Whether the hook says that it is gone for good.
pub fn is_gone(outcome: &AttemptOutcome) -> bool {
    outcome.code() == Some(410)
}

/// The wait that an answer asks for: seconds or a date (RFC 9110, 10.2.3). None for anything else,
/// and for times that have passed.
fn retry_after(outcome: &AttemptOutcome, at: Timestamp) -> Option<Duration> {
    let AttemptOutcome::Answered { headers, .. } = outcome else { return None };
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are as good as for ever.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let until = Timestamp::from_unix_ms(i64::try_from(since_epoch.as_millis()).ok()?);
    Some(until.since(at))
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
    use crate::model::SCHEDULE;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);

    fn answer(code: u16) -> AttemptOutcome {
        AttemptOutcome::Answered { code, headers: vec![], body: String::new(), body_cut: false }
    }

    #[test]
    fn only_2xx_is_success() {
        for code in [200, 201, 202, 204, 299] {
            assert_eq!(decide(&answer(code), Id::from_u64(1), 1, NOW, &SCHEDULE), Next::Delivered);
        }
        for code in [100, 199, 300, 301, 302, 304, 400, 404, 410, 429, 500, 503] {
            let next = decide(&answer(code), Id::from_u64(1), 1, NOW, &SCHEDULE);
            assert!(matches!(next, Next::RetryAt(_)), "{code}: {next:?}");
        }
        let unanswered = AttemptOutcome::Unanswered("refused".into());
        assert!(matches!(
            decide(&unanswered, Id::from_u64(1), 1, NOW, &SCHEDULE),
            Next::RetryAt(_)
        ));
    }

    #[test]
    fn after_the_schedule_the_message_has_failed() {
        assert!(matches!(
            decide(&answer(500), Id::from_u64(1), 7, NOW, &SCHEDULE),
            Next::RetryAt(_)
        ));
        assert_eq!(decide(&answer(500), Id::from_u64(1), 8, NOW, &SCHEDULE), Next::Failed);
        assert_eq!(decide(&answer(500), Id::from_u64(1), 99, NOW, &SCHEDULE), Next::Failed);
    }

    #[test]
    fn a_schedule_of_its_own_replaces_the_servers() {
        let own = [Duration::from_secs(60)];
        let first = decide(&answer(500), Id::from_u64(1), 1, NOW, &own);
        assert!(matches!(first, Next::RetryAt(due) if due.since(NOW) >= Duration::from_secs(48)));
        assert_eq!(decide(&answer(500), Id::from_u64(1), 2, NOW, &own), Next::Failed);
        assert_eq!(decide(&answer(500), Id::from_u64(1), 1, NOW, &[]), Next::Failed);
    }

    /// How long the wait is when the hook asks for this; the schedule says five seconds.
    fn asked(value: &str) -> u64 {
        let AttemptOutcome::Answered { code, body, body_cut, .. } = answer(503) else { panic!() };
        let headers = vec![("Retry-After".to_owned(), value.to_owned())];
        let outcome = AttemptOutcome::Answered { code, headers, body, body_cut };
        match decide(&outcome, Id::from_u64(1), 1, NOW, &SCHEDULE) {
            Next::RetryAt(due) => due.since(NOW).as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_hook_may_ask_for_a_longer_wait_but_not_for_a_shorter_or_an_endless_one() {
        // NOW is Tue, 14 Nov 2023 22:13:20 GMT.
        assert_eq!((asked("120"), asked(" 3600 ")), (120, 3_600));
        assert_eq!(asked("Tue, 14 Nov 2023 22:15:20 GMT"), 120);
        for longest in
            ["86401", "99999999999", "99999999999999999999999", "Fri, 01 Jan 2100 00:00:00 GMT"]
        {
            assert_eq!(asked(longest), 86_400, "{longest}");
        }
        for by_the_schedule in ["0", "-1", "1", "soon", "", "Thu, 01 Jan 1970 00:00:00 GMT", "1.5"]
        {
            assert!((4..=6).contains(&asked(by_the_schedule)), "{by_the_schedule}");
        }
    }

    proptest! {
        #[test]
        fn waits_stay_within_a_fifth_of_the_schedule(message: u64, number in 1..8u32) {
            let message = Id::from_u64(message);
            let Next::RetryAt(due) = decide(&answer(500), message, number, NOW, &SCHEDULE) else { panic!() };
            let wait = due.since(NOW);
            let step = SCHEDULE[number as usize - 1];
            prop_assert!(wait >= step * 8 / 10 && wait <= step * 12 / 10, "{:?}", wait);
            prop_assert_eq!(decide(&answer(500), message, number, NOW, &SCHEDULE), Next::RetryAt(due));
        }
    }
}
