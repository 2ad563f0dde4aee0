//! What the system says of the disk: how much room there is, whether it takes what is written, and
//! forgetting what it only has in memory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// What a probe writes. More than a block, less than anyone would miss.
const PROBE_BYTES: usize = 64 << 10;
/// The file a probe writes, beside what sled keeps.
const PROBE: &str = "probe";

/// Bytes that `file` may still grow by: what is free on its disk, or what a limit on the size of files
/// (`RLIMIT_FSIZE`) leaves, whichever is less.
pub fn room(file: &File) -> io::Result<u64> {
    // SAFETY: the descriptor is open, and fstatvfs fills the structure when it succeeds.
    let free = unsafe {
        let mut stat: libc::statvfs = std::mem::zeroed();
        if libc::fstatvfs(file.as_raw_fd(), &mut stat) != 0 {
            return Err(io::Error::last_os_error());
        }
        stat.f_bavail as u64 * stat.f_frsize as u64
    };
    match size_limit()? {
        None => Ok(free),
        Some(limit) => Ok(free.min(limit.saturating_sub(file.metadata()?.len()))),
    }
}

/// How large a file of this process may become, where that is limited.
fn size_limit() -> io::Result<Option<u64>> {
    // SAFETY: getrlimit fills the structure when it succeeds.
    let limit = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_FSIZE, &mut limit) != 0 {
            return Err(io::Error::last_os_error());
        }
        limit.rlim_cur
    };
    Ok((limit != libc::RLIM_INFINITY).then_some(limit))
}

/// Writes a little into `folder`, syncs it, and reads it back together with the store's own file; so
/// it tells whether there is any point in opening the store again.
pub fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join(PROBE);
    let written = write_and_read(&path);
    let removed = fs::remove_file(&path);
    written.and(removed)?;
    let mut store = File::open(folder.join("db"))?;
    store.sync_data()?;
    let _ = store.read(&mut vec![0; PROBE_BYTES])?;
    Ok(())
}

fn write_and_read(path: &Path) -> io::Result<()> {
    let mut file =
        OpenOptions::new().create(true).truncate(true).read(true).write(true).open(path)?;
    let bytes = vec![0x5a; PROBE_BYTES];
    file.write_all(&bytes)?;
    file.sync_all()?;
    let mut read = vec![0; PROBE_BYTES];
    file.read_exact_at(&mut read, 0)?;
    if read == bytes { Ok(()) } else { Err(io::Error::other("it does not read what it wrote")) }
}

/// Lets the system forget what it holds of the store's files in memory. After a sync that failed, that
/// may be what never reached the disk, marked as though it had (ext4, xfs); whoever read it would
/// build on what a power cut takes away. What is not written out yet stays, and is written with the
/// next sync.
pub fn forget_cached(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        let file = File::open(entry.path())?;
        file.sync_data()?;
        // SAFETY: the descriptor is open. It is advice: what comes of it is the system's affair.
        unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_finds_a_folder_that_takes_what_is_written_and_one_that_does_not() {
        let folder = tempfile::tempdir().unwrap();
        assert!(probe(folder.path()).is_err(), "there is no store");
        fs::write(folder.path().join("db"), "store").unwrap();
        probe(folder.path()).unwrap();
        forget_cached(folder.path()).unwrap();
        assert_eq!(fs::read(folder.path().join("db")).unwrap(), b"store");
        assert!(!folder.path().join(PROBE).exists(), "it leaves nothing behind");
        assert!(probe(&folder.path().join("db")).is_err(), "not a folder");
        let db = File::open(folder.path().join("db")).unwrap();
        assert!(room(&db).unwrap() > 0);
    }
}
