//! Receivers that fail in every way of section 6.

use std::time::Duration;

use super::dice::Dice;
use crate::clock::Timestamp;
use crate::delivery::Posted;
use crate::model::{AttemptOutcome, Timing};

/// How a hook is at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    #[default]
    Good,
    /// Good, but in its own time.
    Slow,
    /// 5xx.
    Broken,
    /// 429 or 503, mostly with `Retry-After`.
    Busy,
    Redirecting,
    /// 4xx.
    Refusing,
    /// 410.
    Gone,
    /// Nobody there, or no answer until the timeout.
    Silent,
    /// 2xx, whose body breaks off.
    Cut,
    /// Any of these, one after the other.
    Mixed,
}

pub const MOODS: [(u64, Mood); 10] = [
    (8, Mood::Good),
    (3, Mood::Slow),
    (5, Mood::Broken),
    (5, Mood::Busy),
    (1, Mood::Redirecting),
    (2, Mood::Refusing),
    (1, Mood::Gone),
    (4, Mood::Silent),
    (1, Mood::Cut),
    (6, Mood::Mixed),
];

/// What a hook in this mood answers, and how long it takes.
pub fn answer(
    mood: Mood,
    now: Timestamp,
    timeout: Duration,
    dice: &mut Dice,
) -> (Posted, Duration) {
    let ms = Duration::from_millis;
    let quick = ms(dice.range(1, 60));
    let code = |code: u16| (posted(code, None, None), quick);
    match mood {
        Mood::Good => code(*dice.pick(&[200, 200, 201, 202, 204, 299])),
        Mood::Slow => {
            (posted(200, None, None), ms(dice.range(200, timeout.as_millis() as u64 - 1)))
        }
        Mood::Broken => code(*dice.pick(&[500, 500, 502, 504, 599])),
        Mood::Busy => {
            let after = retry_after(now, dice);
            (posted(*dice.pick(&[429, 503]), after, None), quick)
        }
        Mood::Redirecting => code(*dice.pick(&[301, 302, 304, 307, 308])),
        Mood::Refusing => code(*dice.pick(&[400, 401, 403, 404, 422])),
        Mood::Gone => code(410),
        Mood::Silent => match dice.percent(50) {
            true => (unanswered("the connection was refused"), quick),
            false => (unanswered("no answer in time"), timeout),
        },
        Mood::Cut => (posted(200, None, Some("the body broke off")), quick),
        Mood::Mixed => {
            let moods: Vec<_> =
                MOODS.into_iter().filter(|(_, m)| !matches!(m, Mood::Mixed | Mood::Gone)).collect();
            let mood = dice.weighed(&moods);
            answer(mood, now, timeout, dice)
        }
    }
}

/// Seconds, a date, nonsense, or nothing.
fn retry_after(now: Timestamp, dice: &mut Dice) -> Option<String> {
    let seconds = *dice.pick(&[0, 1, 3, 60, 700, 7_200, 86_400, 200_000, 99_999_999_999]);
    match dice.below(6) {
        0 => None,
        1 => {
            Some(dice.pick(&["soon", "", "-5", "1.5", "Thu, 99 Foo 2020 00:00:00 GMT"]).to_string())
        }
        2 => {
            let at = now.unix_seconds() - 100 + seconds.min(400_000);
            let since = Duration::from_secs(at.max(0) as u64);
            Some(httpdate::fmt_http_date(std::time::UNIX_EPOCH + since))
        }
        _ => Some(seconds.to_string()),
    }
}

fn posted(code: u16, retry_after: Option<String>, note: Option<&str>) -> Posted {
    let headers = retry_after.map(|after| ("Retry-After".to_owned(), after));
    let (headers, body) = (headers.into_iter().collect(), "said".to_owned());
    let outcome = AttemptOutcome::Answered { code, headers, body, body_cut: note.is_some() };
    Posted { outcome, timing: Timing::default(), note: note.map(str::to_owned) }
}

fn unanswered(why: &str) -> Posted {
    let outcome = AttemptOutcome::Unanswered(why.to_owned());
    Posted { outcome, timing: Timing::default(), note: None }
}
