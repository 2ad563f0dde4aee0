//! Closing a window that takes in what is owed (R17).

use super::*;

/// The new message holds the audits of the old one, so it may only be made while that is still owed.
#[actix::test]
async fn a_window_that_takes_in_what_was_cancelled_meanwhile_is_to_be_worked_out_again() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let first = opened.append(&[edit("a1", "1", "u")]).await.ids;
    let older = opened.close("1", &first, &[hook.id], "{}").await[0];
    let second = opened.append(&[edit("a2", "1", "u")]).await.ids;
    let taking_in = |supersedes| {
        let draft = message(hook.id, "1", "{}");
        let messages = vec![NewMessage { draft, oldest: Id::default(), supersedes }];
        opened.closing("1", &second, messages)
    };
    let nothing = || {
        let close = taking_in(None);
        let nothing_changed =
            vec![NothingChanged { integration: hook.id, supersedes: Some(older) }];
        Close { messages: vec![], nothing_changed, ..close }
    };

    assert!(opened.journal.cancel(older, "t").await.unwrap());
    let before = (opened.store.totals(), opened.rows(b"w"), opened.rows(b"g"));
    for close in [taking_in(Some(older)), nothing()] {
        assert_eq!(opened.journal.close(close).await.unwrap(), None);
    }
    assert_eq!((opened.store.totals(), opened.rows(b"w"), opened.rows(b"g")), before);

    let closed = opened.journal.close(taking_in(None)).await.unwrap().expect("worked out again");
    assert_eq!(closed.messages.len(), 1);
    let states: Vec<Status> = [older, closed.messages[0]]
        .map(|id| opened.store.message(id).unwrap().unwrap().status)
        .to_vec();
    assert_eq!(states, [Status::Cancelled, Status::Pending]);
}

/// The same when both are in one commit, in either order.
#[actix::test]
async fn cancelling_and_taking_in_at_once_come_to_one_of_both() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Still(AtomicU64::new(1_772_440_000_000_000_000)));
    let opened = Opened::open(folder, clock.clone());
    let hook = opened.integration().await;
    let mut pairs = Vec::new();
    for number in 0..40 {
        let (record, id) = (number.to_string(), |of: &str| format!("{of}{number}"));
        let first = opened.append(&[edit(&id("a"), &record, "u")]).await.ids;
        let older = opened.close(&record, &first, &[hook.id], "{}").await[0];
        let second = opened.append(&[edit(&id("b"), &record, "u")]).await.ids;
        let draft = message(hook.id, &record, "{}");
        let taking_in = vec![NewMessage { draft, oldest: Id::default(), supersedes: Some(older) }];
        pairs.push((older, opened.closing(&record, &second, taking_in)));
    }
    let Opened { folder, clock, store, journal, .. } = opened;
    drop((store, journal));
    let (store, writer, _) = opened_again(folder.path(), clock.now());
    let (journal, thread) = Journal::start(writer, clock, Box::new(Nobody), metrics()).unwrap();
    let both = pairs.into_iter().enumerate().map(|(at, (older, close))| {
        let journal = &journal;
        async move {
            let (cancelled, closed) = if at % 2 == 0 {
                futures_util::future::join(journal.cancel(older, "t"), journal.close(close)).await
            } else {
                let (closed, cancelled) =
                    futures_util::future::join(journal.close(close), journal.cancel(older, "t"))
                        .await;
                (cancelled, closed)
            };
            (older, cancelled.unwrap(), closed.unwrap().is_some())
        }
    });
    let done = futures_util::future::join_all(both).await;
    for (older, cancelled, taken_in) in &done {
        assert_ne!(cancelled, taken_in);
        let status = store.message(*older).unwrap().unwrap().status;
        assert_eq!(status, if *cancelled { Status::Cancelled } else { Status::Superseded });
    }
    assert_eq!(done.iter().filter(|(_, cancelled, _)| *cancelled).count(), 20);
    thread.stop().await;
}

/// An attempt of a message that was given up meanwhile ends in the very commit that lets it be owed again.
#[actix::test]
async fn an_attempt_that_ends_as_its_message_is_asked_for_again_counts_before_the_next() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let ids = opened.append(&[edit("a", "1", "u")]).await.ids;
    let message = opened.close("1", &ids, &[hook.id], "{}").await[0];
    assert!(opened.journal.cancel(message, "t").await.unwrap());
    let retry_at = Next::RetryAt(opened.clock.now());
    let late = opened.settling(message, 1, retry_at);
    let Opened { folder, clock, store, journal, .. } = opened;
    drop((store, journal));
    let (store, mut writer, _) = opened_again(folder.path(), clock.now());
    let commands = vec![Command::Settle(late), Command::Redeliver(vec![message], "t".into())];
    writer.commit(commands, &*clock).unwrap();
    assert_eq!(store.owed(message).unwrap().expect("owed again").attempts, 1);
    drop((store, writer));

    let opened = Opened::open(folder, clock);
    opened.settle(message, 2, Next::Delivered).await;
    let numbers: Vec<u32> =
        opened.store.attempts(message).unwrap().iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2]);
    opened.pass(DAY * 9);
    opened.prune(DAY, u64::MAX).await;
    assert_eq!((opened.rows(b"Y"), opened.rows(b"t"), opened.store.kept_bytes()), (0, 0, 0));
}
