//! `GET /records/{type}/{id}/windows`: the windows of a record as they closed, and what each came to.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::messages::IntegrationName;
use super::openapi::{After, Limit, RecordPath};
use super::params::{Params, record_of_path};
use super::why::MessageRef;
use super::{Api, Page, Problem};
use crate::clock::Timestamp;
use crate::model::{Addressed, Audit, ClosedBy, DurationText, Id, Mark};
use crate::settings::write_duration;
use crate::store::{Store, StoreError};

pub fn of_record() -> Resource {
    super::resource("/records/{type}/{id}/windows").route(web::get().to(list))
}

/// A window that has closed.
#[derive(Serialize, ToSchema)]
pub struct ClosedWindow {
    id: Id,
    opened_at: Timestamp,
    closed_at: Timestamp,
    closed_by: Because,
    /// Who closed it by hand; null when nobody did.
    by: Option<String>,
    /// Why it was discarded, as they said.
    reason: Option<String>,
    /// How long the record had to be left alone.
    #[schema(value_type = DurationText)]
    quiet_period: String,
    /// How many audits it held that the caller may see.
    audits: usize,
    /// What it came to, for each integration that saw any of it.
    addressed: Vec<CameTo>,
}

/// Why a window closed.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = ClosedBecause)]
#[serde(rename_all = "snake_case")]
enum Because {
    /// The record was left alone for the quiet period.
    Quiet,
    /// It lasted as long as it may.
    MaxWait,
    /// Somebody had it sent.
    SendNow,
    /// Somebody dropped it.
    Discarded,
}

/// What a window came to for one integration.
#[derive(Serialize, ToSchema)]
struct CameTo {
    integration: IntegrationName,
    /// The message; null when nothing changed in the end (R12), or when it is no longer kept.
    message: Option<MessageRef>,
    nothing_changed: bool,
}

impl ClosedWindow {
    /// What the caller sees of a window; none when that is no audit of it.
    pub fn seen(
        store: &Store,
        caller: &Caller,
        id: Id,
        mark: &Mark,
    ) -> Result<Option<Self>, StoreError> {
        let mut audits = mark.places.len();
        if caller.workspaces().is_some() {
            let left = store.audits_left(&mark.places)?;
            let sees = |audit: &&Audit| caller.sees(audit.said.workspace_id.as_ref());
            audits = left.iter().filter(sees).count();
            if audits == 0 {
                return Ok(None);
            }
        }
        let (closed_by, by, reason) = match mark.closed_by.clone() {
            ClosedBy::Quiet => (Because::Quiet, None, None),
            ClosedBy::MaxWait => (Because::MaxWait, None, None),
            ClosedBy::SendNow(by) => (Because::SendNow, Some(by), None),
            ClosedBy::Discarded { by, reason } => (Because::Discarded, Some(by), Some(reason)),
        };
        Ok(Some(Self {
            id,
            opened_at: mark.places.first().copied().unwrap_or(id).time(),
            closed_at: id.time(),
            closed_by,
            by,
            reason,
            quiet_period: write_duration(mark.rule.quiet_period),
            audits,
            addressed: came_to(store, caller, mark)?,
        }))
    }
}

/// What the window came to for those integrations that the caller sees.
fn came_to(store: &Store, caller: &Caller, mark: &Mark) -> Result<Vec<CameTo>, StoreError> {
    let config = store.config();
    let mut all = Vec::new();
    for (integration, addressed) in &mark.addressed {
        let found = config.integrations.get(integration);
        // One that was deleted is nobody's but the account's.
        if !caller.sees(found.and_then(|found| found.spec.workspace_id.as_ref())) {
            continue;
        }
        let message = match addressed {
            Addressed::Message(id) => store.message(*id)?.map(|entry| MessageRef::of(&entry)),
            Addressed::NothingChanged => None,
        };
        all.push(CameTo {
            integration: IntegrationName::of(*integration, &config),
            message,
            nothing_changed: *addressed == Addressed::NothingChanged,
        });
    }
    Ok(all)
}

/// Lists the windows of a record that have closed, newest first: when, why, and what each came to.
///
/// They reach back as far as the retention. Those that are open are at `/records/{type}/{id}`.
#[utoipa::path(
    get,
    path = "/records/{type}/{id}/windows",
    operation_id = "listClosedWindows",
    tag = "Open windows",
    params(RecordPath, After, Limit),
    responses((status = 200, description = "A page of closed windows", body = Page<ClosedWindow>)),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let record = record_of_path(&request, caller.account)?;
    let params = Params::of(&request, &["after", "limit"])?;
    let (before, limit) = (params.parsed("after")?, params.limit()?);
    let page = super::query(&api, move |store| {
        // One more than asked for tells whether there are more.
        let mut marks = store.windows_of(&record, before, limit + 1)?;
        let next = marks.get(limit).and_then(|_| Some(marks.get(limit - 1)?.0.to_string()));
        marks.truncate(limit);
        let mut items = Vec::new();
        for (id, mark) in &marks {
            items.extend(ClosedWindow::seen(store, &caller, *id, mark)?);
        }
        Ok(Page { items, next })
    })
    .await?;
    Ok(HttpResponse::Ok().json(page))
}
