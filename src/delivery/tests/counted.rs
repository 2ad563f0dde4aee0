//! What is counted of messages and attempts.

use super::*;

fn settled(world: &World) -> [f64; 4] {
    ["delivered", "failed", "superseded", "cancelled"].map(|outcome| {
        world.counted(&format!("lull_messages_settled_total{{outcome=\"{outcome}\"}}"))
    })
}

#[actix::test]
async fn every_message_and_every_attempt_is_counted_once_by_what_came_of_it() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"retry_schedule": ["10m"]})).await;
    world.will_answer(&[204, 404, 0, 503, 503]);
    world.post(update("1", "is delivered")).await;
    world.pass(MINUTE).await;
    world.post(update("2", "fails")).await;
    world.pass(MINUTE * 20).await;
    assert_eq!(settled(&world), [1.0, 1.0, 0.0, 0.0]);
    world.post(update("3", "is superseded")).await;
    world.pass(MINUTE).await;
    world.post(update("3", "is cancelled")).await;
    world.pass(MINUTE).await;
    assert_eq!(settled(&world), [1.0, 1.0, 1.0, 0.0]);
    let last = world.log().last().unwrap().message.id;
    world.journal.cancel(last, "tester").await.unwrap();
    assert_eq!(settled(&world), [1.0, 1.0, 1.0, 1.0]);
    assert_eq!(world.counted("lull_messages_made_total"), 4.0);
    for (outcome, code, attempts) in [
        ("delivered", "2xx", 1.0),
        ("refused", "4xx", 1.0),
        ("refused", "5xx", 2.0),
        ("unanswered", "none", 1.0),
    ] {
        let series = format!("lull_attempts_total{{code=\"{code}\",outcome=\"{outcome}\"}}");
        assert_eq!(world.counted(&series), attempts, "{series}");
    }
    let took = |what| {
        world.counted(&format!("lull_attempt_duration_seconds_{what}{{outcome=\"refused\"}}"))
    };
    assert_eq!(took("count"), 3.0);
    assert!((0.06..0.07).contains(&took("sum")), "twenty milliseconds each: {}", took("sum"));
}
