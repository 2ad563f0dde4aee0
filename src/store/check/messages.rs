//! Messages: each is either owed or settled, and everything that hangs on one hangs on one that is
//! there.

use std::collections::HashSet;

use super::Report;
use crate::model::{Attempt, Id, MessageDraft, Owed, Settled, Source, Status};
use crate::store::tree::Tree;
use crate::store::untried::Untried;
use crate::store::{Bundle, SettledRow, bundle, keys, log, settled, value};

/// Checks messages, what is owed, what was settled, attempts and indexes; the ids of the messages.
pub fn check(tree: &Tree, report: &mut Report) -> HashSet<Id> {
    let mut messages = HashSet::new();
    let untried = report.read(Untried::load(tree)).unwrap_or_default();
    let mut settled = settled::Reader::new(tree);
    let rows = bundle::rows(tree, keys::MESSAGES, Id::default(), Id::from_u64(u64::MAX));
    for row in report.read(rows).into_iter().flatten() {
        let Some(row) = report.read(row) else { continue };
        for (id, bytes) in row.entries() {
            report.messages += 1;
            messages.insert(id);
            let read = report.read(log::decode::<(Source, MessageDraft)>(bytes, id));
            if let Some((_, draft)) = read {
                one(tree, id, &draft, &untried, &mut settled, report);
            }
        }
    }
    hanging(tree, &messages, report);
    untried_are_there(tree, &messages, report);
    messages
}

/// How it stands with one message.
fn one(
    tree: &Tree,
    id: Id,
    draft: &MessageDraft,
    untried: &Untried,
    settled: &mut settled::Reader<'_>,
    report: &mut Report,
) {
    let own = report.read(tree.get(keys::by_id(keys::OUTBOX, id))).flatten();
    let owed = match own {
        Some(bytes) => report.read(log::decode(&bytes, id)),
        None => untried.get(id).cloned(),
    };
    let settled = report.read(settled.get(id)).flatten();
    match (owed, settled) {
        (Some(Owed { integration, .. }), None) => {
            report.owed += 1;
            if integration != draft.integration {
                report
                    .fault(format!("the message {id} is owed to another than it is addressed to"));
            }
        }
        (None, Some(bytes)) => {
            let Some(row) = report.read(SettledRow::decode(&bytes, id)) else { return };
            let attempt = report.read(row.attempt(id)).flatten();
            report.attempts += u64::from(attempt.is_some());
            let Settled { status, .. } = row.settled;
            let key = keys::status_message(status, id);
            if status != Status::Delivered && report.read(tree.contains_key(key)) == Some(false) {
                report
                    .fault(format!("the message {id} is missing among those that are {status:?}"));
            }
        }
        // Of a store that is being repaired: it is owed, perhaps again.
        (Some(_), Some(_)) => report.owed += 1,
        (None, None) => report.fault(format!("the message {id} is neither owed nor settled")),
    }
}

/// What hangs on messages.
fn hanging(tree: &Tree, messages: &HashSet<Id>, report: &mut Report) {
    for row in tree.scan_prefix([keys::SETTLED]) {
        let Some((key, head)) = report.read(row) else { continue };
        // Longer keys are the parts of long values.
        let Some(first) = keys::id_of(&key) else { continue };
        let bytes = report.read(value::whole(tree, &key, &head)).flatten().unwrap_or_default();
        let Some(row) = report.read(Bundle::of(first, true, bytes)) else { continue };
        for id in row.ids().filter(|id| !messages.contains(id)) {
            report.fault(format!("how it was settled: message {id}, which is not there"));
        }
    }
    for (what, kind) in
        [("what is owed of", keys::OUTBOX), ("which events are left of", keys::PARTS)]
    {
        for key in tree.scan_prefix([kind]).keys() {
            let id = report.read(key).and_then(|key| keys::id_of(&key));
            if let Some(id) = id.filter(|id| !messages.contains(id)) {
                report.fault(format!("{what} message {id}, which is not there"));
            }
        }
    }
    for row in tree.scan_prefix([b't']) {
        let Some((key, head)) = report.read(row) else { continue };
        let Some(id) = key.get(1..9).and_then(keys::last_id) else { continue };
        // Longer keys are the parts of long attempts.
        if key.len() != keys::attempt(id, 0).len() {
            continue;
        }
        report.attempts += 1;
        if !messages.contains(&id) {
            report.fault(format!("an attempt of message {id}, which is not there"));
        }
        if let Some(bytes) = report.read(value::whole(tree, &key, &head)).flatten() {
            report.read(log::decode::<Attempt>(&bytes, id));
        }
    }
    for (prefix, what) in [(b'f', "a state"), (keys::CODES, "a code")] {
        for key in tree.scan_prefix([prefix]).keys() {
            let id = report.read(key).and_then(|key| keys::last_id(&key));
            if let Some(id) = id.filter(|id| !messages.contains(id)) {
                report.fault(format!("{what} has the message {id}, which is not there"));
            }
        }
    }
}

/// Whether the messages of which rows say that nobody tried them are there.
fn untried_are_there(tree: &Tree, messages: &HashSet<Id>, report: &mut Report) {
    let rows = bundle::rows(tree, keys::UNTRIED, Id::default(), Id::from_u64(u64::MAX));
    for row in report.read(rows).into_iter().flatten() {
        let Some(row) = report.read(row) else { continue };
        for id in row.ids().filter(|id| !messages.contains(id)) {
            report.fault(format!("what is owed of message {id}, which is not there"));
        }
    }
}
