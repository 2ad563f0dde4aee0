//! Names that columns use the numbers of: integrations, record types, contributors. All of them are in
//! memory, so that a query finds the numbers it wants by looking at every name once.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::model::{Account, ExternalId, Id};

/// For how many blocks a name keeps its number. Then it gets another, so that a number can be
/// forgotten when the blocks are gone that may use it.
const BLOCKS_OF_A_NUMBER: u32 = if cfg!(test) { 4 } else { 1_024 };

/// The most numbers in use at a time (D8).
const NUMBERS_MAX: usize = if cfg!(test) { 24 } else { 200_000 };

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Name {
    Integration(Id),
    Type(Account, ExternalId),
    /// In lower case.
    Contributor(Box<str>),
}

/// A name, as it lies in the tree under its number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NameRow {
    pub number: u32,
    /// The block it was first used in.
    pub block: u32,
    pub name: Name,
}

/// The names in use.
#[derive(Debug, Default)]
pub struct Names {
    /// In the order of their numbers, which follow each other by one.
    rows: VecDeque<NameRow>,
    /// The newest number of each, with the block it was first used in.
    numbers: HashMap<Name, (u32, u32)>,
}

impl Names {
    /// In place of the number of a name that there was no room for: it may be any.
    pub const ANY: u32 = 0;

    pub fn keep(&mut self, row: NameRow) {
        self.numbers.insert(row.name.clone(), (row.number, row.block));
        self.rows.push_back(row);
    }

    /// Forgets the numbers that only blocks before this one may use.
    pub fn forget_before(&mut self, block: u32) {
        while let Some(row) = self.rows.front().filter(|row| !may_use(block, row.block)) {
            if self.numbers.get(&row.name).is_some_and(|(number, _)| *number == row.number) {
                self.numbers.remove(&row.name);
            }
            self.rows.pop_front();
        }
    }

    /// The numbers that [`Names::forget_before`] would forget.
    pub fn unused_before(&self, block: u32) -> impl Iterator<Item = u32> {
        let unused = self.rows.iter().take_while(move |row| !may_use(block, row.block));
        unused.map(|row| row.number)
    }

    /// The numbers of the names that are wanted.
    pub fn numbers_of(&self, wanted: impl Fn(&Name) -> bool) -> Numbers {
        Numbers {
            first: self.first(),
            wanted: self.rows.iter().map(|row| wanted(&row.name)).collect(),
        }
    }

    /// Whether there was always room for one more, so that no column holds [`Names::ANY`].
    pub fn had_room(&self) -> bool {
        self.rows.back().is_none_or(|row| (row.number as usize) < NUMBERS_MAX)
    }

    /// The last block that any of the names was first used in.
    pub fn last_block(&self) -> Option<u32> {
        self.rows.back().map(|row| row.block)
    }

    fn first(&self) -> u32 {
        self.rows.front().map_or(Self::ANY + 1, |row| row.number)
    }
}

/// Whether this block or a later one may use a number that was first used in block `first`.
fn may_use(block: u32, first: u32) -> bool {
    block <= first.saturating_add(BLOCKS_OF_A_NUMBER)
}

/// Some of the numbers.
pub struct Numbers {
    first: u32,
    wanted: Vec<bool>,
}

impl Numbers {
    /// Those that had been made by then.
    pub fn listed(&self) -> impl Iterator<Item = u32> {
        self.wanted
            .iter()
            .zip(self.first..)
            .filter(|(wanted, _)| **wanted)
            .map(|(_, number)| number)
    }

    /// Whether the number is one of them. Those made since may be.
    pub fn may_hold(&self, number: u32) -> bool {
        let at = number.checked_sub(self.first).map(|at| at as usize);
        at.and_then(|at| self.wanted.get(at)).is_none_or(|wanted| *wanted)
    }
}

/// Gives names their numbers, new ones where needed.
pub struct Numbering<'n> {
    names: &'n Names,
    next: u32,
    new: HashMap<Name, (u32, u32)>,
    /// The names that have a new number.
    pub rows: Vec<NameRow>,
}

impl<'n> Numbering<'n> {
    pub fn new(names: &'n Names) -> Self {
        let next = names.rows.back().map_or(Names::ANY, |row| row.number) + 1;
        Self { names, next, new: HashMap::new(), rows: Vec::new() }
    }

    /// The number of a name in a block.
    pub fn number(&mut self, name: &Name, block: u32) -> u32 {
        let known = [self.new.get(name), self.names.numbers.get(name)];
        let known = known.into_iter().flatten().find(|(_, first)| may_use(block, *first));
        if let Some((number, _)) = known {
            return *number;
        }
        if self.names.rows.len() + self.rows.len() >= NUMBERS_MAX {
            return Names::ANY;
        }
        let number = self.next;
        self.next += 1;
        self.new.insert(name.clone(), (number, block));
        self.rows.push(NameRow { number, block, name: name.clone() });
        number
    }
}
