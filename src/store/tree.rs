//! The one tree, read so that a damaged file is an error in words. sled panics over some of what it
//! cannot read, also on its own threads; none of that ends anything here, or reaches a terminal.

use std::cell::Cell;
use std::ops::RangeBounds;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use sled::IVec;

use super::StoreError;

/// The one tree.
#[derive(Clone)]
pub struct Tree(sled::Tree);

/// Rows of the tree in order, up to the first that cannot be read.
pub struct Rows {
    rows: sled::Iter,
    failed: bool,
}

impl Tree {
    pub fn new(tree: sled::Tree) -> Self {
        Self(tree)
    }

    /// The value under `key`.
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<IVec>, StoreError> {
        guarded(|| self.0.get(key))
    }

    /// Whether there is a value under `key`.
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool, StoreError> {
        guarded(|| self.0.contains_key(key))
    }

    /// The rows of a range.
    pub fn range<K: AsRef<[u8]>>(&self, range: impl RangeBounds<K>) -> Rows {
        Rows { rows: self.0.range(range), failed: false }
    }

    /// The rows whose keys begin so.
    pub fn scan_prefix(&self, prefix: impl AsRef<[u8]>) -> Rows {
        Rows { rows: self.0.scan_prefix(prefix), failed: false }
    }

    /// Every row.
    pub fn iter(&self) -> Rows {
        Rows { rows: self.0.iter(), failed: false }
    }

    /// Puts a row behind everybody's back.
    #[cfg(test)]
    pub fn insert(&self, key: IVec, value: IVec) {
        self.0.insert(key, value).unwrap();
    }

    /// Removes a row behind everybody's back.
    #[cfg(test)]
    pub fn remove(&self, key: &[u8]) {
        self.0.remove(key).unwrap();
    }

    /// Applies all of a batch or nothing.
    pub fn apply_batch(&self, batch: sled::Batch) -> Result<(), StoreError> {
        guarded(|| self.0.apply_batch(batch))
    }
}

impl Rows {
    /// The keys alone.
    pub fn keys(self) -> impl DoubleEndedIterator<Item = Result<IVec, StoreError>> {
        self.map(|row| Ok(row?.0))
    }

    fn step(
        &mut self,
        step: impl FnOnce(&mut sled::Iter) -> Option<sled::Result<(IVec, IVec)>>,
    ) -> Option<Result<(IVec, IVec), StoreError>> {
        // sled would say the same of the same page for ever.
        if self.failed {
            return None;
        }
        let row = guarded(|| step(&mut self.rows).transpose());
        self.failed = row.is_err();
        row.transpose()
    }
}

impl Iterator for Rows {
    type Item = Result<(IVec, IVec), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(Iterator::next)
    }
}

impl DoubleEndedIterator for Rows {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(DoubleEndedIterator::next_back)
    }
}

thread_local! {
    /// Whether this thread is about to hear of a panic as an error.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// What sled's threads are called.
const THREADS: [&str; 2] = ["sled-io-", "log flusher"];

/// Does something with sled; a panic is an error that says the store is damaged.
pub fn guarded<T>(something: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let otherwise = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let thread = std::thread::current();
            let is_of_sled = |name: &str| THREADS.iter().any(|of| name.starts_with(of));
            if !GUARDED.get() && !thread.name().is_some_and(is_of_sled) {
                otherwise(info);
            }
        }));
    });
    let before = GUARDED.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(something));
    GUARDED.set(before);
    match done {
        Ok(result) => Ok(result?),
        Err(panicked) => {
            let said = panicked.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panicked.downcast_ref::<&str>().copied());
            let line = said.unwrap_or_default().lines().next().unwrap_or_default();
            Err(StoreError::Damaged(format!("its files cannot be read ({})", shorten(line))))
        }
    }
}

/// Waits until sled has written all that it was given.
///
/// sled takes hold of the buffer that it fills in two steps: it reads where that is, and then counts itself
/// among those who use it. Its own thread, which writes what is left lying, may exchange and free the buffer
/// between the two; the count is then made in memory that is somebody else's by now. Nothing is freed that a
/// pinned thread could have seen, and all that sled does is pinned, but for this.
#[expect(clippy::disallowed_methods, reason = "pinned")]
pub fn flush(database: &sled::Db) -> Result<(), StoreError> {
    let _pinned = sled::pin();
    guarded(|| database.flush()).map(drop)
}

/// sled's own words may hold whole pages.
fn shorten(line: &str) -> String {
    line.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_what_fails_once_is_said_once() {
        let error = guarded(|| -> sled::Result<()> { panic!("page {} is torn\nand more", 7) });
        let Err(StoreError::Damaged(what)) = error else { panic!("{error:?}") };
        assert_eq!(what, "its files cannot be read (page 7 is torn)");
        let tree = sled::Config::new().temporary(true).open().unwrap();
        tree.insert("a", "1").unwrap();
        let mut rows = Tree::new((*tree).clone()).iter();
        let torn = |_: &mut sled::Iter| Some(Err(sled::Error::ReportableBug("torn".to_owned())));
        assert!(matches!(rows.step(torn), Some(Err(StoreError::Damaged(_)))));
        assert!(rows.next().is_none());
    }
}
