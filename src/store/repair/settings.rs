//! What is configured, and what is only good to have.

use serde::de::DeserializeOwned;

use super::Mend;
use super::rows::decode;
use crate::model::{AccountInfo, Health, Integration, Session, Token, Workspace};
use crate::store::once::Answered;
use crate::store::{Hour, StoreError, keys, learned};

impl Mend {
    /// Drops what cannot be read of settings, health, hours, answers, uses, and of what was learned.
    pub(super) fn settings(&mut self) -> Result<(), StoreError> {
        self.setting::<Integration>(keys::INTEGRATIONS, "the integration")?;
        self.setting::<Token>(keys::TOKENS, "the token")?;
        self.setting::<Session>(keys::SESSIONS, "the session")?;
        self.setting::<AccountInfo>(keys::ACCOUNTS, "the account")?;
        self.setting::<Workspace>(keys::WORKSPACES, "the workspace")?;
        self.each(&[keys::HEALTH], 9, false, |_, _, bytes| decode::<Health>(&bytes).map(drop))?;
        self.each(b"q", 9, false, |_, _, bytes| decode::<Hour>(&bytes).map(drop))?;
        self.each(&[keys::ANSWERS], 21, true, |_, _, bytes| decode::<Answered>(&bytes).map(drop))?;
        self.each(&[keys::USES], 9, false, |_, _, bytes| match bytes.len() {
            8.. => Ok(()),
            _ => Err(StoreError::Damaged("its time".to_owned())),
        })?;
        self.each(&[keys::LEARNED], 13, false, |_, _, bytes| {
            decode::<learned::Row>(&bytes).map(drop)
        })
    }

    fn setting<T: DeserializeOwned>(
        &mut self,
        kind: [u8; 2],
        what: &str,
    ) -> Result<(), StoreError> {
        self.each(&kind, 10, false, |mend, key, bytes| {
            let id = keys::last_id(key).unwrap_or_default();
            let read = serde_json::from_slice::<T>(&bytes);
            read.map_err(|error| StoreError::Damaged(format!("{what} {id}: {error}")))?;
            mend.see(id);
            Ok(())
        })
    }
}
