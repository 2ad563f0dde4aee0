//! Audits and windows: what a mark names is there, and no audit is in two windows (R1).

use std::collections::{HashMap, HashSet};

use super::Report;
use crate::model::{Addressed, Id, Slot};
use crate::store::by_record::{self, Shelf};
use crate::store::history::{decode_mark, unpack};
use crate::store::tree::Tree;
use crate::store::{bundle, keys, pack};

/// Checks audits and marks; `messages` are those that there are, and what is older than `forgotten`
/// need not be there.
pub fn check(tree: &Tree, messages: &HashSet<Id>, forgotten: Id, report: &mut Report) {
    let audits = audits(tree, report);
    let mut named: HashMap<Slot, HashSet<Id>> = HashMap::new();
    let (listed, in_runs) = listed(tree, report);
    let marks = bundle::entries(tree, keys::MARKS, Id::default(), Id::from_u64(u64::MAX));
    for entry in report.read(marks).into_iter().flatten() {
        let Some((id, bytes)) = report.read(entry) else { continue };
        report.windows += 1;
        let Some(mark) = report.read(decode_mark(id, &bytes)) else { continue };
        for place in &mark.places {
            if !named.entry(mark.slot.clone()).or_default().insert(*place) {
                report.fault(format!("the audit at {place} is in window {id} and in another"));
            }
            if *place >= forgotten && !audits.contains(place) {
                report.fault(format!("window {id} names the audit at {place}, which is not there"));
            }
        }
        for (_, addressed) in &mark.addressed {
            if let Addressed::Message(message) = addressed
                && *message >= forgotten
                && !messages.contains(message)
            {
                report.fault(format!("window {id} has the message {message}, which is not there"));
            }
        }
        if id <= in_runs && !listed.contains(&(mark.record.partition().into(), id)) {
            report.fault(format!("window {id} is missing among those of its record"));
        }
    }
}

/// All windows and messages that runs list, and up to which id runs go.
fn listed(tree: &Tree, report: &mut Report) -> (HashSet<(Shelf, Id)>, Id) {
    let mut listed = HashSet::new();
    let table = report.read(by_record::load(tree)).unwrap_or_default();
    // Older formats have none, and rows of another kind where these would be.
    if table.has_runs() {
        for entries in by_record::entries(tree) {
            let entries = report.read(entries).into_iter().flatten();
            listed.extend(entries.map(|entry| (entry.shelf, entry.id)));
        }
    }
    (listed, table.last())
}

/// The places of all audits that there are.
fn audits(tree: &Tree, report: &mut Report) -> HashSet<Id> {
    let mut audits = HashSet::new();
    let Some(packs) = report.read(pack::scan(tree, Id::default())) else { return audits };
    for pack in packs {
        let read = pack.and_then(|(first, bytes)| unpack(first, &bytes));
        for audit in report.read(read).into_iter().flatten() {
            report.audits += 1;
            audits.insert(audit.place);
        }
    }
    for row in tree.scan_prefix([b'i']) {
        let Some((key, place)) = report.read(row) else { continue };
        let place = keys::last_id(&place).unwrap_or_default();
        if !audits.contains(&place) {
            let id = String::from_utf8_lossy(key.get(5..).unwrap_or_default());
            report.fault(format!("the audit {id:?} at {place} is not there"));
        }
    }
    audits
}
