//! The rows of a digest.

use super::{Block, Full, NameRow};
use crate::store::value::encode;
use crate::store::{Batch, keys, value};

impl Full {
    /// Adds the rows of a new digest.
    pub fn write(&self, batch: &mut Batch) {
        self.block.write(batch);
        let number = self.block.number;
        value::put(batch, &keys::numbered(keys::COLUMNS, number), &self.columns);
        value::put_plain(batch, &keys::numbered(keys::GRAMS, number), &self.grams);
    }
}

impl Block {
    /// Adds the first row of the digest. It is short, whatever the block holds.
    pub fn write(&self, batch: &mut Batch) {
        batch.insert(&keys::numbered(keys::BLOCKS, self.number), encode(self));
    }
}

impl NameRow {
    /// Adds the row.
    pub fn write(&self, batch: &mut Batch) {
        batch.insert(&keys::numbered(keys::NAMES, self.number), encode(self));
    }
}
