//! How many attempts may be in flight to a hook at a time. Pure.
//!
//! Starts low, grows by one with each answer that is quick and good while all the room is used, and
//! halves when the hook says or shows that it is too much. Attempts that began before a halving say
//! nothing about the pace after it, so a burst of failures halves once.

use std::time::Duration;

use crate::model::is_success;

/// Where every hook starts.
const START: u32 = 16;
/// What is still a quick answer.
const QUICK: Duration = Duration::from_secs(1);

/// The pace of one hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    limit: u32,
    max: u32,
    /// Halvings so far.
    halvings: u32,
}

/// The pace at which an attempt began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Began(u32);

impl Pace {
    /// The pace of a hook about which nothing is known, which allows at most `max`.
    pub fn new(max: u32) -> Self {
        Self { limit: START.min(max), max, halvings: 0 }
    }

    /// The same pace under another maximum.
    pub fn allow(&mut self, max: u32) {
        (self.max, self.limit) = (max, self.limit.min(max));
    }

    /// How many may be in flight now.
    pub fn limit(&self) -> usize {
        self.limit as usize
    }

    /// To be kept with an attempt that begins now.
    pub fn begin(&self) -> Began {
        Began(self.halvings)
    }

    /// An attempt that `began` took so long and was answered with this, if at all, with so many in flight,
    /// it included.
    pub fn ended(&mut self, began: Began, took: Duration, code: Option<u16>, in_flight: usize) {
        if is_too_much(code) {
            if began.0 == self.halvings {
                self.limit = (self.limit / 2).max(1);
                self.halvings = self.halvings.wrapping_add(1);
            }
        } else if code.is_some_and(is_success) && took < QUICK && in_flight >= self.limit() {
            self.limit = (self.limit + 1).min(self.max);
        }
    }
}

/// Whether this tells that the hook has too much to do: 429, 5xx, or no answer.
fn is_too_much(code: Option<u16>) -> bool {
    code.is_none_or(|code| code == 429 || code >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[test]
    fn it_grows_while_answers_are_quick_and_good_and_all_room_is_used() {
        let mut pace = Pace::new(20);
        assert_eq!(pace.limit(), 16);
        pace.ended(pace.begin(), SOON, Some(200), 3);
        assert_eq!(pace.limit(), 16, "more room would not have helped");
        pace.ended(pace.begin(), QUICK, Some(200), 16);
        pace.ended(pace.begin(), SOON, Some(404), 16);
        assert_eq!(pace.limit(), 16);
        for _ in 0..10 {
            pace.ended(pace.begin(), SOON, Some(204), pace.limit());
        }
        assert_eq!(pace.limit(), 20, "as far as the integration allows");
    }

    #[test]
    fn it_halves_once_for_all_that_began_before() {
        for bad in [Some(429), Some(500), Some(503), None] {
            let mut pace = Pace::new(256);
            let began = pace.begin();
            for _ in 0..16 {
                pace.ended(began, SOON, bad, 16);
            }
            assert_eq!(pace.limit(), 8);
            for _ in 0..10 {
                pace.ended(pace.begin(), SOON, bad, 1);
            }
            assert_eq!(pace.limit(), 1, "never none");
        }
    }

    #[test]
    fn a_lower_maximum_holds_at_once() {
        let mut pace = Pace::new(256);
        pace.allow(4);
        assert_eq!(pace.limit(), 4);
        assert_eq!(Pace::new(2).limit(), 2);
    }
}
