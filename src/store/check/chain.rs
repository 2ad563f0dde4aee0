//! Security events: whether each follows from the one before it, and the last is the last.

use super::Report;
use crate::model::{Account, ChainHash, Id};
use crate::store::tree::Tree;
use crate::store::{StoreError, events, keys, value};

/// The list of an account, as far as it has been gone along.
struct Chain {
    account: Account,
    /// The last entry that could be read.
    last: Option<(Id, ChainHash)>,
}

/// Checks every account's list.
pub fn check(tree: &Tree, report: &mut Report) {
    let mut chain: Option<Chain> = None;
    for row in tree.scan_prefix(keys::EVENTS) {
        let Some((key, head)) = report.read(row) else { continue };
        let Some(place) = keys::place_of_event(&key) else { continue };
        let account = keys::account_of_event(&key);
        if chain.as_ref().is_some_and(|chain| chain.account != account) {
            end(tree, chain.take(), report);
        }
        let chain = chain.get_or_insert(Chain { account, last: None });
        report.events += 1;
        let bytes = report.read(value::whole(tree, &key, &head)).flatten();
        let Some(entry) = bytes.and_then(|bytes| report.read(events::decode(place, &bytes))) else {
            chain.last = None;
            continue;
        };
        if events::link(entry.previous, &entry.text) != entry.hash {
            report.fault(format!("the security event {place} was changed"));
        }
        if let Some((earlier, hash)) = chain.last
            && hash != entry.previous
            && !is_gap(tree, account, earlier, report)
        {
            report.fault(format!(
                "the security event {place} does not follow {earlier}: one was changed, taken out or put in"
            ));
        }
        report.read(events::event_of(place, &entry.text));
        chain.last = Some((place, entry.hash));
    }
    end(tree, chain, report);
}

/// The end of the list stands by itself, so that what is cut off shows.
fn end(tree: &Tree, chain: Option<Chain>, report: &mut Report) {
    let Some(Chain { account, last: Some((last, hash)) }) = chain else { return };
    let Some(head) = report.read::<_, StoreError>(events::head(tree, account)) else { return };
    if (last, hash) != (head.last, head.hash) && !is_gap(tree, account, last, report) {
        let was = head.last;
        report.fault(format!(
            "the last security event is {last}, and was {was}: the end of the list is not what it was"
        ));
    }
}

/// Whether a repair found events missing behind this one, and said so.
fn is_gap(tree: &Tree, account: Account, earlier: Id, report: &mut Report) -> bool {
    let is_gap = report.read(tree.contains_key(keys::gap(account, earlier))) == Some(true);
    report.gaps += u64::from(is_gap);
    is_gap
}
