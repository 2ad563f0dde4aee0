//! Linked records from the first call to the last, on a manual clock.

mod current;
mod ends;
mod include;
mod order;

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::model::{
    Account, ExternalId, FullRecord, Id, Integration, LinkState, RecordKey, Status,
};
use crate::store::{NewRecord, PutDone, RecordCommand, RecordDone, Refusal, SentTo};
use crate::testing::World;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const QUIET: Duration = Duration::from_secs(300);

fn key(record: &str) -> RecordKey {
    let (record_type, record_id) = record.split_once('/').unwrap_or(("feature", record));
    let name = |text: &str| ExternalId::new(text).unwrap();
    let (record_type, record_id) = (name(record_type), name(record_id));
    RecordKey { account: Account::DEFAULT, record_type, record_id }
}

impl World {
    /// Makes an integration of kind `record`, of the workspace `ws1`.
    async fn record_hook(&self, edit: Value) -> Arc<Integration> {
        let mut spec = json!({"kind": "record", "workspace_id": "ws1"});
        json_patch::merge(&mut spec, &edit);
        self.integration(spec).await
    }

    async fn do_with(&self, command: RecordCommand) -> Result<RecordDone, Refusal> {
        self.journal.record(command).await.expect("committed")
    }

    /// Puts `feature/42`, as `42`, or another record, with this and what every record has.
    async fn put(&self, record: &str, edit: Value) -> PutDone {
        let mut text = json!({"workspace_id": "ws1"});
        json_patch::merge(&mut text, &edit);
        let parent = text["parent"].as_str().map(key);
        let workspace_id = ExternalId::new(text["workspace_id"].as_str().unwrap()).unwrap();
        let new = NewRecord { key: key(record), workspace_id, parent, text: text.to_string() };
        match self.do_with(RecordCommand::Put(Box::new(new), self.rule)).await {
            Ok(RecordDone::Put(done)) => done,
            other => panic!("{other:?}"),
        }
    }

    async fn remove(&self, record: &str) {
        let _ = self.do_with(RecordCommand::Remove(key(record))).await.expect("there");
    }

    async fn send_to(&self, record: &str, hook: &Integration) -> Result<SentTo, Refusal> {
        match self.do_with(RecordCommand::SendTo(key(record), hook.id, "ada".into())).await? {
            RecordDone::Sent(sent) => Ok(sent),
            other => panic!("{other:?}"),
        }
    }

    /// Puts a record and sends it.
    async fn link(&self, record: &str, hook: &Integration) {
        self.put(record, json!({"name": "a"})).await;
        self.send_to(record, hook).await.expect("sent");
        self.pass(SECOND).await;
    }

    fn kept(&self, record: &str) -> Option<FullRecord> {
        self.store.full_record(&key(record)).unwrap()
    }

    /// How it stands with the record's one link.
    fn link_state(&self, record: &str) -> Option<LinkState> {
        let kept = self.kept(record)?;
        kept.links.first().map(|link| link.state(kept.removed))
    }

    /// What came, one after the other: the event and the record's name.
    fn events(&self) -> Vec<String> {
        let event = |body: &Value| {
            let record = body.as_object().unwrap().iter().find(|(key, _)| *key != "event");
            let name = record.map_or("-", |(_, record)| record["name"].as_str().unwrap_or("-"));
            format!("{} {name}", body["event"].as_str().unwrap())
        };
        self.bodies().iter().map(event).collect()
    }

    fn statuses(&self) -> Vec<Status> {
        self.log().iter().map(|entry| entry.status).collect()
    }
}

#[actix::test]
async fn a_record_that_was_sent_is_sent_again_once_it_has_been_left_alone_however_many_edits() {
    let world = World::quiet(QUIET).await;
    let hook = world.record_hook(json!({})).await;
    let put = world.put("42", json!({"name": "a", "n": 1})).await;
    assert!(put.created && put.changed && put.links == 0);
    world.pass(QUIET * 2).await;
    assert_eq!(world.requests().len(), 0, "nobody asked for it yet");

    let sent = world.send_to("42", &hook).await.unwrap();
    assert_eq!((sent.linked, sent.message.is_some()), (vec![key("42")], true));
    world.pass(SECOND).await;
    assert_eq!(world.events(), ["create_feature a"]);
    assert_eq!(world.bodies()[0]["feature"]["integration_fields"], json!([]));
    assert_eq!(world.bodies()[0]["feature"]["id"], "42");

    for name in ["b", "c", "d"] {
        world.put("42", json!({"name": name})).await;
        world.pass(QUIET - SECOND).await;
    }
    assert_eq!(world.requests().len(), 1, "still being edited");
    world.pass(SECOND * 2).await;
    assert_eq!(world.events(), ["create_feature a", "update_feature d"]);
    world.pass(QUIET * 10).await;
    assert_eq!(world.requests().len(), 2);
    assert!(world.statuses().iter().all(|status| *status == Status::Delivered));
    assert_eq!(world.store.outbox().unwrap(), []);
}

#[actix::test]
async fn the_same_bytes_again_are_no_change() {
    let world = World::quiet(QUIET).await;
    let hook = world.record_hook(json!({})).await;
    world.link("42", &hook).await;
    let before = world.kept("42");
    let put = world.put("42", json!({"name": "a"})).await;
    assert!(!put.changed && !put.created && put.links == 1);
    assert_eq!(world.kept("42"), before);
    world.pass(QUIET * 2).await;
    assert_eq!(world.events(), ["create_feature a"]);
}

#[actix::test]
async fn max_wait_and_a_quiet_period_of_its_own_hold_for_links() {
    let world = World::quiet(QUIET).await;
    let slow = world.record_hook(json!({"max_wait": "12m"})).await;
    let quick = world.record_hook(json!({"quiet_period": "10s"})).await;
    world.link("42", &slow).await;
    world.send_to("42", &quick).await.unwrap();
    world.pass(SECOND).await;
    for minute in 1..=12 {
        world.put("42", json!({"name": format!("{minute}")})).await;
        world.pass(MINUTE).await;
    }
    world.pass(SECOND).await;
    let to = |hook: &Integration| {
        world.log().iter().filter(|entry| entry.message.draft.integration == hook.id).count()
    };
    assert_eq!((to(&slow), to(&quick)), (2, 13));
    assert_eq!(world.bodies().last().unwrap()["feature"]["name"], "12");
}

#[actix::test]
async fn the_quiet_period_goes_on_after_a_crash_and_what_was_due_is_sent_once() {
    let world = World::quiet(QUIET).await;
    let hook = world.record_hook(json!({})).await;
    world.link("42", &hook).await;
    world.put("42", json!({"name": "b"})).await;
    world.pass(MINUTE).await;

    let world = world.crash(MINUTE).await;
    world.pass(MINUTE * 2).await;
    assert_eq!(world.requests().len(), 0, "a minute is left");
    world.pass(MINUTE + SECOND).await;
    assert_eq!(world.events(), ["update_feature b"]);

    world.put("42", json!({"name": "c"})).await;
    let world = world.crash(QUIET * 100).await;
    world.pass(SECOND).await;
    assert_eq!(world.events(), ["update_feature c"], "overdue");
    let world = world.crash(MINUTE).await;
    world.pass(QUIET * 2).await;
    assert_eq!(world.requests().len(), 0, "and not again");
}

#[actix::test]
async fn what_the_receiver_calls_a_record_comes_back_with_every_later_call() {
    let world = World::quiet(QUIET).await;
    let hook = world.record_hook(json!({})).await;
    world.will_say(201, r#"{"id": 77, "url": "https://tool.example.com/77"}"#);
    world.link("42", &hook).await;
    let world = world.crash(SECOND).await;
    world.put("42", json!({"name": "b"})).await;
    world.pass(QUIET + SECOND).await;
    let id = hook.id.to_string();
    let fields = json!([
        {"name": "id", "value": "77", "integration_id": id},
        {"name": "url", "value": "https://tool.example.com/77", "integration_id": id},
    ]);
    assert_eq!(world.bodies()[0]["feature"]["integration_fields"], fields);
    world.will_say(200, r#"{"url": "https://tool.example.com/moved"}"#);
    for name in ["c", "d"] {
        world.put("42", json!({"name": name})).await;
        world.pass(QUIET + SECOND).await;
    }
    let last = &world.bodies()[2]["feature"]["integration_fields"];
    assert_eq!(
        (&last[0]["value"], &last[1]["value"]),
        (&json!("77"), &json!("https://tool.example.com/moved"))
    );
    // An answer that failed names nothing.
    world.will_say(500, r#"{"id": 99}"#);
    world.put("42", json!({"name": "e"})).await;
    world.pass(QUIET + MINUTE).await;
    assert_eq!(&*world.kept("42").unwrap().links[0].fields[0].value, "77");
}

#[actix::test]
async fn an_update_waits_for_the_create_and_takes_in_older_updates() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    world.will_answer(&[500, 500]);
    world.will_say(200, r#"{"id": "K"}"#);
    world.will_answer(&[500, 503]);
    world.link("42", &hook).await;
    world.put("42", json!({"name": "b"})).await;
    world.pass(SECOND * 20).await;
    assert_eq!(world.link_state("42"), Some(LinkState::Sending));
    world.pass(MINUTE * 7).await;
    // The third try of the create brought the key; the update went at once, with it, and failed.
    let events = world.events();
    assert_eq!(events[..3], ["create_feature a"; 3].map(str::to_owned));
    assert_eq!(events[3], "update_feature b");
    assert_eq!(world.bodies()[3]["feature"]["integration_fields"][0]["value"], "K");
    assert_eq!(world.link_state("42"), Some(LinkState::Linked));
    world.put("42", json!({"name": "c"})).await;
    world.pass(SECOND * 20).await;
    world.pass(MINUTE * 10).await;
    let statuses = world.statuses();
    assert_eq!(
        statuses,
        [Status::Delivered, Status::Superseded, Status::Delivered],
        "{statuses:?}"
    );
    assert_eq!(world.events().last().unwrap(), "update_feature c");
}

#[actix::test]
async fn while_an_integration_is_disabled_nothing_is_made_and_then_what_is() {
    let world = World::quiet(SECOND * 10).await;
    let hook = world.record_hook(json!({})).await;
    for record in ["1", "2", "3"] {
        world.link(record, &hook).await;
    }
    world.reconfigure(hook.id, json!({"enabled": false})).await;
    for name in ["b", "c"] {
        world.put("1", json!({"name": name})).await;
        world.pass(MINUTE).await;
    }
    world.remove("2").await;
    assert_eq!(world.log().len(), 3, "none made");
    assert_eq!(world.link_state("2"), Some(LinkState::Removing));
    assert!(
        matches!(world.send_to("1", &hook).await, Err(Refusal::InUse(why)) if why.contains("enable it first"))
    );
    let world = world.crash(MINUTE).await;
    world.pass(MINUTE).await;
    assert_eq!(world.requests().len(), 0);
    world.reconfigure(hook.id, json!({"enabled": true})).await;
    world.pass(SECOND).await;
    let mut events = world.events();
    events.sort();
    assert_eq!(events, ["destroy_feature a", "update_feature c"]);
    assert!(world.kept("2").is_none());
    // And one that becomes enabled while the server is down.
    world.reconfigure(hook.id, json!({"enabled": false})).await;
    world.put("3", json!({"name": "d"})).await;
    world.pass(MINUTE).await;
    world.reconfigure(hook.id, json!({"enabled": true})).await;
    let world = world.crash(MINUTE).await;
    world.pass(SECOND).await;
    assert_eq!(world.events(), ["update_feature d"]);
}
