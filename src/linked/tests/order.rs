//! Parents before children, whatever fails.

use super::*;

fn release(name: &str) -> Value {
    json!({"name": name})
}

#[actix::test]
async fn a_parent_is_sent_first_and_the_child_names_it_as_the_receiver_does() {
    let world = World::quiet(QUIET).await;
    let hook = world.record_hook(json!({})).await;
    world.put("product/P", release("p")).await;
    world.put("release/R", json!({"name": "r", "parent": "product/P"})).await;
    // The text of a real one has the parent as an object; this is what the writer is told.
    world.put("42", json!({"name": "f", "parent": "release/R"})).await;
    world.will_say(200, r#"{"id": "P-1"}"#);
    world.will_say(200, r#"{"id": "R-1"}"#);
    let sent = world.send_to("42", &hook).await.unwrap();
    assert_eq!(sent.linked, [key("product/P"), key("release/R"), key("42")]);
    assert_eq!(world.link_state("42"), Some(LinkState::Waiting));
    world.pass(SECOND).await;
    assert_eq!(world.events(), ["create_product p", "create_release r", "create_feature f"]);
    assert_eq!(world.link_state("42"), Some(LinkState::Linked));
    // The next child finds its parent there.
    world.put("43", json!({"name": "g", "parent": "release/R"})).await;
    assert_eq!(world.send_to("43", &hook).await.unwrap().linked, [key("43")]);
    world.pass(SECOND).await;
    assert_eq!(world.events().last().unwrap(), "create_feature g");
}

#[actix::test]
async fn no_child_is_tried_before_its_parent_was_delivered_through_failures_and_crashes() {
    let world = World::quiet(QUIET).await;
    let hook = world.record_hook(json!({})).await;
    world.put("release/R", release("r")).await;
    world.put("42", json!({"name": "f", "parent": "release/R"})).await;
    world.put("43", json!({"name": "g", "parent": "release/R"})).await;
    world.will_answer(&[500, 500, 0]);
    world.send_to("42", &hook).await.unwrap();
    assert_eq!(world.send_to("43", &hook).await.unwrap().linked, [key("43")]);
    world.pass(SECOND * 10).await;
    // A change of a child that waits is no message of its own.
    world.put("42", json!({"name": "f2", "parent": "release/R"})).await;
    let world = world.crash(SECOND).await;
    world.will_answer(&[503]);
    world.pass(MINUTE * 10).await;
    assert_eq!(world.events(), ["create_release r"], "the third try, which failed as well");
    let world = world.crash(MINUTE).await;
    world.pass(MINUTE * 60).await;
    let events = world.events();
    assert_eq!(events[0], "create_release r");
    let mut children = events[1..].to_vec();
    children.sort();
    assert_eq!(children, ["create_feature f2", "create_feature g"]);
}

#[actix::test]
async fn children_of_a_parent_that_failed_wait_until_it_is_redelivered_or_unlinked() {
    let world = World::quiet(QUIET).await;
    let hook = world.record_hook(json!({"retry_schedule": ["1s"]})).await;
    for (parent, child) in [("release/R", "1"), ("release/S", "2")] {
        world.put(parent, release("r")).await;
        world.put(child, json!({"name": child, "parent": parent})).await;
        world.will_answer(&[500, 500]);
        world.send_to(child, &hook).await.unwrap();
        world.pass(MINUTE).await;
        assert_eq!(world.link_state(parent), Some(LinkState::Failed));
        assert_eq!(world.link_state(child), Some(LinkState::Waiting));
    }
    assert_eq!(world.requests().len(), 4);
    let failed = world.log()[0].message.id;
    world.journal.redeliver(vec![failed], "ada").await.unwrap();
    world.pass(SECOND).await;
    assert_eq!(world.events()[4..], ["create_release r", "create_feature 1"]);
    let unlink = RecordCommand::Unlink(key("release/S"), hook.id, "ada".into());
    let _ = world.do_with(unlink).await.unwrap();
    world.pass(SECOND).await;
    assert_eq!(world.events()[6..], ["create_feature 2"]);
}

#[actix::test]
async fn records_that_are_each_others_parents_are_sent_all_the_same() {
    let world = World::quiet(QUIET).await;
    let hook = world.record_hook(json!({})).await;
    world.put("a/1", json!({"name": "a", "parent": "b/1"})).await;
    world.put("b/1", json!({"name": "b", "parent": "c/1"})).await;
    world.put("c/1", json!({"name": "c", "parent": "a/1"})).await;
    world.send_to("a/1", &hook).await.unwrap();
    world.pass(SECOND).await;
    assert_eq!(world.events(), ["create_c c", "create_b b", "create_a a"]);
    world.put("d/1", json!({"name": "d", "parent": "d/1"})).await;
    world.send_to("d/1", &hook).await.unwrap();
    world.pass(SECOND).await;
    assert_eq!(world.events()[3..], ["create_d d"]);
}

#[actix::test]
async fn a_parent_that_is_not_there_is_asked_for_and_one_that_the_hook_does_not_see_is_left_out() {
    let world = World::quiet(QUIET).await;
    let rows = json!({"activities": [{"record_types": ["Feature"]}]});
    let features = world.record_hook(rows).await;
    let hook = world.record_hook(json!({})).await;
    world.put("42", json!({"name": "f", "parent": "release/R"})).await;
    let refused = world.send_to("42", &hook).await;
    assert!(
        matches!(&refused, Err(Refusal::InUse(why)) if why.contains("release R") && why.contains("PUT it first")),
        "{refused:?}"
    );
    assert!(world.kept("42").unwrap().links.is_empty(), "nothing was linked");
    world.put("release/R", release("r")).await;
    assert_eq!(world.send_to("42", &features).await.unwrap().linked, [key("42")]);
    let refused = world.send_to("release/R", &features).await;
    assert!(
        matches!(&refused, Err(Refusal::InUse(why)) if why.contains("activities")),
        "{refused:?}"
    );
    world.put("release/R", json!({"name": "r", "workspace_id": "ws2"})).await;
    assert_eq!(world.send_to("42", &hook).await.unwrap().linked, [key("42")]);
    let refused = world.send_to("release/R", &hook).await;
    assert!(
        matches!(&refused, Err(Refusal::InUse(why)) if why.contains("workspace ws2")),
        "{refused:?}"
    );
    assert_eq!(world.send_to("43", &hook).await, Err(Refusal::Missing));
    // Thirty-one parents, and one too many.
    for number in 0..34 {
        world.put(&format!("n/{number}"), json!({"parent": format!("n/{}", number + 1)})).await;
    }
    world.put("n/34", json!({})).await;
    let refused = world.send_to("n/2", &hook).await;
    assert!(
        matches!(&refused, Err(Refusal::InUse(why)) if why.contains("31 parents")),
        "{refused:?}"
    );
    assert_eq!(world.send_to("n/3", &hook).await.unwrap().linked.len(), 32);
}

#[actix::test]
async fn a_parent_that_a_linked_record_gets_later_is_sent_before_its_update() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    world.link("42", &hook).await;
    world.put("product/P", release("p")).await;
    world.put("release/R", json!({"name": "r", "parent": "product/P"})).await;
    world.will_answer(&[500, 500]);
    world.put("42", json!({"name": "b", "parent": "release/R"})).await;
    world.pass(SECOND * 30).await;
    assert_eq!(world.events()[1..], ["create_product p"; 2]);
    let world = world.crash(MINUTE).await;
    // A change meanwhile waits as well, and the hook gets what is then.
    world.put("42", json!({"name": "c", "parent": "release/R"})).await;
    world.pass(MINUTE * 10).await;
    assert_eq!(world.events(), ["create_product p", "create_release r", "update_feature c"]);
    // Unlinked, the parent stays away, as long as nobody asks for it.
    let unlink = RecordCommand::Unlink(key("release/R"), hook.id, "ada".into());
    let _ = world.do_with(unlink).await.unwrap();
    world.put("42", json!({"name": "d", "parent": "release/R"})).await;
    world.pass(MINUTE).await;
    assert_eq!(world.events()[3..], ["update_feature d"]);
    let sent = world.send_to("42", &hook).await.unwrap();
    assert_eq!(sent.linked, [key("release/R")]);
    world.pass(MINUTE).await;
    assert_eq!(world.events()[4..], ["create_release r", "update_feature d"]);
    // One that is not known holds nothing up; nor does one that was given up by unlinking it.
    world.put("42", json!({"name": "e", "parent": "release/S"})).await;
    world.pass(MINUTE).await;
    assert_eq!(world.events()[6..], ["update_feature e"]);
    world.put("release/T", release("t")).await;
    world.will_answer(&[500]);
    world.put("42", json!({"name": "f", "parent": "release/T"})).await;
    world.pass(SECOND * 11).await;
    let unlink = RecordCommand::Unlink(key("release/T"), hook.id, "ada".into());
    let _ = world.do_with(unlink).await.unwrap();
    world.pass(SECOND).await;
    assert_eq!(world.events()[7..], ["create_release t", "update_feature f"]);
}
