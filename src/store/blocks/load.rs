//! Reading digests at a start, and making those that an older store lacks.

use serde::de::DeserializeOwned;

use super::{Fate, Gathered, NameRow, Noted, Numbering, Table};
use crate::model::Id;
use crate::store::tree::Tree;
use crate::store::{Batch, Store, StoreError, bundle, codes, keys};

/// How many messages are read between commits while digests are made.
const MESSAGES_OF_COMMIT: usize = 16_384;

/// Reads what is kept in memory of digests.
pub fn load(tree: &Tree) -> Result<Table, StoreError> {
    let mut table = Table::default();
    for row in tree.scan_prefix([keys::NAMES]) {
        table.names.keep(decode::<NameRow>(&row?.1)?);
    }
    for row in tree.scan_prefix([keys::BLOCKS]) {
        table.blocks.push(decode(&row?.1)?);
    }
    let last_block = table.blocks.last();
    table.last = last_block.map_or(Id::default(), |block| block.last);
    let numbers = [last_block.map(|block| block.number), table.names.last_block()];
    table.next = numbers.into_iter().flatten().max().map_or(0, |number| number + 1);
    Ok(table)
}

/// Gathers the messages that are in no block: since format 2 fewer than a block has. A store of
/// format 1 has neither digests nor codes, but an index of integrations that nobody needs any more.
pub fn make_missing(store: &Store) -> Result<(), StoreError> {
    let is_old = store.disk.format()? < 2;
    if is_old {
        forget_all(store)?;
    }
    let mut table = store.blocks.write();
    let rows =
        bundle::rows(store.tree(), keys::MESSAGES, table.last.plus(1), Id::from_u64(u64::MAX))?;
    let after = table.last;
    let ids = rows.flat_map(|row| match row {
        Ok(row) => row.ids().filter(|id| *id > after).map(Ok).collect(),
        Err(error) => vec![Err(error)],
    });
    let mut ids = ids.peekable();
    if is_old && ids.peek().is_some() {
        log::info!("making the log's messages quick to find, once");
    }
    loop {
        let mut batch = Batch::default();
        let (mut looked_at, mut is_changed) = (0, is_old);
        for id in ids.by_ref() {
            let Some(entry) = store.message(id?)? else { continue };
            let (id, draft) = (entry.message.id, &entry.message.draft);
            table.gathered.fates.add(Fate::of(&entry.delivery));
            table.gathered.add(Noted::of(id, draft));
            if is_old {
                codes::index(&mut batch, id, None, entry.delivery.last_answer());
                batch.remove(&keys::integration_message(draft.integration, id));
            }
            if table.gathered.is_full() {
                fill(&mut table, &mut batch);
                is_changed = true;
            }
            looked_at += 1;
            if looked_at == MESSAGES_OF_COMMIT {
                break;
            }
        }
        if looked_at == 0 {
            break;
        }
        // A full disk is no reason not to start.
        if is_changed {
            store.disk.commit(batch)?;
        }
    }
    Ok(())
}

/// Makes the digest of what is gathered.
fn fill(table: &mut Table, batch: &mut Batch) {
    let mut numbering = Numbering::new(&table.names);
    let full = table.gathered.digest(table.next, &mut numbering);
    let names = numbering.rows;
    full.write(batch);
    for name in &names {
        name.write(batch);
    }
    table.gathered = Gathered::default();
    (table.next, table.last) = (full.block.number + 1, full.block.last);
    table.blocks.push(full.block);
    for name in names {
        table.names.keep(name);
    }
}

/// Forgets what an attempt at this left behind that did not come to its end.
fn forget_all(store: &Store) -> Result<(), StoreError> {
    for kind in [keys::BLOCKS, keys::COLUMNS, keys::GRAMS, keys::NAMES, keys::CODES] {
        let mut batch = Batch::default();
        for key in store.tree().scan_prefix([kind]).keys() {
            batch.remove(key?);
        }
        store.disk.commit(batch)?;
    }
    *store.blocks.write() = Table::default();
    Ok(())
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::Damaged(format!("a digest of the log: {error}")))
}
