//! Changes of who may call: tokens, sessions, accounts and their workspaces.

use std::sync::Arc;

use super::configure::Tried;
use super::{Draft, json};
use crate::model::{
    Account, AccountInfo, ExternalId, Id, KeyHash, Role, Session, Slug, Token, Workspace,
};
use crate::store::{Changed, Configure, Refusal, keys};

/// The most sessions that stand for one token; the oldest end first.
const SESSIONS_MAX: usize = 100;

impl Draft<'_> {
    pub(super) fn configure_access(&mut self, change: Configure) -> Tried {
        match change {
            Configure::CreateToken(token) => Ok(self.create_token(*token)),
            Configure::RevokeToken(id) => Ok(self.revoke_token(id)),
            Configure::StartSession(session) => Ok(self.start_session(session)),
            Configure::EndSession(id) => {
                Ok(self.end_session(id).map(Changed::Session).ok_or(Refusal::Missing))
            }
            Configure::CreateAccount(id, name, token) => Ok(self.create_account(id, name, *token)),
            Configure::DeleteAccount(account) => self.delete_account(account),
            Configure::CreateWorkspace(account, id, name) => {
                Ok(self.create_workspace(account, id, name))
            }
            Configure::RenameWorkspace(account, id, name) => {
                Ok(self.rename_workspace(account, &id, name))
            }
            Configure::DeleteWorkspace(account, id) => self.delete_workspace(account, &id),
            Configure::CreateIntegration(..)
            | Configure::UpdateIntegration(..)
            | Configure::DeleteIntegration(..)
            | Configure::RotateSecret(..) => unreachable!("invariant: taken care of before"),
        }
    }

    fn create_token(&mut self, token: Token) -> Result<Changed, Refusal> {
        if self.config.account(token.account).is_none() {
            return Err(Refusal::Missing);
        }
        let id = self.next_id();
        let token = Arc::new(Token { id, created_at: self.now, ..token });
        self.batch.insert(&keys::config(keys::TOKENS, id), json(token.as_ref()));
        self.open_with(token.hash, id);
        self.config_mut().tokens.insert(id, token.clone());
        Ok(Changed::Token(token))
    }

    fn revoke_token(&mut self, id: Id) -> Result<Changed, Refusal> {
        let token = self.config.tokens.get(&id).ok_or(Refusal::Missing)?.clone();
        let operates = |token: &Token| token.roles.contains(&Role::Operator);
        let others = self.config.tokens.values().filter(|other| other.id != id);
        if operates(&token) && !others.into_iter().any(|other| operates(other)) {
            let why = "it is the last token with the role operator; make another first";
            return Err(Refusal::InUse(why.to_owned()));
        }
        self.forget_token(&token);
        Ok(Changed::Token(token))
    }

    fn forget_token(&mut self, token: &Token) {
        let sessions = self.config.sessions.values().filter(|session| session.token == token.id);
        for session in sessions.map(|session| session.id).collect::<Vec<_>>() {
            self.end_session(session);
        }
        self.batch.remove(&keys::config(keys::TOKENS, token.id));
        self.batch.remove(&keys::by_id(keys::USES, token.id));
        let config = self.config_mut();
        config.tokens.remove(&token.id);
        config.by_hash.remove(&token.hash.prefix());
    }

    fn start_session(&mut self, session: Session) -> Result<Changed, Refusal> {
        if !self.config.tokens.contains_key(&session.token) {
            return Err(Refusal::Missing);
        }
        let now = self.now;
        let old = self.config.sessions.values().filter(|old| old.expires_at <= now);
        let mut ended: Vec<Id> = old.map(|old| old.id).collect();
        let of_token = self.config.sessions.values().filter(|old| old.token == session.token);
        let of_token: Vec<Id> = of_token.map(|old| old.id).collect();
        ended.extend(&of_token[..of_token.len().saturating_sub(SESSIONS_MAX - 1)]);
        for id in ended {
            self.end_session(id);
        }
        let id = self.next_id();
        let session = Arc::new(Session { id, ..session });
        self.batch.insert(&keys::config(keys::SESSIONS, id), json(session.as_ref()));
        self.open_with(session.hash, id);
        self.config_mut().sessions.insert(id, session.clone());
        Ok(Changed::Session(session))
    }

    fn end_session(&mut self, id: Id) -> Option<Arc<Session>> {
        let config = self.config_mut();
        let session = config.sessions.remove(&id)?;
        config.by_hash.remove(&session.hash.prefix());
        self.batch.remove(&keys::config(keys::SESSIONS, id));
        Some(session)
    }

    fn open_with(&mut self, hash: KeyHash, id: Id) {
        self.config_mut().by_hash.insert(hash.prefix(), id);
    }

    fn create_account(
        &mut self,
        id: Slug,
        name: ExternalId,
        token: Token,
    ) -> Result<Changed, Refusal> {
        if self.config.account_named(id.as_str()).is_some() {
            return Err(Refusal::Exists);
        }
        let last = self.config.accounts.last_key_value();
        let account = Account(last.map_or(0, |(account, _)| account.0) + 1);
        let info = AccountInfo { account, id, name, created_at: self.now, deleted_at: None };
        let info = self.keep_account(info);
        self.create_token(Token { account, ..token })?;
        Ok(Changed::Account(info))
    }

    fn keep_account(&mut self, info: AccountInfo) -> Arc<AccountInfo> {
        let row = Id::from_u64(u64::from(info.account.0));
        self.batch.insert(&keys::config(keys::ACCOUNTS, row), json(&info));
        let info = Arc::new(info);
        self.config_mut().accounts.insert(info.account, info.clone());
        info
    }

    fn delete_account(&mut self, account: Account) -> Tried {
        let Some(info) = self.config.account(account).cloned() else {
            return Ok(Err(Refusal::Missing));
        };
        if account == Account::DEFAULT {
            return Ok(Err(Refusal::InUse("the account default always stays".to_owned())));
        }
        let integrations: Vec<Id> = self.config.of_account(account).map(|found| found.id).collect();
        self.forget_integrations(&integrations)?;
        let tokens = self.config.tokens.values().filter(|token| token.account == account);
        for token in tokens.cloned().collect::<Vec<_>>() {
            self.forget_token(&token);
        }
        for workspace in self.config.workspaces_of(account).cloned().collect::<Vec<_>>() {
            self.forget_workspace(&workspace);
        }
        self.forget_learned(account, None)?;
        self.forget_full_records(account)?;
        let deleted_at = Some(self.now);
        Ok(Ok(Changed::Account(
            self.keep_account(AccountInfo { deleted_at, ..info.as_ref().clone() }),
        )))
    }

    fn create_workspace(
        &mut self,
        account: Account,
        id: ExternalId,
        name: ExternalId,
    ) -> Result<Changed, Refusal> {
        if self.config.account(account).is_none() {
            return Err(Refusal::Missing);
        }
        if self.config.workspace(account, &id).is_some() {
            return Err(Refusal::Exists);
        }
        let row = self.next_id();
        Ok(self.keep_workspace(Workspace { row, account, id, name, created_at: self.now }))
    }

    fn rename_workspace(
        &mut self,
        account: Account,
        id: &ExternalId,
        name: ExternalId,
    ) -> Result<Changed, Refusal> {
        let found = self.config.workspace(account, id).ok_or(Refusal::Missing)?;
        let renamed = Workspace { name, ..found.as_ref().clone() };
        Ok(self.keep_workspace(renamed))
    }

    fn keep_workspace(&mut self, workspace: Workspace) -> Changed {
        let key = keys::config(keys::WORKSPACES, workspace.row);
        self.batch.insert(&key, json(&workspace));
        let workspace = Arc::new(workspace);
        self.config_mut().workspaces.insert(workspace.row, workspace.clone());
        Changed::Workspace(workspace)
    }

    fn delete_workspace(&mut self, account: Account, id: &ExternalId) -> Tried {
        let workspace = match self.forgettable(account, id) {
            Ok(workspace) => workspace,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.forget_workspace(&workspace);
        self.forget_learned(account, Some(id.clone()))?;
        Ok(Ok(Changed::Workspace(workspace)))
    }

    /// The workspace, when nothing is about it.
    fn forgettable(&self, account: Account, id: &ExternalId) -> Result<Arc<Workspace>, Refusal> {
        let workspace = self.config.workspace(account, id).ok_or(Refusal::Missing)?.clone();
        let integration = self
            .config
            .of_account(account)
            .find(|found| found.spec.workspace_id.as_ref() == Some(id));
        if let Some(integration) = integration {
            let name = &integration.spec.name;
            return Err(Refusal::InUse(format!("the integration {name} is about it")));
        }
        let owns = |token: &&Arc<Token>| token.account == account && token.workspaces.contains(id);
        if let Some(token) = self.config.tokens.values().find(owns) {
            return Err(Refusal::InUse(format!("the token {} owns it", token.name)));
        }
        Ok(workspace)
    }

    fn forget_workspace(&mut self, workspace: &Workspace) {
        self.batch.remove(&keys::config(keys::WORKSPACES, workspace.row));
        self.config_mut().workspaces.remove(&workspace.row);
    }
}
