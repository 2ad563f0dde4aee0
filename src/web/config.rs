//! `/config`: all that is configured in an account, as one document that people keep in a repository.
//! Reading it in again changes nothing; what is not in it stays, unless that is asked for.

mod plan;

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::auth::Caller;
use super::hidden::as_shown;
use super::integrations::as_value;
use super::openapi::ConfiguredIntegration;
use super::params::Params;
use super::{Api, Problem, body};
use crate::model::{ExternalId, Id, Integration, IntegrationSpec};
use crate::store::{Changed, Refusal};
use plan::Plan;

/// How often a plan is made anew when others are quicker.
const PLANS_MAX: usize = 10;

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
        log::info!("configuration read with its secrets by {}", caller.token.name.escaped());
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
pub struct Done {
    created: Vec<Named>,
    updated: Vec<Named>,
    unchanged: Vec<Named>,
    deleted: Vec<Named>,
    dry_run: bool,
}

/// A workspace or an integration that the document names.
#[derive(Serialize, ToSchema)]
#[schema(as = Configured)]
pub struct Named {
    /// `workspace` or `integration`.
    what: &'static str,
    name: ExternalId,
    /// Null for what is still to be made.
    id: Option<String>,
    /// The signing secret of an integration that was made, when the document had none.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
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
    let document: Document =
        body::read(body::json_up_to(api.limits.body_bytes, &request, &bytes?)?)?;
    // Worked out from what is configured now; and again when somebody else was quicker.
    for _ in 0..PLANS_MAX {
        let config = api.store.config();
        let plan = Plan::of(&document, &api, &config, caller.account, prune);
        if !plan.faults.is_empty() {
            return Err(body::faulty(plan.faults));
        }
        let mut done = Done { dry_run, ..plan.done };
        if dry_run || plan.changes.is_empty() {
            return Ok(HttpResponse::Ok().json(done));
        }
        match api
            .journal
            .configure_all(plan.changes, config.revision, caller.by(&api, &request))
            .await?
        {
            Ok(changed) => {
                let made = changed.iter().filter_map(|changed| match changed {
                    Changed::Integration(found) => Some(found),
                    _ => None,
                });
                done.number(made.map(|found| (found.id, &found.spec)));
                log::info!("configuration read in by {}", caller.token.name.escaped());
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
