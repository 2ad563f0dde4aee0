//! The log: messages, their states and their attempts.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::prune::forgotten;
use super::{Bundle, SettledRow, Store, StoreError, bundle, keys, settled, value};
use crate::clock::Timestamp;
use crate::model::{
    Account, Attempt, CodeClass, Delivery, ExternalId, Health, Id, Message, Owed, Parts, RecordKey,
    Settled, Source, Status,
};

/// Which messages to list, newest first.
#[derive(Clone, Debug)]
pub struct MessageFilter {
    /// Of this account.
    pub account: Account,
    /// Addressed to this integration.
    pub integration: Option<Id>,
    /// Addressed to one of these.
    pub among: Option<Vec<Id>>,
    /// In this state.
    pub status: Option<Status>,
    /// Whose last attempt was answered so.
    pub code: Option<CodeClass>,
    /// About records of this type.
    pub record_type: Option<ExternalId>,
    /// That name a contributor so; in lower case.
    pub user: Option<String>,
    /// That hold this in their record or description; in lower case.
    pub text: Option<String>,
    /// About this record.
    pub record: Option<RecordKey>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub until: Option<Timestamp>,
    /// Made before this one.
    pub before: Option<Id>,
    /// At most so many.
    pub limit: usize,
}

impl MessageFilter {
    /// The newest messages of an account, whatever they are.
    pub fn all(account: Account, limit: usize) -> Self {
        Self {
            account,
            integration: None,
            among: None,
            status: None,
            code: None,
            record_type: None,
            user: None,
            text: None,
            record: None,
            since: None,
            until: None,
            before: None,
            limit,
        }
    }
}

/// A message and its state.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The message.
    pub message: Message,
    /// Owed or settled.
    pub delivery: Delivery,
    /// In one word.
    pub status: Status,
}

/// A page of the log.
#[derive(Debug, Default)]
pub struct LogPage {
    /// The messages.
    pub items: Vec<Entry>,
    /// The message to go on before; none at the end.
    pub next: Option<Id>,
}

impl Store {
    /// A message and its state.
    pub fn message(&self, id: Id) -> Result<Option<Entry>, StoreError> {
        // On disk perhaps, but of a commit of which nobody has heard yet.
        if id > self.tally().counters.last_id {
            return Ok(None);
        }
        let Some(row) = self.row_of(id)? else { return Ok(None) };
        let (source, draft) = decode(row.get(id).unwrap_or_default(), id)?;
        let message = Message { id, source, draft };
        let Some(delivery) = self.delivery(id)? else {
            // Forgotten meanwhile.
            if !self.has_message(id)? {
                return Ok(None);
            }
            return Err(StoreError::Damaged(format!("message {id} is neither owed nor settled")));
        };
        let status = self.status(&delivery);
        Ok(Some(Entry { message, delivery, status }))
    }

    /// The row that holds a message. It may have been forgotten since, with all that hangs on it.
    fn row_of(&self, message: Id) -> Result<Option<Arc<Bundle>>, StoreError> {
        if let Some(row) = self.recent_messages.find(|row| row.get(message).is_some()) {
            return Ok(Some(row));
        }
        let found = bundle::find(self.tree(), keys::MESSAGES, message)?;
        let row = found.filter(|row| row.get(message).is_some()).map(Arc::new);
        if let Some(row) = row.as_ref().filter(|row| row.len() > 1) {
            self.recent_messages.keep(row.clone());
        }
        Ok(row)
    }

    /// Whether a message is there.
    pub(super) fn has_message(&self, id: Id) -> Result<bool, StoreError> {
        let row = bundle::find(self.tree(), keys::MESSAGES, id)?;
        Ok(row.is_some_and(|row| row.get(id).is_some()))
    }

    /// What a message was made of: the beginning of its row.
    pub(super) fn source_of(&self, message: Id) -> Result<Option<Source>, StoreError> {
        let damaged = |_| StoreError::Damaged(format!("a row of message {message}"));
        let Some(row) = self.row_of(message)? else { return Ok(None) };
        let bytes = row.get(message).unwrap_or_default();
        let (source, _) = postcard::take_from_bytes(bytes).map_err(damaged)?;
        Ok(Some(source))
    }

    /// The row of a message that was settled.
    pub(super) fn settled_row(&self, message: Id) -> Result<Option<SettledRow>, StoreError> {
        let row = settled::get(self.tree(), message)?;
        row.map(|bytes| SettledRow::decode(&bytes, message)).transpose()
    }

    /// The attempts of a message, in order.
    pub fn attempts(&self, message: Id) -> Result<Vec<Attempt>, StoreError> {
        // First the one that moves to a row of its own when the message is owed again.
        let settled = self.settled_row(message)?;
        let last = settled.map(|row| row.attempt(message)).transpose()?.flatten();
        let mut attempts: Vec<Attempt> = Vec::new();
        for row in self.tree().scan_prefix(keys::attempts(message)) {
            let (key, head) = row?;
            // Longer keys are the parts of long attempts.
            if key.len() == keys::attempt(message, 0).len()
                && let Some(bytes) = value::whole(self.tree(), &key, &head)?
            {
                attempts.push(decode(&bytes, message)?);
            }
        }
        if let Some(last) = last
            && let Err(at) = attempts.binary_search_by_key(&last.number, |attempt| attempt.number)
        {
            // One that was given up while it was under way may have come after it.
            attempts.insert(at, last);
        }
        Ok(attempts)
    }

    /// Which events of a message are left, where the hook said so of single ones.
    pub fn parts(&self, message: Id) -> Result<Option<Parts>, StoreError> {
        let row = self.tree().get(keys::by_id(keys::PARTS, message))?;
        row.map(|bytes| decode(&bytes, message)).transpose()
    }

    /// How far back the log reaches; none when nothing was forgotten yet.
    pub fn reaches_back_to(&self) -> Result<Option<Timestamp>, StoreError> {
        let forgotten = forgotten(self.tree())?;
        Ok((forgotten != Id::default()).then(|| forgotten.time()))
    }

    /// How deliveries to each integration have gone, as stored.
    pub(super) fn load_health(&self) -> Result<Vec<(Id, Health)>, StoreError> {
        let mut all = Vec::new();
        for row in self.tree().scan_prefix([keys::HEALTH]) {
            let (key, bytes) = row?;
            let id = keys::id_of(&key).unwrap_or_default();
            all.push((id, decode(&bytes, id)?));
        }
        Ok(all)
    }

    /// The state in one word: what is owed to a disabled integration is held (R10).
    pub(super) fn status(&self, delivery: &Delivery) -> Status {
        match delivery {
            Delivery::Settled(Settled { status, .. }) => *status,
            Delivery::Owed(Owed { integration, .. }) => {
                let config = self.config();
                match config.integrations.get(integration) {
                    Some(integration) if !integration.spec.enabled => Status::Held,
                    _ => Status::Pending,
                }
            }
        }
    }

    /// The messages about a record, to one integration, made at `from` or later, that no mark names:
    /// sent live (R16), or replayed. Oldest first.
    pub fn unmarked_messages_of(
        &self,
        record: &RecordKey,
        integration: Id,
        from: Id,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        for (id, is_message) in self.ids_of_record(record.partition(), from)? {
            if is_message && let Some(entry) = self.message(id)? {
                let draft = &entry.message.draft;
                if draft.integration == integration && draft.record == *record {
                    entries.push(entry);
                }
            }
        }
        Ok(entries)
    }
}

/// Decodes a row of the log that belongs to message `id`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], id: Id) -> Result<T, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::Damaged(format!("a row of message {id}: {error}")))
}
