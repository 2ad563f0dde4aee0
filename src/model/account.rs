//! Accounts and workspaces: the tenants of a server, and the parts of a tenant.

use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Account, ExternalId, Id};
use crate::clock::Timestamp;

/// The most characters of an account's id.
pub(super) const SLUG_CHARS_MAX: usize = 63;

/// An account, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountInfo {
    /// Its number, never given twice.
    pub account: Account,
    /// What calls name it by.
    pub id: Slug,
    /// What people call it.
    pub name: ExternalId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was deleted. It stays behind so that its number is not given to another.
    #[serde(default)]
    pub deleted_at: Option<Timestamp>,
}

impl AccountInfo {
    /// The account that exists from the first start.
    pub fn first(created_at: Timestamp) -> Self {
        Self {
            account: Account::DEFAULT,
            id: Slug("default".into()),
            name: ExternalId::new("Default").expect("invariant: a short name"),
            created_at,
            deleted_at: None,
        }
    }
}

/// The id of an account: small letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Slug(Box<str>);

/// The text is not the id of an account.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "{0:?} is not an account's id; use up to {SLUG_CHARS_MAX} small letters, digits and hyphens, \
     beginning with a letter"
)]
pub struct BadSlug(String);

impl Slug {
    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = BadSlug;

    fn from_str(text: &str) -> Result<Self, BadSlug> {
        let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= SLUG_CHARS_MAX && text.chars().all(known) {
            Ok(Self(text.into()))
        } else {
            Err(BadSlug(text.chars().take(SLUG_CHARS_MAX + 1).collect()))
        }
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A workspace that somebody named, as it is stored. Audits may name others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// The number of its row.
    pub row: Id,
    /// The account it is a part of.
    pub account: Account,
    /// What audits name it by.
    pub id: ExternalId,
    /// What people call it.
    pub name: ExternalId,
    /// When it was made.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_id_can_stand_in_a_path() {
        for good in ["default", "a", "acme-2", &"a".repeat(63)] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "2a", "-a", "Acme", "a_b", "a b", "é", "a/b", &"a".repeat(64)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }
}
