//! A wall clock that jumps while messages wait for their retries.

use super::*;

#[actix::test]
async fn a_clock_that_jumps_back_by_hours_does_not_put_off_a_retry_by_hours() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"retry_schedule": ["5s", "5m", "1h"]})).await;
    world.will_answer(&[500, 500, 500]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    assert_eq!(world.requests().len(), 1);
    world.clock.jump_ms(-5 * 3_600_000);
    // The timer sleeps for as long as it was to, and then the schedule holds again.
    world.pass(SECOND * 15).await;
    assert_eq!(world.requests().len(), 2);
    world.clock.jump_ms(-5 * 3_600_000);
    world.pass(MINUTE * 8).await;
    assert_eq!(world.requests().len(), 3);
    world.pass(MINUTE * 30).await;
    assert_eq!(world.requests().len(), 3, "nor early");
    world.pass(MINUTE * 60).await;
    assert_eq!(world.log()[0].status, Status::Delivered);
}

#[actix::test]
async fn what_a_hook_asked_to_wait_for_is_waited_for_when_the_clock_jumps_back() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"retry_schedule": ["5s"]})).await;
    world.will_answer_later(&[(503, "3600")]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    world.clock.jump_ms(-5 * 3_600_000);
    world.pass(MINUTE * 59).await;
    assert_eq!(world.requests().len(), 1);
    world.pass(MINUTE * 3).await;
    assert_eq!(world.requests().len(), 2);
}

#[actix::test]
async fn a_clock_that_jumps_forward_lets_each_message_be_tried_once_and_no_more() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"retry_schedule": ["1h", "1h"]})).await;
    world.will_answer(&[500; 6]);
    for record in ["1", "2", "3"] {
        world.post(update(record, "a")).await;
    }
    world.pass(SECOND * 10).await;
    world.clock.jump_ms(86_400_000);
    world.pass(MINUTE * 10).await;
    assert_eq!(world.requests().len(), 6);
    world.pass(MINUTE * 90).await;
    assert_eq!(world.requests().len(), 9);
    assert!(world.log().iter().all(|entry| entry.status == Status::Delivered));
}

#[actix::test]
async fn what_a_disabled_hook_asked_to_wait_for_is_waited_for_after_a_restart_and_a_jump_back() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({"retry_schedule": ["5s"]})).await;
    world.will_answer_later(&[(503, "86400")]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    world.reconfigure(hook.id, json!({"enabled": false})).await;
    let world = world.crash(SECOND).await;
    world.pass(SECOND).await;
    world.clock.jump_ms(-5 * 3_600_000);
    world.pass(MINUTE).await;
    world.reconfigure(hook.id, json!({"enabled": true})).await;
    world.pass(MINUTE * 60 * 23).await;
    assert_eq!(world.requests().len(), 0, "since the restart");
    world.pass(MINUTE * 60).await;
    assert_eq!(world.log()[0].status, Status::Delivered);
}
