//! Commands on integrations and tokens.

use std::sync::Arc;

use super::{Draft, json};
use crate::clock::Timestamp;
use crate::model::{
    Account, DisabledBecause, EarlierPair, Id, Integration, IntegrationSpec, OldSecret, Secret,
    Status, Token,
};
use crate::store::{Config, Outcome, StoreError, keys};

impl Draft<'_> {
    pub(super) fn create(
        &mut self,
        account: Account,
        spec: IntegrationSpec,
        secret: Secret,
    ) -> Outcome {
        let (id, now) = (self.next_id(), self.now);
        self.keep(Integration {
            id,
            account,
            created_at: now,
            updated_at: now,
            secret,
            old_secret: None,
            disabled_because: None,
            earlier_pairs: Vec::new(),
            spec,
        })
    }

    pub(super) fn update(&mut self, id: Id, spec: IntegrationSpec) -> Outcome {
        let Some(before) = self.config.integrations.get(&id).cloned() else {
            return Outcome::Integration(None);
        };
        // Enabled by hand, it gets a fresh chance.
        let enabled = spec.enabled && !before.spec.enabled;
        let disabled_because = before.disabled_because.filter(|_| !enabled);
        let mut after = before.as_ref().clone();
        if spec.pair() != before.spec.pair() {
            // Audits of this commit have their places already; those to come have later ones.
            let until = self.next_id();
            let low_water = self.state.counters.low_water;
            after.earlier_pairs.retain(|earlier| earlier.until > low_water);
            after.earlier_pairs.push(EarlierPair { until, pair: before.spec.pair() });
        }
        (after.spec, after.disabled_because, after.updated_at) = (spec, disabled_because, self.now);
        if enabled {
            let health = self.store.health(id);
            let health = self.health.entry(id).or_insert(health);
            (health.failed_since, health.failing_since, health.warned) = (None, None, false);
        }
        self.keep(after)
    }

    pub(super) fn rotate_secret(&mut self, id: Id, secret: Secret, until: Timestamp) -> Outcome {
        let Some(before) = self.config.integrations.get(&id) else {
            return Outcome::Integration(None);
        };
        let old_secret = Some(OldSecret { secret: before.secret.clone(), until });
        let updated_at = self.now;
        let after = Integration { secret, old_secret, updated_at, ..before.as_ref().clone() };
        self.keep(after)
    }

    /// Disables an integration for a reason of Lull's own; whether it was enabled.
    pub(super) fn disable(&mut self, id: Id, because: DisabledBecause) -> bool {
        let Some(before) = self.config.integrations.get(&id).filter(|found| found.spec.enabled)
        else {
            return false;
        };
        let mut after = before.as_ref().clone();
        (after.spec.enabled, after.disabled_because) = (false, Some(because));
        after.updated_at = self.now;
        self.keep(after);
        true
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
        for (message, _) in self.store.outbox()? {
            // Not what an attempt has settled in this same commit.
            let Some(owed) = self.owed(message)?.filter(|owed| owed.integration == id) else {
                continue;
            };
            self.give_up(message, &owed, Status::Cancelled, None);
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
