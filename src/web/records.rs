//! `/records`: the windows that are open now.

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::auth::Caller;
use super::params::{Params, record_of_path};
use super::{Api, Page, Problem, RecordName, body};
use crate::clock::Timestamp;
use crate::model::{ClosedBy, ExternalId, Id, RecordKey};
use crate::record::{CloseByHand, ListWindows, WindowView, WindowsOf};
use crate::settings::write_duration;
use crate::store::{Closed, Store, StoreError};

/// The most audits of a window that are read to tell who did what so far: the newest.
const AUDITS_READ_MAX: usize = 1_000;

pub fn all() -> Resource {
    super::resource("/records").route(web::get().to(list))
}

pub fn send_now() -> Resource {
    super::resource("/records/{type}/{id}/send-now").route(web::post().to(close_now))
}

pub fn discard() -> Resource {
    super::resource("/records/{type}/{id}/discard").route(web::post().to(post_discard))
}

/// A record that is being edited.
#[derive(Serialize)]
struct OpenRecord {
    record: RecordName,
    /// How many audits its window holds.
    count: usize,
    contributors: Vec<Contributor>,
    fields: Vec<ExternalId>,
    description: Option<String>,
    auditable_url: Option<String>,
    /// How long it must be left alone.
    quiet_period: String,
    opened_at: Timestamp,
    last_edit_at: Timestamp,
    closes_at: Timestamp,
    /// When it closes at the latest; null without max wait.
    cap: Option<Timestamp>,
}

#[derive(Serialize)]
struct Contributor {
    id: ExternalId,
    name: Option<String>,
}

#[derive(Serialize)]
struct SentNow {
    /// The messages that were made.
    messages: Vec<Id>,
}

async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["pending", "after", "limit"])?;
    if params.text("pending").as_deref() != Some("true") {
        return Err(Problem::bad_request("only open windows can be listed: add pending=true"));
    }
    let (after, limit) = (params.parsed::<Id>("after")?.unwrap_or_default(), params.limit()?);
    // One more than asked for tells whether there are more.
    let asked =
        api.registries.iter().map(|shard| shard.send(ListWindows { after, limit: limit + 1 }));
    let shards = try_join_all(asked).await.map_err(|_| StoreError::Stopped)?;
    let mut windows: Vec<(Id, WindowView)> = shards.into_iter().flatten().collect();
    windows.sort_unstable_by_key(|(opened, _)| *opened);
    let next = windows.get(limit).and_then(|_| Some(windows.get(limit - 1)?.0.to_string()));
    // Windows of one record that opened together stay together.
    let last = windows.get(limit.saturating_sub(1)).map(|(opened, _)| *opened);
    windows.retain(|(opened, _)| last.is_none_or(|last| *opened <= last));
    windows.retain(|(_, window)| window.record.account == caller.account);
    let items = super::query(&api, move |store| {
        windows.iter().map(|(_, window)| open_record(store, window)).collect()
    })
    .await?;
    Ok(HttpResponse::Ok().json(Page::<OpenRecord> { items, next }))
}

fn open_record(store: &Store, window: &WindowView) -> Result<OpenRecord, StoreError> {
    let places = &window.places;
    let audits = store.audits_at(&places[places.len().saturating_sub(AUDITS_READ_MAX)..])?;
    let mut contributors: Vec<Contributor> = Vec::new();
    let mut fields: Vec<ExternalId> = Vec::new();
    for audit in &audits {
        for user in audit.users() {
            if !contributors.iter().any(|known| known.id == user.id) {
                contributors.push(Contributor { id: user.id.clone(), name: user.name.clone() });
            }
        }
        for change in &audit.said.changes {
            if !fields.contains(&change.field_name) {
                fields.push(change.field_name.clone());
            }
        }
    }
    let newest = |of: fn(&crate::model::AuditDraft) -> &Option<String>| {
        audits.iter().rev().find_map(|audit| of(&audit.said).clone())
    };
    let time_of = |place: Option<&Id>| place.copied().unwrap_or_default().time();
    Ok(OpenRecord {
        record: RecordName::of(&window.record),
        count: places.len(),
        contributors,
        fields,
        description: newest(|said| &said.description),
        auditable_url: newest(|said| &said.auditable_url),
        quiet_period: write_duration(window.quiet_period),
        opened_at: time_of(places.first()),
        last_edit_at: time_of(places.last()),
        closes_at: window.closes_at,
        cap: window.cap_at,
    })
}

async fn close_now(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let closed = close(&api, &caller, &request, ClosedBy::SendNow(caller.name())).await?;
    Ok(HttpResponse::Ok().json(SentNow { messages: closed.messages }))
}

/// Why a window is dropped.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Discard {
    /// For the log.
    #[serde(default)]
    reason: String,
}

/// The most characters of a reason.
const REASON_CHARS_MAX: usize = 1_000;

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
        None => Err(Problem::not_found(format!("{name} has no open window"))),
    }
}
