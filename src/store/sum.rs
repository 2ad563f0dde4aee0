//! What all rows come to, kept with every commit. sled's recovery stops at the first place of its log
//! that it cannot read, and passes over others, without a word; so that rows are gone shows in this
//! alone. The sum of a hash of each row: a commit changes it by what it changes.

use super::tree::Tree;
use super::{Batch, StoreError, keys};
use crate::model::Id;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The sum of all rows but the one that holds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// The sum as it is stored; none in a store of an older version.
    pub fn stored(tree: &Tree) -> Result<Option<Sum>, StoreError> {
        let Some(bytes) = tree.get(keys::SUM)? else { return Ok(None) };
        let number = bytes.as_ref().try_into().map(u64::from_be_bytes);
        let damaged = |_| StoreError::Damaged("the sum of its rows cannot be read".to_owned());
        number.map(|number| Some(Sum(number))).map_err(damaged)
    }

    /// Reads every row.
    pub fn read(tree: &Tree) -> Result<Sum, StoreError> {
        let mut sum = Sum::default();
        for row in tree.iter() {
            let (key, value) = row?;
            sum.add(&key, &value);
        }
        Ok(sum)
    }

    /// Whether this is how it is stored.
    pub fn is(self, stored: &[u8]) -> bool {
        stored == self.0.to_be_bytes()
    }

    pub fn add(&mut self, key: &[u8], value: &[u8]) {
        if key != keys::SUM {
            self.0 = self.0.wrapping_add(of_row(key, value));
        }
    }

    /// The sum after a commit of `batch`, which holds it from here on. What is named by an id that is newer
    /// than `newest` was not there before.
    pub fn after(
        mut self,
        tree: &Tree,
        batch: &mut Batch,
        newest: Option<Id>,
    ) -> Result<Sum, StoreError> {
        for (key, value) in batch.rows().filter(|(key, _)| *key != keys::SUM) {
            let is_new = newest.is_some_and(|newest| keys::made_for(key) > Some(newest));
            if !is_new && let Some(before) = tree.get(key)? {
                self.0 = self.0.wrapping_sub(of_row(key, &before));
            }
            if let Some(value) = value {
                self.add(key, value);
            }
        }
        batch.insert(keys::SUM, &self.0.to_be_bytes());
        Ok(self)
    }
}

fn of_row(key: &[u8], value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, xxh3_64(key))
}
