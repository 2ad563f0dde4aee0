//! Stores of which rows are gone, made whole: nothing is lost beside those, no window closes twice, and what
//! is missing is said.

use super::*;
use crate::model::SecurityDraft;
use crate::store::{Batch, check, repair};

fn login(id: &str) -> SecurityDraft {
    let said = json!({"action": "login", "id": id, "user": {"id": "101"}});
    crate::ingest::kept_security_event(&said.to_string()).expect("an event")
}

/// A store with two closed windows, an open one, messages in every state, and security events.
struct Case {
    opened: Opened,
    messages: Vec<Id>,
    events: Vec<Id>,
}

impl Case {
    async fn new() -> Case {
        let opened = Opened::fresh();
        let to = [opened.integration().await.id];
        let mut messages = Vec::new();
        for (record, ids) in [("1", ["a", "b"]), ("2", ["c", "d"])] {
            let edits = ids.map(|id| edit(id, record, "u"));
            let ids = opened.append(&edits).await.ids;
            messages.extend(opened.close(record, &ids, &to, "{}").await);
        }
        opened.append(&[edit("e", "3", "u")]).await;
        opened.settle(messages[0], 1, Next::Delivered).await;
        let mut events = Vec::new();
        for id in ["s-1", "s-2", "s-3", "s-4"] {
            opened.journal.secure(Account::DEFAULT, vec![login(id)]).await.unwrap();
            let key = keys::event_id(Account::DEFAULT, &ExternalId::new(id).unwrap());
            let place = opened.store.tree().get(key).unwrap().unwrap();
            events.push(keys::last_id(&place).unwrap());
        }
        Case { opened, messages, events }
    }

    fn window(&self, message: usize) -> Id {
        match self.opened.store.source_of(self.messages[message]).unwrap() {
            Some(crate::model::Source::Window(window)) => window,
            other => panic!("{other:?}"),
        }
    }

    /// The store that a repair makes of this one without these rows, and what it says is lost.
    fn without(self, gone: &[&[u8]]) -> (Opened, Vec<String>) {
        let Opened { folder, clock, store, journal, .. } = self.opened;
        let mut batch = Batch::default();
        for key in gone {
            assert!(store.tree().contains_key(key).unwrap(), "{key:?}");
            batch.remove(*key);
        }
        store.disk.commit(batch).unwrap();
        drop((store, journal));
        let new = tempfile::tempdir().unwrap();
        let repaired = loop {
            // sled's own thread may hold the lock for a moment longer.
            match repair(folder.path(), new.path(), clock.now()) {
                Err(StoreError::InUse(_)) => std::thread::sleep(Duration::from_millis(5)),
                repaired => break repaired.unwrap(),
            }
        };
        assert_eq!(repaired.report.faults, [] as [String; 0]);
        (Opened::open(new, clock), repaired.lost)
    }
}

fn says(lost: &[String], what: &str) {
    assert!(lost.iter().any(|line| line.contains(what)), "{what:?} in {lost:?}");
}

#[actix::test]
async fn a_window_whose_mark_is_gone_does_not_close_again() {
    let case = Case::new().await;
    let (window, before) = (case.window(0), case.opened.store.mark(case.window(0)).unwrap());
    let (opened, lost) = case.without(&[&keys::by_id(keys::MARKS, window)]);
    says(&lost, "was made anew of its messages");
    assert_eq!(opened.store.mark(window).unwrap().unwrap().places, before.unwrap().places);
    let open: Vec<&str> =
        opened.recovered.windows.iter().map(|open| open.record.record_id.as_str()).collect();
    assert_eq!(open, ["3"]);
}

#[actix::test]
async fn a_message_of_which_it_is_not_known_what_became_of_it_is_owed() {
    let case = Case::new().await;
    let (settled, owed) = (case.messages[0], case.messages[1]);
    let gone =
        [keys::by_id(keys::SETTLED, settled::stretch(settled)), keys::by_id(keys::UNTRIED, owed)];
    let (opened, lost) = case.without(&[&gone[0], &gone[1]]);
    says(&lost, "may reach its hook again");
    let ids: Vec<Id> = opened.recovered.owed.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, [settled, owed]);
    assert_eq!(opened.recovered.owed[0].1.attempts, 1);
}

#[actix::test]
async fn a_message_that_is_gone_is_named_no_more() {
    let case = Case::new().await;
    let (gone, window) = (case.messages[0], case.window(0));
    let (opened, lost) = case.without(&[&keys::by_id(keys::MESSAGES, gone)]);
    says(&lost, "0 audits and 1 messages are not there");
    says(&lost, "attempts: ");
    assert!(opened.store.message(gone).unwrap().is_none());
    assert_eq!(opened.store.mark(window).unwrap().unwrap().addressed, []);
}

#[actix::test]
async fn where_security_events_are_missing_the_chain_shows_it_and_goes_on() {
    let case = Case::new().await;
    let events = case.events.clone();
    let gone = keys::event(Account::DEFAULT, events[1]);
    let last = keys::event(Account::DEFAULT, events[3]);
    let (opened, lost) = case.without(&[&gone, &last]);
    says(&lost, &format!("security events between {} and {}", events[0], events[2]));
    says(&lost, &format!("security events after {}", events[2]));
    opened.journal.secure(Account::DEFAULT, vec![login("s-5")]).await.unwrap();
    let report = check::check(opened.store.tree());
    assert_eq!((report.gaps, report.faults), (2, vec![]));
}

#[actix::test]
async fn ids_go_on_behind_all_that_is_there_when_the_counters_are_gone() {
    let case = Case::new().await;
    let (newest, kept) = (case.events[3], case.opened.store.kept_bytes());
    let (opened, lost) = case.without(&[keys::COUNTERS]);
    says(&lost, "the counters");
    assert_eq!(opened.store.kept_bytes(), kept);
    assert_eq!(opened.store.totals().audits, 5);
    let next = opened.append(&[edit("f", "4", "u")]).await.ids;
    assert!(opened.places(&next)[0] > newest);
}
