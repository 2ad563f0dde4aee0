//! What could not be delivered yet takes in what comes after it (R17).

use super::*;

#[actix::test]
async fn a_hook_that_was_down_for_a_day_gets_one_audit_a_record() {
    let world = World::quiet(MINUTE).await;
    world.integration(json!({})).await;
    world.will_answer(&[503; 1_000]);
    // The hook is down; each record is edited every hour.
    for hour in 0..24 {
        for record in ["1", "2"] {
            world.post(update(record, format!("{hour} &rarr; {}", hour + 1))).await;
        }
        world.pass(MINUTE * 60).await;
    }
    let count = |status| world.log().iter().filter(|entry| entry.status == status).count();
    assert_eq!(count(Status::Pending), 2, "one a record is owed");
    assert_eq!(count(Status::Superseded) + count(Status::Failed), 46);
    let before = world.requests().len();
    world.hooks_are_back();
    world.pass(DAY).await;
    assert_eq!(world.store.outbox().unwrap(), []);
    let delivered: Vec<_> = world.bodies().split_off(before);
    let last: Vec<_> = delivered.iter().rev().take(2).collect();
    for body in last {
        let told = &body["audit"];
        assert_eq!(
            told["collated"]["audit_ids"].as_array().unwrap().len(),
            told["collated"]["count"]
        );
        assert!(told["changes"][0]["value"].as_str().unwrap().ends_with("24"), "{told}");
    }
    // Whatever was tried and failed for good aside, every audit is in exactly one delivered message.
    let sum: u64 = world
        .log()
        .iter()
        .filter(|entry| matches!(entry.status, Status::Delivered | Status::Failed))
        .map(|entry| u64::from(entry.message.draft.audits))
        .sum();
    assert_eq!(sum, 48);
}

#[actix::test]
async fn what_is_undone_before_it_could_be_delivered_is_never_told() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    world.will_answer(&[500, 500]);
    world.post(update("42", "Open &rarr; Done")).await;
    world.pass(MINUTE).await;
    world.post(update("42", "Done &rarr; Open")).await;
    world.pass(DAY).await;
    assert_eq!(world.requests().len(), 2);
    let statuses: Vec<Status> = world.log().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Status::Superseded]);
    assert_eq!(world.store.outbox().unwrap(), []);
}

#[actix::test]
async fn without_backlog_collation_nothing_is_absorbed() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"name": "apart", "collate_backlog": false})).await;
    world.will_answer(&[500, 500]);
    world.post(update("1", "a")).await;
    world.pass(MINUTE).await;
    world.post(update("1", "b")).await;
    world.pass(MINUTE).await;
    let statuses: Vec<Status> = world.log().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Status::Pending, Status::Pending]);
}

#[actix::test]
async fn what_is_in_flight_is_not_absorbed() {
    let world = World::quiet(Duration::from_millis(5)).await;
    world.integration(json!({})).await;
    world.post(update("1", "a")).await;
    // The first attempt takes 20 ms, and is under way as the second window closes.
    world.pass(Duration::from_millis(10)).await;
    world.post(update("1", "b")).await;
    world.pass(MINUTE).await;
    let statuses: Vec<Status> = world.log().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Status::Delivered, Status::Delivered]);
}

#[actix::test]
async fn what_was_delivered_before_and_is_sent_again_by_hand_is_not_absorbed() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    world.post(update("1", "a")).await;
    world.pass(MINUTE).await;
    let id = world.log()[0].message.id;
    world.will_answer(&[500, 500]);
    world.journal.redeliver(vec![id], "tester").await.unwrap();
    world.pass(SECOND * 2).await;
    assert_eq!(world.log()[0].status, Status::Pending, "it waits for its retry");
    world.post(update("1", "b")).await;
    world.pass(DAY).await;
    let statuses: Vec<Status> = world.log().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Status::Delivered, Status::Delivered]);
    let last = world.bodies().pop().unwrap();
    assert_eq!(last["audit"]["collated"]["count"], 1, "the hook was told of the first: {last}");
}

#[actix::test]
async fn an_older_collated_audit_is_found_behind_live_ones_of_windows_in_between() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"collation": "all"})).await;
    world.will_answer(&[500; 1_000]);
    for edits in [2, 1, 1, 2] {
        world.post_all(&vec![update("42", edits); edits]).await;
        world.pass(MINUTE).await;
    }
    let log = world.log();
    let collated: Vec<_> = log.iter().filter(|entry| entry.message.draft.audits > 1).collect();
    let told: Vec<_> =
        collated.iter().map(|entry| (entry.status, entry.message.draft.audits)).collect();
    assert_eq!(told, [(Status::Superseded, 2), (Status::Pending, 4)]);
}

#[actix::test]
async fn what_is_owed_is_taken_in_whole_however_often_the_pair_was_changed_since() {
    let world = World::quiet(MINUTE).await;
    let hook = world.integration(json!({"quiet_period": "1s"})).await;
    world.will_answer(&[500; 1_000]);
    world.post(update("42", "a")).await;
    world.pass(MINUTE * 2).await;
    for pair in ["2s", "3s", "4s"] {
        world.reconfigure(hook.id, json!({"quiet_period": pair})).await;
        // Other windows open and close meanwhile, so that none is open at the next change.
        world.post(update("7", pair)).await;
        world.pass(MINUTE * 2).await;
    }
    world.post(update("42", "b")).await;
    world.pass(MINUTE * 2).await;
    let entry = world.log().pop().unwrap();
    assert_eq!((entry.status, entry.message.draft.audits), (Status::Pending, 2));
}

#[actix::test]
async fn the_audits_of_absorbed_windows_are_kept_as_long_as_their_message_is_owed() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.will_answer(&[500; 20]);
    world.post(update("42", "a")).await;
    world.pass(MINUTE).await;
    world.post(update("42", "b")).await;
    world.pass(MINUTE).await;
    world.reconfigure(hook.id, json!({"enabled": false})).await;
    let world = world.crash(DAY * 60).await;
    while let Some(prune) = world.store.plan_prune(world.clock.now(), DAY * 30, u64::MAX).unwrap() {
        world.journal.prune(prune).await.unwrap();
    }
    let entry = world.log().pop().unwrap();
    assert_eq!((entry.status, entry.message.draft.audits), (Status::Held, 2));
    let windows = world.marks("42");
    assert_eq!(windows.len(), 2);
    let places: Vec<Id> = windows.iter().flat_map(|mark| mark.places.clone()).collect();
    assert_eq!(world.store.audits_at(&places).unwrap().len(), 2);
}
