//! Commands on integrations and tokens.

use std::sync::Arc;

use super::{Draft, json};
use crate::model::{Account, Id, Integration, IntegrationSpec, Secret, Settled, Status, Token};
use crate::store::{Config, Outcome, StoreError, keys};

impl Draft<'_> {
    pub(super) fn create(
        &mut self,
        account: Account,
        spec: IntegrationSpec,
        secret: Secret,
    ) -> Outcome {
        let (id, now) = (self.next_id(), self.now);
        self.keep(Integration { id, account, created_at: now, updated_at: now, secret, spec })
    }

    pub(super) fn update(&mut self, id: Id, spec: IntegrationSpec) -> Outcome {
        let Some(before) = self.config.integrations.get(&id) else {
            return Outcome::Integration(None);
        };
        let after = Integration { spec, updated_at: self.now, ..before.as_ref().clone() };
        self.keep(after)
    }

    fn keep(&mut self, integration: Integration) -> Outcome {
        let key = keys::config(keys::INTEGRATIONS, integration.id);
        self.batch.insert(&key, json(&integration));
        let integration = Arc::new(integration);
        self.config_mut().integrations.insert(integration.id, integration.clone());
        Outcome::Integration(Some(integration))
    }

    pub(super) fn delete(&mut self, id: Id) -> Result<Outcome, StoreError> {
        let Some(integration) = self.config_mut().integrations.remove(&id) else {
            return Ok(Outcome::Integration(None));
        };
        self.batch.remove(&keys::config(keys::INTEGRATIONS, id));
        self.batch.remove(&keys::by_id(keys::HEALTH, id));
        for (message, owed) in self.store.outbox()? {
            if owed.integration == id {
                let (attempts, last_code) = (owed.attempts, owed.last_code);
                let at = self.now;
                let settled = Settled { status: Status::Cancelled, at, attempts, last_code };
                self.settle_as(message, id, settled);
            }
        }
        Ok(Outcome::Integration(Some(integration)))
    }

    pub(super) fn create_token(&mut self, token: Token) -> Outcome {
        let id = self.next_id();
        let token = Token { id, created_at: self.now, ..token };
        self.batch.insert(&keys::config(keys::TOKENS, id), json(&token));
        self.config_mut().tokens.insert(id, Arc::new(token));
        Outcome::TokenCreated
    }

    fn config_mut(&mut self) -> &mut Config {
        self.configured = true;
        Arc::make_mut(&mut self.config)
    }
}
