//! `/tokens`: who may call. A token's text is shown once, when it is made.

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use sha2::Sha256;
use utoipa::ToSchema;

use super::auth::Caller;
use super::once::{self, Made};
use super::openapi::{After, IdempotencyKey, Limit, WithToken};
use super::params::{Params, id_of_path};
use super::{Api, Page, Problem, body};
use crate::clock::Timestamp;
use crate::model::{
    Account, ExternalId, Id, KeyHash, Role, Slug, Token, TokenWish, random_key, token_text,
};
use crate::store::{Changed, Config, Configure};

pub fn all() -> Resource {
    super::resource("/tokens").route(web::get().to(list)).route(web::post().to(create))
}

pub fn one() -> Resource {
    super::resource("/tokens/{id}").route(web::delete().to(revoke))
}

/// A token, as it is answered.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct View {
    id: Id,
    /// The account it opens.
    account: Option<Slug>,
    /// What the log calls whoever used it.
    name: ExternalId,
    /// What it may do.
    roles: Vec<Role>,
    /// The workspaces that the role owner is about.
    workspaces: Vec<ExternalId>,
    created_at: Timestamp,
    /// The name of the token that made it; null for the first.
    created_by: Option<Box<str>>,
    /// From when on it opens nothing; null for never.
    expires_at: Option<Timestamp>,
    /// Roughly; null when it has not been used yet.
    last_used_at: Option<Timestamp>,
}

impl View {
    fn of(token: &Token, config: &Config, last_used_at: Option<Timestamp>) -> Self {
        Self {
            id: token.id,
            account: config.account(token.account).map(|account| account.id.clone()),
            name: token.name.clone(),
            roles: token.roles.clone(),
            workspaces: token.workspaces.clone(),
            created_at: token.created_at,
            created_by: token.created_by.clone(),
            expires_at: token.expires_at,
            last_used_at,
        }
    }
}

/// Lists the tokens of an account, never with their texts.
#[utoipa::path(
    get,
    path = "/tokens",
    operation_id = "listTokens",
    tag = "Tokens",
    params(
        ("account" = Option<Slug>, Query, description = "The account; the caller's when it is left out. \
            Others are the operator's to see"),
        After, Limit,
    ),
    responses((status = 200, description = "A page of tokens, by id", body = Page<View>),
        (status = 404, description = "There is no such account, or it is not the caller's")),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["account", "after", "limit"])?;
    let (after, limit) = (params.parsed::<Id>("after")?.unwrap_or_default(), params.limit()?);
    let account = account_of(&api, &caller, params.parsed::<Slug>("account")?.as_ref())?;
    let config = api.store.config();
    let rest = config.tokens().filter(|token| token.account == account && token.id > after);
    let views = rest.map(|token| View::of(token, &config, api.store.uses().of(token.id)));
    Ok(HttpResponse::Ok().json(Page::first(views, limit, |view| view.id.to_string())))
}

/// Makes a token.
///
/// Its text is shown this once: only a hash of it is kept.
#[utoipa::path(
    post,
    path = "/tokens",
    operation_id = "createToken",
    tag = "Tokens",
    params(IdempotencyKey),
    request_body(content = TokenWish, example = json!({"name": "the app", "roles": ["producer"], "expires_in": "90d"})),
    responses(
        (status = 201, description = "The token, with its text", body = inline(WithToken<View>),
         headers(("Location" = String, description = "Where it is")),
         example = json!({
            "id": "7627861917179969537", "account": "default", "name": "the app", "roles": ["producer"],
            "workspaces": [], "created_at": "2026-03-02T09:14:05.120Z", "created_by": "first token",
            "expires_at": "2026-05-31T09:14:05.120Z", "last_used_at": null, "token": "lull_…"})),
        (status = 404, description = "There is no such account, or it is not the caller's"),
    ),
)]
async fn create(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let bytes = bytes?;
    let asked: TokenWish = body::read(body::json(&request, &bytes)?)?;
    let account = account_of(&api, &caller, asked.account.as_ref())?;
    if asked.roles.contains(&Role::Operator) && !caller.has(Role::Operator) {
        return Err(Problem::forbidden("only a token with the role operator makes another"));
    }
    let expires_at = asked.check(api.clock.now()).map_err(body::faulty)?;
    let text = new_text(&caller, &request, &bytes)?;
    let token = asked.token(account, KeyHash::of(&text), expires_at, &caller.name());
    let name = token.name.escaped().to_string();
    let change = Configure::CreateToken(Box::new(token));
    let store = api.store.clone();
    let made = move |changed: &Changed| match changed {
        Changed::Token(token) => {
            let location = format!("/api/v1/tokens/{}", token.id);
            Made::created(location, &View::of(token, &store.config(), None))
        }
        other => unreachable!("invariant: not what was to be made: {other:?}"),
    };
    let what = "such account".to_owned();
    let made = once::configure(&api, &caller, &request, &bytes, change, what, made).await?;
    log::info!("the token {name} is made by {}", caller.token.name.escaped());
    Ok(made.with("token", &text).answer())
}

/// Revokes a token, and ends its sessions, at once.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    operation_id = "revokeToken",
    tag = "Tokens",
    params(("id" = Id, Path, description = "The token")),
    responses(
        (status = 204, description = "It opens nothing any more"),
        (status = 409, description = "It is the last token with the role operator; make another first"),
    ),
)]
async fn revoke(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let config = api.store.config();
    let found = id_of_path(&request)
        .and_then(|id| config.token(id))
        .filter(|token| token.account == caller.account || caller.has(Role::Operator));
    let missing = || {
        let id = request.match_info().get("id").unwrap_or_default();
        format!("token {id}")
    };
    let token = found.ok_or_else(|| Problem::not_found(format!("there is no {}", missing())))?;
    if token.roles.contains(&Role::Operator) && !caller.has(Role::Operator) {
        return Err(Problem::forbidden("only a token with the role operator revokes another"));
    }
    let revoked =
        api.journal.configure(Configure::RevokeToken(token.id), caller.by(&api, &request)).await?;
    revoked.map_err(|refusal| Problem::refused(&refusal, &missing()))?;
    log::info!("the token {} is revoked by {}", token.name.escaped(), caller.token.name.escaped());
    Ok(HttpResponse::NoContent().finish())
}

/// The account that the call names, or the caller's own. Only an operator sees others.
fn account_of(api: &Api, caller: &Caller, named: Option<&Slug>) -> Result<Account, Problem> {
    let Some(slug) = named else { return Ok(caller.account) };
    let config = api.store.config();
    let account = config.account_named(slug.as_str()).map(|info| info.account);
    account
        .filter(|account| *account == caller.account || caller.has(Role::Operator))
        .ok_or_else(|| Problem::not_found(format!("there is no account {slug}")))
}

/// The text of a new token. A call with a key that comes again must be answered the same, and the text
/// is not stored: so it is made of the caller's own, which is not stored either.
pub fn new_text(caller: &Caller, request: &HttpRequest, body: &[u8]) -> Result<String, Problem> {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    let Some(key) = once::key(request)? else {
        return Ok(token_text(&random_key().map_err(|error| Problem::no_random(&error))?));
    };
    let mut mac =
        Hmac::<Sha256>::new_from_slice(caller.key.as_bytes()).expect("invariant: any key will do");
    for part in [b"a token of an idempotent call".as_slice(), key.as_bytes(), body] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    Ok(token_text(&URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}
