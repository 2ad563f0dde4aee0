//! When a window closes (R1-R3, R5). Pure: told the time, never asking.

use std::time::Duration;

use crate::clock::{Monotonic, Timestamp};
use crate::model::{ClosedBy, Id, WindowRule};
use crate::store::OpenWindow;

/// An open window. Holds the places of its audits, not the audits: however many and large they are,
/// an open window stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its audits, oldest first; at least one.
    pub places: Vec<Id>,
    /// How large those are together, in bytes.
    pub bytes: u64,
    /// The rule it runs under: the one in force at its last audit.
    pub rule: WindowRule,
    /// When the quiet period is over.
    quiet_at: Monotonic,
    /// When it has lasted as long as it may.
    cap_at: Option<Monotonic>,
}

impl Window {
    /// A window that opens with the audit at `place`, so large, accepted `at`.
    pub fn open(place: Id, bytes: u32, rule: WindowRule, at: Monotonic) -> Self {
        let quiet_at = at.saturating_add(rule.quiet_period);
        let cap_at = rule.max_wait.map(|max_wait| at.saturating_add(max_wait));
        Self { places: vec![place], bytes: bytes.into(), rule, quiet_at, cap_at }
    }

    /// A window that was open when the server stopped. Its deadlines are wall-clock times (R5); what
    /// is left of them runs on by the monotonic clock from here. A clock that jumped while the
    /// server was down can make it wait up to a whole quiet period again, but not longer.
    pub fn recovered(open: OpenWindow, wall: Timestamp, now: Monotonic) -> Self {
        let left = |of: Id, whole: Duration| (of.time() + whole).since(wall).min(whole);
        let first = open.places.first().copied().unwrap_or_default();
        let last = open.places.last().copied().unwrap_or_default();
        let quiet_left = left(last, open.last_rule.quiet_period);
        let cap_left = open.first_rule.max_wait.map(|max_wait| left(first, max_wait));
        Self {
            places: open.places,
            bytes: open.bytes,
            rule: open.last_rule,
            quiet_at: now.saturating_add(quiet_left),
            cap_at: cap_left.map(|left| now.saturating_add(left)),
        }
    }

    /// Takes in the audit at `place`, so large, accepted `at`: the quiet period starts again (R1).
    pub fn add(&mut self, place: Id, bytes: u32, rule: WindowRule, at: Monotonic) {
        self.places.push(place);
        self.bytes += u64::from(bytes);
        self.rule = rule;
        self.quiet_at = self.quiet_at.max(at.saturating_add(rule.quiet_period));
    }

    /// Takes in the audits of an older window of the same record that could not be closed.
    pub fn take_back(&mut self, older: Vec<Id>, bytes: u64) {
        self.places.splice(0..0, older);
        self.bytes += bytes;
    }

    /// When it closes.
    pub fn closes_at(&self) -> Monotonic {
        self.cap_at.map_or(self.quiet_at, |cap_at| self.quiet_at.min(cap_at))
    }

    /// When it closes at the latest, where there is such a time.
    pub fn cap_at(&self) -> Option<Monotonic> {
        self.cap_at
    }

    /// Why it closes now, if it does.
    pub fn due(&self, now: Monotonic) -> Option<ClosedBy> {
        if now >= self.quiet_at {
            Some(ClosedBy::Quiet)
        } else if self.cap_at.is_some_and(|cap_at| now >= cap_at) {
            Some(ClosedBy::MaxWait)
        } else {
            None
        }
    }

    /// Puts off closing until `at`, after a commit that failed.
    pub fn put_off(&mut self, at: Monotonic) {
        self.quiet_at = self.quiet_at.max(at);
        self.cap_at = self.cap_at.map(|cap_at| cap_at.max(at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Account, ExternalId, RecordKey, Slot};

    const SECOND: Duration = Duration::from_secs(1);

    fn rule(quiet: u32, max_wait: Option<u32>) -> WindowRule {
        WindowRule { quiet_period: SECOND * quiet, max_wait: max_wait.map(|wait| SECOND * wait) }
    }

    #[test]
    fn every_edit_starts_the_quiet_period_again() {
        let mut window = Window::open(Id::from_u64(1), 10, rule(300, None), SECOND * 10);
        assert_eq!(window.due(SECOND * 309), None);
        window.add(Id::from_u64(2), 20, rule(300, None), SECOND * 309);
        assert_eq!(window.due(SECOND * 608), None);
        assert_eq!(window.due(SECOND * 609), Some(ClosedBy::Quiet));
        assert_eq!((window.places.len(), window.bytes), (2, 30));
    }

    #[test]
    fn max_wait_counts_from_the_first_audit() {
        let mut window = Window::open(Id::from_u64(1), 10, rule(10, Some(25)), SECOND);
        for second in [9, 17, 25] {
            window.add(Id::from_u64(second), 1, rule(10, Some(25)), SECOND * second as u32);
        }
        assert_eq!(window.due(SECOND * 25), None);
        assert_eq!(window.due(SECOND * 26), Some(ClosedBy::MaxWait));
        assert_eq!(window.closes_at(), SECOND * 26);
    }

    #[test]
    fn after_a_restart_only_what_is_left_of_the_quiet_period_is_waited_for() {
        let received: Timestamp = "2026-03-02T09:00:00.000Z".parse().unwrap();
        let open = OpenWindow {
            record: RecordKey {
                account: Account::DEFAULT,
                record_type: ExternalId::new("feature").unwrap(),
                record_id: ExternalId::new("42").unwrap(),
            },
            slot: Slot::SERVER,
            places: vec![Id::at(received)],
            bytes: 100,
            first_rule: rule(300, Some(600)),
            last_rule: rule(300, Some(600)),
        };
        for (down_for, left) in [(100, 200), (299, 1), (300, 0), (86_400, 0)] {
            let wall = received + SECOND * down_for;
            let window = Window::recovered(open.clone(), wall, SECOND * 5);
            assert_eq!(window.closes_at(), SECOND * (5 + left), "down for {down_for} s");
        }
        // The clock jumped back a year while the server was down: a whole quiet period, no more.
        let wall = Timestamp::from_unix_ms(received.unix_ms() - 365 * 86_400_000);
        assert_eq!(Window::recovered(open, wall, SECOND * 5).closes_at(), SECOND * 305);
    }
}
