//! Records removed, links forgotten, messages given up.

use super::*;
use crate::clock::Clock;
use crate::model::By;
use crate::store::Configure;

#[actix::test]
async fn a_removed_record_is_told_once_and_forgotten_with_its_links() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    world.will_say(200, r#"{"id": "K"}"#);
    world.link("42", &hook).await;
    world.put("42", json!({"name": "b"})).await;
    world.remove("42").await;
    assert!(world.kept("42").is_none());
    world.pass(MINUTE).await;
    assert_eq!(world.events(), ["create_feature a", "destroy_feature b"], "no update in between");
    assert_eq!(world.bodies()[1]["feature"]["integration_fields"][0]["value"], "K");
    // Put once more, it is another record, which nobody has asked for.
    assert!(world.put("42", json!({"name": "c"})).await.created);
    world.pass(MINUTE).await;
    assert_eq!(world.requests().len(), 2);
    let page = world.store.links_to(Account::DEFAULT, hook.id, Id::default(), 10).unwrap();
    assert!(page.items.is_empty());
}

#[actix::test]
async fn a_create_that_was_never_tried_is_given_up_with_its_record_and_one_that_was_is_undone() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({"max_in_flight": 1})).await;
    world.will_answer(&[500]);
    world.put("1", json!({"name": "tried"})).await;
    world.put("2", json!({"name": "waiting its turn"})).await;
    world.send_to("1", &hook).await.unwrap();
    world.send_to("2", &hook).await.unwrap();
    world.remove("2").await;
    world.pass(SECOND).await;
    world.remove("1").await;
    world.pass(MINUTE * 10).await;
    assert_eq!(world.events(), ["create_feature tried", "destroy_feature tried"]);
    let statuses = [Status::Superseded, Status::Cancelled, Status::Delivered];
    assert_eq!(world.statuses(), statuses);
}

#[actix::test]
async fn a_record_that_is_removed_while_its_message_is_in_flight_is_told_after_it() {
    for (answers, events) in [
        (&[200][..], &["create_feature a", "destroy_feature a"][..]),
        (&[500], &["create_feature a", "destroy_feature a"]),
    ] {
        let world = World::opened(SECOND * 10, answers == [200]).await;
        let hook = world.record_hook(json!({})).await;
        world.put("42", json!({"name": "a"})).await;
        world.will_answer(answers);
        world.send_to("42", &hook).await.unwrap();
        // The answer takes 20 ms.
        world.pass(Duration::from_millis(10)).await;
        world.remove("42").await;
        assert_eq!(world.link_state("42"), Some(LinkState::Removing));
        world.pass(MINUTE * 10).await;
        assert_eq!(world.events(), events);
        assert!(world.kept("42").is_none());
    }
}

#[actix::test]
async fn a_record_that_is_put_again_before_its_hook_was_told_goes_on() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    world.link("42", &hook).await;
    world.reconfigure(hook.id, json!({"enabled": false})).await;
    world.remove("42").await;
    assert!(world.put("42", json!({"name": "b"})).await.created);
    world.reconfigure(hook.id, json!({"enabled": true})).await;
    world.pass(MINUTE).await;
    assert_eq!(world.events(), ["create_feature a", "update_feature b"]);
}

#[actix::test]
async fn unlinking_sends_nothing_and_gives_up_what_is_owed() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    world.link("1", &hook).await;
    world.put("1", json!({"name": "b"})).await;
    world.will_answer(&[500]);
    world.link("2", &hook).await;
    for record in ["1", "2"] {
        let unlink = || RecordCommand::Unlink(key(record), hook.id, "ada".into());
        let _ = world.do_with(unlink()).await.unwrap();
        assert_eq!(world.do_with(unlink()).await, Err(Refusal::Missing));
    }
    world.pass(MINUTE * 10).await;
    assert_eq!(world.requests().len(), 2);
    assert_eq!(world.statuses(), [Status::Delivered, Status::Cancelled]);
    // Sent once more, it is made once more.
    world.send_to("1", &hook).await.unwrap();
    world.pass(SECOND).await;
    assert_eq!(world.events().last().unwrap(), "create_feature b");
}

#[actix::test]
async fn a_create_that_failed_is_made_again_with_the_next_change_or_when_it_is_asked_for() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({"retry_schedule": []})).await;
    world.will_answer(&[500, 500]);
    world.link("42", &hook).await;
    assert_eq!(world.link_state("42"), Some(LinkState::Failed));
    world.put("42", json!({"name": "b"})).await;
    world.pass(MINUTE).await;
    assert_eq!(world.link_state("42"), Some(LinkState::Failed));
    assert!(world.send_to("42", &hook).await.unwrap().message.is_some());
    world.pass(SECOND).await;
    assert_eq!(world.events(), ["create_feature a", "create_feature b", "create_feature b"]);
    assert_eq!(world.link_state("42"), Some(LinkState::Linked));
    // Asked for once more, what is goes once more.
    world.send_to("42", &hook).await.unwrap();
    world.pass(SECOND).await;
    assert_eq!(world.events().last().unwrap(), "update_feature b");
}

#[actix::test]
async fn only_the_newest_message_about_a_record_can_be_redelivered() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({"retry_schedule": []})).await;
    world.link("42", &hook).await;
    world.will_answer(&[500, 200, 500]);
    for name in ["b", "c", "d"] {
        world.put("42", json!({"name": name})).await;
        world.pass(MINUTE).await;
    }
    let messages: Vec<Id> = world.log().iter().map(|entry| entry.message.id).collect();
    let owed = world.journal.redeliver(messages.clone(), "ada").await.unwrap();
    assert_eq!(owed, messages[3..], "b would undo what came after it");
    world.pass(MINUTE).await;
    assert_eq!(world.events()[4..], ["update_feature d"]);
    // One about a record that is gone can be, as long as that is not there anew.
    world.will_answer(&[500]);
    world.remove("42").await;
    world.pass(SECOND).await;
    let destroy = world.log()[4].message.id;
    let again = || world.journal.redeliver(vec![destroy], "ada");
    assert_eq!(again().await.unwrap(), [destroy]);
    world.pass(SECOND).await;
    assert_eq!(world.events()[5..], ["destroy_feature d", "destroy_feature d"]);
    world.link("42", &hook).await;
    assert_eq!(again().await.unwrap(), []);
}

#[actix::test]
async fn a_create_that_somebody_cancels_can_still_arrive() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    world.put("42", json!({"name": "a"})).await;
    let message = world.send_to("42", &hook).await.unwrap().message.unwrap();
    world.pass(Duration::from_millis(10)).await;
    assert!(world.journal.cancel(message, "ada").await.unwrap());
    assert_eq!(world.link_state("42"), Some(LinkState::Failed));
    world.pass(SECOND).await;
    assert_eq!(world.link_state("42"), Some(LinkState::Linked), "it was in flight");
}

#[actix::test]
async fn a_record_that_moves_to_another_workspace_loses_its_links() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    world.link("42", &hook).await;
    let put = world.put("42", json!({"name": "secret", "workspace_id": "ws2"})).await;
    assert_eq!(put.links, 0);
    world.pass(MINUTE).await;
    assert_eq!(world.requests().len(), 1);
}

#[actix::test]
async fn deleting_an_integration_forgets_its_links_and_an_account_its_records() {
    let world = World::quiet(SECOND * 10).await;
    let (hook, other) = (world.record_hook(json!({})).await, world.record_hook(json!({})).await);
    for record in ["1", "2"] {
        world.link(record, &hook).await;
    }
    world.send_to("1", &other).await.unwrap();
    world.reconfigure(hook.id, json!({"enabled": false})).await;
    world.remove("2").await;
    let page = world.store.links_to(Account::DEFAULT, hook.id, Id::default(), 1).unwrap();
    assert_eq!((page.items.len(), page.next), (1, Some(page.items[0].links[0].id)));
    let rest = world.store.links_to(Account::DEFAULT, hook.id, page.next.unwrap(), 1).unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    world
        .journal
        .configure(Configure::DeleteIntegration(hook.id, None), By::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.kept("1").unwrap().links.len(), 1);
    assert!(world.kept("2").is_none(), "nobody is to be told any more");
    let page = world.store.links_to(Account::DEFAULT, hook.id, Id::default(), 10).unwrap();
    assert!(page.items.is_empty());
}

#[actix::test]
async fn the_log_is_pruned_and_records_and_links_stay() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    world.will_say(200, r#"{"id": "K"}"#);
    world.link("42", &hook).await;
    world.pass(MINUTE * 60).await;
    let now = world.clock.now();
    let prune = world.store.plan_prune(now, MINUTE, u64::MAX).unwrap().expect("something old");
    world.journal.prune(prune).await.unwrap();
    assert_eq!(world.log().len(), 0);
    assert_eq!(world.store.plan_prune(now, MINUTE, 0).unwrap(), None);
    world.put("42", json!({"name": "b"})).await;
    world.pass(MINUTE).await;
    assert_eq!(world.bodies()[1]["feature"]["integration_fields"][0]["value"], "K");
}
