//! What older formats had otherwise, brought into today's form before anything else is read (D6). What is cut
//! short goes on at the next start. Digests that formats before 2 lacked are made by `blocks`.

use ahash::HashMap;

use super::{Batch, Disk, SettledRow, StoreError, keys, settled};

/// How many rows are brought into form in one commit.
const ROWS_OF_COMMIT: usize = if cfg!(test) { 10 } else { 16_384 };

/// Brings a store of an older format into form. Up to format 5 each window had a row for itself in the list of its
/// record, and each message one that said how it was settled.
pub fn migrate(disk: &Disk) -> Result<(), StoreError> {
    let listed_alone = !has(disk, keys::RUNS)? && has(disk, keys::RUN_ROWS)?;
    if !listed_alone && !has(disk, keys::SETTLED_ALONE)? {
        return Ok(());
    }
    // Nothing is written to a store of which rows are gone.
    disk.verify()?;
    log::info!("bringing what an older Lull wrote into today's form, once");
    // An older Lull would not see what is done already. The first format has more to be done before it is another.
    if disk.format()? > 1 {
        disk.set_format()?;
    }
    if listed_alone {
        // Listed anew from the marks and messages.
        forget_all(disk, keys::RUN_ROWS)?;
    }
    settled_together(disk)
}

fn has(disk: &Disk, kind: u8) -> Result<bool, StoreError> {
    Ok(disk.tree().scan_prefix([kind]).next().transpose()?.is_some())
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
    loop {
        let rows = disk.tree().scan_prefix([keys::SETTLED_ALONE]).take(ROWS_OF_COMMIT);
        let (mut batch, mut together) = (Batch::default(), HashMap::default());
        for row in rows {
            let (key, bytes) = row?;
            let id = keys::id_of(&key).ok_or_else(|| {
                StoreError::Damaged("a key of how a message was settled".to_owned())
            })?;
            together.insert(id, Some(SettledRow::decode(&bytes, id)?));
            batch.remove(key);
        }
        if together.is_empty() {
            return Ok(());
        }
        settled::put(&mut batch, disk.tree(), &together)?;
        disk.commit(batch)?;
    }
}
