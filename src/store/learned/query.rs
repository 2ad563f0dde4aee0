//! Reading what was learned, page by page and in the order of ids and names.
//!
//! A caller may be allowed to see some workspaces only. So every query takes `visible`, which says of
//! a workspace (none: of audits that name no workspace) whether what was seen there may be told;
//! a user's details, too, are those seen there.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::{Learned, Memory, UserSeen};
use crate::filter::same_type;
use crate::model::{Account, ExternalId};

/// Entries that are looked at before others get a chance to write: who takes in audits waits for
/// the writer, and the writer for us.
const LOOKED_AT_ONCE: usize = 500;

/// What was learned in one account.
#[derive(Clone, Copy)]
pub struct LearnedOf<'s> {
    learned: &'s Learned,
    account: Account,
}

/// Which of it.
#[derive(Clone, Debug, Default)]
pub struct LearnedWish {
    /// What holds this text, compared without case.
    pub text: Option<String>,
    /// What comes after this one.
    pub after: Option<ExternalId>,
    /// At most so many.
    pub limit: usize,
}

/// A page of it.
#[derive(Debug, PartialEq, Eq)]
pub struct LearnedPage<T> {
    /// In order.
    pub items: Vec<T>,
    /// What to go on after; none at the end.
    pub next: Option<ExternalId>,
}

/// A user, with the newest details seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedUser {
    /// The application's id.
    pub id: ExternalId,
    /// Display name.
    pub name: Option<Box<str>>,
    /// E-mail address.
    pub email: Option<Box<str>>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearnedField {
    /// Its name.
    pub name: ExternalId,
    /// The record types it was seen at.
    pub record_types: Vec<ExternalId>,
}

impl<'s> LearnedOf<'s> {
    pub(super) fn new(learned: &'s Learned, account: Account) -> Self {
        Self { learned, account }
    }

    /// Users, by id. Text is looked for in id, name and email.
    pub fn users(
        &self,
        wish: &LearnedWish,
        visible: impl Fn(Option<&ExternalId>) -> bool,
    ) -> LearnedPage<LearnedUser> {
        self.page(
            wish,
            |memory| &memory.users,
            |id, seen, text| {
                let mut seen: Vec<&UserSeen> = seen
                    .iter()
                    .filter(|(workspace, _)| visible(workspace.as_ref()))
                    .map(|(_, seen)| seen)
                    .collect();
                if seen.is_empty() {
                    return None;
                }
                seen.sort_unstable_by_key(|seen| std::cmp::Reverse(seen.at));
                let name = seen.iter().find_map(|seen| seen.details.name.clone());
                let email = seen.iter().find_map(|seen| seen.details.email.clone());
                let found = text.is_in(id.as_str())
                    || name.as_deref().is_some_and(|name| text.is_in(name))
                    || email.as_deref().is_some_and(|email| text.is_in(email));
                found.then(|| LearnedUser { id: id.clone(), name, email })
            },
        )
    }

    /// Record types, by name.
    pub fn record_types(
        &self,
        wish: &LearnedWish,
        visible: impl Fn(Option<&ExternalId>) -> bool,
    ) -> LearnedPage<ExternalId> {
        self.page(
            wish,
            |memory| &memory.record_types,
            |name, seen, text| {
                let found = text.is_in(name.as_str())
                    && seen.iter().any(|workspace| visible(workspace.as_ref()));
                found.then(|| name.clone())
            },
        )
    }

    /// Fields, by name: all, or those of a record type, which is compared without case (R9).
    pub fn fields(
        &self,
        record_type: Option<&ExternalId>,
        wish: &LearnedWish,
        visible: impl Fn(Option<&ExternalId>) -> bool,
    ) -> LearnedPage<LearnedField> {
        self.page(
            wish,
            |memory| &memory.fields,
            |name, types, text| {
                if !text.is_in(name.as_str()) {
                    return None;
                }
                let seen = types
                    .iter()
                    .filter(|(_, seen)| seen.iter().any(|workspace| visible(workspace.as_ref())));
                let record_types: Vec<ExternalId> = seen.map(|(of, _)| of.clone()).collect();
                let wanted = |of: &ExternalId| {
                    record_type.is_none_or(|wanted| same_type(wanted.as_str(), of.as_str()))
                };
                let found = record_types.iter().any(wanted);
                found.then(|| LearnedField { name: name.clone(), record_types })
            },
        )
    }

    /// Workspaces, by id.
    pub fn workspaces(
        &self,
        wish: &LearnedWish,
        visible: impl Fn(Option<&ExternalId>) -> bool,
    ) -> LearnedPage<ExternalId> {
        self.page(
            wish,
            |memory| &memory.workspaces,
            |id, (), text| (text.is_in(id.as_str()) && visible(Some(id))).then(|| id.clone()),
        )
    }

    /// Goes through `all` from where the wish says on, as far as it takes to fill a page.
    fn page<V, T>(
        &self,
        wish: &LearnedWish,
        all: impl Fn(&Memory) -> &BTreeMap<ExternalId, V>,
        pick: impl Fn(&ExternalId, &V, &Text) -> Option<T>,
    ) -> LearnedPage<T> {
        let text = Text(wish.text.as_ref().map(|text| text.to_lowercase()));
        let (mut items, mut last, mut after) = (Vec::new(), None, wish.after.clone());
        loop {
            let accounts = self.learned.read();
            let Some(memory) = accounts.get(&self.account) else { break };
            let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
            let range = (from, Bound::Unbounded);
            let mut looked_at = None;
            let entries = all(memory).range::<ExternalId, _>(range);
            for (number, (key, value)) in (1..).zip(entries) {
                if let Some(item) = pick(key, value, &text) {
                    if items.len() == wish.limit {
                        return LearnedPage { items, next: last };
                    }
                    items.push(item);
                    last = Some(key.clone());
                }
                if number == LOOKED_AT_ONCE {
                    looked_at = Some(key.clone());
                    break;
                }
            }
            match looked_at {
                Some(key) => after = Some(key),
                None => break,
            }
        }
        LearnedPage { items, next: None }
    }
}

/// Text to be found, in lower case; everything holds none.
struct Text(Option<String>);

impl Text {
    fn is_in(&self, whole: &str) -> bool {
        self.0.as_ref().is_none_or(|text| whole.to_lowercase().contains(text.as_str()))
    }
}
