//! `include_record`: the record beside its changes.

use super::*;
use crate::testing::update;

#[actix::test]
async fn the_record_goes_with_the_changes_where_that_is_asked_for() {
    let world = World::quiet(SECOND * 10).await;
    world.integration(json!({"name": "with", "include_record": true, "collation": "all"})).await;
    world.integration(json!({"name": "without"})).await;
    let elsewhere = json!({"name": "other", "include_record": true, "workspace_id": "ws2"});
    world.integration(elsewhere).await;
    world.post(update("42", "a")).await;
    world.pass(SECOND).await;
    assert_eq!(world.bodies()[0]["audit"]["record"], Value::Null, "never put");
    world.put("42", json!({"name": "now", "n": 1})).await;
    world
        .post(json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
                      "workspace_id": "ws2"}))
        .await;
    world.put("42", json!({"name": "later"})).await;
    world.pass(MINUTE).await;
    let sent: Vec<(String, Option<Value>)> = world
        .log()
        .iter()
        .map(|entry| {
            let name = &world.store.config().integrations[&entry.message.draft.integration];
            let body: Value = serde_json::from_str(&entry.message.draft.body).unwrap();
            let record = body["audit"].as_object().unwrap().get("record").cloned();
            (name.spec.name.to_string(), record)
        })
        .collect();
    let record = |name: &str, n: Value| json!({"workspace_id": "ws1", "name": name, "n": n});
    let later = json!({"workspace_id": "ws1", "name": "later"});
    assert_eq!(sent[0], ("with".to_owned(), Some(Value::Null)));
    assert_eq!(sent[1], ("with".to_owned(), Some(record("now", json!(1)))));
    assert_eq!(sent[2], ("with".to_owned(), Some(later)));
    assert_eq!(sent[3], ("without".to_owned(), None));
    assert_eq!(sent[4], ("other".to_owned(), Some(Value::Null)), "it is of another workspace");
    let raw = &world.log()[2].message.draft.body;
    let place = raw.find(r#""record":"#).unwrap();
    assert!(place > raw.find(r#""collated":"#).unwrap(), "the last key: {raw}");
}

#[actix::test]
async fn a_preview_shows_the_record_that_would_be_sent() {
    let world = World::quiet(QUIET).await;
    world.integration(json!({"include_record": true})).await;
    world.put("42", json!({"name": "now"})).await;
    world.post(update("42", "a")).await;
    let window = world.window("42").await.unwrap();
    let audits = crate::record::audits_to_preview(&world.store, &window).unwrap();
    let config = world.store.config();
    let preview = crate::record::preview(&world.store, &config, &window, &audits).unwrap();
    world.pass(QUIET * 2).await;
    assert_eq!(preview.messages[0].draft.body, world.log()[0].message.draft.body);
    assert_eq!(world.bodies()[0]["audit"]["record"]["name"], "now");
}
