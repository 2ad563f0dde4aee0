//! What full records leave behind: nothing, once they are gone.

use super::*;
use crate::model::{By, KeyHash, Role, Token};

fn rows(store: &Store) -> usize {
    [b'v', b'y', b'z'].iter().map(|kind| store.tree().scan_prefix([*kind]).count()).sum()
}

fn put(account: Account, id: &str, bytes: usize) -> Command {
    let name = |text: &str| ExternalId::new(text).unwrap();
    let key = RecordKey { account, record_type: name("feature"), record_id: name(id) };
    let text = format!(r#"{{"workspace_id":"ws1","text":"{}"}}"#, noise(bytes as u64, bytes));
    let record = NewRecord { key, workspace_id: name("ws1"), parent: None, text };
    Command::Record(RecordCommand::Put(Box::new(record), RULE))
}

fn remove(id: &str) -> Command {
    Command::Record(RecordCommand::Remove(key(id)))
}

fn opened(folder: &TempDir, clock: &Still) -> (Arc<Store>, Writer) {
    let (store, writer, _) = Store::open(folder.path(), clock.now()).unwrap();
    (store, writer)
}

#[test]
fn however_a_record_grows_and_shrinks_no_part_of_it_is_left() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Still(AtomicU64::new(1 << 60)));
    let (store, mut writer) = opened(&folder, &clock);
    let sizes = [10, 100_000, 7_000, 1 << 20, 0];
    for bytes in sizes {
        writer.commit(vec![put(Account::DEFAULT, "1", bytes)], &clock).unwrap();
        let text = store.record_text(&key("1")).unwrap().unwrap();
        let frame = r#"{"workspace_id":"ws1","text":""}"#.len();
        assert_eq!(text.len(), frame + bytes);
    }
    assert_eq!(rows(&store), 2);
    // In one commit as well, whatever is there before it.
    for _ in 0..2 {
        let puts = sizes.iter().map(|bytes| put(Account::DEFAULT, "1", *bytes));
        writer.commit(puts.collect(), &clock).unwrap();
        assert_eq!(rows(&store), 2);
        let mut all: Vec<Command> = sizes.map(|bytes| put(Account::DEFAULT, "1", bytes)).into();
        all.push(remove("1"));
        writer.commit(all, &clock).unwrap();
        assert_eq!(rows(&store), 0);
    }
}

#[test]
fn an_accounts_records_go_with_it_and_none_comes_after() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Still(AtomicU64::new(1 << 60)));
    let (store, mut writer) = opened(&folder, &clock);
    let token = Token {
        id: Id::default(),
        account: Account::DEFAULT,
        name: ExternalId::new("admin").unwrap(),
        roles: vec![Role::Admin],
        workspaces: Vec::new(),
        hash: KeyHash::of("x"),
        created_at: Timestamp::default(),
        created_by: None,
        expires_at: None,
    };
    let name = ExternalId::new("Acme").unwrap();
    let create = Configure::CreateAccount("acme".parse().unwrap(), name, Box::new(token));
    writer.commit(vec![Command::Configure(create, By::default())], &clock).unwrap();
    let acme = store.config().account_named("acme").unwrap().account;
    let spec = json!({"name": "hook", "kind": "record", "workspace_id": "ws1",
                      "hook_url": "http://hook.test/"});
    let spec = Box::new(serde_json::from_value(spec).unwrap());
    let hook = Configure::CreateIntegration(acme, spec, Secret::random().unwrap());
    writer
        .commit(vec![Command::Configure(hook, By::default()), put(acme, "1", 50_000)], &clock)
        .unwrap();
    let hook = *store.config().integrations.keys().next().unwrap();
    let record = RecordKey { account: acme, ..key("1") };
    let send = Command::Record(RecordCommand::SendTo(record, hook, "ada".into()));
    writer.commit(vec![put(Account::DEFAULT, "1", 10), send], &clock).unwrap();
    assert_eq!(rows(&store), 2 + 7 + 1 + 1, "two short rows; seven parts, a row and a link");
    let delete = Command::Configure(Configure::DeleteAccount(acme), By::default());
    let all = vec![put(acme, "2", 20_000), delete, put(acme, "3", 10)];
    let (outcomes, _) = writer.commit(all, &clock).unwrap();
    assert!(matches!(outcomes[2], Outcome::Record(Err(Refusal::Missing))), "{outcomes:?}");
    assert_eq!(rows(&store), 2, "the other account's");
    assert_eq!(store.outbox().unwrap(), []);
}
