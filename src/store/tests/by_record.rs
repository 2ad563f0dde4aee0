//! What there is of a record: in runs, and in none yet.

use std::collections::BTreeMap;

use super::*;
use crate::store::by_record::RUN;

/// What is expected of a record, oldest first.
#[derive(Default)]
struct Expected {
    /// The audit of each window.
    windows: Vec<Id>,
    messages: Vec<Id>,
    /// Those that no mark names.
    unmarked: Vec<Id>,
}

/// Closes windows of five records in turns, and replays some of them.
async fn closed(opened: &Opened, hook: Id, windows: usize) -> BTreeMap<String, Expected> {
    let mut expected: BTreeMap<String, Expected> = BTreeMap::new();
    for number in 0..windows {
        let record = (number * 7 % 5).to_string();
        let of = expected.entry(record.clone()).or_default();
        let ids = opened.append(&[edit(&format!("a{number}"), &record, "u")]).await.ids;
        of.windows.extend(opened.places(&ids));
        let to = if number % 3 == 0 { vec![] } else { vec![hook] };
        let made = opened.close(&record, &ids, &to, "{}").await;
        of.messages.extend(&made);
        if number % 4 == 0 {
            let (window, _) = opened.store.windows_of(&key(&record), None, 1).unwrap()[0];
            let message = message(hook, &record, "{}");
            let replay = Replay { window, oldest: Id::default(), message };
            let replayed = opened.journal.replay(vec![replay], "t").await.unwrap();
            of.messages.extend(&replayed);
            of.unmarked.extend(&replayed);
        }
        opened.pass(DAY / 24);
    }
    for message in expected.values().flat_map(|of| &of.messages) {
        opened.settle(*message, 1, Next::Delivered).await;
    }
    expected
}

fn places(marks: Vec<(Id, crate::model::Mark)>) -> Vec<Id> {
    marks.into_iter().flat_map(|(_, mark)| mark.places).collect()
}

fn newest_first(ids: &[Id]) -> Vec<Id> {
    ids.iter().rev().copied().collect()
}

fn assert_found(opened: &Opened, hook: Id, expected: &BTreeMap<String, Expected>) {
    for (record, of) in expected {
        let key = key(record);
        let windows = |before, limit| opened.store.windows_of(&key, before, limit).unwrap();
        let all = windows(None, usize::MAX);
        assert_eq!(places(all.clone()), newest_first(&of.windows));
        assert_eq!(windows(Some(all[1].0), 2), all[2..4]);
        let since = opened.store.marks_of(&key, all[3].0).unwrap();
        assert_eq!(places(since), of.windows[of.windows.len() - 4..]);
        let unmarked = opened.store.unmarked_messages_of(&key, hook, Id::default()).unwrap();
        let unmarked: Vec<Id> = unmarked.iter().map(|entry| entry.message.id).collect();
        assert_eq!(unmarked, of.unmarked);
        let log = opened.log(|filter| filter.record = Some(key.clone()));
        assert_eq!(log, newest_first(&of.messages));
        let older = opened.log(|filter| {
            (filter.record, filter.before) = (Some(key.clone()), Some(log[2]));
        });
        assert_eq!(older, log[3..]);
    }
    assert!(opened.store.windows_of(&key("none"), None, 9).unwrap().is_empty());
    assert_eq!(check::check(opened.store.tree()).faults, Vec::<String>::new());
}

#[actix::test]
async fn what_there_is_of_a_record_is_found_whatever_run_it_is_in() {
    let mut opened = Opened::fresh();
    let hook = opened.integration().await.id;
    let expected = closed(&opened, hook, 60).await;
    for reopened in [false, true] {
        if reopened {
            opened = opened.reopen();
        }
        assert_found(&opened, hook, &expected);
    }
    let entries = 60 + expected.values().map(|of| of.unmarked.len()).sum::<usize>();
    assert_eq!(opened.rows(b"R"), entries / RUN);
}

#[actix::test]
async fn a_run_goes_once_nothing_of_its_time_is_left_and_not_before() {
    let mut opened = Opened::fresh();
    let hook = opened.integration().await.id;
    let mut expected = closed(&opened, hook, 60).await;
    let runs = opened.rows(b"R");
    opened.prune(DAY, u64::MAX).await;
    let (run, _) = opened.store.tree().scan_prefix(b"R").next().unwrap().unwrap();
    assert_ne!(run, keys::numbered(keys::RUNS, 0), "the first is gone");
    assert!((1..runs).contains(&opened.rows(b"R")));
    for reopened in [false, true] {
        if reopened {
            opened = opened.reopen();
        }
        for (record, of) in &mut expected {
            let left = opened.store.windows_of(&key(record), None, 99).unwrap();
            assert!((4..6).contains(&left.len()), "a day's");
            of.windows.drain(..of.windows.len() - left.len());
            for ids in [&mut of.messages, &mut of.unmarked] {
                ids.retain(|id| opened.store.message(*id).unwrap().is_some());
            }
        }
        assert_found(&opened, hook, &expected);
    }
    // What is made after that is listed as ever.
    let entries = opened.log(|filter| filter.record = Some(key("0"))).len();
    let ids = opened.append(&[edit("new", "0", "u")]).await.ids;
    opened.close("0", &ids, &[hook], "{}").await;
    assert_eq!(opened.log(|filter| filter.record = Some(key("0"))).len(), entries + 1);
}

/// Up to format 5 each window had a row for itself, and so had how each message was settled (D6).
#[actix::test]
async fn a_store_of_format_5_is_brought_into_form() {
    let opened = Opened::fresh();
    let hook = opened.integration().await.id;
    let expected = closed(&opened, hook, 60).await;
    let settled = messages_of(&expected);
    as_in_format_5(&opened, &settled);
    let attempts = all_attempts(&opened, &settled);
    assert_eq!(check::check(opened.store.tree()).faults, Vec::<String>::new());

    let opened = opened.reopen();
    assert_eq!(opened.store.disk.format().unwrap(), 6);
    assert_eq!(opened.rows(b"s"), 0);
    assert_eq!(all_attempts(&opened, &settled), attempts);
    assert!(opened.recovered.owed.is_empty());
    assert_found(&opened, hook, &expected);
    assert!(opened.rows(b"R") > 60 / RUN - 1);
    opened.pass(DAY * 9);
    opened.prune(DAY, u64::MAX).await;
    for kind in ["R", "r", "S"] {
        assert_eq!(opened.rows(kind.as_bytes()), 0, "rows of kind {kind}");
    }
}

/// A server that is killed while it brings a store into form goes on with that.
#[actix::test]
async fn what_was_brought_into_form_by_halves_is_brought_all_the_way() {
    let opened = Opened::fresh();
    let hook = opened.integration().await.id;
    let expected = closed(&opened, hook, 60).await;
    let settled = messages_of(&expected);
    let half: Vec<Id> = settled.iter().step_by(2).copied().collect();
    as_in_format_5(&opened, &half);
    opened.store.disk.set_format().unwrap();
    let attempts = all_attempts(&opened, &settled);

    let opened = opened.reopen();
    assert_eq!(opened.rows(b"s"), 0);
    assert_eq!(all_attempts(&opened, &settled), attempts);
    assert!(opened.recovered.owed.is_empty());
    assert_found(&opened, hook, &expected);
}

/// Puts the rows as format 5 had them, of how messages were settled only those of `alone`.
fn as_in_format_5(opened: &Opened, alone: &[Id]) {
    let (store, mut batch) = (&opened.store, Batch::default());
    for kind in ["R", "r"] {
        for key in store.tree().scan_prefix(kind).keys() {
            batch.remove(key.unwrap());
        }
    }
    // Its lists had keys of another length.
    batch.insert(&[b"r".as_slice(), [7; 20].as_slice()].concat()[..], b"");
    let not_together = alone.iter().map(|id| (*id, None)).collect();
    settled::put(&mut batch, store.tree(), &not_together).unwrap();
    for id in alone {
        let row = store.settled_row(*id).unwrap().unwrap();
        batch.insert(&keys::by_id(keys::SETTLED_ALONE, *id), row.encode());
    }
    batch.insert(keys::FORMAT, &5_u32.to_be_bytes());
    store.disk.commit(batch).unwrap();
}

fn messages_of(expected: &BTreeMap<String, Expected>) -> Vec<Id> {
    expected.values().flat_map(|of| &of.messages).copied().collect()
}

fn all_attempts(opened: &Opened, messages: &[Id]) -> Vec<Attempt> {
    let of = |id: &Id| opened.store.attempts(*id).unwrap();
    let attempts: Vec<Attempt> = messages.iter().flat_map(of).collect();
    assert_eq!(attempts.len(), messages.len());
    attempts
}
