//! What can be told of the store's files before they are opened, and at once afterwards. sled changes
//! what it opens: what it cannot read at the end of its log, it overwrites. So a store that is known to
//! be damaged is not opened at all, and can still be repaired.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::synced::{self, Synced};
use super::{Disk, StoreError, files};
use crate::model::Id;

/// How often it is looked whether a store that was closed has been let go of.
const LOOKS_MAX: u32 = 1_000;
/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// What sled writes into its file `conf` in this version.
const CONF: &[u8] = b"segment_size: 524288\nuse_compression: false\nversion: 0.34\n";

/// Looks at the files in `folder`; an error says which is not what was written.
pub fn look(folder: &Path) -> Result<(), StoreError> {
    is_free(folder)?;
    let synced = Synced::read(folder)?;
    let was_written = synced.is_some_and(|id| id != Id::default());
    let snapshots = snapshots(folder)?;
    let db_bytes = bytes_of(&folder.join("db"))?;
    let Some(conf) = contents(&folder.join("conf"))? else {
        // sled makes it first of all.
        return if db_bytes.is_some() || was_written { missing("conf") } else { Ok(()) };
    };
    let mut expected = CONF.to_vec();
    expected.extend_from_slice(&crc32fast::hash(CONF).to_le_bytes());
    if conf != expected {
        if was_written || conf.iter().any(|byte| *byte != 0) {
            return damaged("the file conf is not what was written");
        }
        // The power went before anything was acknowledged; sled makes another.
        fs::remove_file(folder.join("conf"))?;
    }
    match db_bytes {
        None if was_written || !snapshots.is_empty() => return missing("db"),
        Some(0) if was_written || !snapshots.is_empty() => return damaged("the file db is empty"),
        _ => {}
    }
    if let Some(newest) = snapshots.last() {
        is_whole(newest)?;
    }
    if was_written && files::is_suspect(folder)? { look_at_copy(folder) } else { Ok(()) }
}

/// Opens a copy of the store, since opening it may overwrite what can still be read; an error says what
/// is wrong.
fn look_at_copy(folder: &Path) -> Result<(), StoreError> {
    let copy = folder.with_extension("look");
    let _ = fs::remove_dir_all(&copy);
    let looked = match copy_all(folder, &copy) {
        Ok(()) => Disk::open_files(&copy).and_then(|disk| disk.verify_all()),
        Err(error) if error.kind() == ErrorKind::StorageFull => {
            log::warn!(
                "the end of the store's log looks torn, and there is no room for a copy to open first: it \
                 is opened as it is"
            );
            Ok(())
        }
        Err(error) => Err(error.into()),
    };
    let _ = fs::remove_dir_all(&copy);
    looked
}

/// Copies everything in a folder.
fn copy_all(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_all(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Whether the newest commits are there that were acknowledged, of a store whose newest id is `newest`
/// and which holds the sum of its rows, or does not.
pub fn is_all_there(folder: &Path, newest: Id, has_sum: bool) -> Result<(), StoreError> {
    match Synced::read(folder)? {
        Some(acknowledged) if newest < acknowledged => damaged(&format!(
            "its newest commits are missing: the newest id is {newest}, and was {acknowledged}"
        )),
        Some(acknowledged) if acknowledged != Id::default() && !has_sum => {
            damaged("the sum of its rows is missing")
        }
        None if has_sum => missing(synced::NAME),
        _ => Ok(()),
    }
}

/// Waits until a store is let go of that was closed just now: sled's own threads hold it for a moment.
pub fn until_let_go_of(folder: &Path) -> Result<(), StoreError> {
    for _ in 0..LOOKS_MAX {
        match is_free(folder) {
            Err(StoreError::InUse(_)) => std::thread::sleep(PAUSE),
            free => return free,
        }
    }
    is_free(folder)
}

/// Whether no other process has the store open.
pub fn is_free(folder: &Path) -> Result<(), StoreError> {
    match File::open(folder.join("db")) {
        Ok(file) => match file.try_lock() {
            Err(fs::TryLockError::WouldBlock) => {
                Err(StoreError::InUse(folder.display().to_string()))
            }
            // Let go of with the file.
            _ => Ok(()),
        },
        Err(_) => Ok(()),
    }
}

/// sled's snapshots of its table of pages, oldest first.
pub fn snapshots(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with("snap.") && !name.ends_with(".generating") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a snapshot is what was written: at its end stand its length and its checksum.
fn is_whole(snapshot: &Path) -> Result<(), StoreError> {
    let bytes = fs::read(snapshot)?;
    let whole = bytes.split_last_chunk::<4>().is_some_and(|(rest, checksum)| {
        rest.split_last_chunk::<8>().is_some_and(|(content, length)| {
            crc32fast::hash(content).to_le_bytes() == *checksum
                && u64::from_le_bytes(*length) == content.len() as u64
        })
    });
    let name = snapshot.file_name().unwrap_or_default().to_string_lossy();
    if whole { Ok(()) } else { damaged(&format!("the file {name} is not what was written")) }
}

fn bytes_of(path: &Path) -> Result<Option<u64>, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn contents(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn missing<T>(name: &str) -> Result<T, StoreError> {
    damaged(&format!("the file {name} is missing"))
}

fn damaged<T>(what: &str) -> Result<T, StoreError> {
    Err(StoreError::Damaged(what.to_owned()))
}
