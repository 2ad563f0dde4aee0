//! What is promised of an open window is what is sent when it closes.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MINUTE, QUIET};
use crate::model::{Id, Slot, Status};
use crate::record::{PREVIEWED_MAX, Preview, WindowView, audits_to_preview, preview};
use crate::testing::{World, audit_json, update};

fn preview_of(world: &World, window: &WindowView) -> Preview {
    let audits = audits_to_preview(&world.store, window).unwrap();
    preview(&world.store, &world.store.config(), window, &audits).unwrap()
}

/// To whom, and what, by integration.
fn promised(preview: &Preview) -> Vec<(Id, Value)> {
    let body = |text: &str| serde_json::from_str(text).unwrap();
    preview.messages.iter().map(|of| (of.draft.integration, body(&of.draft.body))).collect()
}

fn sent(world: &World) -> Vec<(Id, Value)> {
    let drafts = world.log().into_iter().map(|entry| entry.message.draft);
    drafts.map(|draft| (draft.integration, serde_json::from_str(&draft.body).unwrap())).collect()
}

#[actix::test]
async fn a_preview_names_the_backlog_that_would_be_taken_in_and_takes_nothing() {
    let world = World::quiet(QUIET).await;
    let hook = world.integration(json!({})).await;
    let apart = world.integration(json!({"collate_backlog": false})).await;
    world.will_answer(&[500; 2]);
    world.post(update("42", "a")).await;
    world.pass(QUIET + MINUTE / 20).await;
    world.post(update("42", "b")).await;
    let window = world.window("42").await.unwrap();
    let first = preview_of(&world, &window);
    let older: Vec<Id> = world.log().iter().map(|entry| entry.message.id).collect();
    assert_eq!(older.len(), 2, "both wait for their second attempt");
    let seen: Vec<_> = first
        .messages
        .iter()
        .map(|of| (of.draft.integration, of.absorbs, of.draft.audits))
        .collect();
    assert_eq!(seen, [(hook.id, Some(older[0]), 2), (apart.id, None, 1)]);

    // It was only looked at: the same again, and the message is still to be had.
    let again = preview_of(&world, &window);
    assert_eq!(promised(&again), promised(&first));
    assert_eq!((first.cut, first.weighed), (false, 3 + 1));
    world.send_now("42").await.unwrap();
    assert_eq!(sent(&world)[2..], promised(&first));
    assert_eq!(world.log()[0].status, Status::Superseded);
}

#[actix::test]
async fn each_window_of_a_record_promises_to_those_it_is_for() {
    let world = World::quiet(QUIET).await;
    let slow = world.integration(json!({})).await;
    let quick = world.integration(json!({"quiet_period": "30s"})).await;
    world.integration(json!({"enabled": false})).await;
    world.integration(json!({"collation": "live"})).await;
    world.post(update("42", "a")).await;
    let windows = world.windows("42").await;
    assert_eq!(windows.len(), 2);
    for window in windows {
        let to: Vec<Id> = promised(&preview_of(&world, &window)).iter().map(|of| of.0).collect();
        let expected = if window.slot == Slot::SERVER { slow.id } else { quick.id };
        assert_eq!(to, [expected]);
    }
}

#[actix::test]
async fn of_a_very_long_window_the_newest_audits_are_looked_at() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({})).await;
    let audits: Vec<Value> = (0..PREVIEWED_MAX + 5).map(|number| update("42", number)).collect();
    for audits in audits.chunks(5_010) {
        world.post_all(audits).await;
    }
    world.pass(Duration::from_secs(1)).await;
    let preview = preview_of(&world, &world.window("42").await.unwrap());
    assert!(preview.cut);
    assert_eq!(preview.messages[0].draft.audits as usize, PREVIEWED_MAX);
    let newest = json!([{"field_name": "Name", "value": PREVIEWED_MAX + 4}]);
    assert_eq!(promised(&preview)[0].1["audit"]["changes"], newest);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_promised_is_what_is_sent(edits in prop::collection::vec(audit_json(), 1..12)) {
        actix::System::new().block_on(async {
            let world = World::quiet(QUIET).await;
            world.integration(json!({})).await;
            let rows = json!([{"record_types": ["feature"], "fields": ["Name", "Rank"]}]);
            world.integration(json!({"activities": rows, "format": "slack"})).await;
            world.integration(json!({"workspace_id": "ws1", "format": "aha"})).await;
            world.integration(json!({"collation": "all"})).await;
            let edits = edits.into_iter().map(|mut edit| {
                edit["auditable_type"] = json!("feature");
                edit
            });
            world.post_all(&edits.collect::<Vec<_>>()).await;
            let live = world.log().len();
            let window = world.window("42").await.unwrap();
            let promised = promised(&preview_of(&world, &window));
            world.pass(QUIET + MINUTE / 60).await;
            assert_eq!(sent(&world)[live..], promised);
            tokio::time::resume();
        });
    }
}
