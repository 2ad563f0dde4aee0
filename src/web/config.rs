//! `/config`: all that is configured in an account, as one document that people keep in a repository.
//! Reading it in again changes nothing; what is not in it stays, unless that is asked for.

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::auth::Caller;
use super::integrations::{as_shown, as_value, check_spec, keep_hidden};
use super::openapi::ConfiguredIntegration;
use super::params::Params;
use super::tokens::shown;
use super::{Api, Problem, body};
use crate::model::{ExternalId, Id, Integration, IntegrationSpec, Secret};
use crate::store::{Changed, Config, Configure, Refusal};

/// How often a plan is made anew when others are quicker.
const PLANS_MAX: usize = 10;
/// For how long a secret that is replaced signs as well.
const OVERLAP: std::time::Duration = std::time::Duration::from_secs(86_400);

pub fn resource() -> Resource {
    super::resource("/config").route(web::get().to(export)).route(web::put().to(import))
}

/// What is configured in an account.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Configuration)]
pub struct Document {
    #[serde(default)]
    workspaces: Vec<NamedWorkspace>,
    /// Each as an integration is made; its signing secret as `secret` as well, where it is to be kept.
    #[serde(default)]
    #[schema(value_type = Vec<ConfiguredIntegration>)]
    integrations: Vec<Value>,
}

/// A workspace, and what people call it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NamedWorkspace {
    id: ExternalId,
    name: ExternalId,
}

/// Gives all that is configured in the account as one document.
///
/// Without `secrets=true` it has `(hidden)` in place of what must not be shown, which is kept as it is
/// when the document is read in again.
#[utoipa::path(
    get,
    path = "/config",
    operation_id = "exportConfiguration",
    tag = "Configuration",
    params(("secrets" = Option<bool>, Query, description = "Whether to give secrets, too; that is logged")),
    responses((status = 200, description = "What is configured", body = Document)),
)]
async fn export(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["secrets"])?;
    let secrets = params.parsed("secrets")?.unwrap_or(false);
    let config = api.store.config();
    let written = |integration: &Integration| {
        if !secrets {
            return as_value(&as_shown(&integration.spec));
        }
        let mut value = as_value(&integration.spec);
        value["secret"] = integration.secret.reveal().into();
        value
    };
    if secrets {
        log::info!("configuration read with its secrets by {}", shown(&caller.token.name));
    }
    let workspaces = config.workspaces_of(caller.account);
    let workspaces = workspaces
        .map(|found| NamedWorkspace { id: found.id.clone(), name: found.name.clone() })
        .collect();
    let integrations = config.of_account(caller.account).map(|found| written(found)).collect();
    Ok(HttpResponse::Ok().json(Document { workspaces, integrations }))
}

/// What reading a document in comes to.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = ConfigurationRead)]
struct Done {
    created: Vec<Named>,
    updated: Vec<Named>,
    unchanged: Vec<Named>,
    deleted: Vec<Named>,
    dry_run: bool,
}

/// A workspace or an integration that the document names.
#[derive(Serialize, ToSchema)]
#[schema(as = Configured)]
struct Named {
    /// `workspace` or `integration`.
    what: &'static str,
    name: ExternalId,
    /// Null for what is still to be made.
    id: Option<String>,
    /// The signing secret of an integration that was made, when the document had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// What is to be done, and what it is called.
#[derive(Default)]
struct Plan {
    changes: Vec<Configure>,
    done: Done,
    faults: Vec<(String, String)>,
}

/// Reads such a document in.
///
/// Integrations are matched by workspace and name. The same document again changes nothing; what is
/// not in it stays, unless `prune=true` asks for integrations to be deleted. All of it is made in one
/// commit, or none.
#[utoipa::path(
    put,
    path = "/config",
    operation_id = "importConfiguration",
    tag = "Configuration",
    params(
        ("dry_run" = Option<bool>, Query, description = "Whether only to say what would be done"),
        ("prune" = Option<bool>, Query, description = "Whether to delete integrations that it lacks"),
    ),
    request_body(content = Document, example = json!({
        "workspaces": [{"id": "ws1", "name": "Product"}],
        "integrations": [{"name": "Chat", "kind": "activity", "hook_url": "https://chat.example.com/hook"}],
    })),
    responses((status = 200, description = "What was done, or would be", body = Done)),
)]
async fn import(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["dry_run", "prune"])?;
    let dry_run = params.parsed("dry_run")?.unwrap_or(false);
    let prune = params.parsed("prune")?.unwrap_or(false);
    let document: Document = body::read(body::json(&request, &bytes?)?)?;
    // Worked out from what is configured now; and again when somebody else was quicker.
    for _ in 0..PLANS_MAX {
        let config = api.store.config();
        let mut plan = Plan::default();
        plan.workspaces(&document, &config, &caller);
        plan.integrations(&api, &document, &config, &caller, prune)?;
        if !plan.faults.is_empty() {
            return Err(body::faulty(plan.faults));
        }
        let mut done = Done { dry_run, ..plan.done };
        if dry_run || plan.changes.is_empty() {
            return Ok(HttpResponse::Ok().json(done));
        }
        match api.journal.configure_all(plan.changes, config.revision).await? {
            Ok(changed) => {
                let made = changed.iter().filter_map(|changed| match changed {
                    Changed::Integration(found) => Some(found),
                    _ => None,
                });
                done.number(made.map(|found| (found.id, &found.spec)));
                log::info!("configuration read in by {}", shown(&caller.token.name));
                return Ok(HttpResponse::Ok().json(done));
            }
            Err(Refusal::Revised) => {}
            Err(refusal) => return Err(Problem::refused(&refusal, "such account")),
        }
    }
    Err(Problem::conflict("others keep changing what is configured; try again"))
}

impl Done {
    /// Gives what was made its id.
    fn number<'a>(&mut self, made: impl Iterator<Item = (Id, &'a IntegrationSpec)>) {
        for (id, spec) in made {
            let named = self.created.iter_mut().find(|named| {
                named.what == "integration" && named.id.is_none() && named.name == spec.name
            });
            if let Some(named) = named {
                named.id = Some(id.to_string());
            }
        }
    }
}

impl Plan {
    fn workspaces(&mut self, document: &Document, config: &Config, caller: &Caller) {
        for (at, wanted) in document.workspaces.iter().enumerate() {
            if document.workspaces[..at].iter().any(|other| other.id == wanted.id) {
                self.faults.push((format!("/workspaces/{at}/id"), "stands here twice".to_owned()));
                continue;
            }
            let (account, id, name) = (caller.account, wanted.id.clone(), wanted.name.clone());
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
        api: &Api,
        document: &Document,
        config: &Config,
        caller: &Caller,
        prune: bool,
    ) -> Result<(), Problem> {
        let mut met: Vec<(Option<ExternalId>, ExternalId)> = Vec::new();
        for (at, wanted) in document.integrations.iter().enumerate() {
            match self.integration(api, wanted, config, caller)? {
                Ok(key) if met.contains(&key) => {
                    let fault = "stands here twice with this workspace".to_owned();
                    self.faults.push((format!("/integrations/{at}/name"), fault));
                }
                Ok(key) => met.push(key),
                Err(faults) => {
                    self.faults.extend(faults.into_iter().map(|(pointer, message)| {
                        (format!("/integrations/{at}{pointer}"), message)
                    }))
                }
            }
        }
        for found in config.of_account(caller.account).filter(|_| prune) {
            if !met.contains(&key_of(&found.spec)) {
                self.changes.push(Configure::DeleteIntegration(found.id, None));
                self.done.deleted.push(named(&found.spec, Some(found.id)));
            }
        }
        Ok(())
    }

    /// What is to be done for one integration: its workspace and name, or its faults.
    #[allow(clippy::type_complexity)] // the outer error is the server's, the inner the document's
    fn integration(
        &mut self,
        api: &Api,
        wanted: &Value,
        config: &Config,
        caller: &Caller,
    ) -> Result<Result<(Option<ExternalId>, ExternalId), Vec<(String, String)>>, Problem> {
        let mut value = wanted.clone();
        let secret = value.as_object_mut().and_then(|members| members.remove("secret"));
        let secret = match secret.as_ref().map(|secret| secret.as_str().unwrap_or("").parse()) {
            None => None,
            Some(Ok(secret)) => Some(secret),
            Some(Err(bad)) => {
                let bad: crate::model::BadSecret = bad;
                return Ok(Err(vec![("/secret".to_owned(), bad.to_string())]));
            }
        };
        let named_so = |found: &&std::sync::Arc<Integration>| {
            value["name"] == found.spec.name.as_str()
                && value.get("workspace_id").and_then(Value::as_str)
                    == found.spec.workspace_id.as_ref().map(ExternalId::as_str)
        };
        let found: Vec<_> = config.of_account(caller.account).filter(named_so).collect();
        if let [one, other, ..] = found[..] {
            let fault = format!(
                "is the name of two integrations, {} and {}; rename one of them",
                one.id, other.id
            );
            return Ok(Err(vec![("/name".to_owned(), fault)]));
        }
        let before = found.first();
        if let Some(before) = before {
            keep_hidden(&mut value, &before.spec);
        }
        let spec = match check_spec(api, value, before.map(|before| &before.spec)) {
            Ok(spec) => spec,
            Err(faults) => return Ok(Err(faults)),
        };
        let key = key_of(&spec);
        match before {
            Some(before) => self.update(api, before, spec, secret),
            None => {
                let named = Named { secret: None, ..named(&spec, None) };
                let is_new = secret.is_none();
                let secret = match secret {
                    Some(secret) => secret,
                    None => Secret::random().map_err(|error| Problem::no_random(&error))?,
                };
                let shown = is_new.then(|| secret.reveal());
                self.done.created.push(Named { secret: shown, ..named });
                let change = Configure::CreateIntegration(caller.account, Box::new(spec), secret);
                self.changes.push(change);
            }
        }
        Ok(Ok(key))
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
