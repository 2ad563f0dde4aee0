//! `/session`: logging in to the pages with a token, or with the link that the server printed when it
//! started; and out.

use std::sync::Mutex;
use std::time::Duration;

use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header::ORIGIN;
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::{COOKIE, Caller, is_same_origin};
use super::strangers::{by, refused};
use super::{Api, Problem, body, intake};
use crate::clock::Timestamp;
use crate::model::{ExternalId, Id, KeyHash, Role, Session, Slug, Token, random_key};
use crate::store::{Changed, Configure};

/// How long a session lasts.
const SESSION_LASTS: Duration = Duration::from_secs(7 * 86_400);

pub fn resource() -> Resource {
    super::resource("/session")
        .route(web::post().to(log_in))
        .route(web::get().to(get))
        .route(web::delete().to(log_out))
}

/// A code that opens the pages once: what stands in the link that the server prints.
pub struct LoginCode(Mutex<Option<(KeyHash, Id, Timestamp)>>);

impl LoginCode {
    /// No code at all.
    pub fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// A code that stands for a token until then.
    pub fn new(code: &str, token: Id, until: Timestamp) -> Self {
        Self(Mutex::new(Some((KeyHash::of(code), token, until))))
    }

    /// The token that the code stands for, if it is the right one, and not used up.
    fn redeem(&self, code: &str, now: Timestamp) -> Option<Id> {
        let mut open = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (hash, token, until) = (*open)?;
        if hash != KeyHash::of(code) || now >= until {
            return None;
        }
        *open = None;
        Some(token)
    }
}

/// What somebody logs in with: one of both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    /// A token.
    #[serde(default)]
    token: Option<String>,
    /// The code of the link that the server printed when it started; good once.
    #[serde(default)]
    code: Option<String>,
}

/// Who is logged in, and what they may do.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct View {
    account: Slug,
    token: TokenName,
    roles: Vec<Role>,
    workspaces: Vec<ExternalId>,
    /// When the session ends; null for whoever came with a token.
    expires_at: Option<Timestamp>,
}

/// The token somebody came with.
#[derive(Serialize, ToSchema)]
struct TokenName {
    id: Id,
    name: ExternalId,
}

impl View {
    fn of(api: &Api, token: &Token, session: Option<&Session>) -> Result<Self, Problem> {
        let config = api.store.config();
        let account = config.account(token.account);
        let account = account.ok_or_else(|| Problem::unauthorized("its account is deleted"))?;
        Ok(Self {
            account: account.id.clone(),
            token: TokenName { id: token.id, name: token.name.clone() },
            roles: token.roles.clone(),
            workspaces: token.workspaces.clone(),
            expires_at: session.map(|session| session.expires_at),
        })
    }
}

/// Logs in to the pages, with a token or with the link that the server printed: one of both.
///
/// The answer sets the cookie `lull_session`, which lasts seven days at most.
#[utoipa::path(
    post,
    path = "/session",
    operation_id = "logIn",
    tag = "Session",
    request_body(content = LogIn, example = json!({"token": "lull_…"})),
    responses(
        (status = 201, description = "Logged in", body = View,
         headers(("Set-Cookie" = String, description = "The session")),
         example = json!({
            "account": "default", "token": {"id": "7627861917179969537", "name": "first token"},
            "roles": ["admin", "operator"], "workspaces": [],
            "expires_at": "2026-03-09T09:14:05.120Z"})),
        (status = 401, description = "The token is not known or has expired, or the link is used up"),
        (status = 403, description = "A page of another site made the call"),
    ),
)]
async fn log_in(
    api: Data<Api>,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    // Nobody is to be logged in from another site, as somebody else.
    let headers = request.headers();
    let by_a_page = headers.contains_key("sec-fetch-site") || headers.contains_key(ORIGIN);
    if by_a_page && !is_same_origin(headers) {
        return Err(Problem::cross_origin());
    }
    let asked: LogIn = body::read(body::json(&request, &bytes?)?)?;
    let (now, config) = (api.clock.now(), api.store.config());
    let token = match (&asked.token, &asked.code) {
        (Some(token), None) => config.token_with(KeyHash::of(token)),
        (None, Some(code)) => api.login_code.redeem(code, now).and_then(|id| config.token(id)),
        _ => {
            let fault = "must have either token or code".to_owned();
            return Err(body::faulty(vec![(String::new(), fault)]));
        }
    };
    let token = token.filter(|token| token.expires_at.is_none_or(|at| now < at)).cloned();
    let Some(token) = token else {
        let detail = match asked.code {
            Some(_) => "the link is used up or too old; restart Lull for a new one, or use a token",
            None => "the token is not known, or expired",
        };
        return Err(refused(&api, &request, Problem::unauthorized(detail)));
    };
    let key = random_key().map_err(|error| Problem::no_random(&error))?;
    let expires_at = token.expires_at.map_or(now + SESSION_LASTS, |at| at.min(now + SESSION_LASTS));
    let session =
        Session { id: Id::default(), token: token.id, hash: KeyHash::of(&key), expires_at };
    let started = api
        .journal
        .configure(Configure::StartSession(session), by(&api, &request, Some(&token)))
        .await?;
    let Ok(Changed::Session(session)) = started else {
        return Err(Problem::unauthorized("the token was revoked just now"));
    };
    log::info!("{} logged in", token.name.escaped());
    let lasts = expires_at.since(now).as_secs();
    Ok(HttpResponse::Created().cookie(cookie(&api, &request, key, lasts)).json(View::of(
        &api,
        &token,
        Some(&session),
    )?))
}

/// Tells who calls, and what they may.
#[utoipa::path(
    get,
    path = "/session",
    operation_id = "getSession",
    tag = "Session",
    responses((status = 200, description = "The caller", body = View)),
)]
async fn get(api: Data<Api>, caller: Caller) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(View::of(&api, &caller.token, caller.session.as_deref())?))
}

/// Logs out: ends the session of the cookie.
#[utoipa::path(
    delete,
    path = "/session",
    operation_id = "logOut",
    tag = "Session",
    responses(
        (status = 204, description = "Logged out", headers(("Set-Cookie" = String, description = "Takes the cookie away"))),
        (status = 409, description = "The call came with a token, which has no session to end"),
    ),
)]
async fn log_out(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Some(session) = &caller.session else {
        return Err(Problem::conflict("there is no session; a token need not log out"));
    };
    // Whether it was there still makes no difference.
    let _ =
        api.journal.configure(Configure::EndSession(session.id), caller.by(&api, &request)).await?;
    log::info!("{} logged out", caller.token.name.escaped());
    Ok(HttpResponse::NoContent().cookie(cookie(&api, &request, String::new(), 0)).finish())
}

/// The cookie with this key. Scripts cannot read it, other sites cannot send it.
fn cookie(api: &Api, request: &HttpRequest, key: String, lasts_s: u64) -> Cookie<'static> {
    Cookie::build(COOKIE, key)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(intake::client(request, api).is_some_and(|client| client.https))
        .max_age(time::Duration::seconds(lasts_s as i64))
        .finish()
}
