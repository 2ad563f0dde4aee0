//! What older formats had otherwise, brought into today's form before anything else is read (D6). What is cut
//! short goes on at the next start. Digests that formats before 2 lacked are made by `blocks`.

use std::collections::BTreeMap;

use super::settled::stretch;
use super::{Batch, Disk, SettledRow, StoreError, keys, settled};
use crate::model::Id;

/// Up to this format each window had a row for itself in the list of its record, and each message one that said
/// how it was settled.
const ONE_BY_ONE: u32 = 5;

/// How many rows are brought into form in one commit.
const ROWS_OF_COMMIT: usize = if cfg!(test) { 10 } else { 16_384 };

pub fn migrate(disk: &Disk) -> Result<(), StoreError> {
    if disk.format()? > ONE_BY_ONE {
        return Ok(());
    }
    // Nothing is written to a store of which rows are gone.
    disk.verify()?;
    // Made anew of the marks and messages.
    forget_all(disk, keys::RUN_ROWS)?;
    forget_all(disk, keys::RUNS)?;
    settled_together(disk)
}

fn forget_all(disk: &Disk, kind: u8) -> Result<(), StoreError> {
    loop {
        let keys = disk.tree().scan_prefix([kind]).keys().take(ROWS_OF_COMMIT);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        keys.into_iter().for_each(|key| batch.remove(key));
        disk.commit(batch)?;
    }
}

/// Puts together how messages were settled.
fn settled_together(disk: &Disk) -> Result<(), StoreError> {
    let mut rows = disk.tree().scan_prefix([keys::SETTLED_ALONE]).peekable();
    if rows.peek().is_some() {
        log::info!("putting together how messages were settled, once");
    }
    let mut batch = Batch::default();
    let mut stretches: BTreeMap<Id, Vec<(Id, Vec<u8>)>> = BTreeMap::new();
    let mut count = 0;
    while let Some(row) = rows.next() {
        let (key, bytes) = row?;
        let id = keys::id_of(&key)
            .ok_or_else(|| StoreError::Damaged("a key of how messages were settled".to_owned()))?;
        let row = SettledRow::decode(&bytes, id)?.encode();
        stretches.entry(stretch(id)).or_default().push((id, row));
        batch.remove(key);
        count += 1;
        let next = rows.peek().and_then(|row| keys::id_of(&row.as_ref().ok()?.0));
        let ends = next.is_none_or(|next| stretch(next) != stretch(id));
        if ends && (count >= ROWS_OF_COMMIT || next.is_none()) {
            for (first, rows) in std::mem::take(&mut stretches) {
                settled::write(&mut batch, first, rows);
            }
            disk.commit(std::mem::take(&mut batch))?;
            count = 0;
        }
    }
    Ok(())
}
