//! What accepted audits taught: users, record types, fields and workspaces, each with the workspaces
//! it was seen in. Feeds the pickers.
//!
//! All of it is in memory, beside a row each in the tree. Audits come tens of thousands a second
//! and hardly ever teach anything, so whoever takes them in asks [`Screen::news`], which hashes
//! what they name and looks that up; only what is new travels to the writer. The writer decides again,
//! since others may have taught the same meanwhile, and the rows are committed with the audits.
//!
//! - `lesson.rs`: what an audit teaches, pure
//! - `query.rs`: reading it, page by page

mod lesson;
mod query;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{RwLock, RwLockReadGuard};

use ahash::{HashMap, HashSet};
use serde::{Deserialize, Serialize};

pub use lesson::{Details, Lesson, Thing};
pub(super) use lesson::{Key, Kind};
pub use query::{LearnedField, LearnedOf, LearnedPage, LearnedUser, LearnedWish};

use super::tree::Tree;
use super::{Store, StoreError, keys};
use crate::model::{Account, AuditDraft, ExternalId, Id};
use lesson::{Digest, seed};

/// How many rows there may be for each thing of a bound: a thing has one for every workspace it
/// was seen in.
const ROWS_PER_THING: usize = 4;

impl Kind {
    /// The most things of this kind that an account remembers (D8).
    fn things_max(self) -> usize {
        match self {
            Kind::Workspace => 10_000,
            Kind::RecordType => 1_000,
            Kind::Field => 10_000,
            Kind::User => 100_000,
        }
    }

    fn rows_max(self) -> usize {
        self.things_max() * ROWS_PER_THING
    }
}

/// Something learned, as it lies in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// The place of the audit that taught it last.
    pub at: Id,
    pub lesson: Lesson,
}

/// All that was learned.
#[derive(Default)]
pub(super) struct Learned(RwLock<HashMap<Account, Memory>>);

/// What was learned in an account.
#[derive(Default)]
pub(super) struct Memory {
    /// Every row, and what tells its details apart: all that the check on the way in needs.
    known: HashMap<Key, Digest>,
    counts: [Count; Kind::ALL.len()],
    workspaces: BTreeMap<ExternalId, ()>,
    record_types: BTreeMap<ExternalId, SeenIn>,
    /// By name, then by record type.
    fields: BTreeMap<ExternalId, BTreeMap<ExternalId, SeenIn>>,
    users: BTreeMap<ExternalId, BTreeMap<Option<ExternalId>, UserSeen>>,
}

/// The workspaces something was seen in; none stands for audits that name no workspace.
type SeenIn = BTreeSet<Option<ExternalId>>;

/// A user, as last seen in a workspace.
struct UserSeen {
    at: Id,
    details: Details,
}

#[derive(Clone, Copy, Default)]
struct Count {
    things: usize,
    rows: usize,
}

/// Tells what the audits of one call teach, one after the other.
pub struct Screen<'s> {
    learned: &'s Learned,
    account: Account,
    /// Of whom this call has told something new, so that all it says of them later counts.
    renewed: HashSet<Key>,
}

impl Store {
    /// What audits teach an account.
    pub fn screen(&self, account: Account) -> Screen<'_> {
        Screen { learned: &self.learned, account, renewed: HashSet::default() }
    }

    /// What was learned in an account.
    pub fn learned(&self, account: Account) -> LearnedOf<'_> {
        LearnedOf::new(&self.learned, account)
    }
}

impl Screen<'_> {
    /// What an audit would teach that is not known yet. Nearly always nothing, and then it costs a
    /// hash and a look-up for each thing that the audit names.
    pub fn news(&mut self, said: &AuditDraft) -> Vec<Lesson> {
        let accounts = self.learned.read();
        let memory = accounts.get(&self.account);
        let (workspace, mut news) = (said.workspace_id.as_ref(), Vec::new());
        let seed = seed(workspace);
        for thing in lesson::things(said) {
            let key = thing.key(seed);
            let is_known = memory.is_some_and(|memory| match memory.known.get(&key) {
                Some(known) => known.covers(thing.digest()) && !self.renewed.contains(&key),
                // As good as known: there is no room for it.
                None => memory.is_full(thing.kind(), 0),
            });
            if !is_known {
                news.push(thing.lesson(workspace));
                if thing.kind() == Kind::User {
                    self.renewed.insert(key);
                }
            }
        }
        news
    }
}

impl Learned {
    /// Reads what was learned.
    pub fn load(tree: &Tree) -> Result<Learned, StoreError> {
        let mut accounts: HashMap<Account, Memory> = HashMap::default();
        for row in tree.scan_prefix([keys::LEARNED]) {
            let (key, bytes) = row?;
            let account = keys::account_of_learned(&key)
                .ok_or_else(|| StoreError::Damaged("a key of what was learned".to_owned()))?;
            accounts.entry(account).or_default().learn(&decode(&bytes)?);
        }
        Ok(Learned(RwLock::new(accounts)))
    }

    /// The details that are known of what `lesson` names, in its workspace; none when it is not
    /// known at all. Only users have any.
    pub fn details(&self, account: Account, lesson: &Lesson) -> Option<Details> {
        let accounts = self.read();
        let memory = accounts.get(&account)?;
        memory.known.get(&lesson.key())?;
        match &lesson.thing {
            Thing::User { id, .. } => {
                Some(memory.users.get(id)?.get(&lesson.workspace)?.details.clone())
            }
            _ => Some(Details::default()),
        }
    }

    /// Whether an account has no room for one more of this kind, beside `more` that are on their way.
    pub fn is_full(&self, account: Account, kind: Kind, more: usize) -> bool {
        let accounts = self.read();
        let count = accounts.get(&account).map(|memory| memory.is_full(kind, more));
        count.unwrap_or_else(|| Memory::default().is_full(kind, more))
    }

    /// Lets everyone see what is on disk now: first what is left of accounts of which something was
    /// forgotten, then what was learned.
    pub fn publish(&self, left: HashMap<Account, Memory>, rows: HashMap<(Account, Key), Row>) {
        if left.is_empty() && rows.is_empty() {
            return;
        }
        let mut accounts = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        accounts.extend(left);
        for ((account, _), row) in &rows {
            accounts.entry(*account).or_default().learn(row);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<Account, Memory>> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Memory {
    fn is_full(&self, kind: Kind, more: usize) -> bool {
        let count = self.counts[kind as usize];
        count.things + more >= kind.things_max() || count.rows + more >= kind.rows_max()
    }

    /// Takes in a row, new or in place of an older one.
    pub fn learn(&mut self, row: &Row) {
        let Row { at, lesson } = row;
        let said = lesson.said();
        let is_new_row = self.known.insert(lesson.key(), said.digest()).is_none();
        let workspace = lesson.workspace.clone();
        let is_new_thing = match &lesson.thing {
            Thing::Workspace => match workspace {
                Some(id) => self.workspaces.insert(id, ()).is_none(),
                None => false,
            },
            Thing::RecordType(name) => see(self.record_types.entry(name.clone()), workspace),
            Thing::Field { record_type, name } => {
                let types = self.fields.entry(name.clone()).or_default();
                see(types.entry(record_type.clone()), workspace)
            }
            Thing::User { id, details } => {
                let seen = self.users.entry(id.clone()).or_default();
                let is_new = seen.is_empty();
                seen.insert(workspace, UserSeen { at: *at, details: details.clone() });
                is_new
            }
        };
        let count = &mut self.counts[said.kind() as usize];
        count.things += usize::from(is_new_thing);
        count.rows += usize::from(is_new_row);
    }
}

/// Notes that something was seen in a workspace; whether it was never seen before.
fn see<K: Ord>(
    entry: std::collections::btree_map::Entry<'_, K, SeenIn>,
    workspace: Option<ExternalId>,
) -> bool {
    let seen = entry.or_default();
    let is_new = seen.is_empty();
    seen.insert(workspace);
    is_new
}

pub(super) fn decode(bytes: &[u8]) -> Result<Row, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::Damaged(format!("what was learned: {error}")))
}
