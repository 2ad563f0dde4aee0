//! What audits teach: kept, renewed, bounded, forgotten.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::learned::{Row, decode};
use super::*;
use crate::model::{By, KeyHash, Role, Token};
use crate::testing::audit_json;

fn audit(workspace: Option<&str>, record_type: &str, user: Value, fields: &[&str]) -> Value {
    let changes: Vec<Value> =
        fields.iter().map(|field| json!({"field_name": field, "value": 1})).collect();
    json!({"audit_action": "update", "auditable_type": record_type, "auditable_id": "1",
           "workspace_id": workspace, "user": user, "changes": changes})
}

fn name(text: &str) -> ExternalId {
    ExternalId::new(text).unwrap()
}

fn all() -> LearnedWish {
    LearnedWish { text: None, after: None, limit: 1_000_000 }
}

impl Opened {
    fn lessons(&self) -> Vec<Row> {
        let rows = self.store.tree().scan_prefix([keys::LEARNED]);
        rows.map(|row| decode(&row.unwrap().1).unwrap()).collect()
    }

    fn learned(&self) -> LearnedOf<'_> {
        self.store.learned(Account::DEFAULT)
    }

    /// `id name email` of the users that were seen in `workspaces`; in all when none are given.
    fn users(&self, workspaces: Option<&[&str]>) -> Vec<String> {
        let page = self.learned().users(&all(), |workspace| visible(workspaces, workspace));
        let line = |user: LearnedUser| {
            let or_none = |text: Option<Box<str>>| text.unwrap_or_else(|| "-".into());
            format!("{} {} {}", user.id, or_none(user.name), or_none(user.email))
        };
        page.items.into_iter().map(line).collect()
    }

    /// `field: record types` of the fields that were seen in `workspaces`.
    fn fields(&self, record_type: Option<&str>, workspaces: Option<&[&str]>) -> Vec<String> {
        let record_type = record_type.map(name);
        let page = self
            .learned()
            .fields(record_type.as_ref(), &all(), |workspace| visible(workspaces, workspace));
        let line = |field: LearnedField| {
            let types: Vec<&str> = field.record_types.iter().map(ExternalId::as_str).collect();
            format!("{}: {}", field.name, types.join(", "))
        };
        page.items.into_iter().map(line).collect()
    }

    fn record_types(&self, workspaces: Option<&[&str]>) -> Vec<String> {
        let page = self.learned().record_types(&all(), |workspace| visible(workspaces, workspace));
        page.items.iter().map(ExternalId::to_string).collect()
    }

    fn workspaces(&self) -> Vec<String> {
        let page = self.learned().workspaces(&all(), |_| true);
        page.items.iter().map(ExternalId::to_string).collect()
    }

    /// Everything there is to be seen.
    fn everything(&self) -> [Vec<String>; 4] {
        [self.users(None), self.record_types(None), self.fields(None, None), self.workspaces()]
    }
}

fn visible(workspaces: Option<&[&str]>, workspace: Option<&ExternalId>) -> bool {
    workspaces.is_none_or(|visible| workspace.is_some_and(|id| visible.contains(&id.as_str())))
}

#[actix::test]
async fn what_audits_name_is_learned_by_workspace_and_survives_a_restart() {
    let opened = Opened::fresh();
    let ada = json!({"id": 101, "name": "Ada", "email": "ada@example.com"});
    let mut merged = audit(Some("ws1"), "feature", ada.clone(), &["Name", "Status"]);
    merged["contributors"] = json!([{"user": {"id": "102"}}]);
    opened.append(&[merged, audit(Some("ws2"), "ideas/idea", ada, &["Name"])]).await;
    opened.append(&[audit(None, "comment", Value::Null, &[])]).await;
    let learned = opened.everything();
    assert_eq!(learned[0], ["101 Ada ada@example.com", "102 - -"]);
    assert_eq!(learned[1], ["comment", "feature", "ideas/idea"]);
    assert_eq!(learned[2], ["Name: feature, ideas/idea", "Status: feature"]);
    assert_eq!(learned[3], ["ws1", "ws2"]);
    assert_eq!(opened.users(Some(&["ws2"])), ["101 Ada ada@example.com"]);
    assert_eq!(opened.record_types(Some(&["ws2"])), ["ideas/idea"]);
    assert_eq!(opened.fields(None, Some(&["ws2"])), ["Name: ideas/idea"]);
    assert_eq!(opened.fields(Some("IDEAS/Idea"), None), ["Name: feature, ideas/idea"]);
    assert_eq!(opened.fields(Some("comment"), None), [""; 0]);
    assert!(opened.store.learned(Account(7)).users(&all(), |_| true).items.is_empty());

    let (rows, opened) = (opened.lessons(), opened.reopen());
    assert_eq!((opened.everything(), opened.lessons()), (learned, rows));
    assert_eq!(opened.users(Some(&["ws1"])).len(), 2);
}

#[actix::test]
async fn only_what_is_new_is_carried_and_written() {
    let opened = Opened::fresh();
    let ada = json!({"id": "101", "name": "Ada"});
    let edit = audit(Some("ws1"), "feature", ada, &["Name"]);
    let news = |edit: &Value| {
        let body = serde_json::to_vec(edit).unwrap();
        let draft = ingest::audits(&body, Media::Json, &Limits::default()).unwrap().remove(0);
        opened.store.screen(Account::DEFAULT).news(&draft)
    };
    assert_eq!(news(&edit).len(), 4);
    opened.append(&[edit.clone(), edit.clone()]).await;
    let rows = opened.lessons();
    assert_eq!((news(&edit).len(), news(&edit).capacity(), rows.len()), (0, 0, 4));

    // Two who knew nothing of each other teach the same: the first counts.
    let body = serde_json::to_vec(&edit).unwrap();
    let draft = ingest::audits(&body, Media::Json, &Limits::default()).unwrap().remove(0);
    let lessons = rows.iter().map(|row| row.lesson.clone()).collect();
    let late = NewAudit {
        record: draft.record(Account::DEFAULT),
        id: None,
        text: serde_json::to_string(&draft).unwrap(),
        learned: lessons,
    };
    opened.journal.append(vec![late], RULE).await.unwrap();
    assert_eq!(opened.lessons(), rows);

    // An audit that is there already teaches nothing.
    let mut known = edit.clone();
    known["id"] = json!("a");
    opened.append(&[known.clone()]).await;
    known["changes"] = json!([{"field_name": "Rank", "value": 1}]);
    assert_eq!(news(&known).len(), 1);
    opened.append(&[known]).await;
    assert_eq!(opened.lessons(), rows);
}

#[actix::test]
async fn the_newest_details_of_a_user_count_and_what_is_left_out_stays() {
    let opened = Opened::fresh();
    let edit = |workspace, user| audit(Some(workspace), "feature", user, &[]);
    opened.append(&[edit("ws1", json!({"id": "1", "name": "Ada", "email": "a@x.test"}))]).await;
    opened.append(&[edit("ws1", json!({"id": "1"}))]).await;
    assert_eq!(opened.users(None), ["1 Ada a@x.test"]);
    opened.append(&[edit("ws1", json!({"id": "1", "name": "Ada L."}))]).await;
    assert_eq!(opened.users(None), ["1 Ada L. a@x.test"]);
    // Back again, within one commit, and in another workspace.
    opened
        .append(&[
            edit("ws1", json!({"id": "1", "name": "A."})),
            edit("ws1", json!({"id": "1", "name": "Ada"})),
            edit("ws2", json!({"id": "1", "name": "Countess"})),
        ])
        .await;
    let rows = opened.lessons().len();
    for opened in [opened.reopen()] {
        assert_eq!(opened.users(None), ["1 Countess a@x.test"]);
        assert_eq!(opened.users(Some(&["ws1"])), ["1 Ada a@x.test"]);
        assert_eq!(opened.users(Some(&["ws2"])), ["1 Countess -"], "as seen there");
        assert_eq!((opened.lessons().len(), rows), (6, 6), "replaced, not added");
        opened.append(&[edit("ws1", json!({"id": "1", "name": "n".repeat(9_000)}))]).await;
        assert_eq!(opened.users(Some(&["ws1"]))[0].len(), 2 + 255 + 1 + "a@x.test".len());
    }
}

#[actix::test]
async fn pages_lead_on_and_text_is_found_without_case() {
    let opened = Opened::fresh();
    let user = |number: usize| {
        json!({"id": format!("{number:04}"), "name": format!("User {number}"),
                        "email": format!("u{number}@Example.com")})
    };
    let edits: Vec<Value> =
        (0..1_700).map(|number| audit(None, "feature", user(number), &[])).collect();
    opened.append(&edits).await;
    let wish = |text: &str, after: Option<&ExternalId>, limit| LearnedWish {
        text: Some(text.to_owned()),
        after: after.cloned(),
        limit,
    };
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = opened.learned().users(&wish("", after.as_ref(), 600), |_| true);
        ids.extend(page.items.into_iter().map(|user| user.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(ids, (0..1_700).map(|number| format!("{number:04}")).collect::<Vec<_>>());
    for (text, found) in
        [("USER 1699", 1), ("u1699@eXample", 1), ("169", 12), ("0169", 1), ("nobody", 0)]
    {
        let page = opened.learned().users(&wish(text, None, 1_000), |_| true);
        assert_eq!((page.items.len(), page.next), (found, None), "{text}");
    }
    let exactly = opened.learned().users(&wish("example", None, 1_700), |_| true);
    assert_eq!((exactly.items.len(), exactly.next), (1_700, None));
}

#[actix::test]
async fn beyond_its_bounds_an_account_learns_nothing_more() {
    let opened = Opened::fresh();
    let of_type = |record_type: String| audit(None, &record_type, json!({"id": "1"}), &[]);
    let types = |numbers: std::ops::Range<usize>| -> Vec<Value> {
        numbers.map(|number| of_type(format!("type{number:04}"))).collect()
    };
    opened.append(&types(0..700)).await;
    opened.append(&types(600..1_300)).await;
    assert_eq!(opened.record_types(None).len(), 1_000);
    opened.append(&types(1_300..1_310)).await;
    let draft = serde_json::to_vec(&of_type("one more".to_owned())).unwrap();
    let draft = ingest::audits(&draft, Media::Json, &Limits::default()).unwrap().remove(0);
    assert_eq!(opened.store.screen(Account::DEFAULT).news(&draft), [], "not even carried");

    // What there is room for is still learned, and what is known is still renewed.
    let renamed = json!({"id": "1", "name": "Ada"});
    opened.append(&[audit(Some("ws1"), "another", renamed, &["Name"])]).await;
    let opened = opened.reopen();
    assert_eq!(
        (opened.record_types(None).len(), opened.users(None)),
        (1_000, vec!["1 Ada -".into()])
    );
    assert_eq!(
        (opened.fields(None, None), opened.workspaces()),
        (vec!["Name: another".into()], vec!["ws1".into()])
    );

    // One thing seen in ever more workspaces is bounded as well.
    let (known, opened) = (audit(None, "feature", Value::Null, &[]), Opened::fresh());
    let edits = (0..4_100).map(|number| {
        let mut edit = known.clone();
        edit["workspace_id"] = json!(format!("ws{number}"));
        edit
    });
    for edits in edits.collect::<Vec<_>>().chunks(410) {
        opened.append(edits).await;
    }
    assert_eq!((opened.record_types(None).len(), opened.workspaces().len()), (1, 4_100));
    assert_eq!(opened.lessons().len(), 4_100 + 4_000);
}

#[actix::test]
async fn what_was_learned_in_a_workspace_or_an_account_can_be_forgotten() {
    let opened = Opened::fresh();
    let ada = json!({"id": "1", "name": "Ada"});
    let edits = [
        audit(Some("ws1"), "feature", ada.clone(), &["Name"]),
        audit(Some("ws2"), "feature", ada, &["Status"]),
        audit(None, "comment", Value::Null, &[]),
    ];
    opened.append(&edits).await;
    let named = Configure::CreateWorkspace(Account::DEFAULT, name("ws1"), name("ws1"));
    opened.journal.configure(named, By::default()).await.unwrap().unwrap();
    let delete = Configure::DeleteWorkspace(Account::DEFAULT, name("ws1"));
    opened.journal.configure(delete, By::default()).await.unwrap().unwrap();
    let opened = opened.reopen();
    assert_eq!(
        (opened.workspaces(), opened.fields(None, None)),
        (vec!["ws2".into()], vec!["Status: feature".into()])
    );
    assert_eq!((opened.record_types(None).len(), opened.users(None).len()), (2, 1));
    opened.append(&edits).await;
    assert_eq!(opened.workspaces(), ["ws1", "ws2"], "and learned again");
}

#[actix::test]
async fn what_an_account_has_learned_goes_with_it() {
    let opened = Opened::fresh();
    let token = Token {
        id: Id::default(),
        account: Account::DEFAULT,
        name: name("admin"),
        roles: vec![Role::Admin],
        workspaces: Vec::new(),
        hash: KeyHash::of("x"),
        created_at: Timestamp::default(),
        created_by: None,
        expires_at: None,
    };
    let create = Configure::CreateAccount("acme".parse().unwrap(), name("Acme"), Box::new(token));
    let made = opened.journal.configure(create, By::default()).await.unwrap().unwrap();
    let Changed::Account(acme) = made else { panic!("{made:?}") };
    let said = audit(Some("ws1"), "feature", json!({"id": "1"}), &["Name"]);
    let said = ingest::kept(said.to_string().as_bytes()).unwrap();
    let new = NewAudit {
        record: said.record(acme.account),
        id: None,
        text: serde_json::to_string(&said).unwrap(),
        learned: opened.store.screen(acme.account).news(&said),
    };
    opened.journal.append(vec![new], RULE).await.unwrap();
    let rows = || opened.store.tree().scan_prefix(keys::learned_of(acme.account)).count();
    assert_eq!(rows(), 4);
    opened
        .journal
        .configure(Configure::DeleteAccount(acme.account), By::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(rows(), 0);
}

/// `id name` of the users that the audits of a workspace name, each with the newest name.
fn named_in(workspace: &str, edits: &[Value]) -> Vec<String> {
    let mut users: BTreeMap<String, String> = BTreeMap::new();
    for edit in edits.iter().filter(|edit| edit["workspace_id"] == workspace) {
        let merged_in = edit["contributors"].as_array().unwrap();
        for user in [&edit["user"]].into_iter().chain(merged_in).filter(|user| !user.is_null()) {
            let id = user["id"].as_str().map_or_else(|| user["id"].to_string(), str::to_owned);
            let name = users.entry(id).or_insert_with(|| "-".to_owned());
            if let Some(newer) = user["name"].as_str() {
                *name = newer.to_owned();
            }
        }
    }
    users.into_iter().map(|(id, name)| format!("{id} {name}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn learning_is_idempotent_and_comes_to_what_the_audits_say(
        edits in prop::collection::vec(audit_json(), 1..20),
        cut in 0..20_usize,
    ) {
        actix::System::new().block_on(async {
            let opened = Opened::fresh();
            let cut = cut.min(edits.len());
            opened.append(&edits[..cut]).await;
            opened.append(&edits[cut..]).await;
            let seen = |opened: &Opened| {
                ["ws1", "ws2"].map(|workspace| {
                    let lines = opened.users(Some(&[workspace])).into_iter();
                    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<Vec<_>>()
                })
            };
            let users = [named_in("ws1", &edits), named_in("ws2", &edits)];
            assert_eq!(seen(&opened), users);
            let [_, types, fields, workspaces] = opened.everything();
            let rows = opened.lessons().len();
            // The same again, in one commit and in many, changes nothing; nor does a restart.
            opened.append(&edits).await;
            let opened = opened.reopen();
            for edit in edits {
                opened.append(&[edit]).await;
            }
            assert_eq!(seen(&opened), users);
            assert_eq!(opened.everything()[1..], [types, fields, workspaces]);
            assert_eq!(opened.lessons().len(), rows);
        });
    }
}
