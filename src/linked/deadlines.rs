//! Which links are due, and when the next is. Pure: told the time, never asking.

use std::collections::{BTreeSet, HashMap};

use crate::clock::Monotonic;
use crate::model::Id;
use crate::store::DueLink;

/// Links that something is to be sent for, by when.
#[derive(Default)]
pub struct Deadlines {
    links: HashMap<Id, (Monotonic, DueLink)>,
    order: BTreeSet<(Monotonic, Id)>,
}

impl Deadlines {
    /// This link is due `at`, whatever was said of it before.
    pub fn set(&mut self, due: DueLink, at: Monotonic) {
        let link = due.link;
        if let Some((before, _)) = self.links.insert(link, (at, due)) {
            self.order.remove(&(before, link));
        }
        self.order.insert((at, link));
    }

    /// The same, unless something newer was said of it.
    pub fn put_back(&mut self, due: DueLink, at: Monotonic) {
        if !self.links.contains_key(&due.link) {
            self.set(due, at);
        }
    }

    /// When the next link is due.
    pub fn next(&self) -> Option<Monotonic> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Up to `max` links that are due, the oldest first; they are waited for no more.
    pub fn take_due(&mut self, now: Monotonic, max: usize) -> Vec<DueLink> {
        let mut due = Vec::new();
        while due.len() < max
            && let Some((_, link)) = self.order.first().copied().filter(|(at, _)| *at <= now)
        {
            self.order.pop_first();
            due.extend(self.links.remove(&link).map(|(_, due)| due));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Account, ExternalId, RecordKey};
    use crate::store::RecordHash;

    const SECOND: Duration = Duration::from_secs(1);

    fn due(link: u64, revision: u64) -> DueLink {
        let name = ExternalId::new("x").unwrap();
        let account = Account::DEFAULT;
        let key = RecordKey { account, record_type: name.clone(), record_id: name };
        let revision = Some(Id::from_u64(revision));
        DueLink { account, record: RecordHash::of(&key), link: Id::from_u64(link), revision }
    }

    #[test]
    fn links_are_due_by_their_last_change_oldest_first() {
        let mut deadlines = Deadlines::default();
        for (link, revision, second) in [(1, 1, 10), (2, 2, 11), (1, 3, 12), (3, 4, 30)] {
            deadlines.set(due(link, revision), SECOND * second);
        }
        assert_eq!(deadlines.next(), Some(SECOND * 11));
        assert_eq!(deadlines.take_due(SECOND * 10, 9), []);
        assert_eq!(deadlines.take_due(SECOND * 20, 1), [due(2, 2)]);
        assert_eq!(deadlines.take_due(SECOND * 20, 9), [due(1, 3)]);
        assert_eq!(deadlines.next(), Some(SECOND * 30));
    }

    #[test]
    fn what_could_not_be_sent_does_not_take_the_place_of_something_newer() {
        let mut deadlines = Deadlines::default();
        deadlines.set(due(1, 2), SECOND * 50);
        deadlines.put_back(due(1, 1), SECOND);
        deadlines.put_back(due(2, 1), SECOND);
        assert_eq!(deadlines.take_due(SECOND, 9), [due(2, 1)]);
        assert_eq!(deadlines.next(), Some(SECOND * 50));
    }
}
