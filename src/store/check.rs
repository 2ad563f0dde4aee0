//! Whether all that is stored can be read, and agrees with itself. Reads every row; writes nothing.
//!
//! - `windows.rs`: audits, and the marks that name them
//! - `messages.rs`: messages, what became of them, their attempts
//! - `chain.rs`: security events, each of which holds the hash of the one before it

mod chain;
mod messages;
mod windows;

use std::path::Path;

use super::config::Config;
use super::counters::Counters;
use super::files::{Hole, Log};
use super::prune::forgotten;
use super::tree::Tree;
use super::{Disk, StoreError, keys};
use crate::clock::Timestamp;
use crate::model::Id;

/// The most faults that are told one by one.
const FAULTS_MAX: usize = 1_000;

/// What a check found.
#[derive(Debug, Default)]
pub struct Report {
    /// Audits of the history.
    pub audits: u64,
    /// Windows that have closed.
    pub windows: u64,
    /// Messages.
    pub messages: u64,
    /// Of which these are still owed.
    pub owed: u64,
    /// Attempts.
    pub attempts: u64,
    /// Security events.
    pub events: u64,
    /// Places where security events are missing since a repair.
    pub gaps: u64,
    /// Whether it cannot be read as a whole, so that nothing else was looked at.
    pub is_unreadable: bool,
    /// What is wrong, in words: the first of it.
    pub faults: Vec<String>,
    /// How much is wrong.
    pub faults_count: u64,
}

impl Report {
    fn fault(&mut self, what: impl Into<String>) {
        self.faults_count += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(what.into());
        }
    }

    /// What was read, or else a fault.
    fn read<T, E: Into<StoreError>>(&mut self, read: Result<T, E>) -> Option<T> {
        let told = |error: StoreError| match error {
            StoreError::Damaged(what) => what,
            error => error.to_string(),
        };
        read.map_err(|error| self.fault(told(error.into()))).ok()
    }
}

/// Checks the store in `folder`, which no server may have open.
pub fn check_folder(folder: &Path) -> Result<Report, StoreError> {
    if !folder.join("db").is_file() && !folder.join("conf").is_file() {
        let what = format!("there is no store in {}", folder.display());
        return Err(std::io::Error::new(std::io::ErrorKind::NotFound, what).into());
    }
    let disk = Disk::open(folder)?;
    // What follows from rows that are not there would say little beside that.
    if let Err(error) = disk.verify_all() {
        let mut report = Report { is_unreadable: true, ..Report::default() };
        report.read::<(), StoreError>(Err(error));
        return Ok(report);
    }
    Ok(check(disk.tree()))
}

/// Which places of its files cannot be read, of a store that is known to be damaged.
pub fn unreadable_places(folder: &Path) -> Vec<String> {
    let log = Log::read(folder, 0).unwrap_or_default();
    log.holes.iter().filter(|hole| hole.is_within).map(Hole::to_string).collect()
}

/// Checks all that is in the tree.
pub(super) fn check(tree: &Tree) -> Report {
    let mut report = Report::default();
    report.read(Config::load(tree, Timestamp::default()));
    let counters = counters(tree, &mut report);
    let messages = messages::check(tree, &mut report);
    let forgotten = report.read(forgotten(tree)).unwrap_or_default();
    windows::check(tree, &messages, forgotten, &mut report);
    chain::check(tree, &mut report);
    for (kind, key) in
        [("audit", last_of(tree, keys::AUDITS)), ("message", last_of(tree, keys::MESSAGES))]
    {
        if let Some(last) = report.read(key).flatten()
            && last > counters.last_id
        {
            report.fault(format!("the {kind} {last} is newer than the newest id"));
        }
    }
    report
}

fn counters(tree: &Tree, report: &mut Report) -> Counters {
    let bytes = report.read(tree.get(keys::COUNTERS)).flatten();
    let Some(bytes) = bytes else { return Counters::default() };
    report.read(Counters::decode(&bytes)).unwrap_or_default()
}

fn last_of(tree: &Tree, kind: u8) -> Result<Option<Id>, StoreError> {
    for key in tree.scan_prefix([kind]).keys().rev() {
        if let Some(id) = keys::id_of(&key?) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}
