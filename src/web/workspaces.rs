//! `/workspaces`: the parts of an account. Audits may name one that nobody made.

use std::collections::BTreeMap;

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::once::{self, Made};
use super::openapi::{AfterName, IdempotencyKey, Limit};
use super::params::{Params, part_of_path};
use super::{Api, Page, Problem, body};
use crate::clock::Timestamp;
use crate::model::{ExternalId, Workspace};
use crate::store::{Changed, Configure, LearnedWish};

pub fn all() -> Resource {
    super::resource("/workspaces").route(web::get().to(list)).route(web::post().to(create))
}

pub fn one() -> Resource {
    super::resource("/workspaces/{id}").route(web::delete().to(delete))
}

/// A workspace, as it is answered.
#[derive(Serialize, ToSchema)]
#[schema(as = Workspace)]
struct View {
    /// What audits name it by.
    id: ExternalId,
    /// What people call it; null when audits name it and nobody made it.
    name: Option<ExternalId>,
    /// When it was made; null when nobody made it.
    created_at: Option<Timestamp>,
}

impl View {
    fn of(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id.clone(),
            name: Some(workspace.name.clone()),
            created_at: Some(workspace.created_at),
        }
    }

    fn unnamed(id: ExternalId) -> Self {
        Self { id, name: None, created_at: None }
    }
}

/// A workspace to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWorkspace {
    /// What audits name it by.
    id: ExternalId,
    /// What people call it; its id when that is left out.
    #[serde(default)]
    name: Option<ExternalId>,
}

/// Lists the workspaces of the account: those that somebody made, and those that audits named.
///
/// Owners see their own.
#[utoipa::path(
    get,
    path = "/workspaces",
    operation_id = "listWorkspaces",
    tag = "Workspaces",
    params(AfterName, Limit),
    responses((status = 200, description = "A page of workspaces, by id", body = Page<View>)),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["after", "limit"])?;
    let (after, limit) = (params.external_id("after")?, params.limit()?);
    let config = api.store.config();
    let seen =
        |id: &ExternalId| caller.sees(Some(id)) && after.as_ref().is_none_or(|after| id > after);
    // Those that audits named, as many as can be on this page, and one more; then those with a name.
    let wish = LearnedWish { text: None, after: after.clone(), limit: limit + 1 };
    let learned = api.store.learned(caller.account).workspaces(&wish, |id| caller.sees(id));
    let learned = learned.items.into_iter().map(View::unnamed);
    let named = config.workspaces_of(caller.account).filter(|workspace| seen(&workspace.id));
    let named = named.map(|workspace| View::of(workspace));
    let views: BTreeMap<ExternalId, View> =
        learned.chain(named).map(|view| (view.id.clone(), view)).collect();
    Ok(HttpResponse::Ok().json(Page::first(views.into_values(), limit, |view| view.id.to_string())))
}

/// Makes a workspace, which gives it a name for people.
///
/// Audits may name workspaces that nobody made.
#[utoipa::path(
    post,
    path = "/workspaces",
    operation_id = "createWorkspace",
    tag = "Workspaces",
    params(IdempotencyKey),
    request_body(content = NewWorkspace, example = json!({"id": "ws1", "name": "Mobile"})),
    responses(
        (status = 201, description = "The workspace", body = View,
         headers(("Location" = String, description = "Where it is")),
         example = json!({"id": "ws1", "name": "Mobile", "created_at": "2026-03-02T09:14:05.120Z"})),
        (status = 409, description = "There is a workspace with this id already"),
    ),
)]
async fn create(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let bytes = bytes?;
    let asked: NewWorkspace = body::read(body::json(&request, &bytes)?)?;
    let (id, name) = (asked.id.clone(), asked.name.unwrap_or(asked.id));
    let (what, shown_id) = (format!("a workspace {id}"), id.escaped().to_string());
    let change = Configure::CreateWorkspace(caller.account, id, name);
    let made = |changed: &Changed| match changed {
        Changed::Workspace(workspace) => {
            let id = percent_encoding::utf8_percent_encode(
                workspace.id.as_str(),
                percent_encoding::NON_ALPHANUMERIC,
            );
            Made::created(format!("/api/v1/workspaces/{id}"), &View::of(workspace))
        }
        other => unreachable!("invariant: not what was to be made: {other:?}"),
    };
    let made = once::configure(&api, &caller, &request, &bytes, change, what, made).await?;
    log::info!("the workspace {shown_id} is made by {}", caller.token.name.escaped());
    Ok(made.answer())
}

/// Deletes a workspace. Audits may go on to name it.
#[utoipa::path(
    delete,
    path = "/workspaces/{id}",
    operation_id = "deleteWorkspace",
    tag = "Workspaces",
    params(("id" = ExternalId, Path, description = "The workspace, percent-encoded")),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 409, description = "An integration is about it, or a token owns it; the detail says which"),
    ),
)]
async fn delete(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = part_of_path(&request, "id");
    let what = format!("workspace {id}");
    let id = ExternalId::new(id).map_err(|_| Problem::not_found(format!("there is no {what}")))?;
    let change = Configure::DeleteWorkspace(caller.account, id.clone());
    let deleted = api.journal.configure(change, caller.by(&api, &request)).await?;
    deleted.map_err(|refusal| Problem::refused(&refusal, &what))?;
    log::info!("the workspace {} is deleted by {}", id.escaped(), caller.token.name.escaped());
    Ok(HttpResponse::NoContent().finish())
}
