//! `/messages`: what was sent to whom, and how it went.

mod views;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::closed::ClosedWindow;
use super::openapi::{After, Limit, MessagePath, RecordParam, Since, Until};
use super::params::{Params, id_of_path};
use super::{Api, Page, Problem};
use crate::model::{Account, ExternalId, Id, Source, Status};
use crate::store::{Entry, MessageFilter};
pub use views::{AttemptView, IntegrationName};
use views::{Summary, Whole};

pub fn all() -> Resource {
    super::resource("/messages").route(web::get().to(list))
}

pub fn one() -> Resource {
    super::resource("/messages/{id}").route(web::get().to(get))
}

pub fn attempts() -> Resource {
    super::resource("/messages/{id}/attempts").route(web::get().to(list_attempts))
}

pub fn redeliver() -> Resource {
    super::resource("/messages/{id}/redeliver").route(web::post().to(post_redeliver))
}

pub fn cancel() -> Resource {
    super::resource("/messages/{id}/cancel").route(web::post().to(post_cancel))
}

/// Lists the messages of the account, newest first: what was sent to whom, and how it went.
///
/// Owners see those to the integrations of their workspaces.
#[utoipa::path(
    get,
    path = "/messages",
    operation_id = "listMessages",
    tag = "Messages",
    params(
        ("integration" = Option<Id>, Query, description = "Only messages to this integration"),
        ("status" = Option<Status>, Query, description = "Only messages in this state"),
        ("code" = Option<String>, Query, description = "Only messages whose last attempt was answered so: \
            a status code, or a class of them like `5xx`, or `none` where no answer came",
            pattern = "^([1-5][0-9][0-9]|[1-5]xx|none)$"),
        RecordParam,
        ("record_type" = Option<ExternalId>, Query, description = "Only messages about records of this \
            type, compared without case"),
        ("user" = Option<ExternalId>, Query, description = "Only messages that name a contributor so: any \
            part of a name or id, compared without case"),
        ("q" = Option<ExternalId>, Query, description = "Only messages that hold this text in their record \
            or description, compared without case"),
        Since, Until, After, Limit,
    ),
    responses((status = 200, description = "A page of messages", body = Page<Summary>)),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &PARAMS)?;
    let filter = filter_of(&params, caller.account)?;
    let filter = MessageFilter { among: visible(&api, &caller), ..filter };
    let page = super::query(&api, move |store| store.messages(&filter)).await?;
    let config = api.store.config();
    Ok(HttpResponse::Ok().json(Page {
        items: page.items.iter().map(|entry| Summary::of(entry, &config)).collect(),
        next: page.next.map(|id| id.to_string()),
    }))
}

/// What the log can be asked for.
pub const PARAMS: [&str; 11] = [
    "integration",
    "status",
    "code",
    "record",
    "record_type",
    "user",
    "q",
    "since",
    "until",
    "after",
    "limit",
];

/// What parameters ask of the log of an account.
pub fn filter_of(params: &Params, account: Account) -> Result<MessageFilter, Problem> {
    Ok(MessageFilter {
        integration: params.parsed("integration")?,
        status: params.parsed("status")?,
        code: params.parsed("code")?,
        record_type: params.external_id("record_type")?,
        user: params.external_id("user")?.map(|text| text.as_str().to_lowercase()),
        text: params.external_id("q")?.map(|text| text.as_str().to_lowercase()),
        record: params.record(account)?,
        since: params.parsed("since")?,
        until: params.parsed("until")?,
        before: params.parsed("after")?,
        ..MessageFilter::all(account, params.limit()?)
    })
}

/// Shows a message whole: its body exactly as it is sent, and every attempt.
#[utoipa::path(
    get,
    path = "/messages/{id}",
    operation_id = "getMessage",
    tag = "Messages",
    params(MessagePath),
    responses((status = 200, description = "The message", body = Whole)),
)]
async fn get(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let entry = find(&api, &caller, &request)?;
    let attempts = api.store.attempts(entry.message.id)?;
    let window = match entry.message.source {
        Source::Window(id) => match api.store.mark(id)? {
            Some(mark) => ClosedWindow::seen(&api.store, &caller, id, &mark)?,
            None => None,
        },
        Source::Audit(_) | Source::Events(_) | Source::Link(_) => None,
    };
    Ok(HttpResponse::Ok().json(Whole {
        window,
        summary: Summary::of(&entry, &api.store.config()),
        body: entry.message.draft.body,
        attempts_made: attempts.into_iter().map(AttemptView::of).collect(),
    }))
}

/// Lists the attempts of a message, oldest first.
#[utoipa::path(
    get,
    path = "/messages/{id}/attempts",
    operation_id = "listAttempts",
    tag = "Messages",
    params(MessagePath),
    responses((status = 200, description = "Its attempts; always one page", body = Page<AttemptView>)),
)]
async fn list_attempts(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let entry = find(&api, &caller, &request)?;
    let attempts = api.store.attempts(entry.message.id)?;
    let items: Vec<AttemptView> = attempts.into_iter().map(AttemptView::of).collect();
    Ok(HttpResponse::Ok().json(Page { items, next: None }))
}

/// The message, when the hook it is addressed to is there and enabled.
fn find_sendable(api: &Api, caller: &Caller, request: &HttpRequest) -> Result<Id, Problem> {
    let entry = find(api, caller, request)?;
    let config = api.store.config();
    match config.integrations.get(&entry.message.draft.integration) {
        None => Err(Problem::conflict("its integration has been deleted")),
        Some(integration) if !integration.spec.enabled => {
            Err(Problem::conflict("its integration is disabled; enable that first"))
        }
        Some(_) => Ok(entry.message.id),
    }
}

/// What was queued.
#[derive(Serialize, ToSchema)]
struct Queued {
    /// How many messages.
    queued: usize,
}

/// Asks for another attempt of a message, now, whatever its state.
#[utoipa::path(
    post,
    path = "/messages/{id}/redeliver",
    operation_id = "redeliverMessage",
    tag = "Messages",
    params(MessagePath),
    responses(
        (status = 202, description = "It is queued", body = Queued, example = json!({"queued": 1})),
        (status = 409, description = "Its integration is deleted or disabled, or it is being settled, or is about a \
            full record and not the newest"),
    ),
)]
async fn post_redeliver(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = find_sendable(&api, &caller, &request)?;
    let source = find(&api, &caller, &request)?.message.source;
    let queued = api.journal.redeliver(vec![id], &caller.name()).await?;
    if queued.is_empty() {
        return Err(Problem::conflict(match source {
            Source::Link(_) => {
                "a newer message about the record has taken its place; redeliver that, or send the \
                 record again"
            }
            Source::Window(_) | Source::Audit(_) | Source::Events(_) => {
                "it is being settled; try again in a moment"
            }
        }));
    }
    log::info!("redelivery of message {id} asked for by {}", caller.token.name.escaped());
    Ok(HttpResponse::Accepted().json(Queued { queued: queued.len() }))
}

/// Gives up a message that is still owed.
#[utoipa::path(
    post,
    path = "/messages/{id}/cancel",
    operation_id = "cancelMessage",
    tag = "Messages",
    params(MessagePath),
    responses(
        (status = 200, description = "The message, cancelled", body = Summary),
        (status = 409, description = "It is not owed any more"),
    ),
)]
async fn post_cancel(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = find(&api, &caller, &request)?.message.id;
    if !api.journal.cancel(id, &caller.name()).await? {
        return Err(Problem::conflict("it is not owed any more, so there is nothing to cancel"));
    }
    log::info!("message {id} cancelled by {}", caller.token.name.escaped());
    Ok(HttpResponse::Ok().json(Summary::of(&find(&api, &caller, &request)?, &api.store.config())))
}

pub fn find(api: &Api, caller: &Caller, request: &HttpRequest) -> Result<Entry, Problem> {
    let entry = match id_of_path(request) {
        Some(id) => api.store.message(id)?,
        None => None,
    };
    let of_account = |entry: &Entry| entry.message.draft.record.account == caller.account;
    let entry = entry.filter(of_account).ok_or_else(|| {
        let id = request.match_info().get("id").unwrap_or_default();
        Problem::not_found(format!("there is no message {id}"))
    })?;
    let config = api.store.config();
    let integration = config.integrations.get(&entry.message.draft.integration);
    // One that was deleted is nobody's but the account's.
    let workspace = integration.and_then(|found| found.spec.workspace_id.as_ref());
    caller.must_see(workspace, "the message")?;
    Ok(entry)
}

/// The integrations whose messages the caller sees; none for all of the account's.
pub fn visible(api: &Api, caller: &Caller) -> Option<Vec<Id>> {
    caller.workspaces()?;
    let config = api.store.config();
    let of_account = config.of_account(caller.account);
    let seen = of_account.filter(|found| caller.sees(found.spec.workspace_id.as_ref()));
    Some(seen.map(|found| found.id).collect())
}
