//! Blocks of messages, so that the log is quick however long it is: a query looks at the digest of
//! each block, and reads the messages only of those that may hold what it looks for.
//!
//! Messages are grouped in the order of their ids, so many a block. When a block is full, the commit
//! that fills it writes its digest, in rows of its own:
//!
//! | row | what | changes |
//! | --- | --- | --- |
//! | `b` | where it begins and ends; who its messages are to and about; what became of them | when something becomes of one that became of none of them before |
//! | `d` | the columns: of each message its integration, record type and contributors | never |
//! | `x` | the letters that records and descriptions are made of | never |
//! | `e` | a name that columns use the number of | never |
//!
//! A digest may say "perhaps" for no reason, but never "no" wrongly. The first kind of row is in
//! memory; the others are read when a query is about them. The messages after the last full block
//! are always read; what their digest will say is gathered in memory, and gathered again at a start.
//!
//! - `columns.rs`: the columns
//! - `grams.rs`: the letters
//! - `names.rs`: the names
//! - `fates.rs`: what became of messages
//! - `gather.rs`: the block that is not full yet, and its digest once it is
//! - `wanted.rs`: what a query asks of digests
//! - `rows.rs`: its rows
//! - `load.rs`: reading them at a start, and making those that an older store lacks

mod columns;
mod fates;
mod gather;
mod grams;
mod load;
mod names;
mod rows;
mod wanted;

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::{Deserialize, Serialize};

pub(super) use columns::passing;
pub(super) use fates::{Fate, Fates};
pub(super) use gather::{Full, Gathered, Noted};
pub(super) use grams::Probe;
pub(super) use load::{load, make_missing};
pub(super) use names::{Name, NameRow, Names, Numbering};
pub(super) use wanted::Wanted;

use crate::model::Id;

/// Messages in a block. Few in tests, so that they meet many blocks.
pub(super) const MESSAGES: usize = if cfg!(test) { 8 } else { 512 };

/// The first row of a block's digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Block {
    /// Its number, in the order of time.
    pub number: u32,
    /// Its first message.
    pub first: Id,
    /// Its last message.
    pub last: Id,
    pub who: Who,
    /// What has become of its messages, at one time or another.
    pub fates: Fates,
}

/// Whom a block's messages are to, and what about: the numbers of names, ascending.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Who {
    pub integrations: Vec<u32>,
    pub types: Vec<u32>,
}

/// All blocks.
#[derive(Default)]
pub(super) struct Blocks(RwLock<Table>);

/// What is in memory of all blocks.
#[derive(Default)]
pub(super) struct Table {
    /// In the order of time. Those in between may have been pruned.
    pub blocks: Vec<Block>,
    pub names: Names,
    /// The messages after the last block. Only for the writer.
    pub gathered: Gathered,
    /// The number of the next block.
    pub next: u32,
    /// The last message that is in a block, or was before it was pruned.
    pub last: Id,
}

/// Messages that a query has to look at: from `first` on, before `end`.
pub(super) struct Span {
    pub first: Id,
    pub end: Id,
    /// Their block; none when they are not in one yet.
    pub block: Option<(u32, Who)>,
}

/// What a commit changes.
#[derive(Default)]
pub(super) struct Change {
    /// Messages that were made, those in full blocks included.
    pub noted: Vec<Noted>,
    /// What became of messages that are in no block.
    pub fates: Fates,
    /// Blocks that are full now.
    pub full: Vec<Block>,
    /// Blocks of whose messages something new became.
    pub renewed: Vec<Block>,
    pub names: Vec<NameRow>,
    /// The numbers of blocks that are gone.
    pub gone: Vec<u32>,
}

impl Blocks {
    pub fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lets everyone see what is on disk now.
    pub fn publish(&self, change: Change) {
        if !change.is_empty() {
            self.write().apply(change);
        }
    }
}

impl Change {
    fn is_empty(&self) -> bool {
        let Change { noted, fates, full, renewed, names, gone } = self;
        noted.is_empty()
            && fates.is_empty()
            && full.is_empty()
            && renewed.is_empty()
            && names.is_empty()
            && gone.is_empty()
    }
}

impl Table {
    fn apply(&mut self, change: Change) {
        for name in change.names {
            self.names.keep(name);
        }
        for block in change.renewed {
            if let Ok(at) = self.blocks.binary_search_by_key(&block.number, |found| found.number) {
                self.blocks[at] = block;
            }
        }
        if let Some(last) = change.full.last() {
            (self.next, self.last) = (last.number + 1, last.last);
            self.gathered = Gathered::default();
        }
        self.blocks.extend(change.full);
        for noted in change.noted.into_iter().filter(|noted| noted.id > self.last) {
            self.gathered.add(noted);
        }
        self.gathered.fates.merge(&change.fates);
        if !change.gone.is_empty() {
            self.blocks.retain(|block| !change.gone.contains(&block.number));
            self.forget_names();
        }
    }

    /// Forgets names that no block uses any more.
    fn forget_names(&mut self) {
        self.names.forget_before(self.blocks.first().map_or(self.next, |block| block.number));
    }

    /// The block that a message is in.
    pub fn block_of(&self, message: Id) -> Option<&Block> {
        let after = self.blocks.partition_point(|block| block.first <= message);
        self.blocks[..after].last().filter(|block| message <= block.last)
    }

    /// The newest messages before `before`, and from `since` on, that may be what is wanted.
    pub fn newest(&self, wanted: &Wanted, since: Id, before: Id) -> Option<Span> {
        if before <= since {
            return None;
        }
        let open = self.last.plus(1).max(since);
        if before > open {
            return Some(Span { first: open, end: before, block: None });
        }
        let older = self.blocks.partition_point(|block| block.first < before);
        let mut older = self.blocks[..older].iter().rev().take_while(|block| block.last >= since);
        let block = older.find(|block| wanted.may_be_in(block))?;
        Some(Span {
            first: block.first.max(since),
            end: block.last.plus(1).min(before),
            block: Some((block.number, block.who.clone())),
        })
    }
}
