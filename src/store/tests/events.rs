//! The list of security events: what is taken down, what is sent, and that tampering shows.

use super::*;
use crate::model::{By, SecurityDraft, Source};
use crate::store::{Batch, EventFilter, check, events};

fn event(action: &str, id: Option<&str>) -> SecurityDraft {
    let mut said = json!({"action": action, "user": {"id": "101", "name": "Ada"}});
    if let Some(id) = id {
        said["id"] = json!(id);
    }
    crate::ingest::kept_security_event(&said.to_string()).expect("an event")
}

fn all() -> EventFilter {
    EventFilter {
        account: Account::DEFAULT,
        action: None,
        outcome: None,
        user_id: None,
        min_severity: 0,
        target: None,
        among: None,
        since: None,
        until: None,
        before: None,
        limit: 100,
    }
}

async fn hook(opened: &Opened, asked: serde_json::Value) -> Id {
    let mut spec = json!({"name": "siem", "kind": "security", "hook_url": "http://siem.test/"});
    json_patch::merge(&mut spec, &asked);
    let spec = serde_json::from_value(spec).expect("a spec");
    created(&opened.journal, spec, Secret::random().unwrap()).await.id
}

/// How many entries there are, and what is wrong with them.
fn chain(opened: &Opened) -> (u64, Vec<String>) {
    let report = check::check(opened.store.tree());
    (report.events, report.faults)
}

fn actions(opened: &Opened, filter: &EventFilter) -> Vec<String> {
    let page = opened.store.security_events(filter).unwrap();
    page.items.iter().map(|(_, event)| event.action.to_string()).collect()
}

#[actix_web::test]
async fn what_is_posted_and_what_is_changed_stand_in_one_list_in_order() {
    let opened = Opened::fresh();
    let events = vec![event("login", Some("s-1")), event("login.failed", None)];
    let kept = opened.journal.secure(Account::DEFAULT, events).await.unwrap();
    assert_eq!((kept.ids.len(), kept.ids[0].as_str(), kept.duplicates.len()), (2, "s-1", 0));
    let again = vec![event("login", Some("s-1")), event("logout", Some("s-2"))];
    let kept = opened.journal.secure(Account::DEFAULT, again).await.unwrap();
    assert_eq!((kept.ids[0].as_str(), kept.duplicates[0].as_str()), ("s-2", "s-1"));
    let id = hook(&opened, json!({})).await;
    let delete = Configure::DeleteIntegration(id, None);
    opened.journal.configure(delete, By::default()).await.unwrap().unwrap();
    let newest_first =
        ["integration.deleted", "integration.created", "logout", "login.failed", "login"];
    assert_eq!(actions(&opened, &all()), newest_first);
    let about = ExternalId::new("integration").unwrap();
    let filter = EventFilter { target: Some((about, ExternalId::from(id))), ..all() };
    assert_eq!(actions(&opened, &filter), newest_first[..2]);
    let first = opened.store.security_events(&EventFilter { limit: 2, ..all() }).unwrap();
    let rest = opened.store.security_events(&EventFilter { before: first.next, ..all() }).unwrap();
    assert_eq!((first.items.len(), rest.items.len(), rest.next), (2, 3, None));
    assert_eq!(chain(&opened), (5, vec![]));
}

#[actix_web::test]
async fn each_event_is_sent_at_once_in_order_to_whoever_asks_for_it() {
    let opened = Opened::fresh();
    let wants_all = hook(&opened, json!({"actions": ["login.*"]})).await;
    let wants_grave = hook(&opened, json!({"outcome": "failure", "min_severity": 4})).await;
    let mut failed = event("login.failed", None);
    failed.outcome = crate::model::Success::Failure;
    let events = vec![event("login", None), failed, event("export.created", None)];
    opened.journal.secure(Account::DEFAULT, events).await.unwrap();
    let owed = opened.store.outbox().unwrap();
    let to: Vec<Id> = owed.iter().map(|(_, owed)| owed.integration).collect();
    assert_eq!(to, [wants_all, wants_all, wants_grave]);
    assert_eq!(owed[0].1.partition, owed[1].1.partition, "one line, so they go in order");
    let entry = opened.store.message(owed[0].0).unwrap().unwrap();
    assert!(matches!(entry.message.source, Source::Events(_)));
    assert_eq!(entry.message.draft.contributors, ["Ada"]);
}

#[actix_web::test]
async fn events_wait_for_each_other_until_there_are_enough_or_it_is_time() {
    let asked = json!({"format": "splunk_hec", "actions": ["login"],
                       "batch": {"max_events": 3, "max_wait": "5s"}});
    let opened = Opened::fresh();
    let siem = hook(&opened, asked).await;
    let events = (0..4).map(|_| event("login", None)).collect();
    opened.journal.secure(Account::DEFAULT, events).await.unwrap();
    let owed = opened.store.outbox().unwrap();
    assert_eq!(owed.len(), 1, "three of them fill a message");
    let entry = opened.store.message(owed[0].0).unwrap().unwrap();
    assert_eq!(entry.message.draft.audits, 3);
    // The fourth waits through a restart.
    let opened = opened.reopen();
    let waiting = opened.store.all_waiting().unwrap();
    assert_eq!((waiting.len(), waiting[0].0, waiting[0].1.places.len()), (1, siem, 1));
    opened.journal.send_batch(siem).await.unwrap();
    opened.journal.send_batch(siem).await.unwrap();
    assert_eq!(opened.store.outbox().unwrap().len(), 2);
    assert_eq!(opened.store.all_waiting().unwrap(), []);
}

#[actix_web::test]
async fn tampering_with_the_list_is_found() {
    let opened = Opened::fresh();
    let names = ["login", "token.created", "secret.rotated", "logout"];
    let events = names.iter().map(|action| event(action, None)).collect();
    opened.journal.secure(Account::DEFAULT, events).await.unwrap();
    let tampered = |tamper: &dyn Fn(&Tree, &[sled::IVec])| -> Vec<String> {
        let tree = opened.store.tree();
        let keys = |tree: &Tree| -> Vec<sled::IVec> {
            tree.scan_prefix(keys::events_of(Account::DEFAULT)).keys().flatten().collect()
        };
        let before: Vec<_> = tree.iter().flatten().collect();
        tamper(tree, &keys(tree));
        let (_, faults) = chain(&opened);
        // And as it was again.
        for key in tree.iter().keys().flatten() {
            tree.remove(&key);
        }
        for (key, value) in before {
            tree.insert(key, value);
        }
        assert_eq!(chain(&opened).1, [] as [String; 0]);
        faults
    };
    let change = |tree: &Tree, key: &sled::IVec, relink: bool| {
        let place = keys::place_of_event(key).unwrap();
        let mut row = opened_row(tree, key);
        row.text = row.text.replace("Ada", "Eve");
        if relink {
            row.hash = events::link(row.previous, &row.text);
        }
        let mut batch = Batch::default();
        value::put(
            &mut batch,
            &keys::event(Account::DEFAULT, place),
            &postcard::to_stdvec(&row).unwrap(),
        );
        tree.apply_batch(batch.to_sled()).unwrap();
    };
    let changed = tampered(&|tree, keys| change(tree, &keys[1], false));
    assert!(changed.len() == 1 && changed[0].contains("was changed"), "{changed:?}");
    let relinked = tampered(&|tree, keys| change(tree, &keys[1], true));
    assert!(relinked.len() == 1 && relinked[0].contains("does not follow"), "{relinked:?}");
    let taken_out = tampered(&|tree, keys| tree.remove(&keys[2]));
    assert!(taken_out.len() == 1 && taken_out[0].contains("taken out"), "{taken_out:?}");
    let cut_off = tampered(&|tree, keys| tree.remove(&keys[3]));
    assert!(cut_off.len() == 1 && cut_off[0].contains("end of the list"), "{cut_off:?}");
    let last_relinked = tampered(&|tree, keys| change(tree, &keys[3], true));
    assert!(last_relinked[0].contains("end of the list"), "{last_relinked:?}");
}

fn opened_row(tree: &Tree, key: &[u8]) -> events::Row {
    let bytes = value::get(tree, key).unwrap().unwrap();
    postcard::from_bytes(&bytes).unwrap()
}

#[actix_web::test]
async fn old_events_are_forgotten_and_the_rest_still_holds_together() {
    let opened = Opened::fresh();
    for number in 0..6 {
        let id = format!("s-{number}");
        opened.journal.secure(Account::DEFAULT, vec![event("login", Some(&id))]).await.unwrap();
    }
    let page = opened.store.security_events(&all()).unwrap();
    let fourth = page.items[2].0.place;
    let old = opened.store.old_events(fourth, 100).unwrap();
    assert_eq!(old.len(), 3);
    opened.journal.prune(Prune { events: old, ..Prune::default() }).await.unwrap();
    assert_eq!(chain(&opened), (3, vec![]));
    // Its id is free again.
    let kept = opened.journal.secure(Account::DEFAULT, vec![event("login", Some("s-0"))]).await;
    assert_eq!(kept.unwrap().ids.len(), 1);
}
