use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::Audit;
use crate::testing;

fn collate_all(audits: &[Audit]) -> Option<Collated> {
    let seen: Vec<Seen> =
        audits.iter().map(|audit| (audit, audit.said.changes.iter().collect())).collect();
    collate(&seen)
}

fn window(audits: &[Value]) -> Vec<Audit> {
    let base = json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42"});
    let whole = audits.iter().enumerate().map(|(index, edit)| {
        let mut audit = base.clone();
        json_patch::merge(&mut audit, edit);
        testing::audit(index as u64, &audit)
    });
    whole.collect()
}

fn change(field: &str, value: Value) -> Value {
    json!({"changes": [{"field_name": field, "value": value}]})
}

/// The collated changes as `field=value` or `field=old>value`.
fn changes_of(audits: &[Value]) -> Option<Vec<String>> {
    let collated = collate_all(&window(audits))?;
    let written = collated.changes.iter().map(|field| match &field.old_value {
        Some(old) => format!("{}={}>{}", field.field_name, old.get(), field.value.get()),
        None => format!("{}={}", field.field_name, field.value.get()),
    });
    Some(written.collect())
}

#[test]
fn the_last_value_of_a_field_stands_where_the_field_first_appeared() {
    let changes = changes_of(&[
        change("Name", json!("a")),
        change("Rank", json!(1)),
        change("Name", json!({"deep": [1]})),
    ]);
    assert_eq!(changes.unwrap(), [r#"Name={"deep":[1]}"#, "Rank=1"]);
}

#[test]
fn arrows_that_join_collapse_and_vanish_when_they_lead_back() {
    let arrow = |from: &str, to: &str| change("Status", json!(format!("{from} &rarr; {to}")));
    let open_done = || arrow("Open", "Done");
    for (audits, expected) in [
        (
            vec![open_done(), arrow("Done", "Shipped")],
            Some(vec![r#"Status="Open &rarr; Shipped""#]),
        ),
        (vec![open_done(), arrow("Done", "Open")], None),
        (vec![open_done(), arrow("Ready", "Open")], Some(vec![r#"Status="Ready &rarr; Open""#])),
        (vec![open_done(), change("Status", json!("Open"))], Some(vec![r#"Status="Open""#])),
        (
            vec![open_done(), arrow("Done", "Open"), change("Name", json!("n"))],
            Some(vec![r#"Name="n""#]),
        ),
        (
            vec![open_done(), arrow("Done", "Open"), arrow("Open", "Later")],
            Some(vec![r#"Status="Open &rarr; Later""#]),
        ),
        (vec![arrow("a", "b &rarr; c")], Some(vec![r#"Status="a &rarr; b &rarr; c""#])),
    ] {
        let expected = expected.map(|list| list.iter().map(|text| text.to_string()).collect());
        assert_eq!(changes_of(&audits), expected, "{audits:?}");
    }
}

#[test]
fn the_first_known_beginning_is_kept_and_a_field_that_ended_there_is_dropped() {
    let from_to = |old: Value, new: Value| json!({"changes": [{"field_name": "Size", "value": new, "old_value": old}]});
    assert_eq!(
        changes_of(&[from_to(json!(1), json!(2)), from_to(json!(2), json!(3))]).unwrap(),
        ["Size=1>3"]
    );
    assert_eq!(changes_of(&[from_to(json!(1), json!(2)), from_to(json!(2), json!(1))]), None);
    let same_json_written_differently = [
        from_to(json!({"a": 1, "b": 2}), json!(0)),
        from_to(json!(0), serde_json::from_str(r#"{"b":2, "a":1}"#).unwrap()),
    ];
    assert_eq!(changes_of(&same_json_written_differently), None);
    // Where it began is not known, so it cannot be known to have come back.
    assert_eq!(
        changes_of(&[
            change("Size", json!(2)),
            from_to(json!(2), json!(3)),
            from_to(json!(3), json!(2))
        ])
        .unwrap(),
        ["Size=2"]
    );
}

#[test]
fn a_create_or_destroy_is_told_even_when_its_changes_came_to_nothing() {
    let there_and_back =
        [change("Status", json!("A &rarr; B")), change("Status", json!("B &rarr; A"))];
    assert!(collate_all(&window(&there_and_back)).is_none());
    let mut created = there_and_back.clone();
    created[0]["audit_action"] = json!("create");
    assert_eq!(collate_all(&window(&created)).unwrap().action, Action::Create);
    // An update that never had changes (a vote) is told as well.
    assert!(collate_all(&window(&[json!({})])).is_some());
}

#[test]
fn the_action_follows_from_the_first_and_the_last() {
    use Action::{Create, Destroy, Update};
    for (actions, expected) in [
        (vec!["update"], Update),
        (vec!["create"], Create),
        (vec!["destroy"], Destroy),
        (vec!["create", "update"], Create),
        (vec!["update", "destroy"], Destroy),
        (vec!["create", "destroy"], Destroy),
        (vec!["destroy", "create"], Update),
        (vec!["create", "destroy", "create"], Create),
    ] {
        let audits: Vec<Value> =
            actions.iter().map(|action| json!({"audit_action": action})).collect();
        assert_eq!(collate_all(&window(&audits)).unwrap().action, expected, "{actions:?}");
    }
}

#[test]
fn contributors_stand_once_in_order_of_appearance_with_their_newest_details() {
    let audits = window(&[
        json!({"user": {"id": "1", "name": "Ada", "email": "ada@example.com"}}),
        json!({"user": {"id": "2", "name": "Grace"}, "contributors": [{"user": {"id": "3"}}]}),
        json!({"user": {"id": "1", "name": "Ada L."}}),
        json!({"user": null}),
    ]);
    let collated = collate_all(&audits).unwrap();
    let ids: Vec<&str> = collated.contributors.iter().map(|user| user.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(collated.contributors[0].name.as_deref(), Some("Ada L."));
    assert_eq!(collated.contributors[0].email.as_deref(), Some("ada@example.com"));
    assert_eq!(collated.user.unwrap().name.as_deref(), Some("Ada"));
}

#[test]
fn only_the_newest_thousand_ids_are_listed_but_all_are_counted() {
    let audits = window(&vec![json!({}); AUDIT_IDS_MAX + 5]);
    let collated = collate_all(&audits).unwrap();
    assert_eq!(collated.origin.count, AUDIT_IDS_MAX + 5);
    assert_eq!(collated.origin.audit_ids.len(), AUDIT_IDS_MAX);
    assert_eq!(collated.origin.audit_ids[0], audits[5].id());
    assert_eq!(collated.origin.audit_ids.last(), Some(&audits.last().unwrap().id()));
}

/// R12 written as naively as it can be: for each field, all its changes at once.
fn naive_changes(audits: &[Audit]) -> Vec<(String, Value, Option<Value>)> {
    let all: Vec<(String, Value, Option<Value>)> = audits
        .iter()
        .flat_map(|audit| &audit.said.changes)
        .map(|change| {
            let parse = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap();
            let old = change.old_value.as_deref().map(parse);
            (change.field_name.to_string(), parse(&change.value), old)
        })
        .collect();
    let mut names: Vec<&String> = Vec::new();
    for (name, ..) in &all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let ends = |value: &Value| -> Option<(String, String)> {
        let parts: Vec<&str> = value.as_str()?.split(" &rarr; ").collect();
        if let [from, to] = parts[..] { Some((from.into(), to.into())) } else { None }
    };
    let mut result = Vec::new();
    for name in names {
        let of_field: Vec<_> = all.iter().filter(|(other, ..)| other == name).collect();
        // The longest run of arrows at the end, each joined to the next.
        let values: Vec<&Value> = of_field.iter().map(|(_, value, _)| value).collect();
        let mut start = values.len() - 1;
        while start > 0
            && matches!((ends(values[start - 1]), ends(values[start])), (Some(a), Some(b)) if a.1 == b.0)
        {
            start -= 1;
        }
        let last = values[values.len() - 1];
        let value = match (ends(values[start]), ends(last)) {
            (Some((from, _)), Some((_, to))) => json!(format!("{from} &rarr; {to}")),
            _ => last.clone(),
        };
        let old = of_field[0].2.clone();
        let undone =
            ends(&value).is_some_and(|(from, to)| from == to) || old.as_ref() == Some(&value);
        if !undone {
            result.push((name.clone(), value, old));
        }
    }
    result
}

proptest! {
    #[test]
    fn collation_agrees_with_a_naive_reading_of_the_rules(audits in testing::window()) {
        let naive = naive_changes(&audits);
        let first_action = audits[0].said.audit_action;
        let last_action = audits[audits.len() - 1].said.audit_action;
        let is_update = first_action != Action::Create && last_action != Action::Destroy;
        let had_changes = audits.iter().any(|audit| !audit.said.changes.is_empty());

        let Some(collated) = collate_all(&audits) else {
            prop_assert!(is_update && had_changes && naive.is_empty());
            return Ok(());
        };
        prop_assert!(!(is_update && had_changes && naive.is_empty()));
        let parse = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).unwrap();
        let changes: Vec<_> = collated.changes.iter()
            .map(|field| (field.field_name.to_string(), parse(&field.value), field.old_value.as_deref().map(parse)))
            .collect();
        prop_assert_eq!(changes, naive);

        let mut users: Vec<String> = Vec::new();
        for audit in &audits {
            for user in audit.said.user.iter().chain(&audit.said.contributors) {
                if !users.contains(&user.id.to_string()) {
                    users.push(user.id.to_string());
                }
            }
        }
        let contributors: Vec<String> = collated.contributors.iter().map(|user| user.id.to_string()).collect();
        prop_assert_eq!(contributors, users);
        prop_assert_eq!(collated.id, audits[0].id());
        prop_assert_eq!(collated.interesting, audits.iter().any(|audit| audit.said.interesting));
        let newest_workspace = audits.iter().filter_map(|audit| audit.said.workspace_id.clone()).next_back();
        prop_assert_eq!(collated.workspace_id, newest_workspace);
        prop_assert_eq!(collated.origin.count, audits.len());
        let ids: Vec<ExternalId> = audits.iter().map(Audit::id).collect();
        prop_assert_eq!(collated.origin.audit_ids, ids);
    }
}
