//! The power goes, and comes back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use super::dice::Dice;
use super::life::{Crash, Watch};
use super::run::Run;
use super::seen::Seen;
use crate::store::{Disk, StoreError, check_folder};

/// How many torn disks are tried at a crash.
const TORN: usize = 3;
/// How long to wait for sled's threads to let go of a folder, in real time.
pub const PATIENCE: Duration = Duration::from_millis(5);

/// A folder in memory, where there is one.
pub fn folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::Builder::new().prefix("lull-simulation").tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    folder.expect("a folder")
}

impl Run {
    /// The commit that was under way is lost, or not.
    pub(super) fn lose(&mut self, cut: Option<&Crash>, watch: &Watch) {
        let was_under_way = cut.is_some_and(|cut| cut.synced.1 != cut.written.1);
        let keeps = !was_under_way || self.dice.percent(50);
        self.trace.line(format!("== the power goes; under way {was_under_way}, kept {keeps}"));
        let mut state = watch.state();
        if !keeps {
            let last = state.seen.pop();
            assert!(matches!(last, Some(Seen::Commit { .. })), "a commit was under way");
        }
        state.keeps = keeps;
    }

    /// What the disk holds when the power is back: one of many, all of which must be whole.
    pub(super) fn power_cut(&mut self, cut: Crash) -> Result<(), String> {
        let keeps = self.state.keeps;
        let ((synced, before), (written, after)) = (cut.synced, cut.written);
        self.figures.sectors += synced.differing(&written) as u64;
        let mut dice = Dice::of(self.seed, &[self.step, 3]);
        let (wanted, whole) = if keeps { (after, &written) } else { (before, &synced) };
        let (mut chosen, mut checked) = (None, BTreeSet::new());
        for _ in 0..TORN {
            let torn = folder();
            synced.torn(&written, &mut dice).write(torn.path());
            self.figures.torn += 1;
            let disk = patiently(|| Disk::open(torn.path()))
                .map_err(|error| format!("a torn disk: {error}"))?;
            let found = disk.fingerprint();
            drop(disk);
            if found != before && found != after {
                let kept = torn.keep();
                return Err(format!("a torn disk holds something else: {}", kept.display()));
            }
            // It reads what stands there, not how it got there.
            if checked.insert(found) {
                faults(torn.path())?;
            }
            if found == wanted {
                chosen = Some(torn);
            }
        }
        self.folder = match chosen {
            Some(torn) => torn,
            None => {
                let whole_again = folder();
                whole.write(whole_again.path());
                whole_again
            }
        };
        Ok(())
    }
}

/// What `lull check` finds.
pub fn faults(folder: &Path) -> Result<(), String> {
    let report = patiently(|| check_folder(folder));
    let report = report.map_err(|error| format!("no check: {error}"))?;
    match report.faults_count {
        0 => Ok(()),
        count => Err(format!("{count} faults: {:?}", report.faults)),
    }
}

/// Opens a store that was open in this process a moment ago: sled's threads may hold its lock still.
fn patiently<T>(open: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 0..1_000 {
        match open() {
            Err(StoreError::InUse(_)) => std::thread::sleep(PATIENCE),
            opened => return opened,
        }
    }
    open()
}
