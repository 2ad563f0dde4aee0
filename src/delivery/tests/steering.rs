//! How a hook steers what it gets: later, fewer at a time, and within its time.

use super::*;

#[actix::test]
async fn a_hook_that_names_a_time_is_not_tried_before_it() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    // The second is a date that has passed, the third more than a day away.
    world.will_answer_later(&[
        (503, "3600"),
        (429, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (503, "99999999999"),
    ]);
    world.post(update("42", "a")).await;
    world.pass(DAY * 2).await;
    let times: Vec<_> = world.requests().iter().map(|(at, _)| *at).collect();
    let waits: Vec<u64> = times.windows(2).map(|pair| pair[1].since(pair[0]).as_secs()).collect();
    assert_eq!((waits.len(), waits[0], waits[2]), (3, 3_600, 86_400), "{waits:?}");
    assert!((4 * 60..=6 * 60).contains(&waits[1]), "by the schedule: {waits:?}");
    assert_eq!(world.log()[0].status, Status::Delivered);
}

#[actix::test]
async fn a_hook_that_has_too_much_to_do_gets_half_as_much_at_a_time_and_then_more_again() {
    for code in [429, 502, 503, 504, 0] {
        let world = World::opened(SECOND, code == 429).await;
        world.integration(json!({"retry_schedule": ["1h"]})).await;
        world.will_answer(&[code; 16]);
        let edits: Vec<_> = (0..100).map(|record| update(&record.to_string(), "a")).collect();
        world.post_all(&edits).await;
        world.pass(MINUTE).await;
        let times: Vec<_> = world.requests().iter().map(|(at, _)| *at).collect();
        // Each takes 20 ms: a round of 16 that is too much, then 8, and one more for each good one.
        let in_round = |round: u64| {
            let (from, to) =
                (Duration::from_millis(20 * round), Duration::from_millis(20 * round + 10));
            times.iter().filter(|at| (from..to).contains(&at.since(times[0]))).count()
        };
        assert_eq!((in_round(0), in_round(1), in_round(2)), (16, 8, 16), "{code}: {times:?}");
    }
}

#[actix::test]
async fn an_attempt_has_the_time_that_the_integration_gives_it() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    world.integration(json!({"timeout": "3s"})).await;
    world.post(update("42", "a")).await;
    world.pass(MINUTE).await;
    let mut times: Vec<_> = world.requests().iter().map(|(_, got)| got.timeout).collect();
    times.sort_unstable();
    assert_eq!(times, [SECOND * 3, SECOND * 15]);
}
