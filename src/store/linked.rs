//! Full records and their links: reading them, and what is asked and told about them.
//!
//! Two rows a record, so that a link changes without the record's text being written again: `v` the
//! text, `y` all else with its links; and `z`, for each link, where its record is.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Store, StoreError, keys, value};
use crate::clock::Timestamp;
use crate::model::{Account, ExternalId, FullRecord, Id, Link, Pending, RecordKey, WindowRule};

/// Names a record within its account, in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordHash([u8; 16]);

/// Something to do with full records and their links.
pub enum RecordCommand {
    /// This is the record now; the server's quiet period and max wait are these.
    Put(Box<NewRecord>, WindowRule),
    /// The record is no more.
    Remove(RecordKey),
    /// Link a record to an integration, as this person asks.
    SendTo(RecordKey, Id, Box<str>),
    /// Forget a link, and give up what is owed for it, as this person asks.
    Unlink(RecordKey, Id, Box<str>),
    /// Send what these links wait for, where nothing has happened since.
    Due(Vec<DueLink>),
}

/// A full record, as it was put.
pub struct NewRecord {
    /// The record.
    pub key: RecordKey,
    /// The workspace it is of.
    pub workspace_id: ExternalId,
    /// Its parent, where it names one.
    pub parent: Option<RecordKey>,
    /// As it came: a JSON object.
    pub text: String,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordDone {
    /// Of [`RecordCommand::Put`].
    Put(PutDone),
    /// Of [`RecordCommand::SendTo`].
    Sent(SentTo),
    /// Of the others.
    Done,
}

/// What putting a record came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutDone {
    /// Another with every change.
    pub revision: Id,
    /// Whether there was none before.
    pub created: bool,
    /// Whether it is another than before.
    pub changed: bool,
    /// How many hooks will hear of it.
    pub links: usize,
}

/// What sending a record to a hook came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SentTo {
    /// The records that were linked, parents first.
    pub linked: Vec<RecordKey>,
    /// The message that was made.
    pub message: Option<Id>,
}

/// A link that something is to be sent for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueLink {
    /// The account of its record.
    pub account: Account,
    /// Its record.
    pub record: RecordHash,
    /// The link.
    pub link: Id,
    /// What the record was then; whoever waits for nothing has none.
    pub revision: Option<Id>,
}

/// A link that something is to be sent for, and in what time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkTimer {
    /// The link.
    pub due: DueLink,
    /// How long its record must be left alone from now on.
    pub wait: Duration,
}

/// A page of links.
#[derive(Debug, Default)]
pub struct LinkPage {
    /// Each with its record, which has this one link only.
    pub items: Vec<FullRecord>,
    /// The link to go on after; none at the end.
    pub next: Option<Id>,
}

impl RecordHash {
    /// The hash of a record's name.
    pub fn of(key: &RecordKey) -> RecordHash {
        let mut hash = Sha256::new();
        let record_type = key.record_type.as_str();
        hash.update((record_type.len() as u64).to_be_bytes());
        hash.update(record_type);
        hash.update(key.record_id.as_str());
        RecordHash(*hash.finalize().first_chunk().expect("invariant: 32 bytes"))
    }

    pub(super) fn bytes(self) -> [u8; 16] {
        self.0
    }

    pub(super) fn from_end(bytes: &[u8]) -> Option<RecordHash> {
        bytes.last_chunk().copied().map(RecordHash)
    }
}

impl LinkTimer {
    /// The timer of a link whose record is being changed.
    pub(super) fn of(record: &FullRecord, link: &Link, now: Timestamp) -> Option<LinkTimer> {
        let Pending::Quiet(quiet) = &link.change else { return None };
        let due = DueLink { revision: Some(quiet.revision), ..DueLink::of(record, link) };
        Some(LinkTimer { due, wait: quiet.left(now) })
    }
}

impl DueLink {
    /// A link that something is to be sent for at once.
    pub(super) fn of(record: &FullRecord, link: &Link) -> DueLink {
        let (account, hash) = (record.key.account, RecordHash::of(&record.key));
        DueLink { account, record: hash, link: link.id, revision: None }
    }
}

impl Store {
    /// What is kept of a full record beside its text; also of one that was removed, as long as a hook
    /// has to be told.
    pub fn full_record(&self, key: &RecordKey) -> Result<Option<FullRecord>, StoreError> {
        self.full_record_at(key.account, RecordHash::of(key))
    }

    pub(super) fn full_record_at(
        &self,
        account: Account,
        record: RecordHash,
    ) -> Result<Option<FullRecord>, StoreError> {
        let row = value::get_current(self.tree(), &keys::full_record(account, record))?;
        row.map(|row| decode(&row)).transpose()
    }

    /// The text of a full record, as it was put.
    pub fn record_text(&self, key: &RecordKey) -> Result<Option<String>, StoreError> {
        let text =
            value::get_current(self.tree(), &keys::record_text(key.account, RecordHash::of(key)))?;
        let text = text.map(String::from_utf8).transpose();
        text.map_err(|_| StoreError::Damaged(format!("the text of the record {key}")))
    }

    /// The text of a full record that an integration may see: that it was not removed, and is of this
    /// workspace, where there is one (R6).
    pub fn record_text_in(
        &self,
        key: &RecordKey,
        workspace: Option<&ExternalId>,
    ) -> Result<Option<String>, StoreError> {
        match self.full_record(key)? {
            Some(found) if found.is_seen_in(workspace) => self.record_text(key),
            _ => Ok(None),
        }
    }

    /// A page of the links of an integration, in the order they were made.
    pub fn links_to(
        &self,
        account: Account,
        integration: Id,
        after: Id,
        limit: usize,
    ) -> Result<LinkPage, StoreError> {
        let mut page = LinkPage::default();
        let from = keys::link(integration, after.plus(1));
        let end = keys::link(integration, Id::from_u64(u64::MAX));
        for row in self.tree().range(from..=end) {
            let (key, hash) = row?;
            if page.items.len() == limit {
                page.next = page.items.last().and_then(|last| Some(last.links.first()?.id));
                break;
            }
            let link = keys::last_id(&key);
            let record = RecordHash::from_end(&hash);
            let record = record.map(|record| self.full_record_at(account, record)).transpose()?;
            if let Some(mut record) = record.flatten() {
                // It may have been unlinked since the row was read.
                record.links.retain(|found| Some(found.id) == link);
                page.items.extend((!record.links.is_empty()).then_some(record));
            }
        }
        Ok(page)
    }

    /// The links of an integration that something is to be sent for as soon as that can be.
    pub fn due_links(&self, account: Account, integration: Id) -> Result<Vec<DueLink>, StoreError> {
        let mut due = Vec::new();
        for row in self.tree().scan_prefix(keys::links_of(integration)) {
            let Some(record) = RecordHash::from_end(&row?.1) else { continue };
            let record = self.full_record_at(account, record)?;
            let link = record.as_ref().and_then(|record| record.link_to(integration));
            if let (Some(record), Some(link)) = (&record, link)
                && link.change == Pending::Due
            {
                due.push(DueLink::of(record, link));
            }
        }
        Ok(due)
    }

    /// The timers of all links whose records were being changed.
    pub(super) fn link_timers(&self, now: Timestamp) -> Result<Vec<LinkTimer>, StoreError> {
        let mut timers = Vec::new();
        for row in self.tree().scan_prefix([keys::FULL_RECORDS]) {
            let (key, head) = row?;
            // Longer keys are the parts of long values.
            if key.len() == keys::FULL_RECORD_BYTES
                && let Some(bytes) = value::whole(self.tree(), &key, &head)?
            {
                let record: FullRecord = decode(&bytes)?;
                let links = record.links.iter();
                timers.extend(links.filter_map(|link| LinkTimer::of(&record, link, now)));
            }
        }
        Ok(timers)
    }
}

impl FullRecord {
    /// Whether it can be seen by whoever sees this workspace; the whole account, when there is none.
    pub fn is_seen_in(&self, workspace: Option<&ExternalId>) -> bool {
        !self.removed && workspace.is_none_or(|workspace| *workspace == self.workspace_id)
    }
}

fn decode(row: &[u8]) -> Result<FullRecord, StoreError> {
    postcard::from_bytes(row)
        .map_err(|error| StoreError::Damaged(format!("what is kept of a record: {error}")))
}
