//! What the log says of calls that had to be refused: often enough to be seen, and no more often,
//! or an overload would fill the log, too.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Monotonic;

/// How often the same is said.
const SAME_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// What was said lately, by the reason.
#[derive(Default)]
pub struct Complaints(Mutex<HashMap<&'static str, Said>>);

struct Said {
    at: Monotonic,
    /// How often it would have been said since.
    kept_back: u64,
}

impl Complaints {
    /// Whether to say this now; if so, how often it was kept back since it was said last.
    pub fn say(&self, reason: &'static str, now: Monotonic) -> Option<u64> {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match said.get_mut(reason) {
            Some(last) if now.saturating_sub(last.at) < SAME_AGAIN_AFTER => {
                last.kept_back += 1;
                None
            }
            _ => {
                let last = said.insert(reason, Said { at: now, kept_back: 0 });
                Some(last.map_or(0, |last| last.kept_back))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_every_ten_seconds_with_how_often_it_was_kept_back() {
        let complaints = Complaints::default();
        let at = |seconds, reason| complaints.say(reason, Duration::from_secs(seconds));
        assert_eq!(at(100, "full"), Some(0));
        assert_eq!(at(100, "other"), Some(0));
        for _ in 0..5 {
            assert_eq!(at(109, "full"), None);
        }
        assert_eq!(at(110, "full"), Some(5));
        assert_eq!(at(111, "full"), None);
        assert_eq!(at(130, "full"), Some(1));
    }
}
