//! Reading audits back: one by its place, some of a window, or the history as a list (R18).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Store, StoreError, bundle, keys, pack};
use crate::clock::Timestamp;
use crate::ingest;
use crate::model::{Account, Audit, ExternalId, Id, Mark, RecordKey, WindowRule};

/// The most audits one query looks at; a page may then be short, and its cursor leads on.
const LOOKED_AT_MAX: usize = 200_000;

/// Which audits to list, oldest first.
#[derive(Clone, Debug)]
pub struct AuditFilter {
    /// Of this account.
    pub account: Account,
    /// Of this record.
    pub record: Option<RecordKey>,
    /// By this user.
    pub user_id: Option<ExternalId>,
    /// In one of these workspaces.
    pub workspaces: Option<Vec<ExternalId>>,
    /// Received at this time or later.
    pub since: Option<Timestamp>,
    /// Received before this time.
    pub until: Option<Timestamp>,
    /// After this place.
    pub after: Option<Id>,
    /// At most so many.
    pub limit: usize,
}

impl AuditFilter {
    /// The oldest audits of an account, whatever they are.
    pub fn all(account: Account, limit: usize) -> Self {
        Self {
            account,
            record: None,
            user_id: None,
            workspaces: None,
            since: None,
            until: None,
            after: None,
            limit,
        }
    }
}

/// A page of the history.
#[derive(Debug, Default)]
pub struct HistoryPage {
    /// The audits.
    pub items: Vec<Audit>,
    /// The place to go on after; none at the end.
    pub next: Option<Id>,
}

impl Store {
    /// The audit at `place`.
    pub fn audit_at(&self, place: Id) -> Result<Option<Audit>, StoreError> {
        match pack::find(self.tree(), place)? {
            Some((first, bytes)) => audit_of(first, &bytes, place),
            None => Ok(None),
        }
    }

    /// Those of the audits at `places` that are still kept.
    pub fn audits_left(&self, places: &[Id]) -> Result<Vec<Audit>, StoreError> {
        let mut audits = Vec::with_capacity(places.len());
        for place in places {
            audits.extend(self.audit_at(*place)?);
        }
        Ok(audits)
    }

    /// The place of the audit with this id: one it came with, or one it was given here.
    pub fn place_of(&self, account: Account, id: &ExternalId) -> Result<Option<Id>, StoreError> {
        if let Some(bytes) = self.tree().get(keys::audit_id(account, id))? {
            return Ok(keys::last_id(&bytes));
        }
        Ok(id.as_str().parse().ok())
    }

    /// A page of the history. `open` are the places of the record's open window, which no mark
    /// names yet; needed only when the filter names a record.
    pub fn history(&self, filter: &AuditFilter, open: &[Id]) -> Result<HistoryPage, StoreError> {
        let after = filter.after.unwrap_or_default();
        let from = after.plus(1).max(filter.since.map_or(Id::default(), Id::at));
        let until = filter.until.map_or(Id::from_u64(u64::MAX), Id::at);
        if from >= until {
            return Ok(HistoryPage::default());
        }
        match &filter.record {
            Some(record) => self.history_of_record(filter, record, open, from, until),
            None => self.history_of_account(filter, from, until),
        }
    }

    fn history_of_record(
        &self,
        filter: &AuditFilter,
        record: &RecordKey,
        open: &[Id],
        from: Id,
        until: Id,
    ) -> Result<HistoryPage, StoreError> {
        let mut places: BTreeSet<Id> = open.iter().copied().collect();
        for (_, mark) in self.marks_of(record, from)? {
            places.extend(mark.places);
        }
        let mut page = HistoryPage::default();
        for place in places.range(from..until) {
            if page.items.len() == filter.limit {
                page.next = page.items.last().map(|audit| audit.place);
                break;
            }
            // The oldest audits of a window may have been pruned before its mark.
            page.items.extend(self.audit_at(*place)?.filter(|audit| wanted(audit, filter)));
        }
        Ok(page)
    }

    fn history_of_account(
        &self,
        filter: &AuditFilter,
        from: Id,
        until: Id,
    ) -> Result<HistoryPage, StoreError> {
        let mut page = HistoryPage::default();
        let mut looked_at = 0;
        let mut last = from;
        for pack in pack::scan(self.tree(), from)? {
            let (first, bytes) = pack?;
            let pack = pack::decode(first, &bytes)?;
            let rules: Arc<[WindowRule]> = pack.rules.into();
            for (at, (account, text)) in pack.audits.iter().enumerate() {
                let place = first.plus(at as u64);
                if place < from {
                    continue;
                }
                if place >= until {
                    return Ok(page);
                }
                if page.items.len() == filter.limit || looked_at == LOOKED_AT_MAX {
                    page.next = Some(last);
                    return Ok(page);
                }
                (looked_at, last) = (looked_at + 1, place);
                if *account == filter.account {
                    let audit = read(place, *account, rules.clone(), text.as_bytes())?;
                    if wanted(&audit, filter) {
                        page.items.push(audit);
                    }
                }
            }
        }
        Ok(page)
    }

    /// The marks of a record's windows that closed at `from` or later, oldest first.
    pub fn marks_of(&self, record: &RecordKey, from: Id) -> Result<Vec<(Id, Mark)>, StoreError> {
        let mut marks = Vec::new();
        for (id, is_message) in self.ids_of_record(record.partition(), from)? {
            if !is_message
                && let Some(mark) = self.mark(id)?
                && mark.record == *record
            {
                marks.push((id, mark));
            }
        }
        Ok(marks)
    }

    /// The marks of a record's windows that closed before `before`, newest first: up to `limit` of them.
    pub fn windows_of(
        &self,
        record: &RecordKey,
        before: Option<Id>,
        limit: usize,
    ) -> Result<Vec<(Id, Mark)>, StoreError> {
        let mut marks = Vec::new();
        let before = before.unwrap_or(Id::from_u64(u64::MAX));
        for entry in self.newest_of_record(record.partition(), Id::default(), before) {
            let (id, is_message) = entry?;
            if !is_message
                && let Some(mark) = self.mark(id)?
                && mark.record == *record
            {
                marks.push((id, mark));
                if marks.len() == limit {
                    break;
                }
            }
        }
        Ok(marks)
    }

    /// A mark by its id.
    pub fn mark(&self, id: Id) -> Result<Option<Mark>, StoreError> {
        let bytes = bundle::get(self.tree(), keys::MARKS, id)?;
        bytes.map(|bytes| decode_mark(id, &bytes)).transpose()
    }

    /// The marks of an account's windows that closed in a time, oldest first: up to `limit` of them
    /// after `after`.
    pub fn marks_between(
        &self,
        account: Account,
        after: Id,
        until: Id,
        limit: usize,
    ) -> Result<Vec<(Id, Mark)>, StoreError> {
        let mut marks = Vec::new();
        if after.plus(1) >= until {
            return Ok(marks);
        }
        for entry in bundle::entries(self.tree(), keys::MARKS, after.plus(1), until)? {
            let (id, bytes) = entry?;
            let mark = decode_mark(id, &bytes)?;
            if mark.record.account == account {
                marks.push((id, mark));
                if marks.len() == limit {
                    break;
                }
            }
        }
        Ok(marks)
    }
}

/// Decodes a mark.
pub fn decode_mark(id: Id, bytes: &[u8]) -> Result<Mark, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::Damaged(format!("the mark of window {id}: {error}")))
}

/// All audits of the pack that starts at `first`.
pub fn unpack(first: Id, bytes: &[u8]) -> Result<Vec<Audit>, StoreError> {
    let pack = pack::decode(first, bytes)?;
    let rules: Arc<[WindowRule]> = pack.rules.into();
    let audits = pack.audits.iter().enumerate();
    audits
        .map(|(at, (account, text))| {
            read(first.plus(at as u64), *account, rules.clone(), text.as_bytes())
        })
        .collect()
}

/// Reads the text of an audit back.
pub fn read(
    place: Id,
    account: Account,
    rules: Arc<[WindowRule]>,
    text: &[u8],
) -> Result<Audit, StoreError> {
    match ingest::kept(text) {
        Ok(said) => Ok(Audit { place, account, rules, said }),
        Err(fault) => Err(StoreError::Damaged(format!("the audit at {place}: {fault}"))),
    }
}

fn audit_of(first: Id, bytes: &[u8], place: Id) -> Result<Option<Audit>, StoreError> {
    let pack = pack::decode(first, bytes)?;
    let at = (place.as_u64() - first.as_u64()) as usize;
    let rules = pack.rules.into();
    pack.audits
        .get(at)
        .map(|(account, text)| read(place, *account, rules, text.as_bytes()))
        .transpose()
}

fn wanted(audit: &Audit, filter: &AuditFilter) -> bool {
    let by_user = |id: &ExternalId| audit.users().any(|user| user.id == *id);
    let within = |listed: &Vec<ExternalId>| {
        audit.said.workspace_id.as_ref().is_some_and(|id| listed.contains(id))
    };
    filter.user_id.as_ref().is_none_or(by_user) && filter.workspaces.as_ref().is_none_or(within)
}
