//! `POST /security-events` and `GET /security-events`.

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::audits::{Accepted, media};
use super::auth::Caller;
use super::once::{self, Made};
use super::openapi::{After, IdempotencyKey, Limit, PostedSecurityEvents, Since, Until};
use super::params::Params;
use super::{Api, Page, Problem};
use crate::ingest;
use crate::model::{ChainHash, ExternalId, Id, SecurityEvent, Success};
use crate::store::{Command, EventFilter, Outcome};

pub fn resource() -> Resource {
    super::resource("/security-events").route(web::post().to(post)).route(web::get().to(list))
}

/// Accepts security events, and answers when all of them are on disk.
///
/// The body is one event, an array of events, `{"event": "security", "security": {…}}`, or one event a line as
/// `application/x-ndjson`. One that cannot be accepted refuses the whole call: nothing is kept, and
/// `errors` says which and why. The same id again, within the retention, is accepted and ignored. They
/// go at once, and in order, to the integrations of the kind `security` that ask for them.
#[utoipa::path(
    post,
    path = "/security-events",
    operation_id = "postSecurityEvents",
    tag = "Security events",
    params(IdempotencyKey),
    request_body(
        content(
            (PostedSecurityEvents = "application/json", example = json!({
                "id": "s-1", "action": "login.failed", "outcome": "failure", "severity": 5,
                "user": {"id": "101", "name": "Ada"}, "ip": "192.0.2.1",
                "description": "wrong password, third time",
            })),
            (String = "application/x-ndjson"),
        ),
    ),
    responses(
        (status = 202, description = "All of them are on disk", body = Accepted,
         example = json!({"accepted": 1, "ids": ["s-1"], "duplicates": []})),
    ),
)]
async fn post(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let media = media(&request)?;
    let body = body?;
    let events = ingest::security_events(&body, media, &api.limits)?;
    let command = Command::Secure(caller.account, events);
    let made = |outcome: &Outcome| match outcome {
        Outcome::Appended(appended) => Ok(Made::accepted(&Accepted::of(appended))),
        other => unreachable!("invariant: not of this command: {other:?}"),
    };
    Ok(once::make(&api, &caller, &request, &body, command, made).await?.answer())
}

/// A security event in the list, and its link in the chain.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedSecurityEvent)]
struct Item {
    /// Its place in the list.
    place: Id,
    #[serde(flatten)]
    event: SecurityEvent,
    /// The hash of the event before it in the list: 64 hexadecimal digits, zeros for the first.
    previous_hash: String,
    /// SHA-256 of the 32 bytes of `previous_hash` and the event as JSON: without the place and the
    /// hashes, keys in this order, no white space.
    hash: String,
}

/// Lists security events, newest first: those that the application posted, and Lull's own.
///
/// Each holds the hash of the one before it. Owners see those about the integrations of their workspaces.
#[utoipa::path(
    get,
    path = "/security-events",
    operation_id = "listSecurityEvents",
    tag = "Security events",
    params(
        ("action" = Option<ExternalId>, Query, description = "Only events of this action; `login.*` for \
            `login` and all that begins so"),
        ("outcome" = Option<Success>, Query, description = "Only events that ended so"),
        ("user_id" = Option<ExternalId>, Query, description = "Only events by this user"),
        ("min_severity" = Option<u8>, Query, description = "Only events that are at least so grave",
            maximum = 10),
        ("target" = Option<String>, Query, description = "Only events about this: its type and id, \
            percent-encoded, with a slash between them", pattern = "^[^/]+/[^/]+$", example = "integration/42"),
        Since, Until, After, Limit,
    ),
    responses((status = 200, description = "A page of security events", body = Page<Item>)),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let known = [
        "action",
        "outcome",
        "user_id",
        "min_severity",
        "target",
        "since",
        "until",
        "after",
        "limit",
    ];
    let params = Params::of(&request, &known)?;
    let target = params.record_in("target", caller.account)?;
    let filter = EventFilter {
        account: caller.account,
        action: params.external_id("action")?,
        outcome: params.parsed("outcome")?,
        user_id: params.external_id("user_id")?,
        min_severity: params.up_to("min_severity", crate::model::SEVERITY_MAX)?.unwrap_or(0),
        target: target.map(|key| (key.record_type, key.record_id)),
        among: super::messages::visible(&api, &caller),
        since: params.parsed("since")?,
        until: params.parsed("until")?,
        before: params.parsed("after")?,
        limit: params.limit()?,
    };
    let page = super::query(&api, move |store| store.security_events(&filter)).await?;
    let item = |(chained, event): (crate::model::Chained, SecurityEvent)| Item {
        place: chained.place,
        event,
        previous_hash: ChainHash::to_string(&chained.previous),
        hash: ChainHash::to_string(&chained.hash),
    };
    Ok(HttpResponse::Ok().json(Page {
        items: page.items.into_iter().map(item).collect(),
        next: page.next.map(|place| place.to_string()),
    }))
}
