//! The audits of a window collated: R11 to R15, and that collating what was collated changes nothing.

use std::collections::HashSet;

use lull::collate::{AUDIT_IDS_MAX, Collated, Seen, collate};
use lull::model::{Account, Action, Audit, ExternalId, Format, User};
use lull::{format, ingest};
use serde_json::Value;

use crate::window;

pub fn check(data: &[u8]) {
    let Some(window) = window::read(data) else { return };
    let seen = window.seen();
    for end in 0..=seen.len() {
        let seen = &seen[..end];
        match collate(seen) {
            Some(collated) => {
                is_of(&collated, seen);
                is_the_same_again(&collated);
            }
            // Nothing at all, or nothing changed in the end: of an update that had changes.
            None => assert!(
                seen.is_empty()
                    || action(seen) == Action::Update
                        && seen.iter().any(|(_, changes)| !changes.is_empty())
            ),
        }
    }
}

/// R13, as its table.
fn action(seen: &[Seen]) -> Action {
    let (first, last) = (&seen[0].0.said, &seen[seen.len() - 1].0.said);
    match (first.audit_action, last.audit_action) {
        (_, Action::Destroy) => Action::Destroy,
        (Action::Create, _) => Action::Create,
        _ => Action::Update,
    }
}

fn is_of(collated: &Collated, seen: &[Seen]) {
    let (first, last) = (seen[0].0, seen[seen.len() - 1].0);
    assert_eq!((&collated.id, collated.created_at), (&first.id(), first.created_at()), "R11");
    assert_eq!(
        collated.user.as_ref().map(|user| &user.id),
        first.said.user.as_ref().map(|user| &user.id),
        "R11"
    );
    let mut met = HashSet::new();
    let users = seen.iter().flat_map(|(audit, _)| audit.users().map(|user| &user.id));
    let in_order: Vec<&ExternalId> = users.filter(|id| met.insert(*id)).collect();
    let named: Vec<&ExternalId> = collated.contributors.iter().map(|user| &user.id).collect();
    assert_eq!(named, in_order, "R11: every contributor once, in order of first appearance");
    assert_eq!(collated.action, action(seen), "R13");
    assert_eq!(collated.interesting, seen.iter().any(|(audit, _)| audit.said.interesting), "R14");
    let newest = seen.iter().rev().find_map(|(audit, _)| audit.said.description.as_ref());
    assert_eq!(collated.description.as_ref(), newest, "R14");
    changes_are_of(collated, seen);
    assert_eq!(collated.origin.count, seen.len(), "R15");
    let ids = seen.iter().map(|(audit, _)| audit.id()).skip(seen.len().saturating_sub(AUDIT_IDS_MAX));
    assert!(ids.eq(collated.origin.audit_ids.iter().cloned()), "R15");
    let times = (collated.origin.first_at, collated.origin.last_at);
    assert_eq!(times, (first.created_at(), last.created_at()), "R15");
}

/// R12: each field once, in order of first appearance, and all that are missing ended where they began.
fn changes_are_of(collated: &Collated, seen: &[Seen]) {
    let all = || seen.iter().flat_map(|(_, changes)| changes.iter());
    let mut met = HashSet::new();
    let fields = all().map(|change| &change.field_name).filter(|field| met.insert(*field));
    let mut kept = collated.changes.iter().peekable();
    for field in fields {
        let of_field: Vec<_> = all().filter(|change| change.field_name == *field).collect();
        let (first, last) = (of_field[0], of_field[of_field.len() - 1]);
        let text = |raw: &serde_json::value::RawValue| raw.get().to_owned();
        match kept.next_if(|change| change.field_name == *field) {
            Some(change) => {
                assert_eq!(change.old_value.as_deref().map(text), first.old_value.as_deref().map(text));
                // The last value; or, of a chain of arrows, its two ends.
                let ends = |value: &str| value.split(" &rarr; ").map(str::to_owned).collect::<Vec<_>>();
                let string = |raw: &str| serde_json::from_str::<String>(raw).unwrap_or_default();
                let (is, was) = (string(change.value.get()), string(last.value.get()));
                let joined = ends(&is).last() == ends(&was).last() && ends(&is).len() == 2;
                assert!(change.value.get() == last.value.get() || joined, "{is:?} of {was:?}");
            }
            None => {
                let known = first.old_value.is_some() || first.value.get().contains("rarr;");
                assert!(known, "R12: {field} was dropped, and nobody said where it began");
            }
        }
    }
    assert!(kept.next().is_none(), "R12: a field that no audit has, or one twice");
}

/// As an audit, what was collated collates to itself.
fn is_the_same_again(collated: &Collated) {
    let body: Value = serde_json::from_str(&format::body(Format::Audit, collated)).expect("JSON");
    let said = ingest::kept(body["audit"].to_string().as_bytes()).expect("an audit");
    let place = lull::model::Id::at(collated.created_at);
    let audit = Audit { place, account: Account::DEFAULT, rules: [].into(), said };
    let changes: Vec<_> = audit.said.changes.iter().collect();
    let Some(again) = collate(&[(&audit, changes)]) else {
        panic!("nothing is left of {body}");
    };
    let shape = |collated: &Collated| {
        let body = format::body(Format::Audit, collated);
        let mut body: Value = serde_json::from_str(&body).expect("JSON");
        body["audit"]["collated"] = Value::Null;
        body
    };
    assert_eq!(shape(&again), shape(collated));
    let details = |user: &User| (user.id.clone(), user.name.clone(), user.email.clone());
    assert!(again.contributors.iter().map(details).eq(collated.contributors.iter().map(details)));
}
