//! Who calls, and what they may. A handler that takes a [`Caller`] is closed to everybody else.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::{Api, Problem};
use crate::model::{Account, Role, Token, TokenHash};

/// An administrator of an account.
pub struct Caller {
    /// The account.
    pub account: Account,
    /// The token, for the log.
    token: Arc<Token>,
}

impl Caller {
    /// What the log calls them: the name of their token.
    pub fn name(&self) -> String {
        self.token.name.to_string()
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(authenticate(request))
    }
}

fn authenticate(request: &HttpRequest) -> Result<Caller, Problem> {
    const HOW: &str = "send a token as \"Authorization: Bearer lull_…\"; \
                       the first start wrote one to the file admin-token in the data folder";
    let api: &Data<Api> = request.app_data().expect("invariant: every app has an Api");
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        return Err(Problem::unauthorized(format!("no token; {HOW}")));
    };
    let text = header.to_str().ok().and_then(bearer);
    let text = text.ok_or_else(|| Problem::unauthorized(format!("not a bearer token; {HOW}")))?;
    let token = api.store.config().token(TokenHash::of(text)).cloned();
    let token = token.ok_or_else(|| Problem::unauthorized(format!("unknown token; {HOW}")))?;
    if !token.roles.contains(&Role::Admin) {
        return Err(Problem::forbidden("this call needs the role admin, which the token lacks"));
    }
    Ok(Caller { account: token.account, token })
}

/// The token of `Bearer <token>`; the scheme is compared without case (RFC 9110).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
