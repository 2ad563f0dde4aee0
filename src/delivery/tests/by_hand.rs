//! What people ask for with messages.

use super::*;

#[actix::test]
async fn what_failed_can_be_redelivered_by_hand_and_the_attempt_says_by_whom() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"retry_schedule": []})).await;
    world.will_answer(&[500, 500]);
    world.post(update("42", "a")).await;
    world.pass(MINUTE).await;
    let id = world.log()[0].message.id;
    assert_eq!(world.log()[0].status, Status::Failed);
    for expected in [Status::Failed, Status::Delivered, Status::Delivered] {
        assert_eq!(world.journal.redeliver(vec![id], "tester").await.unwrap(), [id]);
        world.pass(MINUTE).await;
        assert_eq!(world.log()[0].status, expected);
    }
    let attempts = world.store.attempts(id).unwrap();
    let triggers: Vec<Trigger> = attempts.iter().map(|attempt| attempt.trigger).collect();
    use Trigger::{Manual, Scheduled};
    assert_eq!(triggers, [Scheduled, Manual, Manual, Manual]);
    assert_eq!(attempts[1].asked_by.as_deref(), Some("tester"));
    let filter = |status| world.log().iter().filter(|entry| entry.status == status).count();
    assert_eq!((filter(Status::Failed), filter(Status::Delivered)), (0, 1));
    assert_eq!(world.store.outbox().unwrap(), []);
}

#[actix::test]
async fn a_message_that_waits_for_its_retry_goes_at_once_when_asked_for() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    world.will_answer(&[500, 500, 500]);
    world.post(update("42", "a")).await;
    world.pass(MINUTE * 8).await;
    assert_eq!(world.requests().len(), 3, "the fourth is due in half an hour");
    let id = world.log()[0].message.id;
    world.journal.redeliver(vec![id], "tester").await.unwrap();
    // It outlives a crash that it was asked for.
    let world = world.crash(SECOND).await;
    world.pass(SECOND).await;
    assert_eq!(world.log()[0].status, Status::Delivered);
    assert_eq!(world.store.attempts(id).unwrap()[3].trigger, Trigger::Manual);
}

#[actix::test]
async fn a_cancelled_message_is_not_sent_again_and_lets_the_next_of_its_record_go() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"collate_backlog": false})).await;
    world.will_answer(&[500, 500, 500]);
    world.post(update("42", "first")).await;
    world.pass(MINUTE * 8).await;
    world.post(update("42", "second")).await;
    world.pass(MINUTE).await;
    assert_eq!(world.requests().len(), 3, "the second waits for the first");
    let id = world.log()[0].message.id;
    assert!(world.journal.cancel(id, "tester").await.unwrap());
    assert!(!world.journal.cancel(id, "tester").await.unwrap(), "once");
    world.pass(MINUTE).await;
    let statuses: Vec<Status> = world.log().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Status::Cancelled, Status::Delivered]);
    let entry = world.log().remove(0);
    assert!(
        matches!(entry.delivery, Delivery::Settled(settled) if settled.by.as_deref() == Some("tester"))
    );
}

#[actix::test]
async fn a_message_cancelled_in_flight_stays_cancelled() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    // The answer takes 20 ms.
    world.pass(SECOND + Duration::from_millis(10)).await;
    assert_eq!(world.requests().len(), 1);
    assert!(world.journal.cancel(world.log()[0].message.id, "tester").await.unwrap());
    world.post(update("42", "b")).await;
    world.pass(MINUTE).await;
    let statuses: Vec<Status> = world.log().iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Status::Cancelled, Status::Delivered]);
    let id = world.log()[0].message.id;
    assert_eq!(world.store.attempts(id).unwrap().len(), 1, "still logged");
    assert_eq!(world.log()[0].delivery.last_answer(), (1, Some(200)), "and counted");
    // Asked for again, it does not take the place of that in the log.
    world.journal.redeliver(vec![id], "tester").await.unwrap();
    world.pass(MINUTE).await;
    let attempts = world.store.attempts(id).unwrap();
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!((numbers, world.log()[0].status), (vec![1, 2], Status::Delivered));
}

#[actix::test]
async fn an_attempt_of_a_message_that_was_forgotten_meanwhile_leaves_nothing_behind() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    // The answer takes 20 ms.
    world.pass(SECOND + Duration::from_millis(10)).await;
    let id = world.log()[0].message.id;
    assert!(world.journal.cancel(id, "tester").await.unwrap());
    let later = world.clock.now() + MINUTE;
    while let Some(prune) = world.store.plan_prune(later, Duration::ZERO, u64::MAX).unwrap() {
        world.journal.prune(prune).await.unwrap();
    }
    world.pass(MINUTE).await;
    assert_eq!((world.log().len(), world.store.attempts(id).unwrap().len()), (0, 0));
}

#[actix::test]
async fn windows_are_replayed_as_they_closed_through_the_filter_of_today() {
    let world = World::quiet(SECOND).await;
    for value in ["a", "b"] {
        world.post(update("42", value)).await;
        world.post(update("42", format!("{value} again"))).await;
        world.pass(MINUTE).await;
    }
    world.post(update("7", "other")).await;
    assert!(
        world
            .close("7", ClosedBy::Discarded { by: "t".into(), reason: "noise".into() })
            .await
            .is_some()
    );
    world.pass(MINUTE).await;
    let hook = world.integration(json!({})).await;
    assert_eq!(world.log().len(), 0, "what was before it is not its own");

    let until = Id::at(world.clock.now());
    let marks = world.store.marks_between(hook.account, Id::default(), until, 100).unwrap();
    assert_eq!(marks.len(), 3);
    let replays = crate::record::replay(&world.store, &hook, marks).unwrap();
    let made = world.journal.replay(replays, "tester").await.unwrap();
    assert_eq!(made.len(), 2);
    world.pass(MINUTE).await;
    let attempt = world.store.attempts(made[0]).unwrap().remove(0);
    assert_eq!((attempt.trigger, attempt.asked_by.as_deref()), (Trigger::Manual, Some("tester")));
    let sent: Vec<_> =
        world.bodies().iter().map(|body| body["audit"]["changes"][0]["value"].clone()).collect();
    assert_eq!(sent, ["a again", "b again"], "collated, in order, without what was discarded");
    let record = world.log()[0].message.draft.record.clone();
    let of_record = crate::store::MessageFilter {
        record: Some(record),
        ..crate::store::MessageFilter::all(hook.account, 10)
    };
    assert_eq!(world.store.messages(&of_record).unwrap().items.len(), 2, "listed by record");
}

/// What was asked for while an attempt was under way may be heard of after how that went.
#[actix::test]
async fn what_was_owed_before_an_attempt_was_written_down_is_owed_no_more() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"retry_schedule": ["5m", "1h"]})).await;
    world.will_answer(&[500]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    let (id, owed) = world.store.outbox().unwrap().remove(0);
    let before = Owed { attempts: 0, due: world.clock.now(), asked_by: Some("t".into()), ..owed };
    world.say_owed(id, before.clone()).await;
    world.pass(MINUTE).await;
    assert_eq!(world.requests().len(), 1, "the next try is due in five minutes");
    world.pass(MINUTE * 10).await;
    assert_eq!(world.log()[0].status, Status::Delivered);
    world.say_owed(id, before).await;
    world.pass(MINUTE).await;
    assert_eq!(world.requests().len(), 2);
    assert_eq!(world.store.attempts(id).unwrap().len(), 2);
}
