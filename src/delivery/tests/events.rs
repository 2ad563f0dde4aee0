//! Security events: in order, and how long they wait for each other, whatever the clock does.

use serde_json::Value;

use super::*;
use crate::ingest;
use crate::model::Account;

const BATCH_WAIT: Duration = Duration::from_secs(300);

/// A world with an integration that takes events in batches, as long as they may wait.
async fn world() -> (World, Id) {
    let world = World::quiet(SECOND).await;
    let batch = json!({"max_events": 10, "max_wait": "5m"});
    let edit =
        json!({"kind": "security", "format": "datadog", "actions": ["login"], "batch": batch});
    let hook = world.integration(edit).await.id;
    (world, hook)
}

async fn log_in(world: &World) {
    log(world, "login").await;
}

async fn log(world: &World, action: &str) {
    let event = json!({"action": action}).to_string();
    let event = ingest::kept_security_event(&event).expect("an event");
    world.journal.secure(Account::DEFAULT, vec![event]).await.expect("committed");
}

/// How many events each request had.
fn sent(world: &World) -> Vec<usize> {
    world.bodies().iter().map(|body| body.as_array().expect("a list").len()).collect()
}

#[actix::test]
async fn events_wait_for_each_other_for_minutes_where_that_is_asked_for() {
    let (world, _) = world().await;
    log_in(&world).await;
    world.pass(MINUTE * 3).await;
    log_in(&world).await;
    world.pass(BATCH_WAIT - MINUTE * 3 - SECOND).await;
    assert_eq!(
        sent(&world),
        [] as [usize; 0],
        "the first has waited for a second less than it may"
    );
    world.pass(SECOND * 2).await;
    assert_eq!(sent(&world), [2]);
    log_in(&world).await;
    world.pass(BATCH_WAIT - SECOND).await;
    assert_eq!(sent(&world), [2]);
    world.pass(SECOND * 2).await;
    assert_eq!(sent(&world), [2, 1]);
}

#[actix::test]
async fn a_batch_waits_for_as_long_as_it_was_to_over_a_restart() {
    let (world, _) = world().await;
    log_in(&world).await;
    world.pass(MINUTE * 2).await;
    let world = world.crash(MINUTE).await;
    world.pass(MINUTE * 2 - SECOND).await;
    assert_eq!(sent(&world), [] as [usize; 0]);
    world.pass(SECOND * 2).await;
    assert_eq!(sent(&world), [1]);
}

#[actix::test]
async fn a_clock_that_jumps_back_by_hours_does_not_put_off_a_batch_by_hours() {
    let (world, _) = world().await;
    log_in(&world).await;
    world.pass(MINUTE * 2).await;
    world.clock.jump_ms(-5 * 3_600_000);
    log_in(&world).await;
    // The clock is looked at once a minute; then it is no longer than the longest wait.
    world.pass(MINUTE + BATCH_WAIT + SECOND).await;
    assert_eq!(sent(&world), [2]);
    // The next one waits as ever.
    log_in(&world).await;
    world.pass(BATCH_WAIT - SECOND).await;
    assert_eq!(sent(&world), [2]);
    world.pass(SECOND * 2).await;
    assert_eq!(sent(&world), [2, 1]);
}

#[actix::test]
async fn a_clock_that_is_put_back_over_a_restart_does_not_put_off_a_batch_by_hours() {
    let (world, _) = world().await;
    log_in(&world).await;
    world.clock.jump_ms(-5 * 3_600_000);
    let world = world.crash(SECOND).await;
    world.pass(BATCH_WAIT + SECOND).await;
    assert_eq!(sent(&world), [1]);
}

#[actix::test]
async fn a_clock_that_jumps_forward_lets_a_batch_go_within_a_minute_and_once() {
    let (world, _) = world().await;
    log_in(&world).await;
    world.clock.jump_ms(86_400_000);
    world.pass(MINUTE + SECOND).await;
    assert_eq!(sent(&world), [1]);
    world.pass(MINUTE * 20).await;
    assert_eq!(sent(&world), [1]);
}

#[actix::test]
async fn what_waits_when_batches_are_given_up_goes_as_well() {
    let (world, hook) = world().await;
    log_in(&world).await;
    world.reconfigure(hook, json!({"batch": null})).await;
    log_in(&world).await;
    world.pass(BATCH_WAIT + SECOND).await;
    assert_eq!(sent(&world), [1, 1]);
}

#[actix::test]
async fn events_that_are_sent_again_by_hand_go_one_after_the_other_whatever_they_are() {
    let world = World::quiet(SECOND).await;
    let edit = json!({"kind": "security", "actions": ["login", "logout"], "retry_schedule": []});
    world.integration(edit).await;
    world.will_answer(&[500; 3]);
    for action in ["login", "logout", "login"] {
        log(&world, action).await;
    }
    world.pass(SECOND).await;
    let ids: Vec<Id> = world.log().iter().map(|entry| entry.message.id).collect();
    assert!(world.log().iter().all(|entry| entry.status == Status::Failed));
    world.journal.redeliver(ids, "tester").await.unwrap();
    for in_all in [4, 5, 6] {
        world.pass(SECOND / 100).await;
        assert_eq!(world.requests().len(), in_all, "each takes a fiftieth of a second");
        world.pass(SECOND / 100).await;
    }
    let actions = |bodies: &[Value]| -> Vec<Value> {
        bodies.iter().map(|body| body["security"]["action"].clone()).collect()
    };
    let bodies = world.bodies();
    assert_eq!(actions(&bodies[3..]), ["login", "logout", "login"]);
}
