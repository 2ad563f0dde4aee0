//! What is configured: integrations and tokens. All of it is in memory, replaced whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::{StoreError, keys};
use crate::model::{Account, Id, Integration, Token, TokenHash};

/// A snapshot of the configuration.
#[derive(Clone, Default)]
pub struct Config {
    /// Integrations by id, which is the order they were made in.
    pub integrations: BTreeMap<Id, Arc<Integration>>,
    /// Tokens by id.
    pub tokens: BTreeMap<Id, Arc<Token>>,
}

impl Config {
    /// Reads what is configured.
    pub(super) fn load(tree: &sled::Tree) -> Result<Config, StoreError> {
        Ok(Config {
            integrations: rows(tree, keys::INTEGRATIONS)?,
            tokens: rows(tree, keys::TOKENS)?,
        })
    }

    /// The integrations of an account, in the order they were made.
    pub fn of_account(&self, account: Account) -> impl Iterator<Item = &Arc<Integration>> {
        self.integrations.values().filter(move |integration| integration.account == account)
    }

    /// The token with this hash. Looks at every one, so that time tells nothing.
    pub fn token(&self, hash: TokenHash) -> Option<&Arc<Token>> {
        self.tokens
            .values()
            .fold(None, |found, token| if token.hash == hash { Some(token) } else { found })
    }
}

fn rows<T: DeserializeOwned>(
    tree: &sled::Tree,
    kind: [u8; 2],
) -> Result<BTreeMap<Id, Arc<T>>, StoreError> {
    let mut rows = BTreeMap::new();
    for row in tree.scan_prefix(kind) {
        let (key, text) = row?;
        let id = keys::last_id(&key).unwrap_or_default();
        let value = serde_json::from_slice(&text)
            .map_err(|error| StoreError::Damaged(format!("the configuration row {id}: {error}")))?;
        rows.insert(id, Arc::new(value));
    }
    Ok(rows)
}
