//! Which windows of a shard are to be asked whether they are due, and when. Pure: told the time, never
//! asking. One heap, as a timer of its own would take a window twice as much memory as all else of it.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::registry::WindowKey;
use crate::clock::Monotonic;

/// The windows, by when.
#[derive(Default)]
pub struct Deadlines {
    waiting: BinaryHeap<Reverse<Deadline>>,
    turn: u64,
}

/// A window is to be asked at this moment; of those of one moment the one that was set first.
struct Deadline {
    at: Monotonic,
    turn: u64,
    of: Arc<WindowKey>,
}

impl Deadlines {
    /// This window is to be asked `at`.
    pub fn set(&mut self, of: Arc<WindowKey>, at: Monotonic) {
        self.turn += 1;
        self.waiting.push(Reverse(Deadline { at, turn: self.turn, of }));
    }

    /// When the next is to be asked.
    pub fn next(&self) -> Option<Monotonic> {
        self.waiting.peek().map(|Reverse(next)| next.at)
    }

    /// The next window that is to be asked by `now`, and when it was to be.
    pub fn take_due(&mut self, now: Monotonic) -> Option<(Arc<WindowKey>, Monotonic)> {
        self.next().filter(|at| *at <= now)?;
        let Reverse(due) = self.waiting.pop()?;
        // A million windows that have closed leave nothing behind.
        if self.waiting.len() < self.waiting.capacity() / 4 {
            self.waiting.shrink_to(self.waiting.len() * 2);
        }
        Some((due.of, due.at))
    }
}

impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.turn).cmp(&(other.at, other.turn))
    }
}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Deadline {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Account, ExternalId, RecordKey, Slot};

    const SECOND: Duration = Duration::from_secs(1);

    fn window(number: u32) -> Arc<WindowKey> {
        let name = |text: &str| ExternalId::new(text).unwrap();
        let (record_type, record_id) = (name("feature"), name(&number.to_string()));
        let record = RecordKey { account: Account::DEFAULT, record_type, record_id };
        Arc::new(WindowKey { record, slot: Slot::SERVER })
    }

    #[test]
    fn windows_are_asked_by_their_deadlines_and_those_of_one_moment_in_their_order() {
        let mut deadlines = Deadlines::default();
        for (number, second) in [(1, 30), (2, 10), (3, 10), (4, 20), (5, 10)] {
            deadlines.set(window(number), SECOND * second);
        }
        assert_eq!(deadlines.next(), Some(SECOND * 10));
        assert_eq!(deadlines.take_due(SECOND * 9), None);
        let mut asked = Vec::new();
        while let Some((of, at)) = deadlines.take_due(SECOND * 20) {
            asked.push((of.record.record_id.as_str().to_owned(), at));
        }
        let expected = [("2", 10), ("3", 10), ("5", 10), ("4", 20)];
        assert_eq!(asked, expected.map(|(number, second)| (number.to_owned(), SECOND * second)));
        assert_eq!(deadlines.next(), Some(SECOND * 30));
    }

    #[test]
    fn memory_is_given_back() {
        let mut deadlines = Deadlines::default();
        (0..10_000).for_each(|number| deadlines.set(window(number), SECOND));
        while deadlines.take_due(SECOND).is_some() {}
        assert!(deadlines.waiting.capacity() < 100);
    }
}
