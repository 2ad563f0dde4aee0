//! Windows from the first edit to the closing mark, on a manual clock.

mod forgotten;
mod preview;

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::model::{Addressed, ClosedBy, Id, Slot, Status, WindowRule};
use crate::testing::{World, update};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_secs(300);

#[actix::test]
async fn a_window_closes_once_after_the_quiet_period_and_not_before() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    world.pass(QUIET - SECOND).await;
    world.post(update("42", "b")).await;
    world.pass(QUIET - Duration::from_millis(1)).await;
    assert_eq!(world.marks("42").len(), 0, "still being edited");
    world.pass(SECOND).await;
    let marks = world.marks("42");
    assert_eq!((marks.len(), marks[0].places.len()), (1, 2));
    assert_eq!(marks[0].closed_by, ClosedBy::Quiet);
    world.pass(QUIET * 10).await;
    let bodies = world.bodies();
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0]["audit"]["changes"], json!([{"field_name": "Name", "value": "b"}]));
    assert_eq!(bodies[0]["audit"]["collated"]["count"], 2);
}

#[actix::test]
async fn an_edit_after_the_window_has_closed_opens_the_next() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    for value in ["a", "b", "c"] {
        world.post(update("42", value)).await;
        world.pass(QUIET + SECOND).await;
    }
    let sizes: Vec<usize> = world.marks("42").iter().map(|mark| mark.places.len()).collect();
    assert_eq!(sizes, [1, 1, 1]);
    assert!(world.window("42").await.is_none());
}

#[actix::test]
async fn an_edit_after_the_quiet_period_opens_the_next_however_late_the_window_closes() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    // As when very many others are due before it: its quiet period is over, and nobody has asked.
    tokio::time::advance(QUIET + SECOND).await;
    world.post(update("42", "b")).await;
    world.pass(SECOND).await;
    assert_eq!(world.marks("42").len(), 1);
    world.pass(QUIET).await;
    let sizes: Vec<usize> = world.marks("42").iter().map(|mark| mark.places.len()).collect();
    assert_eq!(sizes, [1, 1]);
}

#[actix::test]
async fn records_do_not_hold_each_other_up() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    world.post(update("1", "a")).await;
    for _ in 0..6 {
        world.post(update("2", "b")).await;
        world.pass(MINUTE).await;
    }
    assert_eq!(world.marks("1").len(), 1);
    assert_eq!(world.marks("2").len(), 0);
}

#[actix::test]
async fn a_record_that_is_never_left_alone_closes_at_max_wait() {
    let rule = WindowRule { quiet_period: QUIET, max_wait: Some(MINUTE * 12) };
    let world = World::with(rule).await;
    world.integration(json!({})).await;
    for _ in 0..12 {
        world.post(update("42", "a")).await;
        world.pass(MINUTE).await;
    }
    world.pass(SECOND).await;
    let marks = world.marks("42");
    assert_eq!((marks.len(), marks[0].places.len()), (1, 12));
    assert_eq!(marks[0].closed_by, ClosedBy::MaxWait);
}

#[actix::test]
async fn a_quiet_period_of_zero_closes_at_once() {
    let world = World::quiet(Duration::ZERO).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    world.pass(SECOND).await;
    world.post(update("42", "b")).await;
    world.pass(SECOND).await;
    assert_eq!(world.bodies().len(), 2);
}

#[actix::test]
async fn a_window_outlives_a_crash_and_waits_for_what_is_left_of_its_quiet_period() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    world.pass(MINUTE).await;
    world.post(update("42", "b")).await;
    let world = world.crash(MINUTE * 2).await;
    world.pass(MINUTE * 3 - SECOND).await;
    assert_eq!(world.marks("42").len(), 0);
    world.pass(SECOND * 2).await;
    assert_eq!(world.marks("42")[0].places.len(), 2);
    assert_eq!(world.bodies().len(), 1);
}

#[actix::test]
async fn overdue_windows_close_at_the_start_oldest_first() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    for record in ["3", "1", "2"] {
        world.post(update(record, "a")).await;
        world.pass(SECOND).await;
    }
    let world = world.crash(QUIET * 100).await;
    world.pass(SECOND).await;
    let order: Vec<Value> =
        world.bodies().iter().map(|body| body["audit"]["auditable_id"].clone()).collect();
    assert_eq!(order, ["3", "1", "2"]);
}

#[actix::test]
async fn windows_beyond_those_that_may_close_at_a_time_wait_for_their_turn() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    let records: Vec<String> =
        (0..2 * super::CLOSING_MAX + 1).map(|number| number.to_string()).collect();
    for record in &records {
        world.post(update(record, "a")).await;
    }
    world.pass(QUIET + SECOND).await;
    let mut closed: Vec<(Id, &String)> = Vec::new();
    for record in &records {
        let marks = world.marks(record);
        assert_eq!(marks.len(), 1, "record {record}");
        closed.push((marks[0].places[0], record));
    }
    assert_eq!(world.bodies().len(), records.len());
    assert!(closed.is_sorted(), "each with its own audit");
}

#[actix::test]
async fn a_crash_after_closing_makes_no_second_message() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    world.pass(QUIET + SECOND).await;
    assert_eq!(world.log().len(), 1);
    let world = world.crash(QUIET).await;
    world.pass(QUIET * 3).await;
    assert_eq!(world.log().len(), 1);
    assert_eq!(world.bodies().len(), 0, "it had been delivered before the crash");
}

#[actix::test]
async fn a_wall_clock_that_jumps_back_closes_no_window_early_and_none_late() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    world.post(update("42", "a")).await;
    world.clock.jump_ms(-86_400_000);
    world.pass(QUIET - SECOND).await;
    assert_eq!(world.marks("42").len(), 0);
    world.post(update("42", "b")).await;
    world.clock.jump_ms(2 * 86_400_000);
    world.pass(QUIET - SECOND).await;
    assert_eq!(world.marks("42").len(), 0, "forward is no reason either");
    world.pass(SECOND * 2).await;
    assert_eq!(world.marks("42")[0].places.len(), 2);
    // Ids go on from the last, whatever the clock says.
    let ids: Vec<Id> = world.marks("42")[0].places.clone();
    assert!(ids[0] < ids[1]);
}

#[actix::test]
async fn send_now_closes_at_once_and_names_who_asked() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    assert!(world.send_now("42").await.is_none(), "nothing to close");
    world.post(update("42", "a")).await;
    assert_eq!(world.send_now("42").await.unwrap().messages.len(), 1);
    assert_eq!(world.marks("42")[0].closed_by, ClosedBy::SendNow("tester".to_owned()));
    assert!(world.window("42").await.is_none());
    world.pass(QUIET * 2).await;
    assert_eq!(world.bodies().len(), 1, "its timer closes nothing more");
}

#[actix::test]
async fn each_integration_gets_what_it_may_see_and_a_disabled_one_nothing() {
    let world = World::quiet(QUIET).await;
    let all = world.integration(json!({"name": "all"})).await;
    let ranks =
        world.integration(json!({"name": "ranks", "activities": [{"fields": ["Rank"]}]})).await;
    let off = world.integration(json!({"name": "off", "enabled": false})).await;
    world.post(update("42", "a")).await;
    world.pass(QUIET + SECOND).await;
    let addressed: Vec<Id> =
        world.log().iter().map(|entry| entry.message.draft.integration).collect();
    assert_eq!(addressed, [all.id]);
    assert!(![ranks.id, off.id].contains(&addressed[0]));
    // What was closed while it was off is not sent when it is on again (R10).
    world.reconfigure(off.id, json!({"enabled": true})).await;
    world.pass(QUIET).await;
    assert_eq!(world.log().len(), 1);
}

#[actix::test]
async fn a_window_in_which_nothing_changed_in_the_end_sends_nothing_and_says_so() {
    let world = World::quiet(QUIET).await;
    let hook = world.integration(json!({})).await;
    world.post(update("42", "Open &rarr; Done")).await;
    world.post(update("42", "Done &rarr; Open")).await;
    world.pass(QUIET + SECOND).await;
    assert_eq!(world.log().len(), 0);
    assert_eq!(world.marks("42")[0].addressed, [(hook.id, Addressed::NothingChanged)]);
}

#[actix::test]
async fn an_open_window_tells_what_it_holds_and_when_it_closes() {
    let world = World::with(WindowRule { quiet_period: QUIET, max_wait: Some(QUIET * 2) }).await;
    world.post(update("42", "a")).await;
    world.pass(MINUTE).await;
    world.post(update("42", "b")).await;
    let window = world.window("42").await.unwrap();
    assert_eq!(window.places.len(), 2);
    assert_eq!(window.closes_at.since(window.places[1].time()), QUIET);
    assert_eq!(window.cap_at.unwrap().since(window.places[0].time()), QUIET * 2);
}

/// What a run may do.
#[derive(Clone, Debug)]
enum Step {
    Edit(u8),
    Pass(u64),
    Crash(u64),
    SendNow(u8),
    Reconfigure(bool, Option<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..3u8).prop_map(Step::Edit),
        4 => (1..400u64).prop_map(Step::Pass),
        1 => (1..400u64).prop_map(Step::Crash),
        1 => (0..3u8).prop_map(Step::SendNow),
        2 => (any::<bool>(), prop::option::of(1..4u8))
            .prop_map(|(which, minutes)| Step::Reconfigure(which, minutes)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever happens when: of every slot's windows each audit is in exactly one, in order; and every
    /// integration is told of every audit exactly once, whatever its pair was when.
    #[test]
    fn every_audit_is_in_exactly_one_window(steps in prop::collection::vec(step(), 1..30)) {
        let mut accepted: Vec<(String, String)> = Vec::new();
        actix::System::new().block_on(async {
            let mut world = World::quiet(QUIET).await;
            let hooks = [
                world.integration(json!({"name": "one"})).await.id,
                world.integration(json!({"name": "two", "quiet_period": "2m"})).await.id,
            ];
            for step in &steps {
                match step {
                    Step::Edit(record) => {
                        let record = record.to_string();
                        let id = format!("audit-{}", accepted.len());
                        let mut audit = update(&record, accepted.len());
                        audit["id"] = json!(id);
                        world.post(audit).await;
                        accepted.push((record, id));
                    }
                    Step::Pass(seconds) => world.pass(SECOND * *seconds as u32).await,
                    Step::Crash(seconds) => world = world.crash(SECOND * *seconds as u32).await,
                    Step::SendNow(record) => drop(world.send_now(&record.to_string()).await),
                    Step::Reconfigure(which, minutes) => {
                        let own = minutes.map(|minutes| format!("{minutes}m"));
                        world.reconfigure(hooks[usize::from(*which)], json!({"quiet_period": own})).await;
                    }
                }
            }
            world.pass(QUIET * 2).await;
            for record in ["0", "1", "2"] {
                let marks = world.marks(record);
                let of_server = marks.iter().filter(|mark| mark.slot == Slot::SERVER);
                let places: Vec<Id> = of_server.flat_map(|mark| mark.places.clone()).collect();
                assert!(places.is_sorted(), "in order");
                assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len(), "once");
                let ids: Vec<String> = world.store.audits_at(&places).unwrap().iter()
                    .map(|audit| audit.id().to_string()).collect();
                let expected: Vec<String> = accepted.iter()
                    .filter(|(of, _)| of == record).map(|(_, id)| id.clone()).collect();
                assert_eq!(ids, expected, "every one of them");
                for hook in hooks {
                    let mut told: Vec<String> = world.log().iter()
                        .filter(|entry| entry.message.draft.integration == hook)
                        .filter(|entry| entry.message.draft.record.record_id.as_str() == record)
                        .filter(|entry| entry.status != Status::Superseded)
                        .flat_map(|entry| {
                            let body: Value = serde_json::from_str(&entry.message.draft.body).unwrap();
                            body["audit"]["collated"]["audit_ids"].as_array().unwrap().iter()
                                .map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>()
                        })
                        .collect();
                    told.sort_by_key(|id| id[6..].parse::<u32>().unwrap());
                    assert_eq!(told, expected, "told once");
                }
            }
        });
    }
}

/// The values that each integration was told of, message by message, by the integration's name.
fn told(world: &World, name: &str) -> Vec<u64> {
    let config = world.store.config();
    let of = |entry: &crate::store::Entry| {
        let integration = &config.integrations[&entry.message.draft.integration];
        integration.spec.name.as_str() == name
    };
    world
        .log()
        .iter()
        .filter(|entry| of(entry))
        .map(|entry| u64::from(entry.message.draft.audits))
        .collect()
}

#[actix::test]
async fn an_integration_may_have_a_quiet_period_and_a_max_wait_of_its_own() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({"name": "server"})).await;
    world.integration(json!({"name": "quick", "quiet_period": "30s"})).await;
    world.integration(json!({"name": "capped", "max_wait": "6m"})).await;
    for value in 0..3 {
        world.post(update("42", value)).await;
        world.pass(MINUTE * 3).await;
    }
    assert_eq!(told(&world, "quick"), [1, 1, 1]);
    assert_eq!(told(&world, "capped"), [2], "at six minutes, though it was edited on");
    assert_eq!(told(&world, "server"), [] as [u64; 0]);
    assert_eq!(world.windows("42").await.len(), 2, "the server's, and the capped one's next");
    world.pass(MINUTE * 3).await;
    assert_eq!((told(&world, "server"), told(&world, "capped")), (vec![3], vec![2, 1]));
    assert_eq!(world.windows("42").await.len(), 0);
    // The history has each audit once, however many windows it was in.
    let places: BTreeSet<Id> =
        world.marks("42").iter().flat_map(|mark| mark.places.clone()).collect();
    assert_eq!(places.len(), 3);
}

#[actix::test]
async fn several_windows_of_a_record_outlive_a_crash_each_with_its_own_deadline() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({"name": "server"})).await;
    world.integration(json!({"name": "quick", "quiet_period": "2m"})).await;
    world.post(update("42", 1)).await;
    world.pass(MINUTE).await;
    let world = world.crash(SECOND * 30).await;
    assert_eq!(world.windows("42").await.len(), 2);
    world.pass(SECOND * 31).await;
    assert_eq!((told(&world, "quick"), told(&world, "server")), (vec![1], vec![]));
    let world = world.crash(SECOND).await;
    world.pass(QUIET).await;
    assert_eq!((told(&world, "quick"), told(&world, "server")), (vec![1], vec![1]));
}

#[actix::test]
async fn a_pair_that_changes_while_windows_are_open_loses_and_doubles_nothing() {
    for (before, after) in
        [(json!(null), json!("1m")), (json!("1m"), json!(null)), (json!("1m"), json!("2m"))]
    {
        for pause in [SECOND, SECOND * 90, SECOND * 200] {
            let world = World::opened(QUIET, pause == SECOND && before.is_null()).await;
            let hook = world.integration(json!({"name": "hook", "quiet_period": before})).await;
            world.post(update("42", 1)).await;
            world.pass(pause).await;
            world.reconfigure(hook.id, json!({"quiet_period": after})).await;
            world.post(update("42", 2)).await;
            world.pass(QUIET * 2).await;
            let told: u64 = told(&world, "hook").iter().sum();
            assert_eq!(told, 2, "{before} to {after} after {pause:?}");
        }
    }
}

#[actix::test]
async fn send_now_and_discard_close_every_window_of_the_record() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({"name": "server"})).await;
    world.integration(json!({"name": "slow", "quiet_period": "10m"})).await;
    world.post(update("42", 1)).await;
    assert_eq!(world.send_now("42").await.unwrap().messages.len(), 2);
    assert_eq!(world.windows("42").await.len(), 0);
    world.post(update("42", 2)).await;
    let discarded = ClosedBy::Discarded { by: "tester".to_owned(), reason: String::new() };
    assert_eq!(world.close("42", discarded).await.unwrap().messages, []);
    world.pass(QUIET * 3).await;
    assert_eq!(world.log().len(), 2);
}

#[actix::test]
async fn a_message_absorbs_only_the_audits_that_its_integration_saw_in_the_older_window() {
    let world = World::quiet(QUIET).await;
    let one = world.integration(json!({"name": "one"})).await;
    world.integration(json!({"name": "two", "quiet_period": "2m"})).await;
    world.post(update("42", 1)).await;
    world.reconfigure(one.id, json!({"quiet_period": "2m"})).await;
    world.post(update("42", 2)).await;
    // Both windows hold both audits; the first integration sees one of them in each.
    world.send_now("42").await;
    world.pass(SECOND).await;
    let told: Vec<Value> = world
        .log()
        .iter()
        .filter(|entry| {
            entry.message.draft.integration == one.id && entry.status != Status::Superseded
        })
        .map(|entry| serde_json::from_str::<Value>(&entry.message.draft.body).unwrap())
        .map(|body| body["audit"]["collated"]["count"].clone())
        .collect();
    assert!(told == [json!(2)] || told == [json!(1), json!(1)], "{told:?}");
}

#[actix::test]
async fn windows_are_counted_by_why_they_closed() {
    let rule = WindowRule { quiet_period: QUIET, max_wait: Some(QUIET + MINUTE * 2) };
    let world = World::with(rule).await;
    for (record, edits) in [("1", 1), ("2", 4)] {
        for edit in 0..edits {
            world.post(update(record, edit)).await;
            world.pass(MINUTE * 3).await;
        }
    }
    world.pass(QUIET).await;
    world.post(update("3", 1)).await;
    world.send_now("3").await;
    world.post(update("4", 1)).await;
    let discarded = ClosedBy::Discarded { by: "tester".to_owned(), reason: String::new() };
    world.close("4", discarded).await.unwrap();
    let closed = ["quiet", "max_wait", "send_now", "discarded"]
        .map(|why| world.counted(&format!("lull_windows_closed_total{{why=\"{why}\"}}")));
    assert_eq!(closed, [2.0, 1.0, 1.0, 1.0]);
    assert_eq!(world.counted("lull_window_lateness_seconds_count"), 3.0);
    assert_eq!(world.counted("lull_audits_accepted_total"), 7.0);
}
