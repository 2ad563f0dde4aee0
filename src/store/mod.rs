//! The store: everything durable, behind commands and queries. Level 2: nothing above knows sled.
//!
//! Owns the folder `store` in the data folder. One tree, because one batch on one tree is what sled
//! commits atomically. Invariants:
//!
//! - Only [`Writer`] writes, and only [`Journal`] drives it: one commit at a time, synced before
//!   any of its commands completes (D1).
//! - The history is the buffer: an audit that no mark names is in an open window (D5).
//! - A message is owed until it has a row that says how it was settled; what is owed of it lies with others
//!   until it is tried, then in a row of its own.
//!
//! | file | owns |
//! | --- | --- |
//! | `journal` | the thread that groups commands into commits |
//! | `batch` | what one commit writes |
//! | `backup` | a copy of all of it while it is written to, and a new store made of that |
//! | `calls` | each command as a call with a result |
//! | `once` | calls that are to happen once |
//! | `events` | the list of security events, and its chain |
//! | `uses` | when tokens were last used |
//! | `hours` | what was done with, hour by hour |
//! | `writer` | what each command writes |
//! | `measure` | what is counted and measured of each commit |
//! | `counters` | ids, totals, and where recovery has to begin |
//! | `command` | commands, their outcomes, and the events that follow a commit |
//! | `keys` | every key of the tree |
//! | `value` | values longer than sled likes, in parts |
//! | `press` | values made smaller |
//! | `pack` | the audits of a commit, packed together |
//! | `bundle` | the marks and messages of a commit, bundled |
//! | `history`, `log`, `config` | reading audits; messages; what is configured |
//! | `outbox`, `untried` | what is owed; of messages that were not tried yet |
//! | `settled` | how messages were settled, and the attempts that did it |
//! | `older` | what older formats had otherwise |
//! | `recent`, `recent_packs` | what was read last; the audits of windows that close |
//! | `search`, `head` | looking through the log, however long it is |
//! | `by_record` | what there is of a record: windows, and messages that no mark names |
//! | `blocks` | digests of the log's messages, which make that quick |
//! | `codes` | the index of messages by the code of their answer |
//! | `learned` | users, record types, fields and workspaces that audits named |
//! | `linked` | full records and their links |
//! | `prune` | what is too old to keep |
//! | `check` | whether all of it can be read, and agrees with itself |
//! | `repair` | a new store of what can be read of a damaged one |
//! | `recovery` | what was going on when the server stopped |
//! | `in_hand` | which owed messages are being sent or absorbed |
//! | `fuzzing` | what `tests/fuzz` reaches of it |
//! | `disk` | opening the folder, and making sure that written is written |
//! | `tree` | reading the one tree, however damaged its files are |
//! | `sum`, `synced` | what shows that rows are gone, and that the newest are |
//! | `files` | sled's files, read without sled |
//! | `look` | what can be told of the files before they are opened |
//! | `room` | what the system says of the disk |
//! | `waker` | commits that sled leaves asleep |

mod backup;
mod batch;
mod blocks;
mod bundle;
mod by_record;
mod calls;
mod check;
mod codes;
mod command;
mod config;
mod counters;
mod disk;
mod events;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod head;
mod history;
mod hours;
mod in_hand;
mod journal;
mod keys;
mod learned;
mod linked;
mod log;
mod look;
mod measure;
mod older;
mod once;
mod outbox;
mod pack;
mod press;
mod prune;
mod recent;
mod recent_packs;
mod recovery;
mod repair;
mod room;
mod search;
mod settled;
mod sum;
mod synced;
#[cfg(test)]
mod tests;
mod tree;
mod untried;
mod uses;
mod value;
mod waker;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, RwLock};

use ahash::HashMap;

pub use backup::{Backup, BadBackup, Restore};
use batch::Batch;
pub use check::{Report, check_folder, unreadable_places};
pub use command::{
    Accepted, Appended, Changed, Close, Closed, Command, Configure, Event, Gone, Listener,
    NewAudit, NewMessage, NothingChanged, Outcome, Prune, Refusal, Replay, Settle, Settlement,
};
pub use config::Config;
pub use counters::Totals;
pub use disk::Disk;
pub use events::{EventFilter, EventPage};
pub use history::{AuditFilter, HistoryPage};
pub use hours::Hour;
pub use in_hand::InHand;
pub use journal::{Journal, JournalThread};
pub use learned::{
    Details, LearnedField, LearnedOf, LearnedPage, LearnedUser, LearnedWish, Lesson, Screen, Thing,
};
pub use linked::{
    DueLink, LinkPage, LinkTimer, NewRecord, PutDone, RecordCommand, RecordDone, RecordHash, SentTo,
};
pub use log::{Entry, LogPage, MessageFilter};
pub use once::{Answer, Call, Once};
pub use recovery::{OpenWindow, Recovered};
pub use repair::{Repaired, repair};
pub use room::forget_cached;
pub use uses::Uses;
pub use writer::Writer;

use crate::clock::Timestamp;
use crate::model::{Health, Id, Partition};
use blocks::Blocks;
use bundle::Bundle;
use by_record::ByRecord;
use counters::Counters;
use learned::Learned;
use recent::Recent;
use recent_packs::OpenedPack;
use settled::SettledRow;
use tree::Tree;
use untried::Untried;

/// Why the store could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the folder open.
    #[error("{0} is in use by another Lull; stop that one, or choose another folder with --data")]
    InUse(String),
    /// A newer Lull wrote the store (D6).
    #[error(
        "the store has format {found}, and this Lull knows formats up to {known}; use a newer Lull"
    )]
    Newer {
        /// The format of the store.
        found: u32,
        /// The newest format this program knows.
        known: u32,
    },
    /// Something in the store cannot be read.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// The disk is full, or a limit on file sizes is reached (D7).
    #[error("the disk is full")]
    Full,
    /// The operating system refused.
    #[error("the store cannot be used: {0}")]
    Io(#[source] std::io::Error),
    /// The server is shutting down.
    #[error("the server is shutting down")]
    Stopped,
}

impl StoreError {
    /// Whether the disk refuses for now: full, or not doing what it is told. The log says so once, when
    /// it begins.
    pub fn is_of_the_disk(&self) -> bool {
        matches!(self, StoreError::Full | StoreError::Io(_))
    }

    /// The same error for another command of the commit.
    fn for_another(&self) -> StoreError {
        match self {
            StoreError::Full => StoreError::Full,
            StoreError::Damaged(what) => StoreError::Damaged(what.clone()),
            StoreError::Io(error) => std::io::Error::new(error.kind(), error.to_string()).into(),
            _ => StoreError::Stopped,
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => StoreError::Full,
            _ => StoreError::Io(error),
        }
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        use std::io::ErrorKind::{NotFound, UnexpectedEof};
        match error {
            sled::Error::Io(error) if matches!(error.kind(), NotFound | UnexpectedEof) => {
                StoreError::Damaged(format!("its files are not all there ({error})"))
            }
            sled::Error::Io(error) => error.into(),
            // Of a store that is whole it says none of these.
            error => StoreError::Damaged(format!("its files cannot be read ({error})")),
        }
    }
}

/// The read side of the store, shared by everyone.
pub struct Store {
    disk: Disk,
    /// What is configured now; replaced whole by the writer.
    config: RwLock<Arc<Config>>,
    /// What the writer has counted.
    tally: Mutex<Tally>,
    in_hand: InHand,
    uses: Uses,
    learned: Learned,
    blocks: Blocks,
    by_record: ByRecord,
    recent_packs: Recent<OpenedPack>,
    recent_messages: Recent<Bundle>,
}

/// What is kept in memory beside the tree.
#[derive(Clone, Default)]
struct Tally {
    counters: Counters,
    owed: HashMap<Id, u64>,
    health: HashMap<Id, Health>,
    untried: Untried,
    /// What is owed of each record to each integration, oldest first.
    lines: HashMap<(Id, Partition), Vec<Id>>,
}

impl Store {
    /// Opens or creates the store in `folder`, and reads back what was going on.
    pub fn open(
        folder: &Path,
        now: Timestamp,
    ) -> Result<(Arc<Store>, Writer, Recovered), StoreError> {
        let disk = Disk::open(folder)?;
        older::migrate(&disk)?;
        let config = Config::load(disk.tree(), now)?;
        let uses = Uses::load(disk.tree())?;
        let learned = Learned::load(disk.tree())?;
        let store = Arc::new(Store {
            disk,
            config: RwLock::new(Arc::new(config)),
            tally: Mutex::default(),
            in_hand: InHand::default(),
            uses,
            learned,
            blocks: Blocks::default(),
            by_record: ByRecord::default(),
            recent_packs: Recent::default(),
            recent_messages: Recent::default(),
        });
        *store.blocks.write() = blocks::load(store.tree())?;
        // Each takes a while in a large store, and neither needs the other.
        let (recovered, verified) = std::thread::scope(|scope| {
            let verifying = scope.spawn(|| store.disk.verify());
            (recovery::recover(&store, now), verifying.join())
        });
        let (state, recovered) = recovered?;
        verified.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        blocks::make_missing(&store)?;
        by_record::make_missing(&store)?;
        store.disk.set_format()?;
        let writer = Writer::new(store.clone(), state);
        Ok((store, writer, recovered))
    }

    /// What is configured now.
    pub fn config(&self) -> Arc<Config> {
        self.config.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// What the wall clock showed at the last commit, or at one before that if it was later then.
    pub fn last_written_at(&self) -> Timestamp {
        self.tally().counters.last_id.time()
    }

    /// Everything counted since the store was made.
    pub fn totals(&self) -> Totals {
        self.tally().counters.totals
    }

    /// How many messages are owed, to each integration.
    pub fn owed_counts(&self) -> HashMap<Id, u64> {
        self.tally().owed.clone()
    }

    /// The messages of a record that are owed to an integration: up to `limit`, newest first.
    pub fn newest_owed(&self, integration: Id, partition: Partition, limit: usize) -> Vec<Id> {
        let tally = self.tally();
        let line = tally.lines.get(&(integration, partition));
        line.into_iter().flatten().rev().take(limit).copied().collect()
    }

    /// When tokens were last used.
    pub fn uses(&self) -> &Uses {
        &self.uses
    }

    /// The messages that somebody has in hand.
    pub fn in_hand(&self) -> &InHand {
        &self.in_hand
    }

    /// How deliveries to an integration have gone.
    pub fn health(&self, integration: Id) -> Health {
        self.tally().health.get(&integration).copied().unwrap_or_default()
    }

    /// Bytes of history and log that are kept; the store takes about twice as much on disk.
    pub fn kept_bytes(&self) -> u64 {
        self.tally().counters.kept_bytes
    }

    /// Whether anything can be written now.
    pub fn writable(&self) -> Result<(), StoreError> {
        self.disk.writable()
    }

    /// Whether anything could be written when that was last tried; costs nothing.
    pub fn was_writable(&self) -> Result<(), StoreError> {
        self.disk.was_writable()
    }

    /// Whether a commit failed half-way, so that the store must be opened again.
    pub fn is_broken(&self) -> bool {
        self.disk.is_broken()
    }

    /// Whether the folder takes what is written, as far as trying it tells.
    pub fn probe(&self) -> Result<(), StoreError> {
        self.disk.probe()
    }

    /// Bytes the store takes on disk.
    pub fn bytes_on_disk(&self) -> Result<u64, StoreError> {
        self.disk.bytes()
    }

    /// A number that stands for all that is stored: two stores have the same if they hold the same.
    #[cfg(test)]
    pub fn fingerprint(&self) -> u64 {
        self.disk.fingerprint()
    }

    /// How often what was written was synced.
    #[cfg(test)]
    pub fn syncs(&self) -> u64 {
        self.disk.syncs.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn tree(&self) -> &Tree {
        self.disk.tree()
    }

    fn tally(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Tally {
    /// A message is owed, or is owed no more.
    fn owe(&mut self, message: Id, integration: Id, partition: Partition, is_owed: bool) {
        let line = self.lines.entry((integration, partition)).or_default();
        match (line.binary_search(&message), is_owed) {
            (Err(at), true) => line.insert(at, message),
            (Ok(at), false) => drop(line.remove(at)),
            _ => {}
        }
        if line.is_empty() {
            self.lines.remove(&(integration, partition));
        }
    }
}
