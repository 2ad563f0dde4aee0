//! A clock that was put back. Due times are of the wall clock, so that they hold over a restart; what was to
//! be sent in seconds would then wait for hours.

use std::time::Duration;

use crate::clock::{Clock, Monotonic, Timestamp};

/// By how much a clock has to go back for it to be a jump.
pub const JUMP_MIN: Duration = Duration::from_secs(2);

/// What the clocks showed at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    running: Monotonic,
    showed: Timestamp,
}

impl Seen {
    /// What they show now.
    pub fn now(clock: &dyn Clock) -> Seen {
        Seen { showed: clock.now(), running: clock.monotonic() }
    }

    /// What the wall clock showed.
    pub fn showed(&self) -> Timestamp {
        self.showed
    }

    /// By how much the wall clock was put back until `later`; none unless it was.
    pub fn put_back(&self, later: &Seen) -> Option<Duration> {
        let passed = later.running.saturating_sub(self.running);
        let back = (self.showed + passed).since(later.showed);
        (back > JUMP_MIN).then_some(back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_was_put_back_has_jumped() {
        let seen = |running_s: u64, showed_s: i64| Seen {
            running: Duration::from_secs(running_s),
            showed: Timestamp::from_unix_ms(showed_s * 1_000),
        };
        let then = seen(10, 50_000);
        let back = |later: Seen| then.put_back(&later).map(|back| back.as_secs());
        assert_eq!(back(seen(15, 50_005)), None, "time passed");
        assert_eq!(back(seen(15, 90_000)), None, "put forward");
        assert_eq!(back(seen(15, 50_004)), None, "adjusted");
        assert_eq!(back(seen(15, 50_005 - 18_000)), Some(18_000));
        assert_eq!(back(seen(10, 49_000)), Some(1_000));
        assert_eq!(then.showed(), Timestamp::from_unix_ms(50_000_000));
    }
}
