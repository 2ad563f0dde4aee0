//! Windows that closed before, addressed again.

use crate::address::{Comes, collated};
use crate::model::{Audit, ClosedBy, Id, Integration, Mark};
use crate::store::{Replay, Store, StoreError};

/// Windows that have closed, addressed again to one integration as it is now. Of windows whose oldest
/// audits are no longer kept, what is left.
pub fn replay(
    store: &Store,
    integration: &Integration,
    marks: Vec<(Id, Mark)>,
) -> Result<Vec<Replay>, StoreError> {
    let mut replays = Vec::new();
    for (window, mark) in marks {
        if matches!(mark.closed_by, ClosedBy::Discarded { .. }) {
            continue;
        }
        let audits = store.audits_left(&mark.places)?;
        // Where a record had several windows, each audit counts in one of them.
        let in_this = |audit: &&Audit| integration.slot_of(audit) == mark.slot;
        let audits: Vec<&Audit> = audits.iter().filter(in_this).collect();
        if let (Comes::To { message, .. }, Some(oldest)) =
            (collated(integration, &mark.record, &audits), audits.first())
        {
            replays.push(Replay { window, oldest: oldest.place, message: *message });
        }
    }
    Ok(replays)
}
