//! Who comes to the door, and from where; and what is taken down of those who are not let in.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::ResponseError;
use actix_web::http::StatusCode;
use actix_web::http::header::USER_AGENT;

use super::{Api, Problem, intake};
use crate::model::{Account, By, ExternalId, Extra, SecurityDraft, Success, Token};

/// The most characters that are taken down of what a program calls itself.
const USER_AGENT_CHARS_MAX: usize = 255;

/// Who calls, and from where, as security events say it.
pub fn by(api: &Api, request: &HttpRequest, token: Option<&Token>) -> By {
    let user_agent = request.headers().get(USER_AGENT);
    let user_agent = user_agent.map(|value| String::from_utf8_lossy(value.as_bytes()));
    By {
        token: token.map(|token| (token.id, token.name.clone())),
        ip: intake::client(request, api).map(|client| client.ip.to_string()),
        user_agent: user_agent.map(|text| text.chars().take(USER_AGENT_CHARS_MAX).collect()),
    }
}

/// Somebody came with what opens no door: it is counted, and taken down in the list of the first
/// account, since nobody knows of which it was.
pub fn refused(api: &Api, request: &HttpRequest, problem: Problem) -> Problem {
    let from = intake::client(request, api);
    let address = from.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |client| client.ip);
    let problem = api.door.failed(address, problem);
    // Those that are too many are not even looked at.
    let looked_at = problem.status_code() == StatusCode::UNAUTHORIZED;
    if looked_at && api.door.may_note() {
        let (event, journal) = (attempt(by(api, request, None), &problem), api.journal.clone());
        actix_web::rt::spawn(async move {
            if let Err(error) = journal.secure(Account::DEFAULT, vec![event]).await {
                log::warn!("a failed log-in could not be taken down: {error}");
            }
        });
    }
    problem
}

fn attempt(by: By, problem: &Problem) -> SecurityDraft {
    SecurityDraft {
        id: None,
        action: ExternalId::new("login.failed").expect("invariant: short, and not empty"),
        created_at: None,
        user: None,
        ip: by.ip,
        user_agent: by.user_agent,
        target: None,
        outcome: Success::Failure,
        severity: None,
        description: Some(problem.to_string()),
        details: Extra::new(),
    }
}
