//! The folder on disk: opened once, by one process, and synced so that it survives a power cut.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::counters::Counters;
use super::{StoreError, keys};

/// The format this program writes (D6).
const FORMAT: u32 = 2;

/// How much of the tree sled keeps in memory, in bytes. More changes little.
const CACHE_BYTES: u64 = 64 << 20;

/// How often sled collects what was overwritten. Often in tests, whose stores do not live long.
const COLLECT_EVERY_MS: u64 = if cfg!(test) { 5 } else { 200 };

/// Bytes that must be free on the disk for a commit to begin. sled cannot go on after a write that
/// failed, so a full disk has to be seen before it is (D7).
const ROOM_BYTES_MIN: u64 = 32 << 20;

/// An open store folder.
pub struct Disk {
    folder: PathBuf,
    database: sled::Db,
    /// sled's own file, held open for syncing.
    file: File,
    /// Set by a commit that failed half-way. What is in memory may then not be what is on disk, so
    /// nothing is written any more until the store is opened again.
    broken: OnceLock<StoreError>,
    /// How often what was written was synced, for tests of power cuts.
    #[cfg(test)]
    pub syncs: std::sync::atomic::AtomicU64,
}

impl Disk {
    /// Opens `folder`, creating it when it is not there.
    pub fn open(folder: &Path) -> Result<Disk, StoreError> {
        fs::create_dir_all(folder)?;
        let database = sled::Config::new()
            .path(folder)
            .cache_capacity(CACHE_BYTES)
            // Without a regular flush of its own, sled never collects what was overwritten.
            .flush_every_ms(Some(COLLECT_EVERY_MS))
            .open()
            .map_err(|error| match error {
                sled::Error::Io(io) if io.to_string().contains("could not acquire lock") => {
                    StoreError::InUse(folder.display().to_string())
                }
                error => error.into(),
            })?;
        let file = File::open(folder.join("db"))?;
        let disk = Disk {
            folder: folder.to_owned(),
            database,
            file,
            broken: OnceLock::new(),
            #[cfg(test)]
            syncs: Default::default(),
        };
        disk.check_format()?;
        // The names of new files are only safe once their folder is synced, and so is its name.
        File::open(folder)?.sync_all()?;
        if let Some(parent) = folder.parent().filter(|parent| parent.is_dir()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(disk)
    }

    /// The one tree.
    pub fn tree(&self) -> &sled::Tree {
        &self.database
    }

    /// Applies `batch` and makes sure that it is on the disk before returning.
    ///
    /// `flush` alone is not enough: it ends in `sync_file_range`, which leaves the data in the
    /// drive's cache and the file's size in memory. Copies of a disk taken while a writer ran lost
    /// acknowledged audits with `flush` alone, and none with `fdatasync` behind it (D1).
    pub fn commit(&self, batch: sled::Batch) -> Result<(), StoreError> {
        self.writable()?;
        self.write(batch).inspect_err(|error| {
            log::error!("a commit failed half-way ({error}); restart Lull to go on writing");
            let _ = self.broken.set(error.for_another());
        })
    }

    fn write(&self, batch: sled::Batch) -> Result<(), StoreError> {
        self.tree().apply_batch(batch)?;
        self.database.flush()?;
        self.file.sync_data()?;
        #[cfg(test)]
        self.syncs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(())
    }

    /// Whether a commit could begin now.
    pub fn writable(&self) -> Result<(), StoreError> {
        if let Some(error) = self.broken.get() {
            return Err(error.for_another());
        }
        if self.room()? < ROOM_BYTES_MIN { Err(StoreError::Full) } else { Ok(()) }
    }

    /// Bytes that are free on the disk.
    fn room(&self) -> Result<u64, StoreError> {
        // SAFETY: the descriptor is open, and fstatvfs fills the structure when it succeeds.
        let room = unsafe {
            let mut stat: libc::statvfs = std::mem::zeroed();
            if libc::fstatvfs(self.file.as_raw_fd(), &mut stat) != 0 {
                return Err(std::io::Error::last_os_error().into());
            }
            stat.f_bavail as u64 * stat.f_frsize as u64
        };
        Ok(room)
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
        let mut batch = sled::Batch::default();
        batch.insert(keys::FORMAT, &FORMAT.to_be_bytes());
        self.commit(batch)
    }

    /// The format the store is in.
    pub fn format(&self) -> Result<u32, StoreError> {
        let bytes = self.tree().get(keys::FORMAT)?;
        let number =
            bytes.and_then(|bytes| Some(u32::from_be_bytes(bytes.as_ref().try_into().ok()?)));
        Ok(number.unwrap_or(FORMAT))
    }

    /// Marks the store as in the format that this program writes, once it is. Format 1 did not say what
    /// had been forgotten: whatever there was by then may have been.
    pub fn set_format(&self) -> Result<(), StoreError> {
        if self.format()? == FORMAT {
            return Ok(());
        }
        let counters = self.tree().get(keys::COUNTERS)?;
        let newest = counters.map(|bytes| Counters::decode(&bytes)).transpose()?;
        let newest = newest.unwrap_or_default().last_id;
        let mut batch = sled::Batch::default();
        batch.insert(keys::FORGOTTEN, &newest.as_u64().to_be_bytes());
        batch.insert(keys::FORMAT, &FORMAT.to_be_bytes());
        self.commit(batch)
    }

    fn check_format(&self) -> Result<(), StoreError> {
        match self.tree().get(keys::FORMAT)? {
            None => self.write_format(),
            Some(bytes) => match bytes.as_ref().try_into().map(u32::from_be_bytes) {
                Ok(1..=FORMAT) => Ok(()),
                Ok(found) if found > FORMAT => Err(StoreError::Newer { found, known: FORMAT }),
                _ => Err(StoreError::Damaged("its format version cannot be read".to_owned())),
            },
        }
    }
}
