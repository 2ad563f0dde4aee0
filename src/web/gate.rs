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

/// A problem that names the call, here and in the log.
fn told_which(response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let problem = response.response().error().and_then(|error| error.as_error::<Problem>());
    let Some(problem) = problem else { return response };
    let (method, uri) = (response.request().method(), response.request().uri());
    // What is broken; what is at a bound; what the caller did.
    let level = match problem.status_code() {
        _ if problem.is_of_the_disk() => log::Level::Debug,
        StatusCode::INTERNAL_SERVER_ERROR => log::Level::Error,
        status if status.is_server_error() => log::Level::Warn,
        _ => log::Level::Debug,
    };
    log::log!(level, "{id} {method} {}: {}", uri.path(), problem.for_the_log());
    if response.request().match_pattern().as_deref() == Some(AUDITS) && *method == Method::POST {
        let api: Option<&Data<Api>> = response.request().app_data();
        api.inspect(|api| api.metrics.audits.refused(problem.reason()));
    }
    let answer = problem.answer(Some(id));
    response.into_response(answer)
}
