//! What retention leaves of windows (R18).

use super::*;
use crate::clock::Clock;

async fn forget(world: &World, older_than: Duration) {
    let plan = || world.store.plan_prune(world.clock.now(), older_than, u64::MAX).unwrap();
    while let Some(prune) = plan() {
        world.journal.prune(prune).await.unwrap();
    }
}

#[actix::test]
async fn a_window_whose_audits_are_in_another_that_is_open_is_not_forgotten_and_closed_again() {
    let day = MINUTE * 60 * 24;
    let world = World::quiet(day * 3).await;
    world.integration(json!({"quiet_period": "1s"})).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    world.pass(day).await;
    assert_eq!(world.marks("42").len(), 1, "the one of a second has closed, the other has not");
    forget(&world, MINUTE).await;
    let world = world.crash(SECOND).await;
    world.pass(day).await;
    assert_eq!((world.marks("42").len(), world.log().len()), (1, 0), "its message was forgotten");
    world.pass(day).await;
    assert_eq!(world.log().len(), 1, "that of the other");
}

#[actix::test]
async fn a_forgotten_window_stays_closed_when_its_audit_is_still_owed_live() {
    let world = World::quiet(SECOND).await;
    let live = world.integration(json!({"collation": "live"})).await;
    world.integration(json!({})).await;
    world.will_answer(&[500; 4]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    world.reconfigure(live.id, json!({"enabled": false})).await;
    world.hooks_are_back();
    world.pass(MINUTE + SECOND * 10).await;
    assert_eq!((world.marks("42").len(), world.log()[1].status), (1, Status::Delivered));
    forget(&world, MINUTE).await;
    assert_eq!((world.marks("42").len(), world.log().len()), (0, 1), "only what is owed is left");
    world.post(update("7", "b")).await;
    let world = world.crash(SECOND).await;
    world.pass(MINUTE).await;
    let log = world.log().into_iter();
    let records: Vec<String> = log.map(|entry| entry.message.draft.record.to_string()).collect();
    assert_eq!(records, ["feature 42", "feature 7"], "no window closed again");
}
