//! What every call passes through: it gets an id, is let in or not, and goes out with that id.

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};

use super::access::{self, API, Who};
use super::auth::authenticate;
use super::request_id::RequestId;
use super::strangers::refused;
use super::{Api, Problem};

/// Where audits are posted: what is refused there is counted, whoever refuses it.
const AUDITS: &str = "/api/v1/audits";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const NO_SNIFF: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
const CACHE: HeaderName = HeaderName::from_static("cache-control");

/// Lets a call in, or not; and says in every answer which call it was.
pub async fn gate(
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = RequestId::of(request.headers());
    let in_api = request.path().starts_with(API);
    let response = match admit(&request) {
        Ok(()) => next.call(request).await?,
        Err(problem) => request.error_response(problem),
    };
    let mut response = told_which(response, &id);
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.header());
    headers.insert(NO_SNIFF.0, NO_SNIFF.1);
    if in_api {
        headers.insert(CACHE, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// Whether the call may be made; who makes it is noted in the request.
fn admit(request: &ServiceRequest) -> Result<(), Problem> {
    // What is not there, and what has no such method, is answered by whoever says so.
    let Some(pattern) = request.match_pattern() else { return Ok(()) };
    let Some(row) = access::row(request.method().as_str(), &pattern) else { return Ok(()) };
    if row.who == Who::Anyone {
        return Ok(());
    }
    let api: &Data<Api> = request.app_data().expect("invariant: every app has an Api");
    // Without a token nothing was tried.
    let tried = request.headers().contains_key(AUTHORIZATION);
    let caller = authenticate(api, request.request(), row.who).map_err(|problem| match problem
        .status_code()
    {
        StatusCode::UNAUTHORIZED if tried => refused(api, request.request(), problem),
        _ => problem,
    })?;
    api.door.may_call(caller.token.id)?;
    request.extensions_mut().insert(caller);
    Ok(())
}

/// What the log says of a call: what is broken; now and then what is at a bound; for who looks
/// closely, what the caller did.
fn note(call: &str, problem: &Problem, api: &Api) {
    let what = problem.for_the_log();
    match problem.status_code() {
        // The store's own complaint is in the log.
        _ if problem.is_of_the_disk() => log::debug!("{call}: {what}"),
        StatusCode::INTERNAL_SERVER_ERROR => log::error!("{call}: {what}"),
        status if status.is_server_error() => {
            match api.complaints.say(problem.reason(), api.clock.monotonic()) {
                Some(0) => log::warn!("{call}: {what}"),
                Some(others) => log::warn!("{call}, and {others} calls before it: {what}"),
                None => log::debug!("{call}: {what}"),
            }
        }
        _ => log::debug!("{call}: {what}"),
    }
}

/// A problem that names the call, here and in the log.
fn told_which(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>());
    let Some(problem) = problem else { return response };
    let method = response.request().method();
    let api: &Data<Api> = response.request().app_data().expect("invariant: every app has an Api");
    note(&format!("{id} {method} {}", response.request().uri().path()), problem, api);
    if response.request().match_pattern().as_deref() == Some(AUDITS) && *method == Method::POST {
        api.metrics.audits.refused(problem.reason());
    }
    let answer = problem.answer(Some(id));
    response.into_response(answer)
}
