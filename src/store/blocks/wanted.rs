//! What a query asks of digests.

use super::columns::Marks;
use super::grams::Probe;
use super::names::Numbers;
use super::{Block, Name, Names, Table, Who};
use crate::filter::same_type;
use crate::model::{CodeClass, Status};
use crate::store::MessageFilter;

/// A filter, in terms of digests.
pub struct Wanted {
    /// Of the names of integrations.
    integrations: Option<Numbers>,
    /// Of the names of record types, each with its account.
    types: Numbers,
    /// Of the names of contributors.
    contributors: Option<Numbers>,
    /// What columns hold for those, in the blocks that there are.
    marks: Option<Marks>,
    /// The number of the next block: it may be by contributors that had no number yet.
    next: u32,
    status: Option<Status>,
    code: Option<CodeClass>,
    texts: Option<Probe>,
}

impl Wanted {
    pub fn of(filter: &MessageFilter, table: &Table) -> Self {
        let names = &table.names;
        let is_bound = filter.integration.is_some() || filter.among.is_some();
        let is_to = |name: &Name| match name {
            Name::Integration(id) => {
                filter.integration.is_none_or(|wanted| wanted == *id)
                    && filter.among.as_ref().is_none_or(|among| among.contains(id))
            }
            _ => false,
        };
        let is_about = |name: &Name| match name {
            Name::Type(account, found) => {
                let wanted = filter.record_type.as_ref();
                *account == filter.account
                    && wanted.is_none_or(|wanted| same_type(found.as_str(), wanted.as_str()))
            }
            _ => false,
        };
        let is_by = |user: &String| {
            names.numbers_of(|name| match name {
                Name::Contributor(found) => found.contains(user.as_str()),
                _ => false,
            })
        };
        let contributors = filter.user.as_ref().map(is_by);
        Wanted {
            integrations: is_bound.then(|| names.numbers_of(is_to)),
            types: names.numbers_of(is_about),
            marks: contributors.as_ref().filter(|_| names.had_room()).and_then(Marks::of),
            next: table.next,
            contributors,
            status: filter.status,
            code: filter.code,
            texts: filter.text.as_deref().map(Probe::new),
        }
    }

    /// Whether a block may hold a wanted message, by the first row of its digest.
    pub fn may_be_in(&self, block: &Block) -> bool {
        block.fates.may_fit(self.status, self.code)
            && block.who.types.iter().any(|number| self.record_type(*number))
            && block.who.integrations.iter().any(|number| self.integration(*number))
    }

    /// Whether the columns of a block of these have anything more to say.
    pub fn needs_columns(&self, who: &Who) -> bool {
        self.contributors.is_some()
            || !who.types.iter().all(|number| self.record_type(*number))
            || !who.integrations.iter().all(|number| self.integration(*number))
    }

    pub fn integration(&self, number: u32) -> bool {
        number == Names::ANY
            || self.integrations.as_ref().is_none_or(|numbers| numbers.may_hold(number))
    }

    pub fn record_type(&self, number: u32) -> bool {
        number == Names::ANY || self.types.may_hold(number)
    }

    pub fn is_by_contributor(&self) -> bool {
        self.contributors.is_some()
    }

    pub fn contributor(&self, number: u32) -> bool {
        self.contributors.as_ref().is_none_or(|numbers| numbers.may_hold(number))
    }

    /// Whether a block with these columns may hold a message by one of the contributors, at a glance.
    pub fn may_be_by(&self, block: u32, columns: &[u8]) -> bool {
        block >= self.next || self.marks.as_ref().is_none_or(|marks| marks.may_be_in(columns))
    }

    /// What to look for in the letters of a block.
    pub fn texts(&self) -> Option<&Probe> {
        self.texts.as_ref()
    }
}
