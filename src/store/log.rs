//! The log: messages, their states and their attempts.

use super::{Store, StoreError, keys, value};
use crate::clock::Timestamp;
use crate::filter::same_type;
use crate::model::{
    Account, Addressed, Attempt, CodeClass, Delivery, ExternalId, Health, Id, Message,
    MessageDraft, Owed, Parts, RecordKey, Settled, Status,
};
use serde::de::DeserializeOwned;

/// The most messages one query looks at; a page may then be short, and its cursor leads on.
const LOOKED_AT_MAX: usize = 20_000;

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
        let Some(bytes) = value::get(self.tree(), &keys::by_id(keys::MESSAGES, id))? else {
            return Ok(None);
        };
        let (source, draft) = decode(&bytes, id)?;
        let message = Message { id, source, draft };
        let delivery = if let Some(bytes) = self.tree().get(keys::by_id(keys::OUTBOX, id))? {
            Delivery::Owed(decode(&bytes, id)?)
        } else if let Some(bytes) = self.tree().get(keys::settled(id))? {
            Delivery::Settled(decode(&bytes, id)?)
        } else {
            return Err(StoreError::Damaged(format!("message {id} is neither owed nor settled")));
        };
        let status = self.status(&delivery);
        Ok(Some(Entry { message, delivery, status }))
    }

    /// The attempts of a message, in order.
    pub fn attempts(&self, message: Id) -> Result<Vec<Attempt>, StoreError> {
        let mut attempts = Vec::new();
        for row in self.tree().scan_prefix(keys::attempts(message)) {
            let (key, head) = row?;
            // Longer keys are the parts of long attempts.
            if key.len() == keys::attempt(message, 0).len() {
                attempts.push(decode(&value::whole(self.tree(), &key, &head)?, message)?);
            }
        }
        Ok(attempts)
    }

    /// Which events of a message are left, where the hook said so of single ones.
    pub fn parts(&self, message: Id) -> Result<Option<Parts>, StoreError> {
        let row = self.tree().get(keys::by_id(keys::PARTS, message))?;
        row.map(|bytes| decode(&bytes, message)).transpose()
    }

    /// A page of the log.
    pub fn messages(&self, filter: &MessageFilter) -> Result<LogPage, StoreError> {
        let until = filter.until.map_or(Id::from_u64(u64::MAX), Id::at);
        let before = filter.before.unwrap_or(until).min(until);
        match (&filter.record, filter.status, filter.integration) {
            (Some(record), ..) => {
                let mut ids = self.messages_of(record)?;
                ids.retain(|id| *id < before);
                self.page(filter, ids.into_iter().rev().map(Ok))
            }
            (_, Some(Status::Pending | Status::Held), _) => {
                self.page(filter, self.ids_before(&[keys::OUTBOX], before))
            }
            (_, Some(status), _) if status != Status::Delivered => {
                self.page(filter, self.ids_before(&keys::status_messages(status), before))
            }
            (_, _, Some(integration)) => {
                self.page(filter, self.ids_before(&keys::integration_messages(integration), before))
            }
            _ => self.page(filter, self.ids_before(&[keys::MESSAGES], before)),
        }
    }

    /// All that is owed, oldest first.
    pub fn outbox(&self) -> Result<Vec<(Id, Owed)>, StoreError> {
        let mut outbox = Vec::new();
        for row in self.tree().scan_prefix([keys::OUTBOX]) {
            let (key, bytes) = row?;
            let id = keys::id_of(&key)
                .ok_or_else(|| StoreError::Damaged("a key of the outbox".to_owned()))?;
            outbox.push((id, decode(&bytes, id)?));
        }
        Ok(outbox)
    }

    /// The oldest message that is owed.
    pub fn oldest_owed(&self) -> Result<Option<Id>, StoreError> {
        let first = self.tree().scan_prefix([keys::OUTBOX]).next().transpose()?;
        Ok(first.and_then(|(key, _)| keys::id_of(&key)))
    }

    /// The oldest message to an integration that is kept.
    pub fn oldest_message_to(&self, integration: Id) -> Result<Option<Id>, StoreError> {
        let mut keys = self.tree().scan_prefix(keys::integration_messages(integration)).keys();
        Ok(keys.next().transpose()?.and_then(|key| keys::last_id(&key)))
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
    fn status(&self, delivery: &Delivery) -> Status {
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

    /// The messages about a record, oldest first: its marks name them, or its index does.
    fn messages_of(&self, record: &RecordKey) -> Result<Vec<Id>, StoreError> {
        let mut ids: Vec<Id> = Vec::new();
        for (id, is_message) in self.ids_of_record(record.partition(), Id::default())? {
            if is_message {
                ids.push(id);
            } else if let Some(mark) = self.mark(id)?.filter(|mark| mark.record == *record) {
                ids.extend(mark.addressed.iter().filter_map(|(_, addressed)| match addressed {
                    Addressed::Message(id) => Some(*id),
                    Addressed::NothingChanged => None,
                }));
            }
        }
        Ok(ids)
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

    /// The ids that keys of this prefix end with, newest first.
    fn ids_before(
        &self,
        prefix: &[u8],
        before: Id,
    ) -> impl Iterator<Item = Result<Id, StoreError>> + use<> {
        let mut end = prefix.to_vec();
        end.extend_from_slice(&before.as_u64().to_be_bytes());
        let key_bytes = end.len();
        let range = self.tree().range(prefix.to_vec()..end);
        range.rev().filter_map(move |entry| match entry {
            Err(error) => Some(Err(error.into())),
            // Longer keys are the parts of long values.
            Ok((key, _)) if key.len() == key_bytes => keys::last_id(&key).map(Ok),
            Ok(_) => None,
        })
    }

    fn page(
        &self,
        filter: &MessageFilter,
        ids: impl Iterator<Item = Result<Id, StoreError>>,
    ) -> Result<LogPage, StoreError> {
        let mut page = LogPage::default();
        let mut last = None;
        for (looked_at, id) in ids.enumerate() {
            if page.items.len() == filter.limit || looked_at == LOOKED_AT_MAX {
                page.next = last;
                break;
            }
            let id = id?;
            if filter.since.is_some_and(|since| id < Id::at(since)) {
                break;
            }
            last = Some(id);
            page.items.extend(self.message(id)?.filter(|entry| wanted(entry, filter)));
        }
        Ok(page)
    }
}

fn wanted(entry: &Entry, filter: &MessageFilter) -> bool {
    let draft = &entry.message.draft;
    draft.record.account == filter.account
        && filter.integration.is_none_or(|id| draft.integration == id)
        && filter.among.as_ref().is_none_or(|ids| ids.contains(&draft.integration))
        && filter.status.is_none_or(|status| entry.status == status)
        && filter.code.is_none_or(|class| {
            let (attempts, code) = entry.delivery.last_answer();
            class.holds(attempts, code)
        })
        && filter.record.as_ref().is_none_or(|record| draft.record == *record)
        && says(draft, filter)
}

/// Whether the message says what is looked for.
fn says(draft: &MessageDraft, filter: &MessageFilter) -> bool {
    let record = &draft.record;
    let of_type = |wanted: &ExternalId| same_type(record.record_type.as_str(), wanted.as_str());
    let names = |user: &String| {
        draft.contributors.iter().any(|name| name.to_lowercase().contains(user.as_str()))
    };
    let holds = |text: &String| {
        let described = draft.description.as_deref().unwrap_or_default();
        [record.record_type.as_str(), record.record_id.as_str(), described]
            .iter()
            .any(|part| part.to_lowercase().contains(text.as_str()))
    };
    filter.record_type.as_ref().is_none_or(of_type)
        && filter.user.as_ref().is_none_or(names)
        && filter.text.as_ref().is_none_or(holds)
}

/// Decodes a row of the log that belongs to message `id`.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], id: Id) -> Result<T, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::Damaged(format!("a row of message {id}: {error}")))
}
