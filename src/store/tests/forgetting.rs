//! What is too old or too much, and what is kept all the same (R18).

use super::*;

#[actix::test]
async fn what_is_old_is_forgotten_with_everything_that_hangs_on_it() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    for number in 0..30 {
        let kept = opened.append(&[edit(&format!("a{number}"), "1", "u")]).await.ids;
        let message = opened.close("1", &kept, &[hook.id], &noise(number, 20_000)).await[0];
        opened
            .settle(message, 1, if number % 2 == 0 { Next::Delivered } else { Next::Failed })
            .await;
        opened.pass(DAY);
    }
    opened.prune(DAY * 10, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]).len(), 10);
    assert_eq!(opened.history(|f| f.record = Some(key("1")), &[]).len(), 10);
    assert_eq!(opened.log(|_| {}).len(), 10);
    assert_eq!(opened.log(|f| f.record = Some(key("1"))).len(), 10);
    assert_eq!(opened.log(|f| f.status = Some(Status::Failed)).len(), 5);
    // A forgotten id may come again.
    assert_eq!(opened.append(&[edit("a0", "2", "u")]).await.duplicates, []);
    let open = opened.append(&[edit("a1", "2", "u")]).await.ids;
    opened.close("2", &[ExternalId::new("a0").unwrap(), open[0].clone()], &[], "{}").await;
    opened.pass(DAY * 40);
    opened.prune(DAY * 10, u64::MAX).await;
    for kind in ["a", "w", "R", "r", "i", "g", "o", "S", "f", "Y", "t", "B", "D", "X", "e"] {
        assert_eq!(opened.rows(kind.as_bytes()), 0, "rows of kind {kind}");
    }
    assert_eq!(opened.store.kept_bytes(), 0);
}

#[actix::test]
async fn what_is_too_much_is_forgotten_oldest_first() {
    let opened = Opened::fresh();
    for number in 0..3_000 {
        let mut audit = edit(&format!("a{number}"), &number.to_string(), "u");
        audit["description"] = json!("d".repeat(6_000));
        let kept = opened.append(&[audit]).await.ids;
        opened.close(&number.to_string(), &kept, &[], "{}").await;
        opened.pass(Duration::from_secs(400));
    }
    let bytes = opened.store.kept_bytes();
    opened.prune(DAY * 3_650, bytes / 2).await;
    assert!(opened.store.kept_bytes() <= bytes / 2);
    let left = opened.history(|_| {}, &[]);
    assert!((500..1_600).contains(&left.len()), "{}", left.len());
    assert_eq!(left.last().unwrap(), "a2999");
}

#[actix::test]
async fn no_audit_of_an_open_window_or_of_a_message_still_owed_is_forgotten() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let owed = opened.append(&[edit("owed", "1", "u")]).await.ids;
    let message = opened.close("1", &owed, &[hook.id], "{}").await[0];
    opened.pass(DAY);
    let done = opened.append(&[edit("done", "2", "u")]).await.ids;
    opened.close("2", &done, &[], "{}").await;
    opened.pass(DAY);
    opened.append(&[edit("open", "3", "u")]).await;
    opened.pass(DAY * 100);
    opened.prune(DAY * 30, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]), ["owed", "open"]);
    let entry = opened.store.message(message).unwrap().unwrap();
    assert!(matches!(entry.delivery, Delivery::Owed(_)));
    let opened = opened.reopen();
    assert_eq!(opened.recovered.windows.len(), 1);
    opened.settle(message, 1, Next::Delivered).await;
    opened.prune(DAY * 30, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]), ["open"]);
}

#[actix::test]
async fn a_window_that_closed_beside_an_open_one_is_not_open_again_after_forgetting() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    opened.append(&[edit("open", "1", "u")]).await;
    let done = opened.append(&[edit("done", "2", "u")]).await.ids;
    let message = opened.close("2", &done, &[hook.id], "{}").await[0];
    opened.settle(message, 1, Next::Delivered).await;
    opened.pass(DAY * 100);
    opened.prune(DAY * 30, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]), ["open", "done"]);
    let opened = opened.reopen();
    let open: Vec<&RecordKey> =
        opened.recovered.windows.iter().map(|window| &window.record).collect();
    assert_eq!(open, [&key("1")], "what was sent is not sent in another window");
}

/// An attempt that was under way when its message was given up is written down whenever it ends: also in
/// the commit that was to forget the message.
#[actix::test]
async fn a_message_that_is_settled_in_the_commit_that_was_to_forget_it_is_forgotten_with_the_next()
{
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let audits = opened.append(&[edit("a", "1", "u"), edit("b", "1", "u")]).await.ids;
    let late = opened.close("1", &audits, &[hook.id], "{}").await[0];
    let settled = opened.close("2", &[], &[hook.id], "{}").await[0];
    assert!(opened.journal.cancel(late, "t").await.unwrap());
    opened.pass(DAY * 100);
    let mut prune = opened.store.plan_prune(opened.clock.now(), DAY, u64::MAX).unwrap().unwrap();
    assert_eq!(prune.messages, [late]);
    prune.messages.push(settled);
    let settling = [
        opened.settling(late, 1, Next::RetryAt(opened.clock.now())),
        opened.settling(settled, 1, Next::Delivered),
    ];

    let Opened { folder, clock, store, journal, .. } = opened;
    drop((store, journal));
    let (store, mut writer, _) = opened_again(folder.path(), clock.now());
    let mut commands: Vec<Command> = settling.into_iter().map(Command::Settle).collect();
    commands.push(Command::Prune(prune));
    writer.commit(commands, &*clock).unwrap();
    for id in [late, settled] {
        assert_eq!(store.attempts(id).unwrap().len(), 1);
        assert!(store.message(id).unwrap().is_some());
    }
    drop((store, writer));

    let opened = Opened::open(folder, clock);
    assert_eq!(check::check(opened.store.tree()).faults, Vec::<String>::new());
    opened.prune(DAY, u64::MAX).await;
    for kind in ["a", "w", "R", "r", "g", "U", "o", "S", "f", "Y", "t"] {
        assert_eq!(opened.rows(kind.as_bytes()), 0, "rows of kind {kind}");
    }
    assert_eq!(opened.store.kept_bytes(), 0);
}

#[actix::test]
async fn what_a_redelivered_message_took_in_is_not_forgotten_while_it_is_owed() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let first = opened.append(&[edit("first", "1", "u")]).await.ids;
    let older = opened.close("1", &first, &[hook.id], "{}").await[0];
    let earlier = opened.store.message(older).unwrap().unwrap().message.source;
    let Source::Window(earlier) = earlier else { panic!("of a window") };
    opened.pass(DAY * 2);
    let second = opened.append(&[edit("second", "1", "u")]).await.ids;
    let draft = MessageDraft { earlier_windows: vec![earlier], ..message(hook.id, "1", "{}") };
    let oldest = opened.places(&first)[0];
    let taking_in = vec![NewMessage { draft, oldest, supersedes: Some(older) }];
    let close = opened.closing("1", &second, taking_in);
    let newer = opened.journal.close(close).await.unwrap().expect("not overtaken").messages[0];
    opened.settle(newer, 1, Next::Failed).await;
    opened.journal.redeliver(vec![newer], "t").await.unwrap();
    opened.prune(DAY, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]), ["first", "second"]);
    assert!(opened.store.mark(earlier).unwrap().is_some());
    opened.settle(newer, 2, Next::Delivered).await;
    opened.prune(DAY, u64::MAX).await;
    assert_eq!(opened.history(|_| {}, &[]), ["second"]);
}

#[actix::test]
async fn what_was_bundled_is_read_one_by_one_and_forgotten_together() {
    let mut opened = Opened::fresh();
    let hooks = [opened.integration().await.id, opened.integration().await.id];
    let mut messages = Vec::new();
    let kept =
        opened.append(&[edit("a1", "1", "u"), edit("a2", "2", "u"), edit("a3", "3", "u")]).await;
    let closes = kept.ids.iter().enumerate().map(|(at, id)| {
        let record = (at + 1).to_string();
        let about = hooks.map(|hook| NewMessage {
            draft: message(hook, &record, &noise(at as u64, 700)),
            oldest: opened.places(std::slice::from_ref(id))[0],
            supersedes: None,
        });
        opened.closing(&record, std::slice::from_ref(id), about.into())
    });
    let closes = futures_util::future::join_all(closes.map(|close| opened.journal.close(close)));
    for closed in closes.await {
        messages.extend(closed.unwrap().unwrap().messages);
    }
    assert_eq!(messages.len(), 6);
    for (kind, most) in [("w", 3), ("g", 5)] {
        assert!(opened.rows(kind.as_bytes()) <= most, "{kind} is bundled");
    }
    for reopened in [false, true] {
        if reopened {
            opened = opened.reopen();
        }
        let mut newest_first = messages.clone();
        newest_first.sort();
        newest_first.reverse();
        assert_eq!(opened.log(|_| {}), newest_first);
        let of_one = opened.log(|filter| filter.integration = Some(hooks[0]));
        assert_eq!(of_one.len(), 3);
        for id in &messages {
            let entry = opened.store.message(*id).unwrap().unwrap();
            let at: u64 = entry.message.draft.record.record_id.as_str().parse().unwrap();
            assert_eq!(entry.message.draft.body, noise(at - 1, 700));
        }
    }
    assert_eq!(check::check(opened.store.tree()).faults, Vec::<String>::new());
    let gone = messages.pop().unwrap();
    for id in &messages {
        opened.settle(*id, 1, Next::Delivered).await;
    }
    opened.pass(DAY * 40);
    opened.prune(DAY * 10, u64::MAX).await;
    assert!(opened.store.message(gone).unwrap().is_some(), "what is owed stays");
    assert_eq!(check::check(opened.store.tree()).faults, Vec::<String>::new());
    opened.settle(gone, 1, Next::Delivered).await;
    opened.pass(DAY * 40);
    opened.prune(DAY * 10, u64::MAX).await;
    for kind in ["a", "w", "R", "r", "i", "g", "U", "o", "S", "t"] {
        assert_eq!(opened.rows(kind.as_bytes()), 0, "rows of kind {kind}");
    }
    assert_eq!(opened.store.kept_bytes(), 0);
    assert!(opened.store.message(gone).unwrap().is_none());
}
