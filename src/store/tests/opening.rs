//! Opening a store, and the journal's thread on it.

use super::*;
use crate::store::tree::flush;

#[actix::test]
async fn only_windows_that_did_not_close_are_open_after_a_restart() {
    let opened = Opened::fresh();
    let first =
        opened.append(&[edit("a", "1", "u"), edit("b", "2", "u"), edit("c", "1", "u")]).await;
    opened.close("1", &[first.ids[0].clone(), first.ids[2].clone()], &[], "{}").await;
    opened.pass(DAY);
    opened.append(&[edit("d", "1", "u"), edit("e", "2", "u")]).await;
    let opened = opened.reopen();
    let mut windows: Vec<(String, usize)> = opened
        .recovered
        .windows
        .iter()
        .map(|window| (window.record.record_id.to_string(), window.places.len()))
        .collect();
    windows.sort();
    assert_eq!(windows, [("1".to_owned(), 1), ("2".to_owned(), 2)]);
    assert!(opened.recovered.windows.iter().all(|window| window.last_rule == RULE));
}

#[actix::test]
async fn ids_increase_even_when_the_clock_jumps_back() {
    let opened = Opened::fresh();
    let first = opened.append(&[edit("a", "1", "u")]).await.ids;
    opened.clock.0.fetch_sub(DAY.as_nanos() as u64, Ordering::Relaxed);
    let opened = opened.reopen();
    let second = opened.append(&[edit("b", "1", "u")]).await.ids;
    assert!(opened.places(&first) < opened.places(&second));
}

#[actix::test]
async fn a_store_that_is_in_use_newer_or_damaged_is_refused_with_a_clear_line() {
    let opened = Opened::fresh();
    let refusal = |folder: &TempDir| match Store::open(folder.path(), Timestamp::default()) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("opened"),
    };
    assert!(refusal(&opened.folder).contains("in use by another Lull"));
    // sled's own threads may hold the lock for a moment longer than the store.
    let refused = |folder: &TempDir| {
        let refusals = std::iter::repeat_with(|| refusal(folder)).take(1_000);
        let last = |refusal: &String| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            !refusal.contains("in use by another Lull")
        };
        refusals.into_iter().find(last).expect("let go of")
    };

    let Opened { folder, store, journal, .. } = opened;
    let rewrite = |key: &[u8], value: &[u8]| {
        look::until_let_go_of(folder.path()).unwrap();
        let database = sled::open(folder.path()).unwrap();
        database.insert(key, value).unwrap();
        flush(&database).unwrap();
    };
    drop((store, journal));
    rewrite(keys::FORMAT, &99_u32.to_be_bytes());
    assert!(refused(&folder).contains("format 99"));
    rewrite(keys::FORMAT, b"?");
    assert!(refused(&folder).contains("damaged"));
    rewrite(keys::FORMAT, &1_u32.to_be_bytes()); // an older one, which is migrated
    rewrite(keys::COUNTERS, b"?");
    assert!(refused(&folder).contains("damaged: its counters"));
}

/// The journal's own thread: many commands at once, each completed on its own.
#[actix::test]
async fn the_journal_groups_what_comes_at_once_and_answers_each_and_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Still(AtomicU64::new(1_772_440_000_000_000_000)));
    let (store, writer, _) = Store::open(folder.path(), Timestamp::default()).unwrap();
    let metrics = metrics();
    let (journal, thread) =
        Journal::start(writer, clock, Box::new(Nobody), metrics.clone()).unwrap();
    let new_audit = |number: usize| {
        let text = edit(&format!("a{number}"), "1", "u").to_string();
        let id = ExternalId::new(format!("a{number}")).ok();
        NewAudit { record: key("1"), id, text, learned: vec![] }
    };
    let appends = (0..500).map(|number| journal.append(vec![new_audit(number)], RULE));
    let appended = futures_util::future::join_all(appends).await;
    for (number, appended) in appended.into_iter().enumerate() {
        assert_eq!(texts(&appended.unwrap().ids), [format!("a{number}")]);
    }
    assert_eq!(store.totals().audits, 500);
    assert_eq!(metrics.audits.accepted.get(), 500);
    thread.stop().await;
    let refused = journal.append(vec![new_audit(500)], RULE).await;
    assert!(matches!(refused, Err(StoreError::Stopped)));
}

/// Whoever is told of commits must not fail; if it does all the same, nobody waits for ever, nothing that
/// was written is lost, and it is noticed, so that the server begins anew.
#[actix::test]
async fn a_journal_whose_thread_is_gone_refuses_everything_and_says_so() {
    struct Fails;
    impl Listener for Fails {
        fn committed(&mut self, _: Vec<Event>) {
            panic!("a defect, for this test");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Still(AtomicU64::new(1_772_440_000_000_000_000)));
    let (store, writer, _) = Store::open(folder.path(), Timestamp::default()).unwrap();
    let (journal, thread) = Journal::start(writer, clock, Box::new(Fails), metrics()).unwrap();
    let audit = || {
        let (text, id) = (edit("a1", "1", "u").to_string(), ExternalId::new("a1").ok());
        vec![NewAudit { record: key("1"), id, text, learned: vec![] }]
    };
    assert!(!thread.is_gone());
    for _ in 0..2 {
        let refused = journal.append(audit(), RULE).await;
        assert!(matches!(refused, Err(StoreError::Stopped)));
    }
    while !thread.is_gone() {
        actix::clock::sleep(Duration::from_millis(1)).await;
    }
    drop((journal, store));
    let (store, ..) = opened_again(folder.path(), Timestamp::default());
    assert_eq!(store.totals().audits, 1);
}

/// A store of format 2 held no sum of its rows, and nothing stood beside its files (D6).
#[actix::test]
async fn a_store_of_format_2_is_migrated_with_all_that_is_in_it() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let kept = opened.append(&[edit("a1", "1", "u"), edit("a2", "2", "u")]).await.ids;
    opened.close("1", &kept[..1], &[hook.id], "{}").await;
    let Opened { folder, clock, store, journal, .. } = opened;
    drop((store, journal));
    drop(opened_again(folder.path(), clock.now()));
    let database = loop {
        // sled's own threads may hold the lock for a moment longer than the store.
        match sled::open(folder.path()) {
            Ok(database) => break database,
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    database.remove(keys::SUM).unwrap();
    database.insert(keys::FORMAT, &2_u32.to_be_bytes()).unwrap();
    flush(&database).unwrap();
    drop(database);
    std::fs::remove_file(folder.path().join("synced")).unwrap();

    let opened = Opened::open(folder, clock);
    assert_eq!(opened.store.disk.format().unwrap(), 6);
    opened.store.disk.verify_all().unwrap();
    assert_eq!(opened.rows(keys::SUM), 1);
    assert_eq!(opened.rows(keys::FORGOTTEN), 0, "nothing had been forgotten");
    assert_eq!(opened.history(|_| {}, &[]), ["a1", "a2"]);
    assert_eq!(check::check(opened.store.tree()).faults, Vec::<String>::new());
    assert_eq!((opened.log(|_| {}).len(), opened.recovered.windows.len()), (1, 1));
}

/// Formats up to 3 pressed no value (D6). One that was not worth it looks the same today.
#[actix::test]
async fn a_store_of_format_3_is_read_as_it_is_and_written_on() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let long = json!(noise(1, 40_000));
    let mut audit = edit("a1", "1", "u");
    audit["description"] = long.clone();
    let kept = opened.append(&[audit]).await.ids;
    let body = noise(2, 40_000);
    let message = opened.close("1", &kept, &[hook.id], &body).await[0];
    let place = opened.places(&kept)[0];
    let Opened { folder, clock, store, journal, .. } = opened;
    let mut batch = Batch::default();
    for key in [keys::by_id(keys::AUDITS, place), keys::by_id(keys::MESSAGES, message)] {
        let whole = value::get(store.tree(), &key).unwrap().unwrap();
        value::remove(&mut batch, &key, whole.len());
        as_in_format_3(&mut batch, &key, &whole);
    }
    batch.insert(keys::FORMAT, &3_u32.to_be_bytes());
    store.disk.commit(batch).unwrap();
    assert!(long_rows(&store) > 10, "long values are in many parts");
    drop((store, journal));

    let opened = Opened::open(folder, clock);
    assert_eq!(opened.store.disk.format().unwrap(), 6);
    assert_eq!(opened.store.message(message).unwrap().unwrap().message.draft.body, body);
    let audit = opened.store.audit_at(opened.places(&kept)[0]).unwrap().unwrap();
    assert_eq!(audit.said.description.as_deref(), long.as_str());
    opened.settle(message, 1, Next::Delivered).await;
    assert_eq!(check::check(opened.store.tree()).faults, Vec::<String>::new());
    opened.pass(DAY * 100);
    opened.prune(DAY, u64::MAX).await;
    assert_eq!(long_rows(&opened.store), 0, "no part stays behind");
}

/// Rows of audits and messages.
fn long_rows(store: &Store) -> usize {
    [b"a", b"g"].iter().map(|kind| store.tree().scan_prefix(kind).count()).sum()
}

/// Writes a value as format 3 had it.
fn as_in_format_3(batch: &mut Batch, key: &[u8], value: &[u8]) {
    let pieces: Vec<&[u8]> = value.chunks(value::PIECE_BYTES_MAX).collect();
    let head = [&(pieces.len() as u16 - 1).to_be_bytes(), pieces[0]].concat();
    batch.insert(key, head);
    for (piece, part) in pieces[1..].iter().zip(1_u16..) {
        batch.insert([key, &part.to_be_bytes()].concat(), *piece);
    }
}
