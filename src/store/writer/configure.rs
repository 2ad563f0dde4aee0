//! Changes of what is configured: integrations here, who may call in `access`.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::own_events::Before;
use super::{Draft, json};
use crate::clock::Timestamp;
use crate::model::{
    Account, By, DisabledBecause, EarlierPair, Id, Integration, IntegrationSpec, OldSecret, Secret,
    Status,
};
use crate::store::events::Waiting;
use crate::store::{Changed, Config, Configure, Outcome, Refusal, StoreError, keys};

/// How many of the pairs that an integration had are remembered: a bound (D8) that nobody meets who
/// does not change them daily. Not only as far back as windows are open: what is owed takes in later
/// windows (R17), and windows of long ago are replayed, each audit in the one it was seen in.
const EARLIER_PAIRS_MAX: usize = 64;

/// What a change comes to, if the store can be read.
pub(super) type Tried = Result<Result<Changed, Refusal>, StoreError>;

impl Draft<'_> {
    /// Makes a change, and takes it down.
    pub(super) fn configure(&mut self, change: Configure, by: &By) -> Tried {
        let before = Before::of(&change, &self.config);
        let changed = match self.change(change)? {
            Ok(changed) => changed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.note_change(before, &changed, by)?;
        Ok(Ok(changed))
    }

    fn change(&mut self, change: Configure) -> Tried {
        match change {
            Configure::CreateIntegration(account, spec, secret) => {
                Ok(self.create(account, *spec, secret))
            }
            Configure::UpdateIntegration(id, spec, revision) => {
                Ok(self.update(id, *spec, revision))
            }
            Configure::DeleteIntegration(id, revision) => self.delete(id, revision),
            Configure::RotateSecret(id, secret, until) => Ok(self.rotate_secret(id, secret, until)),
            other => self.configure_access(other),
        }
    }

    pub(super) fn configure_all(
        &mut self,
        changes: Vec<Configure>,
        revision: Id,
        by: &By,
    ) -> Result<Outcome, StoreError> {
        if self.config.revision != revision {
            return Ok(Outcome::ConfiguredAll(Err(Refusal::Revised)));
        }
        let mut changed = Vec::with_capacity(changes.len());
        for change in changes {
            match self.configure(change, by)? {
                Ok(done) => changed.push(done),
                // Worked out from this very revision, none can be refused.
                Err(refusal) => {
                    let what = format!("a set of changes that contradict each other: {refusal:?}");
                    return Err(std::io::Error::other(what).into());
                }
            }
        }
        Ok(Outcome::ConfiguredAll(Ok(changed)))
    }

    fn create(
        &mut self,
        account: Account,
        spec: IntegrationSpec,
        secret: Secret,
    ) -> Result<Changed, Refusal> {
        if self.config.account(account).is_none() {
            return Err(Refusal::Missing);
        }
        let (id, now) = (self.next_id(), self.now);
        Ok(self.keep(Integration {
            id,
            account,
            created_at: now,
            updated_at: now,
            revision: id,
            secret,
            old_secret: None,
            disabled_because: None,
            earlier_pairs: Vec::new(),
            spec,
        }))
    }

    /// The integration, if it is there and of this revision.
    fn expect(&self, id: Id, revision: Option<Id>) -> Result<Arc<Integration>, Refusal> {
        let found = self.config.integrations.get(&id).ok_or(Refusal::Missing)?;
        match revision {
            Some(revision) if found.revision != revision => Err(Refusal::Revised),
            _ => Ok(found.clone()),
        }
    }

    fn update(
        &mut self,
        id: Id,
        spec: IntegrationSpec,
        revision: Option<Id>,
    ) -> Result<Changed, Refusal> {
        let before = self.expect(id, revision)?;
        // Enabled by hand, it gets a fresh chance.
        let enabled = spec.enabled && !before.spec.enabled;
        let disabled_because = before.disabled_because.filter(|_| !enabled);
        let mut after = before.as_ref().clone();
        if spec.pair() != before.spec.pair() {
            // Audits of this commit have their places already; those to come have later ones.
            let until = self.next_id();
            after.earlier_pairs.push(EarlierPair { until, pair: before.spec.pair() });
            let too_many = after.earlier_pairs.len().saturating_sub(EARLIER_PAIRS_MAX);
            after.earlier_pairs.drain(..too_many);
        }
        (after.spec, after.disabled_because) = (spec, disabled_because);
        if enabled {
            let health = self.store.health(id);
            let health = self.health.entry(id).or_insert(health);
            (health.failed_since, health.failing_since, health.warned) = (None, None, false);
        }
        Ok(self.revise(after))
    }

    fn rotate_secret(
        &mut self,
        id: Id,
        secret: Secret,
        until: Timestamp,
    ) -> Result<Changed, Refusal> {
        let before = self.expect(id, None)?;
        let old_secret = Some(OldSecret { secret: before.secret.clone(), until });
        Ok(self.revise(Integration { secret, old_secret, ..before.as_ref().clone() }))
    }

    /// Disables an integration for a reason of Lull's own; whether it was enabled.
    pub(super) fn disable(&mut self, id: Id, because: DisabledBecause) -> bool {
        let Some(before) = self.config.integrations.get(&id).filter(|found| found.spec.enabled)
        else {
            return false;
        };
        let mut after = before.as_ref().clone();
        (after.spec.enabled, after.disabled_because) = (false, Some(because));
        self.revise(after);
        true
    }

    /// Keeps an integration that was changed.
    fn revise(&mut self, integration: Integration) -> Changed {
        let (revision, updated_at) = (self.next_id(), self.now);
        self.keep(Integration { revision, updated_at, ..integration })
    }

    fn keep(&mut self, integration: Integration) -> Changed {
        let key = keys::config(keys::INTEGRATIONS, integration.id);
        self.batch.insert(&key, json(&integration));
        let integration = Arc::new(integration);
        self.integrations_changed = true;
        self.config_mut().integrations.insert(integration.id, integration.clone());
        Changed::Integration(integration)
    }

    fn delete(&mut self, id: Id, revision: Option<Id>) -> Tried {
        let integration = match self.expect(id, revision) {
            Ok(integration) => integration,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.forget_integrations(&[id])?;
        Ok(Ok(Changed::Integration(integration)))
    }

    /// Forgets integrations, and gives up what is owed to them: in one look at the outbox, however
    /// many they are.
    pub(super) fn forget_integrations(&mut self, ids: &[Id]) -> Result<(), StoreError> {
        self.forget_links_to(ids)?;
        for id in ids {
            self.integrations_changed = true;
            self.config_mut().integrations.remove(id);
            self.batch.remove(&keys::config(keys::INTEGRATIONS, *id));
            self.batch.remove(&keys::by_id(keys::HEALTH, *id));
            self.events.waiting.insert(*id, Waiting::none());
        }
        let before = self.store.outbox()?.into_iter().map(|(message, _)| message);
        // And what this very commit has made; not what an attempt has settled in it.
        let messages: BTreeSet<Id> = before.chain(self.outbox.keys().copied()).collect();
        for message in messages {
            let owed = self.owed(message)?.filter(|owed| ids.contains(&owed.integration));
            if let Some(owed) = owed {
                self.give_up(message, &owed, Status::Cancelled, None);
            }
        }
        Ok(())
    }

    pub(super) fn config_mut(&mut self) -> &mut Config {
        if !self.configured {
            self.configured = true;
            let revision = self.next_id();
            Arc::make_mut(&mut self.config).revision = revision;
        }
        Arc::make_mut(&mut self.config)
    }
}
