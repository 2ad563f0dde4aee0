//! Looking through the log, newest first: block by block, leaving out those whose digest excludes what
//! is looked for; and in a block only the messages that an index or its columns name.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use super::blocks::{Probe, Span, Wanted, passing};
use super::head::{Caseless, Head};
use super::log::{Entry, LogPage, MessageFilter, decode};
use super::{Bundle, Store, StoreError, bundle, codes, keys, settled, value};
use crate::model::{Addressed, Delivery, Id, Message, RecordKey, Status};

/// The most messages one query reads; a page may then be short, and its cursor leads on. So an answer
/// is quick even where digests say "perhaps" of every block.
const LOOKED_AT_MAX: usize = if cfg!(test) { 60 } else { 20_000 };

/// A message that an index names, and the value of its row there.
type IndexEntry = Result<(Id, sled::IVec), StoreError>;

/// Whether to look on.
type Flow = ControlFlow<()>;

impl Store {
    /// A page of the log.
    pub fn messages(&self, filter: &MessageFilter) -> Result<LogPage, StoreError> {
        let until = filter.until.map_or(Id::from_u64(u64::MAX), Id::at);
        let before = filter.before.unwrap_or(until).min(until);
        let since = filter.since.map_or(Id::default(), Id::at);
        let (page, settled) = (LogPage::default(), settled::Reader::new(self.tree()));
        let mut search = Search {
            store: self,
            filter,
            since,
            page,
            looked_at: 0,
            last: None,
            bundle: None,
            settled,
            caseless: filter.text.as_deref().and_then(Caseless::of),
        };
        match &filter.record {
            Some(record) => search.in_record(record, before)?,
            None => search.in_blocks(before)?,
        }
        Ok(search.page)
    }

    /// The messages about a record before `before`, newest first, without those that were certainly made before
    /// `since`: marks name them, or no mark does.
    fn messages_of(
        &self,
        record: &RecordKey,
        since: Id,
        before: Id,
    ) -> impl Iterator<Item = Result<Id, StoreError>> {
        let entries = self.newest_of_record(record.partition(), since, before);
        let messages = entries.flat_map(move |row| match row {
            Err(error) => VecDeque::from([Err(error)]),
            Ok((id, true)) => VecDeque::from([Ok(id)]),
            Ok((id, false)) => match self.mark(id) {
                Err(error) => VecDeque::from([Err(error)]),
                Ok(mark) => {
                    let mark = mark.filter(|mark| mark.record == *record);
                    let addressed = mark.into_iter().flat_map(|mark| mark.addressed);
                    let messages = addressed.filter_map(|(_, addressed)| match addressed {
                        Addressed::Message(id) => Some(Ok(id)),
                        Addressed::NothingChanged => None,
                    });
                    messages.rev().collect()
                }
            },
        });
        messages.filter(move |id| id.as_ref().is_ok_and(|id| *id < before) || id.is_err())
    }

    /// The row of a message. Its neighbours were most likely written together with it, so they stay at hand.
    fn row_near<'b>(
        &self,
        id: Id,
        at_hand: &'b mut Option<Bundle>,
    ) -> Result<Option<&'b [u8]>, StoreError> {
        if !at_hand.as_ref().is_some_and(|bundle| bundle.spans(id)) {
            *at_hand = bundle::find(self.tree(), keys::MESSAGES, id)?;
        }
        Ok(at_hand.as_ref().and_then(|bundle| bundle.get(id)))
    }

    /// The newest entry of an index, of those from `first` on, before `end`.
    fn newest_of(&self, index: &Index, first: Id, end: Id) -> Result<Option<Id>, StoreError> {
        match index {
            Index::Owed => self.newest_owed_within(first, end),
            Index::Codes(prefix) | Index::Settled(prefix) => {
                Ok(self.rows_of(prefix, first, end).next().transpose()?.map(|(id, _)| id))
            }
        }
    }

    /// The entries of an index, newest first, of those from `first` on, before `end`.
    fn entries_of(
        &self,
        index: &Index,
        first: Id,
        end: Id,
    ) -> Result<Box<dyn Iterator<Item = IndexEntry>>, StoreError> {
        Ok(match index {
            Index::Owed => {
                let owed = self.owed_within(first, end)?;
                Box::new(owed.into_iter().rev().map(|id| Ok((id, sled::IVec::default()))))
            }
            Index::Codes(prefix) | Index::Settled(prefix) => {
                Box::new(self.rows_of(prefix, first, end))
            }
        })
    }

    /// The messages that rows are about whose keys are `prefix` and an id from `first` on, before `end`; newest
    /// first.
    pub(super) fn rows_of(
        &self,
        prefix: &[u8],
        first: Id,
        end: Id,
    ) -> impl Iterator<Item = IndexEntry> + use<> {
        let key = |id: Id| {
            let mut key = prefix.to_vec();
            key.extend_from_slice(&id.as_u64().to_be_bytes());
            key
        };
        self.tree().range(key(first)..key(end.max(first))).rev().filter_map(|entry| match entry {
            Err(error) => Some(Err(error)),
            Ok((key, row)) => keys::last_id(&key).map(|id| Ok((id, row))),
        })
    }
}

/// A query under way.
struct Search<'s> {
    store: &'s Store,
    filter: &'s MessageFilter,
    since: Id,
    page: LogPage,
    looked_at: usize,
    /// The message that was looked at last.
    last: Option<Id>,
    /// The messages that were read last.
    bundle: Option<Bundle>,
    settled: settled::Reader<'s>,
    /// What rows have to hold to hold the text that is looked for.
    caseless: Option<Caseless>,
}

impl Search<'_> {
    fn in_record(&mut self, record: &RecordKey, before: Id) -> Result<(), StoreError> {
        for id in self.store.messages_of(record, self.since, before) {
            let id = id?;
            if id < self.since || self.look(id, None)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn in_blocks(&mut self, mut before: Id) -> Result<(), StoreError> {
        let wanted = Wanted::of(self.filter, &self.store.blocks.read());
        let index = Index::of(self.filter);
        loop {
            if let Some(index) = &index {
                match self.store.newest_of(index, self.since, before)? {
                    Some(newest) => before = newest.plus(1),
                    None => return Ok(()),
                }
            }
            let span = self.store.blocks.read().newest(&wanted, self.since, before);
            let Some(span) = span else { return Ok(()) };
            if self.in_span(&span, &wanted, index.as_ref())?.is_break() {
                return Ok(());
            }
            before = span.first;
        }
    }

    fn in_span(
        &mut self,
        span: &Span,
        wanted: &Wanted,
        index: Option<&Index>,
    ) -> Result<Flow, StoreError> {
        let Some(passing) = self.passing(span, wanted)? else { return Ok(Flow::Continue(())) };
        if let (Passing::These(ids), None) = (&passing, index) {
            for id in ids.iter().rev() {
                if self.look(*id, None)?.is_break() {
                    return Ok(Flow::Break(()));
                }
            }
            return Ok(Flow::Continue(()));
        }
        let Some(index) = index else { return self.in_rows(span) };
        let of_code = self.filter.code.filter(|_| matches!(index, Index::Codes(_)));
        for row in self.store.entries_of(index, span.first, span.end)? {
            let (id, row) = row?;
            let is_passing = match &passing {
                Passing::These(ids) => ids.binary_search(&id).is_ok(),
                Passing::All => true,
            };
            let is_coded = of_code.is_none_or(|code| codes::is_of(code, &row));
            if is_passing && is_coded && self.look(id, None)?.is_break() {
                return Ok(Flow::Break(()));
            }
        }
        Ok(Flow::Continue(()))
    }

    /// Looks at all messages of a span.
    fn in_rows(&mut self, span: &Span) -> Result<Flow, StoreError> {
        let rows = bundle::rows(self.store.tree(), keys::MESSAGES, span.first, span.end)?;
        for row in rows.rev() {
            let row = row?;
            if self.caseless.as_ref().is_some_and(|part| !part.may_be_in(row.as_bytes())) {
                if self.pass_over(&row).is_break() {
                    return Ok(Flow::Break(()));
                }
                continue;
            }
            for (id, bytes) in row.entries().rev() {
                let is_within = (span.first..span.end).contains(&id);
                if is_within && self.look(id, Some(bytes))?.is_break() {
                    return Ok(Flow::Break(()));
                }
            }
        }
        Ok(Flow::Continue(()))
    }

    /// The messages that a block's digest leaves; none when it leaves none at all.
    fn passing(&self, span: &Span, wanted: &Wanted) -> Result<Option<Passing>, StoreError> {
        let Some((number, who)) = &span.block else { return Ok(Some(Passing::All)) };
        let tree = self.store.tree();
        // A row that is not there any more belongs to a block that was pruned just now.
        if let Some(texts) = wanted.texts()
            && !self.may_hold(texts, *number)?
        {
            return Ok(None);
        }
        if !wanted.needs_columns(who) {
            return Ok(Some(Passing::All));
        }
        let Some(columns) = value::get(tree, &keys::numbered(keys::COLUMNS, *number))? else {
            return Ok(Some(Passing::All));
        };
        if !wanted.may_be_by(*number, &columns) {
            return Ok(None);
        }
        let mut ids = passing(&columns, who, wanted)
            .ok_or_else(|| StoreError::Damaged(format!("the columns of block {number}")))?;
        ids.retain(|id| (span.first..span.end).contains(id));
        Ok(if ids.is_empty() { None } else { Some(Passing::These(ids)) })
    }

    /// Whether a block's letters may be those of a text. The first row of their table nearly always tells.
    fn may_hold(&self, text: &Probe, number: u32) -> Result<bool, StoreError> {
        let (tree, key) = (self.store.tree(), keys::numbered(keys::GRAMS, number));
        let Some(table) = value::beginning(tree, &key)? else { return Ok(true) };
        let may = text.may_be_in(&table);
        if table.is_all || !may {
            return Ok(may);
        }
        Ok(value::get(tree, &key)?.is_none_or(|table| text.may_be_in(&table)))
    }

    /// Looks at a message, whose row may be at hand, and takes it into the page when it is wanted.
    /// The page ends when there is one more than it has room for, so that a cursor always leads to
    /// something, unless there is too much to look at.
    fn look(&mut self, id: Id, row: Option<&[u8]>) -> Result<Flow, StoreError> {
        if self.is_tired() {
            return Ok(Flow::Break(()));
        }
        self.looked_at += 1;
        self.last = Some(id);
        let Some(entry) = self.wanted(id, row)? else { return Ok(Flow::Continue(())) };
        if self.page.items.len() == self.filter.limit {
            self.page.next = self.page.items.last().map(|entry| entry.message.id);
            return Ok(Flow::Break(()));
        }
        self.page.items.push(entry);
        Ok(Flow::Continue(()))
    }

    /// Leaves out all messages of a row, none of which is wanted.
    fn pass_over(&mut self, row: &Bundle) -> Flow {
        self.looked_at += row.len();
        self.last = Some(row.first());
        if self.is_tired() { Flow::Break(()) } else { Flow::Continue(()) }
    }

    /// Whether one query has looked at enough; its cursor then leads on.
    fn is_tired(&mut self) -> bool {
        let is_tired = self.looked_at >= LOOKED_AT_MAX;
        if is_tired {
            self.page.next = self.last;
        }
        is_tired
    }

    fn wanted(&mut self, id: Id, row: Option<&[u8]>) -> Result<Option<Entry>, StoreError> {
        let (store, filter) = (self.store, self.filter);
        let mut delivery = None;
        // Small rows first: what became of it takes less reading than what it is.
        if filter.status.is_some() || filter.code.is_some() {
            let Some(found) = store.delivery_among(id, &mut self.settled)? else {
                return Ok(None);
            };
            if !self.has_become(&found) {
                return Ok(None);
            }
            delivery = Some(found);
        }
        let Search { bundle, settled, .. } = self;
        let row = match row {
            Some(row) => Some(row),
            None => store.row_near(id, bundle)?,
        };
        // Pruned meanwhile.
        let Some(bytes) = row else { return Ok(None) };
        if !Head::of(bytes, id)?.is_wanted(filter) {
            return Ok(None);
        }
        let delivery = match delivery {
            Some(delivery) => Some(delivery),
            None => store.delivery_among(id, settled)?,
        };
        let Some(delivery) = delivery else { return Ok(None) };
        let (source, draft) = decode(bytes, id)?;
        let status = store.status(&delivery);
        Ok(Some(Entry { message: Message { id, source, draft }, delivery, status }))
    }

    fn has_become(&self, delivery: &Delivery) -> bool {
        let (attempts, code) = delivery.last_answer();
        self.filter.status.is_none_or(|status| self.store.status(delivery) == status)
            && self.filter.code.is_none_or(|class| class.holds(attempts, code))
    }
}

/// What a digest leaves of its block's messages.
enum Passing {
    All,
    /// These, oldest first.
    These(Vec<Id>),
}

/// What names every message that a filter asks for, and few others.
enum Index {
    /// Rows whose keys begin so, of messages by the code of their last answer.
    Codes(Vec<u8>),
    /// Rows whose keys begin so, of messages settled in a certain way.
    Settled(Vec<u8>),
    /// What is owed.
    Owed,
}

impl Index {
    fn of(filter: &MessageFilter) -> Option<Index> {
        if let Some(prefix) = filter.code.and_then(codes::prefix_of) {
            return Some(Index::Codes(prefix.to_vec()));
        }
        match filter.status? {
            Status::Pending | Status::Held => Some(Index::Owed),
            Status::Delivered => None,
            status => Some(Index::Settled(keys::status_messages(status).to_vec())),
        }
    }
}
