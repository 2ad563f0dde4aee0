//! What is configured, and what goes with it.

use super::*;
use crate::model::By;

#[test]
fn what_a_commit_addresses_to_an_integration_that_it_deletes_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Still(AtomicU64::new(1_772_440_000_000_000_000));
    let (store, mut writer, _) = Store::open(folder.path(), clock.now()).unwrap();
    let spec = json!({"name": "hook", "kind": "activity", "hook_url": "http://hook.test/",
                      "collation": "live"});
    let spec = || Box::new(serde_json::from_value(spec.clone()).unwrap());
    let make = || {
        let secret = Secret::random().unwrap();
        Command::Configure(
            Configure::CreateIntegration(Account::DEFAULT, spec(), secret),
            By::default(),
        )
    };
    writer.commit(vec![make(), make()], &clock).unwrap();
    let said = json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "1"});
    let said = ingest::kept(said.to_string().as_bytes()).unwrap();
    let audit = NewAudit {
        record: said.record(Account::DEFAULT),
        id: None,
        text: serde_json::to_string(&said).unwrap(),
        learned: Vec::new(),
    };
    let first = *store.config().integrations.keys().next().unwrap();
    let delete = Command::Configure(Configure::DeleteIntegration(first, None), By::default());
    writer.commit(vec![delete, Command::Append(vec![audit], RULE)], &clock).unwrap();
    let owed = store.outbox().unwrap();
    assert!(owed.len() == 1 && owed[0].1.integration != first, "{owed:?}");
    assert_eq!(store.owed_counts().get(&first).copied().unwrap_or_default(), 0);
    assert_eq!(store.totals().cancelled, 1);
}

#[test]
fn what_a_commit_forgets_is_not_owed_again_by_the_same_commit() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Still(AtomicU64::new(1_772_440_000_000_000_000));
    let (store, mut writer, _) = Store::open(folder.path(), clock.now()).unwrap();
    let spec = json!({"name": "hook", "kind": "activity", "hook_url": "http://hook.test/",
                      "collation": "live"});
    let spec = Box::new(serde_json::from_value(spec).unwrap());
    let create = Configure::CreateIntegration(Account::DEFAULT, spec, Secret::random().unwrap());
    writer.commit(vec![Command::Configure(create, By::default())], &clock).unwrap();
    let said = json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "1"});
    let said = ingest::kept(said.to_string().as_bytes()).unwrap();
    let audit = NewAudit {
        record: said.record(Account::DEFAULT),
        id: None,
        text: serde_json::to_string(&said).unwrap(),
        learned: Vec::new(),
    };
    writer.commit(vec![Command::Append(vec![audit], RULE)], &clock).unwrap();
    let message = store.outbox().unwrap()[0].0;
    writer.commit(vec![Command::Cancel(message, "tester".into())], &clock).unwrap();
    let prune = store.plan_prune(clock.now() + DAY * 2, DAY, u64::MAX).unwrap().unwrap();
    assert_eq!(prune.messages, [message]);
    let again = Command::Redeliver(vec![message], "tester".into());
    writer.commit(vec![Command::Prune(prune), again], &clock).unwrap();
    assert!(store.message(message).unwrap().is_none());
    assert_eq!(store.outbox().unwrap().len(), 0, "what is not there is owed");
    let report = super::super::check::check(store.tree());
    assert_eq!(report.faults, Vec::<String>::new());
}
