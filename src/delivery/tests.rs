//! What is owed, from the commit to its end, on a manual clock with hooks that answer by a script.

mod backlog;
mod by_hand;
mod clock;
mod counted;
mod events;
mod modes;
mod steering;

use std::time::Duration;

use serde_json::json;

use crate::clock::Clock;
use crate::model::{
    AttemptOutcome, By, ClosedBy, Delivery, DisabledBecause, Id, IntegrationStatus, Owed, SCHEDULE,
    Secret, Status, Trigger,
};
use crate::sign;
use crate::store::Configure;
use crate::testing::{World, integration_of, update};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

#[actix::test]
async fn a_delivery_is_signed_logged_and_done_with() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({"headers": {"X-Team": "core", "X-Api-Key": "abc"}})).await;
    world.post(update("42", "a")).await;
    world.pass(MINUTE).await;

    let (at, request) = world.requests().remove(0);
    let header = |name: &str| {
        let found = request.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value.clone()).unwrap()
    };
    let entry = world.log().remove(0);
    assert_eq!(header("webhook-id"), entry.message.id.to_string());
    assert_eq!(header("webhook-timestamp"), at.unix_seconds().to_string());
    assert_eq!(header("content-type"), "application/json");
    assert!(header("user-agent").starts_with("Lull/"));
    assert_eq!((header("x-team"), header("x-api-key")), ("core".into(), "abc".into()));
    let id = entry.message.id.to_string();
    let signature = header("webhook-signature");
    assert!(sign::verify(&hook.secret, &id, at.unix_seconds(), &request.body, &signature));

    assert_eq!(entry.status, Status::Delivered);
    assert_eq!(entry.message.draft.body.as_bytes(), request.body);
    let attempts = world.store.attempts(entry.message.id).unwrap();
    assert_eq!((attempts.len(), attempts[0].trigger), (1, Trigger::Scheduled));
    assert!(attempts[0].request_headers.contains(&("x-api-key".into(), "(hidden)".into())));
    assert!(attempts[0].request_headers.contains(&("x-team".into(), "core".into())));
    assert_eq!(world.store.outbox().unwrap(), []);
    assert!(world.store.health(hook.id).last_delivery_at.is_some());
}

#[actix::test]
async fn a_hook_that_fails_is_tried_by_the_schedule_and_then_the_message_has_failed() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.will_answer(&[500, 0, 302, 429, 500, 503, 404, 500, 200]);
    world.post(update("42", "a")).await;
    world.pass(DAY * 3).await;

    let times: Vec<_> = world.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 8, "the first try and seven more");
    for (wait, step) in times.windows(2).map(|pair| pair[1].since(pair[0])).zip(SCHEDULE) {
        // A fifth of jitter, and the time that the attempt itself takes.
        assert!(wait >= step * 4 / 5 && wait <= step * 6 / 5 + SECOND, "{wait:?} for {step:?}");
    }
    let ids: Vec<_> =
        world.requests().iter().map(|(_, request)| request.headers[2].clone()).collect();
    assert!(ids.iter().all(|id| id.0 == "webhook-id" && *id == ids[0]), "{ids:?}");
    for (at, request) in world.requests() {
        let header =
            |name: &str| request.headers.iter().find(|(other, _)| other == name).unwrap().1.clone();
        let (now, signature) = (at.unix_seconds(), header("webhook-signature"));
        assert_eq!(header("webhook-timestamp"), now.to_string(), "each is signed anew");
        assert!(sign::verify(&hook.secret, &ids[0].1, now, &request.body, &signature));
    }

    let entry = world.log().remove(0);
    assert_eq!(entry.status, Status::Failed);
    let attempts = world.store.attempts(entry.message.id).unwrap();
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(attempts[1].outcome, AttemptOutcome::Unanswered("nobody there".to_owned()));
    assert!(world.store.health(hook.id).failing_since.is_some());
}

#[actix::test]
async fn the_messages_of_a_record_go_in_order_and_other_records_pass_by() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"collate_backlog": false})).await;
    world.will_answer(&[500]);
    world.post(update("1", "first")).await;
    world.pass(SECOND * 2).await;
    world.post(update("1", "second")).await;
    world.post(update("2", "other")).await;
    world.pass(MINUTE).await;
    let sent: Vec<_> = world
        .bodies()
        .iter()
        .map(|body| body["audit"]["changes"][0]["value"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(sent.iter().filter(|value| *value == "first").count(), 2);
    let at = |value: &str| sent.iter().rposition(|other| other == value).unwrap();
    assert!(at("other") < at("first") && at("first") < at("second"), "{sent:?}");
    assert!(world.log().iter().all(|entry| entry.status == Status::Delivered));
}

#[actix::test]
async fn what_is_owed_outlives_a_crash_with_its_attempts_and_its_id() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    world.will_answer(&[500, 500]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 20).await;
    assert_eq!(world.requests().len(), 2);
    let id = world.log()[0].message.id;

    let world = world.crash(MINUTE).await;
    world.pass(SECOND).await;
    assert_eq!(world.requests().len(), 0, "the third is due in five minutes");
    world.pass(MINUTE * 6).await;
    let requests = world.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].1.headers.contains(&("webhook-id".into(), id.to_string())));
    assert_eq!(world.store.attempts(id).unwrap().len(), 3);
    assert_eq!(world.log()[0].status, Status::Delivered);
}

#[actix::test]
async fn an_overdue_message_goes_at_the_start() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    world.will_answer(&[500]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    let world = world.crash(DAY).await;
    world.pass(SECOND).await;
    assert_eq!(world.requests().len(), 1);
}

#[actix::test]
async fn what_is_owed_to_a_disabled_integration_is_held_and_goes_on_when_it_is_enabled() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.will_answer(&[500]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    world.reconfigure(hook.id, json!({"enabled": false})).await;
    assert_eq!(world.log()[0].status, Status::Held);
    let world = world.crash(MINUTE).await;
    world.pass(DAY).await;
    assert_eq!(world.requests().len(), 0);
    world.reconfigure(hook.id, json!({"enabled": true})).await;
    world.pass(SECOND).await;
    assert_eq!(world.log()[0].status, Status::Delivered);
}

#[actix::test]
async fn a_new_address_is_used_from_the_next_attempt_on() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.will_answer(&[500]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    world.reconfigure(hook.id, json!({"hook_url": "http://other.test/"})).await;
    world.pass(MINUTE).await;
    let urls: Vec<String> = world.requests().into_iter().map(|(_, request)| request.url).collect();
    assert_eq!(urls, ["http://hook.test/", "http://other.test/"]);
}

#[actix::test]
async fn deleting_an_integration_gives_up_what_is_owed_to_it() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.will_answer(&[500]);
    world.post(update("42", "a")).await;
    world.pass(SECOND * 2).await;
    world
        .journal
        .configure(Configure::DeleteIntegration(hook.id, None), By::default())
        .await
        .unwrap()
        .unwrap();
    world.pass(DAY).await;
    assert_eq!(world.requests().len(), 1);
    let entry = world.log().remove(0);
    assert_eq!(entry.status, Status::Cancelled);
    assert!(matches!(entry.delivery, Delivery::Settled(settled) if settled.attempts == 1));
    assert_eq!(world.store.outbox().unwrap(), []);
}

#[actix::test]
async fn no_more_attempts_are_in_flight_than_the_integration_allows() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"max_in_flight": 3})).await;
    let edits: Vec<_> = (0..10).map(|record| update(&record.to_string(), "a")).collect();
    world.post_all(&edits).await;
    world.pass(MINUTE).await;
    let times: Vec<_> = world.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 10);
    // Each takes 20 ms; the fourth can begin only when one of the first three has ended.
    for four in times.windows(4) {
        assert!(four[3].since(four[0]) >= Duration::from_millis(20), "{times:?}");
    }
}

#[actix::test]
async fn during_a_rotation_both_secrets_sign_and_afterwards_only_the_new_one() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    let new = Secret::random().unwrap();
    let until = world.clock.now() + DAY;
    let rotated = Configure::RotateSecret(hook.id, new.clone(), until);
    let rotated = integration_of(world.journal.configure(rotated, By::default()).await.unwrap());
    assert_eq!(rotated.secret, new);
    for (wait, old_signs) in [(MINUTE, true), (DAY, false)] {
        world.post(update("42", wait.as_secs())).await;
        world.pass(wait).await;
        let (at, request) = world.requests().pop().unwrap();
        let header =
            |name: &str| request.headers.iter().find(|(other, _)| other == name).unwrap().1.clone();
        let verify = |secret| {
            let (id, signature) = (header("webhook-id"), header("webhook-signature"));
            sign::verify(secret, &id, at.unix_seconds(), &request.body, &signature)
        };
        assert!(verify(&new));
        if !old_signs {
            world.post(update("42", "later")).await;
            world.pass(MINUTE).await;
            let (_, request) = world.requests().pop().unwrap();
            assert!(!request.headers.iter().any(|(_, value)| value.contains(" v1,")));
        } else {
            assert!(verify(&hook.secret));
        }
    }
}

#[actix::test]
async fn a_hook_that_says_it_is_gone_is_disabled_and_its_message_held() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.will_answer(&[410]);
    world.post(update("42", "a")).await;
    world.pass(DAY).await;
    assert_eq!(world.requests().len(), 1);
    let disabled = world.store.config().integrations[&hook.id].clone();
    assert!(!disabled.spec.enabled);
    assert_eq!(disabled.disabled_because, Some(DisabledBecause::Gone));
    assert_eq!(world.log()[0].status, Status::Held);
    world.reconfigure(hook.id, json!({"enabled": true})).await;
    world.pass(MINUTE).await;
    assert_eq!(world.log()[0].status, Status::Delivered);
    assert_eq!(world.store.config().integrations[&hook.id].disabled_because, None);
}

#[actix::test]
async fn an_integration_is_failing_after_an_exhausted_message_and_disabled_after_five_days() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.will_answer(&[500; 3_000]);
    let status = || {
        let integration = world.store.config().integrations[&hook.id].clone();
        integration.status(&world.store.health(hook.id))
    };
    for hour in 0..24 * 6 {
        world.post(update(&hour.to_string(), "a")).await;
        let expected = match hour {
            0..26 => IntegrationStatus::Ok,
            34..118 => IntegrationStatus::Failing,
            122.. => IntegrationStatus::Disabled,
            // Jitter and the hour of the attempt decide when exactly.
            _ => status(),
        };
        assert_eq!(status(), expected, "after {hour} h");
        world.pass(MINUTE * 60).await;
    }
    let disabled = world.store.config().integrations[&hook.id].clone();
    assert_eq!(disabled.disabled_because, Some(DisabledBecause::Failing));
    assert!(world.store.health(hook.id).warned);
    // Enabled by hand, it has another five days.
    let world = world.crash(MINUTE).await;
    world.will_answer(&[500; 50]);
    world.reconfigure(hook.id, json!({"enabled": true})).await;
    world.pass(MINUTE * 60).await;
    assert!(world.store.config().integrations[&hook.id].spec.enabled);
}

#[actix::test]
async fn one_success_in_five_days_keeps_an_integration_enabled() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.will_answer(&[500; 20]);
    world.will_answer(&[200]);
    world.will_answer(&[500; 200]);
    for day in 0..7 {
        world.post(update(&day.to_string(), "a")).await;
        world.pass(DAY).await;
    }
    assert!(world.store.config().integrations[&hook.id].spec.enabled);
}

#[actix::test]
async fn a_schedule_and_a_rate_of_its_own_hold_for_an_integration() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"retry_schedule": ["10s"], "rate_limit": 5})).await;
    world.will_answer(&[500; 30]);
    let edits: Vec<_> = (0..15).map(|record| update(&record.to_string(), "a")).collect();
    world.post_all(&edits).await;
    world.pass(MINUTE).await;
    let times: Vec<_> = world.requests().iter().map(|(at, _)| *at).collect();
    assert_eq!(times.len(), 30, "two attempts of each");
    for two in times.windows(2) {
        assert!(two[1].since(two[0]) >= Duration::from_millis(199), "smooth: {times:?}");
    }
    assert!(times[14].since(times[0]) <= Duration::from_millis(14 * 200 + 100), "and not slower");
    assert!(world.log().iter().all(|entry| entry.status == Status::Failed));
}

#[actix::test]
async fn in_flight_starts_at_sixteen_and_grows_while_answers_are_quick() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({})).await;
    let edits: Vec<_> = (0..200).map(|record| update(&record.to_string(), "a")).collect();
    world.post_all(&edits).await;
    world.pass(MINUTE).await;
    let times: Vec<_> = world.requests().iter().map(|(at, _)| *at).collect();
    // Each takes 20 ms: rounds of 16, 32, 64, 88.
    let in_round = |round: u64| {
        let (from, to) =
            (Duration::from_millis(20 * round), Duration::from_millis(20 * round + 10));
        times.iter().filter(|at| (from..to).contains(&at.since(times[0]))).count()
    };
    assert_eq!((in_round(0), in_round(1), in_round(2)), (16, 32, 64), "{times:?}");
}

#[actix::test]
async fn an_attempt_that_is_dropped_with_its_integration_leaves_nothing_in_hand() {
    let world = World::quiet(SECOND).await;
    let hook = world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    // The answer takes 20 ms.
    world.pass(SECOND + Duration::from_millis(10)).await;
    let message = world.log()[0].message.id;
    assert!(!world.store.in_hand().absorb(message), "it is being sent");
    world
        .journal
        .configure(Configure::DeleteIntegration(hook.id, None), By::default())
        .await
        .unwrap()
        .unwrap();
    world.pass(MINUTE).await;
    assert!(world.store.in_hand().absorb(message));
}
