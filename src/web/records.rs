//! `/records`: the windows that are open now, and a record as it is.

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::full_records::StoredRecord;
use super::openapi::{After, Limit, Pending, RecordPath};
use super::params::{Params, record_of_path};
use super::windows::OpenRecord;
use super::{Api, Page, Problem, body, full_records, windows};
use crate::model::{ClosedBy, Id, RecordKey};
use crate::record::{CloseByHand, ListWindows, WindowView, WindowsOf};
use crate::store::{Closed, StoreError};

/// The most windows of a page that shows what would be sent: bodies are long.
const WITH_BODIES_MAX: usize = 50;

pub fn all() -> Resource {
    super::resource("/records").route(web::get().to(list))
}

pub fn one() -> Resource {
    super::resource("/records/{type}/{id}")
        .route(web::get().to(get))
        .route(web::put().to(full_records::put))
        .route(web::delete().to(full_records::delete))
}

pub fn send_now() -> Resource {
    super::resource("/records/{type}/{id}/send-now").route(web::post().to(close_now))
}

pub fn discard() -> Resource {
    super::resource("/records/{type}/{id}/discard").route(web::post().to(post_discard))
}

/// What a window came to.
#[derive(Serialize, ToSchema)]
struct SentNow {
    /// The messages that were made.
    messages: Vec<Id>,
}

/// Lists the records that are being edited: windows that are open now, oldest first.
#[utoipa::path(
    get,
    path = "/records",
    operation_id = "listOpenWindows",
    tag = "Open windows",
    params(
        Pending,
        ("preview" = Option<bool>, Query, description = "Whether to show the bodies that would be sent; \
            a page has at most 50 windows then"),
        After, Limit,
    ),
    responses((status = 200, description = "A page of open windows", body = Page<OpenRecord>)),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["pending", "preview", "after", "limit"])?;
    if params.text("pending").as_deref() != Some("true") {
        return Err(Problem::bad_request("only open windows can be listed: add pending=true"));
    }
    let bodies = params.parsed("preview")?.unwrap_or(false);
    let limit = if bodies { params.limit_up_to(WITH_BODIES_MAX)? } else { params.limit()? };
    let after = params.parsed::<Id>("after")?.unwrap_or_default();
    // One more than asked for tells whether there are more.
    let account = caller.account;
    let asked = api
        .registries
        .iter()
        .map(|shard| shard.send(ListWindows { account, after, limit: limit + 1 }));
    let shards = try_join_all(asked).await.map_err(|_| StoreError::Stopped)?;
    let mut windows: Vec<(Id, WindowView)> = shards.into_iter().flatten().collect();
    windows.sort_unstable_by_key(|(opened, _)| *opened);
    let next = windows.get(limit).and_then(|_| Some(windows.get(limit - 1)?.0.to_string()));
    // Windows of one record that opened together stay together.
    let last = windows.get(limit.saturating_sub(1)).map(|(opened, _)| *opened);
    windows.retain(|(opened, _)| last.is_none_or(|last| *opened <= last));
    let (items, left_out) =
        super::query(&api, move |store| windows::show(store, &caller, &windows, bodies)).await?;
    let next = left_out.map(|after| after.to_string()).or(next);
    Ok(HttpResponse::Ok().json(Page { items, next }))
}

/// A record: what waits to be sent of it, and the record itself.
#[derive(Serialize, ToSchema)]
struct RecordView {
    /// Its open windows, all of them.
    items: Vec<OpenRecord>,
    /// Always null: there is one page.
    next: Option<String>,
    /// The record as it was put last; null when it never was, or was removed since, or is not asked for.
    stored: Option<StoredRecord>,
}

/// Shows a record: as it was put last, and its open windows, with the bodies that would be sent now.
///
/// A record has several windows when integrations ask for quiet periods of their own.
#[utoipa::path(
    get,
    path = "/records/{type}/{id}",
    operation_id = "getRecord",
    tag = "Full records",
    params(
        RecordPath,
        ("stored" = Option<bool>, Query, description = "Whether to show the record itself, which may be long: \
            true if left out"),
    ),
    responses((status = 200, description = "Its open windows, and itself", body = RecordView)),
)]
async fn get(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["stored"])?;
    let with_text = params.parsed("stored")?.unwrap_or(true);
    let record = record_of_path(&request, caller.account)?;
    let (registry, name) = (api.registry(record.partition()), record.to_string());
    let asked = registry.send(WindowsOf(record.clone())).await;
    let windows = asked.map_err(|_| StoreError::Stopped)?;
    let kept = full_records::find(&api.store, &record)?.filter(|_| with_text);
    if windows.is_empty() && kept.is_none() {
        return Err(Problem::not_found(match with_text {
            true => format!("{name} has no open window, and was not put"),
            false => format!("{name} has no open window"),
        }));
    }
    // All of them, on one page: a record has few.
    let windows: Vec<_> = windows.into_iter().map(|window| (Id::default(), window)).collect();
    let (items, stored) = super::query(&api, move |store| {
        let kept = kept.filter(|kept| caller.sees(Some(&kept.workspace_id)));
        let text = kept.as_ref().map(|kept| store.record_text(&kept.key)).transpose()?.flatten();
        let stored = kept.as_ref().zip(text).map(|(kept, text)| StoredRecord::of(kept, text));
        Ok((windows::show(store, &caller, &windows, true)?.0, stored.transpose()?))
    })
    .await?;
    if items.is_empty() && stored.is_none() {
        return Err(Problem::forbidden(
            "it is of other workspaces; that needs the role admin, or owner of them",
        ));
    }
    Ok(HttpResponse::Ok().json(RecordView { items, next: None, stored }))
}

/// Closes a record's windows now, and sends what they hold.
#[utoipa::path(
    post,
    path = "/records/{type}/{id}/send-now",
    operation_id = "sendNow",
    tag = "Open windows",
    params(RecordPath),
    responses((status = 200, description = "The messages that were made", body = SentNow)),
)]
async fn close_now(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let closed = close(&api, &caller, &request, ClosedBy::SendNow(caller.name())).await?;
    Ok(HttpResponse::Ok().json(SentNow { messages: closed.messages }))
}

/// Why a window is dropped.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Discard {
    /// For the log.
    #[serde(default)]
    reason: String,
}

/// The most characters of a reason.
pub const REASON_CHARS_MAX: usize = 1_000;

/// Drops a record's open windows: what they hold is sent to nobody.
///
/// The audits stay in the history, and `why` says who discarded them.
#[utoipa::path(
    post,
    path = "/records/{type}/{id}/discard",
    operation_id = "discard",
    tag = "Open windows",
    params(RecordPath),
    request_body(content = Option<Discard>, example = json!({"reason": "an import that went wrong"})),
    responses((status = 204, description = "They are closed")),
)]
async fn post_discard(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let Discard { reason } = body::optional(&request, &bytes?)?;
    if reason.chars().count() > REASON_CHARS_MAX {
        let fault = format!("has more than {REASON_CHARS_MAX} characters");
        return Err(body::faulty(vec![("/reason".to_owned(), fault)]));
    }
    let closed_by = ClosedBy::Discarded { by: caller.name(), reason };
    close(&api, &caller, &request, closed_by).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Refuses a caller who does not see every audit that waits in the record's windows.
async fn must_see_windows(api: &Api, caller: &Caller, record: &RecordKey) -> Result<(), Problem> {
    if caller.workspaces().is_none() {
        return Ok(());
    }
    let windows = api.registry(record.partition()).send(WindowsOf(record.clone())).await;
    for window in windows.map_err(|_| StoreError::Stopped)? {
        for audit in api.store.audits_at(&window.places)? {
            caller.must_see(audit.said.workspace_id.as_ref(), "what waits in the window")?;
        }
    }
    Ok(())
}

async fn close(
    api: &Api,
    caller: &Caller,
    request: &HttpRequest,
    closed_by: ClosedBy,
) -> Result<Closed, Problem> {
    let record = record_of_path(request, caller.account)?;
    let registry = api.registry(record.partition());
    let name = record.to_string();
    must_see_windows(api, caller, &record).await?;
    log::info!("the window of {name:?} closed by hand: {closed_by:?}");
    let closed = registry.send(CloseByHand { record, closed_by }).await;
    match closed.map_err(|_| StoreError::Stopped)? {
        Some(closed) => Ok(closed?),
        None => Err(no_window(&name)),
    }
}

fn no_window(record: &str) -> Problem {
    Problem::not_found(format!("{record} has no open window"))
}
