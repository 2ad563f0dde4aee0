//! What was read or written last, and will most likely be asked for next.

use std::sync::{Arc, Mutex, MutexGuard};

/// How many are kept: several shards and deliveries come side by side.
const KEPT_MAX: usize = 8;

/// The newest few of things that never change, newest first.
pub struct Recent<T>(Mutex<Vec<Arc<T>>>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Recent<T> {
    /// The newest that is wanted.
    pub fn find(&self, is_wanted: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        self.kept().iter().find(|kept| is_wanted(kept)).cloned()
    }

    /// Keeps one, for as long as no others push it out.
    pub fn keep(&self, one: Arc<T>) {
        let mut kept = self.kept();
        kept.truncate(KEPT_MAX - 1);
        kept.insert(0, one);
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Arc<T>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
