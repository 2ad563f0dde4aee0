//! Digests of messages: what a commit makes, what it changes, and what it forgets of them.

use std::collections::BTreeMap;

use ahash::HashSet;

use super::Draft;
use crate::store::blocks::{Block, Full, Gathered, MESSAGES, Numbering, Table};
use crate::store::{StoreError, keys, value};

impl Draft<'_> {
    /// Writes the digests of the blocks that this commit fills, and what became of messages that had
    /// become of none of their block.
    pub(super) fn finish_blocks(&mut self) {
        let table = self.store.blocks.read();
        let mut numbering = Numbering::new(&table.names);
        let mut full = self.full_blocks(&table, &mut numbering);
        let mut renewed: BTreeMap<u32, Block> = BTreeMap::new();
        let last = full.last().map_or(table.last, |full| full.block.last);
        for (message, fate) in std::mem::take(&mut self.became) {
            let is_in = |full: &&mut Full| message <= full.block.last;
            if message > last {
                self.blocks.fates.add(fate);
            } else if message > table.last {
                if let Some(full) = full.iter_mut().find(is_in) {
                    full.block.fates.add(fate);
                }
            } else if let Some(block) = table.block_of(message)
                && block.fates.lacks(fate)
            {
                let renewed = renewed.entry(block.number).or_insert_with(|| block.clone());
                renewed.fates.add(fate);
            }
        }
        // One whose last messages this very commit forgets stays forgotten.
        renewed.retain(|number, _| !self.blocks.gone.contains(number));
        for block in renewed.values() {
            block.write(&mut self.batch);
        }
        for full in &full {
            full.write(&mut self.batch);
        }
        for name in &numbering.rows {
            name.write(&mut self.batch);
        }
        self.blocks.names = numbering.rows;
        self.blocks.renewed = renewed.into_values().collect();
        self.blocks.full = full.into_iter().map(|full| full.block).collect();
    }

    fn full_blocks(&self, table: &Table, numbering: &mut Numbering<'_>) -> Vec<Full> {
        let mut full = Vec::new();
        if table.gathered.len() + self.blocks.noted.len() < MESSAGES {
            return full;
        }
        let mut gathered = table.gathered.clone();
        for noted in &self.blocks.noted {
            gathered.add(noted.clone());
            if gathered.is_full() {
                full.push(gathered.digest(table.next + full.len() as u32, numbering));
                gathered = Gathered::default();
            }
        }
        full
    }

    /// Forgets the digests of blocks of which this commit leaves no message.
    pub(super) fn forget_blocks(&mut self) -> Result<(), StoreError> {
        let forgotten = &self.by_record.forgotten;
        if forgotten.is_empty() {
            return Ok(());
        }
        let table = self.store.blocks.read();
        let numbers: HashSet<u32> =
            forgotten.iter().filter_map(|id| Some(table.block_of(*id)?.number)).collect();
        for block in table.blocks.iter().filter(|block| numbers.contains(&block.number)) {
            if !self.leaves_some(keys::MESSAGES, block.first, block.last)? {
                self.forget_block(block.number)?;
            }
        }
        let first = table.blocks.iter().find(|block| !self.blocks.gone.contains(&block.number));
        let first = first.map_or(table.next, |block| block.number);
        if !self.blocks.gone.is_empty() {
            for number in table.names.unused_before(first) {
                self.batch.remove(&keys::numbered(keys::NAMES, number));
            }
        }
        Ok(())
    }

    fn forget_block(&mut self, number: u32) -> Result<(), StoreError> {
        self.batch.remove(&keys::numbered(keys::BLOCKS, number));
        for kind in [keys::COLUMNS, keys::GRAMS] {
            let key = keys::numbered(kind, number);
            if let Some(bytes) = value::get(self.store.tree(), &key)? {
                value::remove(&mut self.batch, &key, bytes.len());
            }
        }
        self.blocks.gone.push(number);
        Ok(())
    }
}
