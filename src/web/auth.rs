//! Who calls: the token that a call brings, or the session that its cookie stands for.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use url::Url;

use super::access::Who;
use super::strangers::by;
use super::{Api, Problem};
use crate::model::{Account, By, ExternalId, KeyHash, Role, Session, Token};

/// The name of the cookie that holds a session's key.
pub const COOKIE: &str = "lull_session";

/// Somebody who may make this call.
#[derive(Clone)]
pub struct Caller {
    /// The account.
    pub account: Account,
    /// Whether it is all of the account that the call may be about, or only the token's workspaces.
    whole_account: bool,
    /// The token.
    pub token: Arc<Token>,
    /// The session, when they came with a cookie.
    pub session: Option<Arc<Session>>,
    /// What they opened the door with. Never stored, never shown.
    pub key: Arc<str>,
}

impl Caller {
    /// What the log calls them: the name of their token.
    pub fn name(&self) -> String {
        self.token.name.to_string()
    }

    /// Who asks, and from where, as security events say it.
    pub fn by(&self, api: &Api, request: &HttpRequest) -> By {
        by(api, request, Some(&self.token))
    }

    /// Whether the token has the role.
    pub fn has(&self, role: Role) -> bool {
        self.token.roles.contains(&role)
    }

    /// Whether this call may be about what is of `workspace`; about what is of none, or of the whole
    /// account, when that is none.
    pub fn sees(&self, workspace: Option<&ExternalId>) -> bool {
        self.whole_account || workspace.is_some_and(|id| self.token.workspaces.contains(id))
    }

    /// The workspaces that the call may be about; none for the whole account.
    pub fn workspaces(&self) -> Option<&[ExternalId]> {
        if self.whole_account { None } else { Some(&self.token.workspaces) }
    }

    /// Refuses what is not of the caller's workspaces.
    pub fn must_see(&self, workspace: Option<&ExternalId>, what: &str) -> Result<(), Problem> {
        if self.sees(workspace) {
            return Ok(());
        }
        let (name, of) = (
            &self.token.name,
            match workspace {
                None => "of the whole account",
                Some(_) => "of another workspace",
            },
        );
        Err(Problem::forbidden(format!(
            "{what} is {of}; that needs the role admin, or owner of it, which the token {name:?} lacks",
            name = name.as_str(),
        )))
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    /// The caller that the gate let in.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Caller>().cloned();
        ready(caller.ok_or_else(|| Problem::unauthorized("this call needs a token")))
    }
}

/// The token or the session that a call brings.
struct Brought {
    token: Arc<Token>,
    session: Option<Arc<Session>>,
    key: Arc<str>,
}

/// The caller, if they are known and may.
pub fn authenticate(api: &Api, request: &HttpRequest, who: Who) -> Result<Caller, Problem> {
    let Brought { token, session, key } = brought(api, request)?;
    let now = api.clock.now();
    if let Some(expired) = token.expires_at.filter(|at| *at <= now) {
        return Err(Problem::unauthorized(format!("the token expired at {expired}; use another")));
    }
    if session.is_some() && changes(request.method()) && !is_same_origin(request.headers()) {
        return Err(Problem::cross_origin());
    }
    let allowed: &[Role] = match who {
        Who::Roles(roles) => roles,
        Who::Anyone | Who::Token => &Role::ALL,
    };
    let mut held = token.roles.iter().filter(|role| allowed.contains(role)).peekable();
    if held.peek().is_none() {
        let (lacking, name) = (one_of(allowed), token.name.as_str());
        return Err(Problem::forbidden(format!(
            "this call needs the role {lacking}, which the token {name:?} lacks"
        )));
    }
    let whole_account = held.any(|role| *role != Role::Owner);
    api.store.uses().note(token.id, now);
    Ok(Caller { account: token.account, whole_account, token, session, key })
}

fn brought(api: &Api, request: &HttpRequest) -> Result<Brought, Problem> {
    const HOW: &str = "send a token as \"Authorization: Bearer lull_…\"; \
                       the first start wrote one to the file admin-token in the data folder";
    let config = api.store.config();
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        let cookie = request.cookie(COOKIE);
        let cookie = cookie.ok_or_else(|| Problem::unauthorized(format!("no token; {HOW}")))?;
        let now = api.clock.now();
        let session = config.session_with(KeyHash::of(cookie.value()));
        let session = session.filter(|session| now < session.expires_at);
        let token = session.and_then(|session| config.token(session.token));
        return match (session.cloned(), token.cloned()) {
            (Some(session), Some(token)) => {
                Ok(Brought { token, session: Some(session), key: cookie.value().into() })
            }
            _ => Err(Problem::unauthorized("the session has ended; log in again")),
        };
    };
    let text = header.to_str().ok().and_then(bearer);
    let text = text.ok_or_else(|| Problem::unauthorized(format!("not a bearer token; {HOW}")))?;
    let token = config.token_with(KeyHash::of(text)).cloned();
    let token = token.ok_or_else(|| Problem::unauthorized(format!("unknown token; {HOW}")))?;
    Ok(Brought { token, session: None, key: text.into() })
}

/// The token of `Bearer <token>`; the scheme is compared without case (RFC 9110).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn one_of(roles: &[Role]) -> String {
    match roles {
        [] => "none".to_owned(),
        [only] => only.to_string(),
        [rest @ .., last] => {
            let rest: Vec<&str> = rest.iter().map(|role| role.name()).collect();
            format!("{} or {last}", rest.join(", "))
        }
    }
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a page of this very server makes the call. Browsers say so, and pages cannot lie about it.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |value: Option<&actix_web::http::header::HeaderValue>| {
        value.and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    if let Some(site) = text(headers.get("sec-fetch-site")) {
        return site == "same-origin";
    }
    let (Some(origin), Some(host)) = (text(headers.get(ORIGIN)), text(headers.get(HOST))) else {
        return false;
    };
    Url::parse(&origin).is_ok_and(|origin| {
        let with_port = |port: u16| origin.host_str().map(|name| format!("{name}:{port}"));
        let bare = origin.host_str().map(str::to_owned);
        let of_origin = origin.port().map_or(bare, with_port);
        of_origin.is_some_and(|of_origin| of_origin.eq_ignore_ascii_case(&host))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_pages_of_this_server_are_of_the_same_origin() {
        for (headers, same) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "http://a:1"), ("host", "a:1")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "http://localhost:8080"), ("host", "localhost:8080")], true),
            (&[("origin", "https://Lull.example"), ("host", "lull.example")], true),
            (&[("origin", "https://evil.example"), ("host", "lull.example")], false),
            (&[("origin", "http://localhost:8081"), ("host", "localhost:8080")], false),
            (&[("origin", "null"), ("host", "localhost:8080")], false),
            (&[("host", "localhost:8080")], false),
            (&[], false),
        ] {
            let mut request = TestRequest::default();
            for (name, value) in headers {
                request = request.insert_header((*name, *value));
            }
            let request = request.to_http_request();
            assert_eq!(is_same_origin(request.headers()), same, "{headers:?}");
        }
    }
}
