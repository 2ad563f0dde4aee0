//! What was put is found again, by every filter and page by page.

use super::*;

#[actix::test]
async fn an_id_is_kept_once_however_it_comes_again() {
    let opened = Opened::fresh();
    let first =
        opened.append(&[edit("a", "1", "u"), edit("b", "1", "u"), edit("a", "2", "u")]).await;
    assert_eq!((texts(&first.ids), texts(&first.duplicates)), (vec!["a", "b"], vec!["a"]));
    let opened = opened.reopen();
    let again = opened.append(&[edit("b", "1", "u"), edit("c", "1", "u")]).await;
    assert_eq!((texts(&again.ids), texts(&again.duplicates)), (vec!["c"], vec!["b"]));
    // One that was given its id here comes back with it.
    let mut nameless = edit("x", "1", "u");
    nameless.as_object_mut().unwrap().remove("id");
    let given = opened.append(&[nameless]).await.ids.remove(0);
    let back = opened.append(&[edit(given.as_str(), "1", "u")]).await;
    assert_eq!(back.duplicates, [given]);
    assert_eq!(opened.store.totals().audits, 4);
    assert_eq!(opened.store.totals().duplicates, 3);
}

#[actix::test]
async fn the_history_is_listed_by_record_user_and_time_in_the_order_of_receipt() {
    let opened = Opened::fresh();
    let day = |days: u32| Timestamp::from_unix_ms(1_772_440_000_000) + DAY * days;
    opened.append(&[edit("a", "1", "u"), edit("b", "2", "v")]).await;
    opened.pass(DAY);
    opened.append(&[edit("c", "1", "v"), edit("d", "3", "u")]).await;
    opened.pass(DAY);
    let open = opened.append(&[edit("e", "1", "u")]).await.ids;
    let closed: Vec<ExternalId> =
        ["a", "c"].iter().map(|id| ExternalId::new(*id).unwrap()).collect();
    opened.close("1", &closed, &[], "{}").await;
    let open = opened.places(&open);

    assert_eq!(opened.history(|_| {}, &[]), ["a", "b", "c", "d", "e"]);
    assert_eq!(opened.history(|f| f.record = Some(key("1")), &open), ["a", "c", "e"]);
    assert_eq!(opened.history(|f| f.user_id = ExternalId::new("v").ok(), &[]), ["b", "c"]);
    assert_eq!(opened.history(|f| f.since = Some(day(1)), &[]), ["c", "d", "e"]);
    assert_eq!(opened.history(|f| f.until = Some(day(1)), &[]), ["a", "b"]);
    let after = opened.places(&[ExternalId::new("b").unwrap()]);
    assert_eq!(opened.history(|f| f.after = Some(after[0]), &[]), ["c", "d", "e"]);
    assert_eq!(
        opened.history(
            |f| (f.record, f.since, f.until) = (Some(key("1")), Some(day(1)), Some(day(2))),
            &open
        ),
        ["c"]
    );
}

#[actix::test]
async fn pages_of_the_history_and_of_the_log_lead_from_one_to_the_next() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let ids: Vec<String> = (0..25).map(|number| format!("audit-{number:02}")).collect();
    for id in &ids {
        let kept = opened.append(&[edit(id, "1", "u")]).await.ids;
        opened.close("1", &kept, &[hook.id], "{}").await;
        opened.pass(DAY / 10);
    }
    for record in [None, Some(key("1"))] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let (account, limit) = (Account::DEFAULT, 10);
            let record = record.clone();
            let (user_id, since, until) = (None, None, None);
            let filter = AuditFilter {
                record,
                user_id,
                since,
                until,
                after,
                ..AuditFilter::all(account, limit)
            };
            let page = opened.store.history(&filter, &[]).unwrap();
            seen.extend(page.items.iter().map(|audit| audit.id().to_string()));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, ids);
    }
    let newest_first = opened.log(|_| {});
    assert_eq!(newest_first.len(), 25);
    assert!(newest_first.is_sorted_by(|one, next| one > next));
    let filter = |before, status| MessageFilter {
        integration: Some(hook.id),
        status,
        before,
        ..MessageFilter::all(Account::DEFAULT, 10)
    };
    let first = opened.store.messages(&filter(None, None)).unwrap();
    let second = opened.store.messages(&filter(first.next, Some(Status::Pending))).unwrap();
    assert_eq!(second.items[0].message.id, newest_first[10]);
    let third = opened.store.messages(&filter(second.next, None)).unwrap();
    assert_eq!((third.items.len(), third.next), (5, None));
}

#[actix::test]
async fn long_audits_and_bodies_come_back_whole() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let long = "é".repeat(500_000);
    let mut audit = edit("long", "1", "u");
    audit["description"] = json!(long);
    let kept = opened.append(&[edit("a", "1", "u"), audit, edit("b", "1", "u")]).await.ids;
    let body = format!("\"{long}\"");
    let message = opened.close("1", &kept, &[hook.id], &body).await[0];
    let opened = opened.reopen();
    let audits = opened.store.audits_at(&opened.places(&kept)).unwrap();
    assert_eq!(audits[1].said.description.as_deref(), Some(long.as_str()));
    assert_eq!(opened.store.message(message).unwrap().unwrap().message.draft.body, body);
    assert_eq!(opened.history(|_| {}, &[]), ["a", "long", "b"]);
    assert_eq!(opened.log(|_| {}).len(), 1, "parts of long values are not messages");
}

#[actix::test]
async fn audits_of_open_windows_are_found_in_whatever_packs_they_lie_and_again() {
    let opened = Opened::fresh();
    let mut kept = Vec::new();
    for commit in 0..12 {
        let names: Vec<String> = (0..4).map(|number| format!("{commit}-{number}")).collect();
        let edits: Vec<_> = names.iter().map(|name| edit(name, name, "u")).collect();
        kept.extend(opened.append(&edits).await.ids);
    }
    let places = opened.places(&kept);
    // Windows of one audit of each commit, and others across all of them.
    for step in [1, 4, 5, 1] {
        let wanted: Vec<Id> = places.iter().step_by(step).copied().collect();
        let audits = opened.store.audits_at(&wanted).unwrap();
        let found: Vec<_> = audits.iter().map(|audit| (audit.place, audit.id())).collect();
        let expected: Vec<_> = wanted.into_iter().zip(kept.iter().step_by(step).cloned()).collect();
        assert_eq!(found, expected);
    }
    let unknown = places[47].plus(1);
    let error = opened.store.audits_at(&[places[0], unknown]).unwrap_err();
    assert!(error.to_string().contains(&format!("no audit at {unknown}")), "{error}");
}

#[actix::test]
async fn a_message_is_owed_until_it_is_settled_and_its_state_is_found_by_every_filter() {
    let opened = Opened::fresh();
    let (one, other) = (opened.integration().await, opened.integration().await);
    let kept = opened.append(&[edit("a", "1", "u")]).await.ids;
    let messages = opened.close("1", &kept, &[one.id, other.id], "{}").await;
    let due = opened.clock.now() + DAY;
    opened.settle(messages[0], 1, Next::RetryAt(due)).await;
    opened.settle(messages[1], 1, Next::Delivered).await;
    let opened = opened.reopen();
    assert_eq!(opened.recovered.owed.len(), 1);
    let (owed_id, owed) = &opened.recovered.owed[0];
    assert_eq!((*owed_id, owed.attempts, owed.due), (messages[0], 1, due));
    opened.settle(messages[0], 2, Next::Failed).await;
    assert_eq!(opened.store.outbox().unwrap(), []);
    assert_eq!(opened.log(|f| f.status = Some(Status::Failed)), [messages[0]]);
    assert_eq!(opened.log(|f| f.status = Some(Status::Delivered)), [messages[1]]);
    assert_eq!(opened.log(|f| f.integration = Some(other.id)), [messages[1]]);
    assert_eq!(opened.log(|f| f.record = Some(key("1"))), [messages[1], messages[0]]);
    assert_eq!(opened.log(|f| f.status = Some(Status::Pending)), []);
    let attempts = opened.store.attempts(messages[0]).unwrap();
    assert_eq!(attempts.iter().map(|attempt| attempt.number).collect::<Vec<_>>(), [1, 2]);
    let totals = opened.store.totals();
    assert_eq!((totals.delivered, totals.failed, totals.messages), (1, 1, 2));
}

#[actix::test]
async fn the_attempt_that_settles_a_message_lies_in_its_row_until_it_is_owed_again() {
    let mut opened = Opened::fresh();
    let hook = opened.integration().await;
    let kept = opened.append(&[edit("a", "1", "u")]).await.ids;
    let message = opened.close("1", &kept, &[hook.id], "{}").await[0];
    let numbers = |opened: &Opened| -> Vec<u32> {
        let attempts = opened.store.attempts(message).unwrap();
        attempts.iter().map(|attempt| attempt.number).collect()
    };
    let short = |mut settle: Settle| {
        settle.attempt.outcome = AttemptOutcome::Unanswered("no route to host".to_owned());
        settle
    };
    for (number, next, rows_of_its_own) in [
        (1, Next::RetryAt(opened.clock.now()), 1),
        (2, Next::Failed, 1),
        (3, Next::Failed, 2),
        (4, Next::Delivered, 3),
    ] {
        if number > 2 {
            assert_eq!(opened.journal.redeliver(vec![message], "t").await.unwrap(), [message]);
            assert_eq!(opened.rows(b"t"), rows_of_its_own, "that of before");
        }
        let settle = opened.settling(message, number, next);
        opened.journal.settle(short(settle)).await.unwrap();
        opened = opened.reopen();
        assert_eq!(numbers(&opened), (1..=number).collect::<Vec<_>>());
        assert_eq!(opened.rows(b"t"), rows_of_its_own);
        let report = check::check(opened.store.tree());
        assert_eq!((report.attempts, report.faults), (u64::from(number), vec![]));
    }
    // One that was given up while it was under way.
    opened.journal.settle(short(opened.settling(message, 5, Next::Delivered))).await.unwrap();
    assert_eq!((numbers(&opened), opened.rows(b"t")), (vec![1, 2, 3, 4, 5], 4));
    assert!(opened.store.kept_bytes() > 0);
    opened.pass(DAY * 40);
    opened.prune(DAY, u64::MAX).await;
    assert_eq!((opened.rows(b"t"), opened.store.kept_bytes()), (0, 0));
}

#[actix::test]
async fn what_is_owed_of_messages_that_nobody_tried_lies_together_until_none_is_left() {
    let mut opened = Opened::fresh();
    let hooks = [opened.integration().await.id, opened.integration().await.id];
    let mut kept = opened.append(&[edit("a", "1", "u")]).await.ids;
    let mut messages = opened.close("1", &kept, &hooks, "{}").await;
    kept = opened.append(&[edit("b", "2", "u"), edit("c", "3", "u")]).await.ids;
    for (record, id) in ["2", "3"].iter().zip(&kept) {
        messages.extend(opened.close(record, std::slice::from_ref(id), &hooks, "{}").await);
    }
    assert_eq!((opened.rows(b"U"), opened.rows(b"o")), (3, 0), "a row for each commit");
    // Of each pair, as it goes: tried in vain, delivered, asked for again, cancelled.
    opened.settle(messages[0], 1, Next::RetryAt(opened.clock.now() + DAY)).await;
    opened.settle(messages[2], 1, Next::Delivered).await;
    let again = opened.journal.redeliver(vec![messages[4]], "t").await.unwrap();
    assert_eq!((again.len(), opened.rows(b"U"), opened.rows(b"o")), (1, 3, 2));
    let owed = [&messages[..2], &messages[3..]].concat();
    let newest_first: Vec<Id> = owed.iter().rev().copied().collect();
    for reopened in [false, true] {
        if reopened {
            opened = opened.reopen();
        }
        let outbox = opened.store.outbox().unwrap();
        let of_each = outbox.iter().map(|(id, owed)| (*id, owed.attempts, owed.asked_by.is_some()));
        let expected =
            owed.iter().map(|id| (*id, u32::from(*id == messages[0]), *id == messages[4]));
        assert!(of_each.eq(expected), "{outbox:?}");
        assert_eq!(opened.store.oldest_owed().unwrap(), Some(messages[0]));
        assert_eq!(opened.log(|filter| filter.status = Some(Status::Pending)), newest_first);
        let below = opened.log(|filter| {
            filter.status = Some(Status::Pending);
            filter.before = Some(messages[4]);
        });
        assert_eq!(below, [messages[3], messages[1], messages[0]]);
        let report = check::check(opened.store.tree());
        assert_eq!((report.owed, report.faults), (5, vec![]));
    }
    for (at, left) in [(1, 2), (3, 1)] {
        opened.settle(messages[at], 1, Next::Delivered).await;
        assert_eq!(opened.rows(b"U"), left);
    }
    assert!(opened.journal.cancel(messages[5], "t").await.unwrap());
    assert_eq!((opened.rows(b"U"), opened.rows(b"o")), (0, 2));
    assert_eq!(opened.store.outbox().unwrap().len(), 2);
}

#[actix::test]
async fn a_message_that_is_asked_for_again_and_given_up_in_one_commit_is_owed_no_more() {
    let opened = Opened::fresh();
    let hook = opened.integration().await;
    let kept = opened.append(&[edit("a", "1", "u")]).await.ids;
    let message = opened.close("1", &kept, &[hook.id], "{}").await[0];
    let (again, given_up) = futures_util::future::join(
        opened.journal.redeliver(vec![message], "t"),
        opened.journal.cancel(message, "t"),
    )
    .await;
    assert!(again.unwrap() == [message] && given_up.unwrap());
    assert_eq!((opened.rows(b"U"), opened.rows(b"o")), (0, 0));
    assert_eq!(opened.reopen().recovered.owed, []);
}
