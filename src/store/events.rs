//! The list of security events. Each entry holds the hash of the one before it, so that none can be
//! changed, taken out or put in without a trace; the last hash stands by itself.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::tree::Tree;
use super::{Store, StoreError, keys, value};
use crate::clock::Timestamp;
use crate::filter::security::covers;
use crate::ingest;
use crate::model::{Account, ChainHash, Chained, ExternalId, Id, SecurityEvent, Success, Target};

/// The most events one query looks at; a page may then be short, and its cursor leads on.
const LOOKED_AT_MAX: usize = 50_000;

/// An entry, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Row {
    pub previous: ChainHash,
    pub hash: ChainHash,
    pub text: String,
}

/// The end of an account's list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub last: Id,
    pub hash: ChainHash,
}

/// Events that wait to be sent to an integration together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub places: Vec<Id>,
    /// By when they are to be sent.
    pub due: Timestamp,
}

impl Waiting {
    /// Nothing waits.
    pub fn none() -> Self {
        Self { places: Vec::new(), due: Timestamp::default() }
    }
}

/// Which security events to list, newest first.
#[derive(Clone, Debug)]
pub struct EventFilter {
    /// Of this account.
    pub account: Account,
    /// Of these actions; `login.*` for all that begin so.
    pub action: Option<ExternalId>,
    /// That ended so.
    pub outcome: Option<Success>,
    /// By this user.
    pub user_id: Option<ExternalId>,
    /// At least so grave.
    pub min_severity: u8,
    /// About this: its type and id.
    pub target: Option<(ExternalId, ExternalId)>,
    /// About one of these integrations.
    pub among: Option<Vec<Id>>,
    /// At this time or later.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Before this one.
    pub before: Option<Id>,
    /// At most so many.
    pub limit: usize,
}

/// A page of the list.
#[derive(Debug, Default)]
pub struct EventPage {
    /// The entries, and the events in them.
    pub items: Vec<(Chained, SecurityEvent)>,
    /// The entry to go on before; none at the end.
    pub next: Option<Id>,
}

/// The hash of the entry with this text, behind the one with the hash `previous`.
pub(super) fn link(previous: ChainHash, text: &str) -> ChainHash {
    ChainHash(Sha256::new().chain_update(previous.0).chain_update(text).finalize().into())
}

/// The end of an account's list.
pub(super) fn head(tree: &Tree, account: Account) -> Result<Head, StoreError> {
    match tree.get(keys::event_head(account))? {
        None => Ok(Head::default()),
        Some(bytes) => postcard::from_bytes(&bytes).map_err(|error| {
            StoreError::Damaged(format!("the end of the list of security events: {error}"))
        }),
    }
}

impl Store {
    /// A page of the list.
    pub fn security_events(&self, filter: &EventFilter) -> Result<EventPage, StoreError> {
        let until = filter.until.map_or(Id::from_u64(u64::MAX), Id::at);
        let before = filter.before.unwrap_or(until).min(until);
        let since = filter.since.map_or(Id::default(), Id::at);
        let mut page = EventPage::default();
        if since >= before {
            return Ok(page);
        }
        let range = keys::event(filter.account, since)..keys::event(filter.account, before);
        let (mut last, mut looked_at) = (None, 0);
        for row in self.tree().range(range).rev() {
            let (key, head) = row?;
            let Some(place) = keys::place_of_event(&key) else { continue };
            if page.items.len() == filter.limit || looked_at == LOOKED_AT_MAX {
                page.next = last;
                break;
            }
            looked_at += 1;
            last = Some(place);
            let Some(bytes) = value::whole(self.tree(), &key, &head)? else { continue };
            let entry = chained(place, decode(place, &bytes)?);
            let event = event_of(place, &entry.text)?;
            if wanted(&event, filter) {
                page.items.push((entry, event));
            }
        }
        Ok(page)
    }

    /// The entry at `place`.
    pub(super) fn event_row(&self, account: Account, place: Id) -> Result<Option<Row>, StoreError> {
        let bytes = value::get(self.tree(), &keys::event(account, place))?;
        bytes.map(|bytes| decode(place, &bytes)).transpose()
    }

    /// The end of an account's list.
    pub(super) fn event_head(&self, account: Account) -> Result<Head, StoreError> {
        head(self.tree(), account)
    }

    /// What waits to be sent to an integration together.
    pub(super) fn waiting_events(&self, integration: Id) -> Result<Option<Waiting>, StoreError> {
        let row = self.tree().get(keys::by_id(keys::WAITING_EVENTS, integration))?;
        row.map(|bytes| decode_waiting(integration, &bytes)).transpose()
    }

    /// Every integration for which events wait, and by when those are to be sent.
    pub(super) fn all_waiting(&self) -> Result<Vec<(Id, Waiting)>, StoreError> {
        let mut all = Vec::new();
        for row in self.tree().scan_prefix([keys::WAITING_EVENTS]) {
            let (key, bytes) = row?;
            let integration = keys::id_of(&key).unwrap_or_default();
            all.push((integration, decode_waiting(integration, &bytes)?));
        }
        Ok(all)
    }

    /// The oldest entries before `before` that wait for nothing, up to `limit`.
    pub(super) fn old_events(
        &self,
        before: Id,
        limit: usize,
    ) -> Result<Vec<(Account, Id)>, StoreError> {
        let waiting = self.all_waiting()?;
        let first_waiting = waiting.iter().flat_map(|(_, waiting)| &waiting.places).min();
        let before = first_waiting.map_or(before, |first| before.min(*first));
        let mut old = Vec::new();
        for account in self.config().accounts.keys().copied() {
            let range = keys::event(account, Id::default())..keys::event(account, before);
            for key in self.tree().range(range).keys() {
                if old.len() == limit {
                    return Ok(old);
                }
                old.extend(keys::place_of_event(&key?).map(|place| (account, place)));
            }
        }
        Ok(old)
    }
}

fn chained(place: Id, row: Row) -> Chained {
    Chained { place, previous: row.previous, hash: row.hash, text: row.text }
}

pub(super) fn event_of(place: Id, text: &str) -> Result<SecurityEvent, StoreError> {
    let read = ingest::kept_security_event(text);
    let draft = read.map_err(|error| damaged(place, &error))?;
    Ok(draft.at(place))
}

pub(super) fn decode(place: Id, bytes: &[u8]) -> Result<Row, StoreError> {
    postcard::from_bytes(bytes).map_err(|error| damaged(place, &error.to_string()))
}

pub(super) fn decode_waiting(integration: Id, bytes: &[u8]) -> Result<Waiting, StoreError> {
    postcard::from_bytes(bytes).map_err(|error| {
        StoreError::Damaged(format!("the events that wait for integration {integration}: {error}"))
    })
}

fn damaged(place: Id, error: &str) -> StoreError {
    StoreError::Damaged(format!("the security event {place}: {error}"))
}

fn wanted(event: &SecurityEvent, filter: &EventFilter) -> bool {
    let is_about = |target: &Option<Target>, target_type: &str, id: &str| {
        target.as_ref().is_some_and(|target| {
            target.target_type.as_str() == target_type && target.id.as_str() == id
        })
    };
    let by = |id: &ExternalId| event.user.as_ref().is_some_and(|user| user.id == *id);
    filter.action.as_ref().is_none_or(|action| covers(action.as_str(), event.action.as_str()))
        && filter.outcome.is_none_or(|outcome| outcome == event.outcome)
        && filter.user_id.as_ref().is_none_or(by)
        && event.severity >= filter.min_severity
        && filter
            .target
            .as_ref()
            .is_none_or(|(kind, id)| is_about(&event.target, kind.as_str(), id.as_str()))
        && filter.among.as_ref().is_none_or(|ids| {
            ids.iter().any(|id| is_about(&event.target, "integration", &id.to_string()))
        })
}
