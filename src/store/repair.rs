//! A new store made of what can be read of a damaged one. The damaged one is read without sled, which would
//! overwrite some of it, and stays as it is.
//!
//! First every row is taken over that can be read; then what they say is made to agree: what is not there is
//! named no more, indexes are made anew, and what is not known is put so that nothing is lost and no window
//! closes twice, though a hook may hear of a message again. All that could not be read is listed.
//!
//! - `rows.rs`: taking rows over, and going through them
//! - `words.rs`: what each kind of row is called
//! - `audits.rs`: audits and windows
//! - `windows.rs`: windows whose mark is gone
//! - `messages.rs`: messages, and what hangs on them
//! - `events.rs`: security events, whose chain shows where some are missing
//! - `records.rs`: full records and their links
//! - `settings.rs`: what is configured, and what is only good to have
//! - `counters.rs`: ids and totals

mod audits;
mod counters;
mod events;
mod messages;
mod records;
mod rows;
mod settings;
mod windows;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::check::{Report, check};
use super::config::Config;
use super::files::Salvage;
use super::prune::forgotten;
use super::synced::Synced;
use super::{Batch, Disk, StoreError, Totals, keys, look};
use crate::clock::Timestamp;
use crate::model::{Id, MessageDraft, RecordKey, Source, WindowRule};

/// The most lines of what could not be read.
const LINES_MAX: usize = 100_000;

/// What came of it.
#[derive(Debug, Default)]
pub struct Repaired {
    /// What the new store holds, and what is wrong with it.
    pub report: Report,
    /// What could not be read, in words.
    pub lost: Vec<String>,
    /// How much that is; there may be more than there are words.
    pub lost_count: u64,
}

/// A new store that is being made.
struct Mend {
    disk: Disk,
    batch: Batch,
    batch_bytes: usize,
    now: Timestamp,
    config: Config,
    /// What is older may have been forgotten.
    forgotten: Id,
    /// The rules that each audit was accepted under.
    audits: BTreeMap<Id, Arc<[WindowRule]>>,
    by_record: HashMap<RecordKey, Vec<Id>>,
    messages: BTreeMap<Id, MessageFound>,
    /// How messages were settled, by the first id of their stretch.
    settled: BTreeMap<Id, Vec<(Id, Vec<u8>)>>,
    /// The newest id of anything that is there.
    newest: Id,
    kept_bytes: u64,
    totals: Totals,
    lost: Vec<String>,
    lost_count: u64,
}

/// A message that is there.
struct MessageFound {
    source: Source,
    draft: MessageDraft,
    is_owed: bool,
}

/// Makes a new store in `to`, which is empty or not there, of what can be read of the one in `from`.
pub fn repair(from: &Path, to: &Path, now: Timestamp) -> Result<Repaired, StoreError> {
    look::is_free(from)?;
    // A file that is damaged itself says nothing.
    let acknowledged = Synced::read(from).ok().flatten().unwrap_or_default();
    let mut mend = Mend::begin(to, acknowledged, now)?;
    let mut taken = rows::Taken::default();
    let salvage = Salvage::run(from, acknowledged, |row| mend.take_over(&row, &mut taken))?;
    mend.commit()?;
    // Places that cannot be read, and hold nothing any more, are no loss.
    if !taken.is_all() {
        mend.tell(&salvage, &taken);
    }
    mend.all(taken.format)?;
    let report = check(mend.disk.tree());
    mend.disk.verify_all()?;
    Ok(Repaired { report, lost: mend.lost, lost_count: mend.lost_count })
}

impl Mend {
    fn begin(to: &Path, acknowledged: Id, now: Timestamp) -> Result<Mend, StoreError> {
        Ok(Mend {
            disk: Disk::open(to)?,
            batch: Batch::default(),
            batch_bytes: 0,
            now,
            config: Config::default(),
            forgotten: Id::default(),
            audits: BTreeMap::new(),
            by_record: HashMap::new(),
            messages: BTreeMap::new(),
            settled: BTreeMap::new(),
            newest: acknowledged,
            kept_bytes: 0,
            totals: Totals::default(),
            lost: Vec::new(),
            lost_count: 0,
        })
    }

    /// Makes all rows agree; the damaged store was in this format.
    fn all(&mut self, format: Option<u32>) -> Result<(), StoreError> {
        self.settings()?;
        self.config = Config::load(self.disk.tree(), self.now)?;
        self.forgotten = forgotten(self.disk.tree())?;
        self.audits()?;
        self.messages()?;
        self.windows()?;
        self.fates()?;
        self.events()?;
        self.records()?;
        self.counters(format)
    }

    /// Something could not be read.
    fn lose(&mut self, what: impl Into<String>) {
        self.lost_count += 1;
        if self.lost.len() < LINES_MAX {
            self.lost.push(what.into());
        }
    }

    fn see(&mut self, id: Id) {
        self.newest = self.newest.max(id);
    }

    fn integration_is_there(&self, id: Id) -> bool {
        self.config.integrations.contains_key(&id)
    }

    fn tree(&self) -> super::tree::Tree {
        self.disk.tree().clone()
    }
}

/// Adds an index entry without a value.
fn entry(batch: &mut Batch, key: &[u8]) {
    batch.insert(key, keys::NOTHING);
}
