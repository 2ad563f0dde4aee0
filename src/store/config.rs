//! What is configured: accounts, workspaces, integrations, tokens, sessions. All of it is in memory,
//! replaced whole.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::tree::Tree;
use super::{StoreError, keys};
use crate::clock::Timestamp;
use crate::model::{
    Account, AccountInfo, ExternalId, Id, Integration, KeyHash, Kind, Session, Token, Workspace,
};

/// A snapshot of the configuration.
#[derive(Clone, Default)]
pub struct Config {
    /// Another with every change.
    pub revision: Id,
    /// Accounts by number; those that were deleted, too.
    pub accounts: BTreeMap<Account, Arc<AccountInfo>>,
    /// Workspaces that somebody named, in the order they were made.
    pub workspaces: BTreeMap<Id, Arc<Workspace>>,
    /// Integrations by id, which is the order they were made in.
    pub integrations: BTreeMap<Id, Arc<Integration>>,
    /// Tokens by id.
    pub(super) tokens: BTreeMap<Id, Arc<Token>>,
    /// Sessions by id.
    pub(super) sessions: BTreeMap<Id, Arc<Session>>,
    /// Tokens and sessions by what their hash begins with.
    pub(super) by_hash: HashMap<u64, Id>,
}

impl Config {
    /// Reads what is configured.
    pub(super) fn load(tree: &Tree, now: Timestamp) -> Result<Config, StoreError> {
        let accounts: BTreeMap<Id, Arc<AccountInfo>> = rows(tree, keys::ACCOUNTS)?;
        let mut accounts: BTreeMap<_, _> =
            accounts.into_values().map(|info| (info.account, info)).collect();
        let tokens: BTreeMap<Id, Arc<Token>> = rows(tree, keys::TOKENS)?;
        // The first account is as old as the first token.
        let made_at = tokens.values().next().map_or(now, |token| token.created_at);
        accounts.entry(Account::DEFAULT).or_insert_with(|| Arc::new(AccountInfo::first(made_at)));
        let mut config = Config {
            revision: Id::default(),
            accounts,
            workspaces: rows(tree, keys::WORKSPACES)?,
            integrations: rows(tree, keys::INTEGRATIONS)?,
            tokens,
            sessions: rows(tree, keys::SESSIONS)?,
            by_hash: HashMap::new(),
        };
        let tokens = config.tokens.values().map(|token| (token.hash.prefix(), token.id));
        let sessions = config.sessions.values().map(|session| (session.hash.prefix(), session.id));
        config.by_hash = tokens.chain(sessions).collect();
        Ok(config)
    }

    /// The integrations of an account, in the order they were made.
    pub fn of_account(&self, account: Account) -> impl Iterator<Item = &Arc<Integration>> {
        self.integrations.values().filter(move |integration| integration.account == account)
    }

    /// The integrations of an account that are sent audits, in the order they were made.
    pub fn activities_of(&self, account: Account) -> impl Iterator<Item = &Arc<Integration>> {
        self.of_account(account).filter(|integration| integration.spec.kind == Kind::Activity)
    }

    /// The accounts that there are.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<AccountInfo>> {
        self.accounts.values().filter(|info| info.deleted_at.is_none())
    }

    /// The account that calls name so.
    pub fn account_named(&self, id: &str) -> Option<&Arc<AccountInfo>> {
        self.accounts().find(|info| info.id.as_str() == id)
    }

    /// The account with this number.
    pub fn account(&self, account: Account) -> Option<&Arc<AccountInfo>> {
        self.accounts.get(&account).filter(|info| info.deleted_at.is_none())
    }

    /// The workspaces of an account that somebody named.
    pub fn workspaces_of(&self, account: Account) -> impl Iterator<Item = &Arc<Workspace>> {
        self.workspaces.values().filter(move |workspace| workspace.account == account)
    }

    /// The workspace that audits name so.
    pub fn workspace(&self, account: Account, id: &ExternalId) -> Option<&Arc<Workspace>> {
        self.workspaces_of(account).find(|workspace| workspace.id == *id)
    }

    /// Every token, in the order they were made.
    pub fn tokens(&self) -> impl Iterator<Item = &Arc<Token>> {
        self.tokens.values()
    }

    /// A token by its id.
    pub fn token(&self, id: Id) -> Option<&Arc<Token>> {
        self.tokens.get(&id)
    }

    /// The token with this hash.
    pub fn token_with(&self, hash: KeyHash) -> Option<&Arc<Token>> {
        let id = self.by_hash.get(&hash.prefix())?;
        self.tokens.get(id).filter(|token| token.hash == hash)
    }

    /// The session with this hash.
    pub fn session_with(&self, hash: KeyHash) -> Option<&Arc<Session>> {
        let id = self.by_hash.get(&hash.prefix())?;
        self.sessions.get(id).filter(|session| session.hash == hash)
    }
}

fn rows<T: DeserializeOwned>(
    tree: &Tree,
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
