//! What reading a document in comes to, worked out from what is configured.

use std::sync::Arc;

use serde_json::Value;

use super::super::integrations::check_spec;
use super::super::{Api, hidden};
use super::{Document, Done, Named};
use crate::model::{Account, ExternalId, Id, Integration, IntegrationSpec, Secret};
use crate::store::{Config, Configure};

/// For how long a secret that is replaced signs as well.
const OVERLAP: std::time::Duration = std::time::Duration::from_secs(86_400);

/// A place in the document, and what is wrong there.
type Fault = (String, String);

/// What integrations are matched by: workspace and name.
type Key = (Option<ExternalId>, ExternalId);

/// What is to be done, and what it is called.
#[derive(Default)]
pub struct Plan {
    /// In this order.
    pub changes: Vec<Configure>,
    /// What the caller is told of it.
    pub done: Done,
    /// Why none of it can be done, if so.
    pub faults: Vec<Fault>,
}

impl Plan {
    /// What `document` asks of `account`, which is configured so now; integrations that it lacks go,
    /// if `prune` says so.
    pub fn of(
        document: &Document,
        api: &Api,
        config: &Config,
        account: Account,
        prune: bool,
    ) -> Plan {
        let mut plan = Plan::default();
        plan.workspaces(document, config, account);
        plan.integrations(document, api, config, account, prune);
        plan
    }

    fn workspaces(&mut self, document: &Document, config: &Config, account: Account) {
        for (at, wanted) in document.workspaces.iter().enumerate() {
            if document.workspaces[..at].iter().any(|other| other.id == wanted.id) {
                self.faults.push((format!("/workspaces/{at}/id"), "stands here twice".to_owned()));
                continue;
            }
            let (id, name) = (wanted.id.clone(), wanted.name.clone());
            let named = Named {
                what: "workspace",
                name: name.clone(),
                id: Some(id.to_string()),
                secret: None,
            };
            match config.workspace(account, &id) {
                None => {
                    self.changes.push(Configure::CreateWorkspace(account, id, name));
                    self.done.created.push(named);
                }
                Some(found) if found.name != name => {
                    self.changes.push(Configure::RenameWorkspace(account, id, name));
                    self.done.updated.push(named);
                }
                Some(_) => self.done.unchanged.push(named),
            }
        }
    }

    fn integrations(
        &mut self,
        document: &Document,
        api: &Api,
        config: &Config,
        account: Account,
        prune: bool,
    ) {
        let mut met: Vec<Key> = Vec::new();
        for (at, wanted) in document.integrations.iter().enumerate() {
            let planned = self.integration(wanted, api, config, account).and_then(|key| {
                let fault = "stands here twice with this workspace".to_owned();
                if met.contains(&key) { Err(vec![("/name".to_owned(), fault)]) } else { Ok(key) }
            });
            match planned {
                Ok(key) => met.push(key),
                Err(faults) => {
                    self.faults.extend(faults.into_iter().map(|(pointer, message)| {
                        (format!("/integrations/{at}{pointer}"), message)
                    }))
                }
            }
        }
        for found in config.of_account(account).filter(|_| prune) {
            if !met.contains(&key_of(&found.spec)) {
                self.changes.push(Configure::DeleteIntegration(found.id, None));
                self.done.deleted.push(named(&found.spec, Some(found.id)));
            }
        }
    }

    /// Plans one integration: what it is matched by, or its faults.
    fn integration(
        &mut self,
        wanted: &Value,
        api: &Api,
        config: &Config,
        account: Account,
    ) -> Result<Key, Vec<Fault>> {
        let mut value = wanted.clone();
        let secret = take_secret(&mut value)?;
        let before = find(config, account, &value)?;
        if let Some(before) = before {
            hidden::keep(&mut value, &before.spec);
        }
        let spec = check_spec(api, value, before.map(|before| &before.spec))?;
        let key = key_of(&spec);
        match before {
            Some(before) => self.update(api, before, spec, secret),
            None => self.create(account, spec, secret)?,
        }
        Ok(key)
    }

    fn create(
        &mut self,
        account: Account,
        spec: IntegrationSpec,
        given: Option<Secret>,
    ) -> Result<(), Vec<Fault>> {
        let mut named = named(&spec, None);
        let secret = match given {
            Some(secret) => secret,
            None => {
                let made = Secret::random().map_err(|error| {
                    vec![("/secret".to_owned(), format!("could not be made, try again: {error}"))]
                })?;
                named.secret = Some(made.reveal());
                made
            }
        };
        self.done.created.push(named);
        self.changes.push(Configure::CreateIntegration(account, Box::new(spec), secret));
        Ok(())
    }

    fn update(
        &mut self,
        api: &Api,
        before: &Integration,
        spec: IntegrationSpec,
        secret: Option<Secret>,
    ) {
        let named = named(&spec, Some(before.id));
        let secret = secret.filter(|secret| *secret != before.secret);
        if spec == before.spec && secret.is_none() {
            self.done.unchanged.push(named);
            return;
        }
        if spec != before.spec {
            self.changes.push(Configure::UpdateIntegration(before.id, Box::new(spec), None));
        }
        if let Some(secret) = secret {
            let until = api.clock.now() + OVERLAP;
            self.changes.push(Configure::RotateSecret(before.id, secret, until));
        }
        self.done.updated.push(named);
    }
}

fn key_of(spec: &IntegrationSpec) -> (Option<ExternalId>, ExternalId) {
    (spec.workspace_id.clone(), spec.name.clone())
}

fn named(spec: &IntegrationSpec, id: Option<Id>) -> Named {
    let id = id.map(|id| id.to_string());
    Named { what: "integration", name: spec.name.clone(), id, secret: None }
}

/// The secret of an integration in the document, taken out of it.
fn take_secret(value: &mut Value) -> Result<Option<Secret>, Vec<Fault>> {
    let Some(secret) = value.as_object_mut().and_then(|members| members.remove("secret")) else {
        return Ok(None);
    };
    let parsed = secret.as_str().unwrap_or_default().parse::<Secret>();
    parsed.map(Some).map_err(|bad| vec![("/secret".to_owned(), bad.to_string())])
}

/// The integration that this one is, if there is one already.
fn find<'c>(
    config: &'c Config,
    account: Account,
    value: &Value,
) -> Result<Option<&'c Arc<Integration>>, Vec<Fault>> {
    let workspace = value.get("workspace_id").and_then(Value::as_str);
    let is_it = |found: &&Arc<Integration>| {
        value["name"] == found.spec.name.as_str()
            && workspace == found.spec.workspace_id.as_ref().map(ExternalId::as_str)
    };
    let mut found = config.of_account(account).filter(is_it);
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => {
            let (one, other) = (one.id, other.id);
            let fault =
                format!("is the name of two integrations, {one} and {other}; rename one of them");
            Err(vec![("/name".to_owned(), fault)])
        }
        (one, _) => Ok(one),
    }
}
