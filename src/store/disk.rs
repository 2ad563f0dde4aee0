//! The folder on disk: opened once, by one process, and synced so that it survives a power cut.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};

use super::backup::Tap;
use super::counters::Counters;
use super::sum::Sum;
use super::synced::Synced;
use super::tree::{Tree, flush, guarded};
use super::waker::Waker;
use super::{Batch, StoreError, keys, look, room};
use crate::model::Id;

/// The format this program writes (D6).
const FORMAT: u32 = 6;

/// How much of the tree sled keeps in memory, in bytes. More changes little.
const CACHE_BYTES: u64 = 16 << 20;

/// How often sled collects what was overwritten, and syncs its file whether anything was written or not. After 3,000
/// messages a second the disk holds 1.60 times the audits, and 1.56 at 100 ms; but an idle server takes 0.09 % of a
/// core, and 0.22 at 100 ms. Often in tests, whose stores do not live long.
const COLLECT_EVERY_MS: u64 = if cfg!(test) { 5 } else { 1_000 };

/// Bytes that must be free on the disk for a commit to begin. sled cannot go on after a write that
/// failed, so a full disk has to be seen before it is (D7).
const ROOM_BYTES_MIN: u64 = 32 << 20;

/// How large a store may be on disk that every start reads as a whole, to see whether rows are gone.
const READ_AT_START_BYTES_MAX: u64 = 1 << 30;

/// An open store folder.
pub struct Disk {
    folder: PathBuf,
    database: sled::Db,
    tree: Tree,
    /// sled's own file, held open for syncing.
    file: File,
    /// Set by a commit that failed half-way. What is in memory may then not be what is on disk, so
    /// nothing is written any more until the store is opened again (`app::reopen`).
    broken: OnceLock<StoreError>,
    /// What all rows come to; none in a store of an older version, until the first commit.
    sum: Mutex<Option<Sum>>,
    synced: Synced,
    /// Where a backup hears of commits.
    tap: Tap,
    /// Looks after commits that take long.
    waker: Waker,
    /// Whether there was too little room when last asked; so that the log says it once.
    full: AtomicBool,
    /// How often what was written was synced, for tests of power cuts.
    #[cfg(test)]
    pub syncs: std::sync::atomic::AtomicU64,
}

impl Disk {
    /// Opens `folder`, creating it when it is not there.
    pub fn open(folder: &Path) -> Result<Disk, StoreError> {
        // What is in it is secret, whatever the files that sled makes there let others read.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        look::look(folder)?;
        Disk::open_files(folder)
    }

    /// Opens the files in `folder` without looking at them first.
    pub(super) fn open_files(folder: &Path) -> Result<Disk, StoreError> {
        let database = Disk::database(folder)?;
        let opened = Disk::of(folder, database.clone());
        if opened.as_ref().is_err_and(StoreError::is_of_the_disk) {
            // sled panics when it is closed and cannot write; the system closes it as well.
            std::mem::forget(database);
        }
        opened
    }

    fn of(folder: &Path, database: sled::Db) -> Result<Disk, StoreError> {
        let tree = Tree::new((*database).clone());
        let format = format_of(&tree)?;
        format.map_or(Ok(()), Disk::knows)?;
        let newest = newest_id(&tree)?;
        let sum = Sum::stored(&tree)?;
        look::is_all_there(folder, newest, sum.is_some())?;
        let file = File::open(folder.join("db"))?;
        let its = database.clone();
        let waker = Waker::start(move || drop(flush(&its)))?;
        let disk = Disk {
            folder: folder.to_owned(),
            database,
            tree,
            sum: Mutex::new(sum),
            synced: Synced::open(folder)?,
            file,
            broken: OnceLock::new(),
            tap: Tap::default(),
            waker,
            full: AtomicBool::new(false),
            #[cfg(test)]
            syncs: Default::default(),
        };
        disk.ready(folder, format)?;
        Ok(disk)
    }

    /// Opens sled's files in `folder`.
    pub(super) fn database(folder: &Path) -> Result<sled::Db, StoreError> {
        guarded(|| match Disk::config(folder).open() {
            Err(sled::Error::Io(io)) if io.to_string().contains("could not acquire lock") => {
                Ok(Err(StoreError::InUse(folder.display().to_string())))
            }
            opened => opened.map(Ok),
        })?
    }

    fn ready(&self, folder: &Path, format: Option<u32>) -> Result<(), StoreError> {
        if format.is_none() {
            self.write_format()?;
        }
        // sled does not, and takes an empty one for none.
        File::open(folder.join("conf"))?.sync_all()?;
        // The names of new files are only safe once their folder is synced, and so is its name.
        File::open(folder)?.sync_all()?;
        if let Some(parent) = folder.parent().filter(|parent| parent.is_dir()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    }

    /// How sled is to keep the files in `folder`.
    pub(super) fn config(folder: &Path) -> sled::Config {
        sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            // Without a regular flush of its own, sled never collects what was overwritten.
            .flush_every_ms(Some(COLLECT_EVERY_MS))
    }

    /// Where a backup hears of commits.
    pub(super) fn tap(&self) -> &Tap {
        &self.tap
    }

    /// The folder that the store is in.
    pub(super) fn beside(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    /// The one tree.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Whether all rows are there, for a start: reads every one, unless there are too many for a start.
    pub fn verify(&self) -> Result<(), StoreError> {
        if self.bytes()? > READ_AT_START_BYTES_MAX { Ok(()) } else { self.verify_all() }
    }

    /// Whether all rows are there, however many.
    pub fn verify_all(&self) -> Result<(), StoreError> {
        let read = Sum::read(&self.tree)?;
        match *self.sum() {
            Some(stored) if stored != read => Err(StoreError::Damaged(
                "rows are gone, or old ones have come back, though all that is there can be read"
                    .to_owned(),
            )),
            _ => Ok(()),
        }
    }

    fn sum(&self) -> std::sync::MutexGuard<'_, Option<Sum>> {
        self.sum.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Applies `batch` and makes sure that it is on the disk before returning.
    ///
    /// `flush` alone is not enough: it ends in `sync_file_range`, which leaves the data in the
    /// drive's cache and the file's size in memory. Copies of a disk taken while a writer ran lost
    /// acknowledged audits with `flush` alone, and none with `fdatasync` behind it (D1).
    pub fn commit(&self, mut batch: Batch) -> Result<(), StoreError> {
        self.writable()?;
        // Held for the whole commit, so that a backup begins and ends between two.
        let mut tap = self.tap.lock();
        let mut sum = self.sum();
        let before = match *sum {
            Some(sum) => sum,
            None => Sum::read(&self.tree)?,
        };
        // Only commits that give ids hold the newest.
        let gives_ids = batch.row(keys::COUNTERS).is_some();
        let newest = if gives_ids { Some(newest_id(&self.tree)?) } else { None };
        let after = before.after(&self.tree, &mut batch, newest)?;
        let written = self.write(&batch).inspect_err(|error| {
            if self.broken.set(error.for_another()).is_ok() {
                log::error!(
                    "a commit failed half-way ({error}): nothing more is written, reads go on; the \
                     store is opened again by itself once its disk takes what is written"
                );
            }
        });
        if written.is_ok() {
            *sum = Some(after);
        }
        tap.note(&batch, written.as_ref().copied());
        written
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let _under_way = self.waker.begin();
        self.tree.apply_batch(batch.to_sled())?;
        flush(&self.database)?;
        self.file.sync_data()?;
        if let Some(bytes) = batch.row(keys::COUNTERS) {
            self.synced.note(Counters::decode(bytes)?.last_id)?;
        }
        #[cfg(test)]
        self.syncs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Whether a commit could begin now.
    pub fn writable(&self) -> Result<(), StoreError> {
        if let Some(error) = self.broken.get() {
            return Err(error.for_another());
        }
        let is_full = room::room(&self.file)? < ROOM_BYTES_MIN;
        if self.full.swap(is_full, Ordering::Relaxed) != is_full {
            self.say_full(is_full);
        }
        if is_full { Err(StoreError::Full) } else { Ok(()) }
    }

    /// Whether a commit could begin, as far as is known without asking the system: after the last commit, or
    /// attempt at one.
    pub fn was_writable(&self) -> Result<(), StoreError> {
        match self.is_broken() || self.full.load(Ordering::Relaxed) {
            true => self.writable(),
            false => Ok(()),
        }
    }

    fn say_full(&self, is_full: bool) {
        let (folder, mib) = (self.folder.display(), ROOM_BYTES_MIN >> 20);
        match is_full {
            true => log::error!(
                "the disk is full: less than {mib} MiB are left for {folder}; nothing is written, and \
                 reads go on, until there is room"
            ),
            false => log::warn!("there is room on the disk again: writing goes on"),
        }
    }

    /// Whether a commit failed half-way, so that the store must be opened again.
    pub fn is_broken(&self) -> bool {
        self.broken.get().is_some()
    }

    /// Whether the folder takes what is written, as far as trying it tells.
    pub fn probe(&self) -> Result<(), StoreError> {
        if room::room(&self.file)? < ROOM_BYTES_MIN {
            return Err(StoreError::Full);
        }
        Ok(room::probe(&self.folder)?)
    }

    /// Bytes the folder takes.
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let mut total = 0;
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                // Files come and go while sled tidies up; one that just went counts nothing.
                match entry.metadata() {
                    Ok(metadata) if metadata.is_dir() => folders.push(entry.path()),
                    Ok(metadata) => total += metadata.len(),
                    Err(_) => {}
                }
            }
        }
        Ok(total)
    }

    /// See [`super::Store::fingerprint`].
    #[cfg(test)]
    pub fn fingerprint(&self) -> u64 {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        for row in self.tree().iter() {
            let (key, value) = row.expect("a row");
            for bytes in [&key, &value] {
                hash.update(&(bytes.len() as u64).to_le_bytes());
                hash.update(bytes);
            }
        }
        hash.digest()
    }

    fn write_format(&self) -> Result<(), StoreError> {
        let mut batch = Batch::default();
        batch.insert(keys::FORMAT, &FORMAT.to_be_bytes());
        self.commit(batch)
    }

    /// The format the store is in.
    pub fn format(&self) -> Result<u32, StoreError> {
        Ok(format_of(&self.tree)?.unwrap_or(FORMAT))
    }

    /// Marks the store as in the format that this program writes, once it is. Format 1 did not say what
    /// had been forgotten: whatever there was by then may have been. Format 2 had no sum of its rows, which
    /// every commit keeps; 3 no values that are pressed; 4 no marks and messages that are bundled; 5 no runs, and how
    /// each message was settled in a row for itself.
    pub fn set_format(&self) -> Result<(), StoreError> {
        let found = self.format()?;
        if found == FORMAT {
            return Ok(());
        }
        let mut batch = Batch::default();
        if found < 2 {
            let newest = newest_id(&self.tree)?;
            batch.insert(keys::FORGOTTEN, &newest.as_u64().to_be_bytes());
        }
        batch.insert(keys::FORMAT, &FORMAT.to_be_bytes());
        self.commit(batch)
    }

    /// Whether this program can work with a store in this format (D6).
    pub fn knows(format: u32) -> Result<(), StoreError> {
        match format {
            ..=FORMAT => Ok(()),
            found => Err(StoreError::Newer { found, known: FORMAT }),
        }
    }
}

/// The format of the store; none of one that was just made.
fn format_of(tree: &Tree) -> Result<Option<u32>, StoreError> {
    let Some(bytes) = tree.get(keys::FORMAT)? else { return Ok(None) };
    match bytes.as_ref().try_into().map(u32::from_be_bytes) {
        Ok(found) if found > 0 => Ok(Some(found)),
        _ => Err(StoreError::Damaged("its format version cannot be read".to_owned())),
    }
}

/// The newest id that was given.
fn newest_id(tree: &Tree) -> Result<Id, StoreError> {
    let counters = tree.get(keys::COUNTERS)?.map(|bytes| Counters::decode(&bytes));
    Ok(counters.transpose()?.unwrap_or_default().last_id)
}
