//! What a hook answers with, its `Retry-After` among it: the wait is never shorter than the schedule's,
//! never longer than a day past it, and the same each time.

use std::time::Duration;

use lull::clock::Timestamp;
use lull::model::{AttemptOutcome, Id, SCHEDULE};
use lull::retry::{Next, decide};

const NOW: Timestamp = Timestamp::from_unix_ms(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (first, value) = text.split_once('\n').unwrap_or(("503", &text));
    let code = first.trim().parse().unwrap_or(503);
    let headers = vec![("retry-after".to_owned(), value.to_owned())];
    let (body, body_cut) = (String::new(), false);
    let asking = AttemptOutcome::Answered { code, headers, body, body_cut };
    for number in 1..=SCHEDULE.len() as u32 + 1 {
        let next = decide(&asking, Id::from_u64(7), number, NOW, &SCHEDULE);
        assert_eq!(next, decide(&asking, Id::from_u64(7), number, NOW, &SCHEDULE));
        match (next, SCHEDULE.get(number as usize - 1)) {
            (Next::Delivered, _) => assert!((200..300).contains(&code)),
            (Next::RetryAt(due), Some(step)) => {
                let wait = due.since(NOW);
                assert!(wait >= *step * 8 / 10 && wait <= DAY.max(*step * 12 / 10), "{wait:?}");
                if let Ok(seconds) = value.trim().parse::<u64>()
                    && !value.trim().starts_with('+')
                {
                    assert!(wait >= Duration::from_secs(seconds).min(DAY), "{wait:?}");
                }
            }
            (Next::Failed, step) => assert!(step.is_none() && !(200..300).contains(&code)),
            (next, step) => panic!("{next:?} after step {step:?}"),
        }
    }
}
