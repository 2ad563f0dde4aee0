//! What one commit writes. A batch of sled's own cannot be read again, and a backup has to hear of it.

use ahash::HashMap;
use sled::IVec;

/// Rows put and removed together, all or none; the last word on a key counts.
#[derive(Default)]
pub struct Batch(HashMap<IVec, Option<IVec>>);

impl Batch {
    /// Puts a row.
    pub fn insert(&mut self, key: impl Into<IVec>, value: impl Into<IVec>) {
        self.0.insert(key.into(), Some(value.into()));
    }

    /// Removes a row.
    pub fn remove(&mut self, key: impl Into<IVec>) {
        self.0.insert(key.into(), None);
    }

    /// What is put under `key`.
    pub fn row(&self, key: &[u8]) -> Option<&[u8]> {
        self.0.get(key)?.as_deref()
    }

    /// Every row with what is put there; none where it is removed.
    pub fn rows(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value.as_deref()))
    }

    /// The same, as sled takes it. Long keys and values are shared, not copied.
    pub fn to_sled(&self) -> sled::Batch {
        let mut batch = sled::Batch::default();
        for (key, value) in &self.0 {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        batch
    }
}
