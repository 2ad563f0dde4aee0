//! `/accounts`: the tenants of the server, which an operator makes and deletes.

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::once::{self, Made};
use super::openapi::{IdempotencyKey, Limit, WithToken};
use super::params::Params;
use super::tokens::new_text;
use super::{Api, Page, Problem, body};
use crate::clock::Timestamp;
use crate::model::{Account, AccountInfo, ExternalId, Id, KeyHash, Role, Slug, Token};
use crate::store::{Changed, Configure};

pub fn all() -> Resource {
    super::resource("/accounts").route(web::get().to(list)).route(web::post().to(create))
}

pub fn one() -> Resource {
    super::resource("/accounts/{id}").route(web::delete().to(delete))
}

/// An account, as it is answered.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
struct View {
    /// What calls name it by.
    id: Slug,
    /// What people call it.
    name: ExternalId,
    created_at: Timestamp,
}

impl View {
    fn of(info: &AccountInfo) -> Self {
        Self { id: info.id.clone(), name: info.name.clone(), created_at: info.created_at }
    }
}

/// An account to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    /// What calls will name it by.
    id: Slug,
    /// What people call it; its id when that is left out.
    #[serde(default)]
    name: Option<ExternalId>,
}

/// Lists the accounts of the server.
#[utoipa::path(
    get,
    path = "/accounts",
    operation_id = "listAccounts",
    tag = "Accounts",
    params(("after" = Option<Slug>, Query, description = "`next` of the page before"), Limit),
    responses((status = 200, description = "A page of accounts, by id", body = Page<View>)),
)]
async fn list(api: Data<Api>, _: Caller, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["after", "limit"])?;
    let (after, limit) = (params.parsed::<Slug>("after")?, params.limit()?);
    let config = api.store.config();
    let mut accounts: Vec<&AccountInfo> = config.accounts().map(|info| info.as_ref()).collect();
    accounts.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    accounts.retain(|info| after.as_ref().is_none_or(|after| info.id > *after));
    let views = accounts.into_iter().map(View::of);
    Ok(HttpResponse::Ok().json(Page::first(views, limit, |view| view.id.to_string())))
}

/// Makes an account.
///
/// The answer has the token of its first administrator, which is shown this once.
#[utoipa::path(
    post,
    path = "/accounts",
    operation_id = "createAccount",
    tag = "Accounts",
    params(IdempotencyKey),
    request_body(content = NewAccount, example = json!({"id": "acme", "name": "Acme"})),
    responses(
        (status = 201, description = "The account, and the token of its administrator",
         body = inline(WithToken<View>), headers(("Location" = String, description = "Where it is")),
         example = json!({"id": "acme", "name": "Acme", "created_at": "2026-03-02T09:14:05.120Z",
                          "token": "lull_…"})),
        (status = 409, description = "There is an account with this id already"),
    ),
)]
async fn create(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let bytes = bytes?;
    let asked: NewAccount = body::read(body::json(&request, &bytes)?)?;
    let name = match asked.name {
        Some(name) => name,
        None => ExternalId::new(asked.id.as_str()).expect("invariant: an id is short"),
    };
    let text = new_text(&caller, &request, &bytes)?;
    let token = Token {
        // Given by the store.
        id: Id::default(),
        created_at: Timestamp::default(),
        account: Account::DEFAULT,
        name: ExternalId::new("admin").expect("invariant: a short name"),
        roles: vec![Role::Admin],
        workspaces: Vec::new(),
        hash: KeyHash::of(&text),
        created_by: Some(caller.name().into()),
        expires_at: None,
    };
    let what = format!("an account {}", asked.id);
    let id = asked.id.clone();
    let change = Configure::CreateAccount(asked.id, name, Box::new(token));
    let made = |changed: &Changed| match changed {
        Changed::Account(info) => {
            Made::created(format!("/api/v1/accounts/{}", info.id), &View::of(info))
        }
        other => unreachable!("invariant: not what was to be made: {other:?}"),
    };
    let made = once::configure(&api, &caller, &request, &bytes, change, what, made).await?;
    log::info!("the account {id} is made by {}", caller.token.name.escaped());
    Ok(made.with("token", &text).answer())
}

/// Deletes an account with its integrations, tokens and workspaces.
///
/// Its history is forgotten as it grows old.
#[utoipa::path(
    delete,
    path = "/accounts/{id}",
    operation_id = "deleteAccount",
    tag = "Accounts",
    params(("id" = Slug, Path, description = "The account")),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 409, description = "The account `default` always stays"),
    ),
)]
async fn delete(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = request.match_info().get("id").unwrap_or_default();
    let what = format!("account {id}");
    let found = api.store.config().account_named(id).map(|info| info.account);
    let account = found.ok_or_else(|| Problem::not_found(format!("there is no {what}")))?;
    let deleted =
        api.journal.configure(Configure::DeleteAccount(account), caller.by(&api, &request)).await?;
    deleted.map_err(|refusal| Problem::refused(&refusal, &what))?;
    log::info!("the account {id} is deleted by {}", caller.token.name.escaped());
    Ok(HttpResponse::NoContent().finish())
}
