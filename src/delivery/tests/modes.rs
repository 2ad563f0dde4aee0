//! When audits are sent (R16), and to whom a filter lets them (R7, R9), from the post to the hook.

use serde_json::Value;

use super::*;

/// What the hook `name` was sent, by the message: its audit, and the value of its one change.
fn told(world: &World, name: &str) -> Vec<(String, String)> {
    let config = world.store.config();
    let log = world.log().into_iter().map(|entry| entry.message.draft);
    log.filter(|draft| config.integrations[&draft.integration].spec.name.as_str() == name)
        .map(|draft| {
            let body: Value = serde_json::from_str(&draft.body).unwrap();
            let value = body["audit"]["changes"][0]["value"].as_str().unwrap_or_default();
            (draft.audit_id.to_string(), value.to_owned())
        })
        .collect()
}

fn edit(id: &str, value: &str) -> serde_json::Value {
    let mut audit = update("42", value);
    audit["id"] = json!(id);
    audit
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(id, value)| (id.to_string(), value.to_string())).collect()
}

#[actix::test]
async fn live_audits_go_at_once_alone_and_in_order_and_collated_ones_when_it_is_quiet() {
    let world = World::quiet(MINUTE).await;
    for mode in ["collated", "live", "all"] {
        world.integration(json!({"name": mode, "collation": mode})).await;
    }
    world.post_all(&[edit("a", "1"), edit("b", "2")]).await;
    world.pass(SECOND).await;
    let alone = pairs(&[("a", "1"), ("b", "2")]);
    assert_eq!((told(&world, "live"), told(&world, "all")), (alone.clone(), alone.clone()));
    assert_eq!(told(&world, "collated"), []);

    world.pass(MINUTE).await;
    let together = pairs(&[("a", "2")]);
    assert_eq!((told(&world, "collated"), told(&world, "live")), (together.clone(), alone.clone()));
    assert_eq!(told(&world, "all"), [alone, together].concat(), "the same audit, once more");
    let ids: Vec<Id> = world.log().iter().map(|entry| entry.message.id).collect();
    let mut unique = ids.clone();
    unique.dedup();
    assert_eq!((ids.len(), unique.len()), (6, 6), "each a webhook-id of its own");
    assert!(world.log().iter().all(|entry| entry.status == Status::Delivered));

    // A window of one is no news to who has heard of it live.
    world.post(edit("c", "3")).await;
    world.pass(MINUTE * 2).await;
    let counts = ["collated", "live", "all"].map(|name| told(&world, name).len());
    assert_eq!(counts, [2, 3, 4]);
}

#[actix::test]
async fn live_audits_of_a_record_wait_for_the_one_before_and_are_not_absorbed() {
    let world = World::quiet(SECOND).await;
    world.integration(json!({"collation": "live"})).await;
    world.will_answer(&[500]);
    world.post(update("42", "first")).await;
    world.pass(SECOND).await;
    world.post_all(&[update("42", "second"), update("42", "third")]).await;
    world.pass(MINUTE).await;
    let sent: Vec<Value> =
        world.bodies().iter().map(|body| body["audit"]["changes"][0]["value"].clone()).collect();
    assert_eq!(sent, ["first", "first", "second", "third"]);
}

#[actix::test]
async fn a_live_audit_is_owed_as_soon_as_it_is_accepted() {
    let world = World::quiet(MINUTE).await;
    world.integration(json!({"collation": "live"})).await;
    world.post(edit("a", "1")).await;
    // The power goes before anybody could have sent anything.
    let world = world.crash(SECOND).await;
    world.pass(MINUTE * 2).await;
    assert_eq!(world.requests().len(), 1);
    assert_eq!(told(&world, "hook"), pairs(&[("a", "1")]));
}

#[actix::test]
async fn collated_audits_are_absorbed_past_the_live_ones_between_them() {
    let world = World::quiet(MINUTE).await;
    world.integration(json!({"name": "all", "collation": "all"})).await;
    world.will_answer(&[503; 100]);
    for window in 0..3 {
        world.post_all(&[edit(&format!("{window}a"), "x"), edit(&format!("{window}b"), "y")]).await;
        world.pass(MINUTE * 3).await;
    }
    world.hooks_are_back();
    world.pass(DAY).await;
    let log = world.log();
    let count = |status| log.iter().filter(|entry| entry.status == status).count();
    assert_eq!((count(Status::Delivered), count(Status::Superseded)), (6 + 1, 2));
    let last =
        log.iter().map(|entry| &entry.message.draft).max_by_key(|draft| draft.audits).unwrap();
    assert_eq!((last.audits, last.audit_id.as_str()), (6, "0a"));
}

#[actix::test]
async fn a_live_hook_hears_what_its_filter_lets_through_and_nothing_while_it_is_disabled() {
    let world = World::quiet(MINUTE).await;
    let live = json!({"name": "live", "collation": "live", "activities": [
        {"record_types": ["FEATURE"], "exclude_fields": ["Rank"], "include_associated": true}]});
    let hook = world.integration(live).await;
    let mut rank = edit("rank", "1");
    rank["changes"][0]["field_name"] = json!("Rank");
    let mut comment = edit("comment", "2");
    comment["auditable_type"] = json!("comment");
    comment["associated_type"] = json!("Feature");
    let mut idea = edit("idea", "3");
    idea["auditable_type"] = json!("idea");
    world.post_all(&[edit("name", "0"), rank, comment, idea]).await;
    world.reconfigure(hook.id, json!({"enabled": false})).await;
    world.post(edit("off", "4")).await;
    world.reconfigure(hook.id, json!({"enabled": true})).await;
    world.pass(MINUTE * 3).await;
    assert_eq!(told(&world, "live"), pairs(&[("name", "0"), ("comment", "2")]));
}
