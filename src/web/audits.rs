//! `POST /audits` and `GET /audits`.

use std::collections::HashSet;

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::body::{is_json, media_type};
use super::once::{self, Made};
use super::openapi::{AfterAudit, IdempotencyKey, Limit, PostedAudits, RecordParam, Since, Until};
use super::params::Params;
use super::{Api, Page, Problem};
use crate::clock::Timestamp;
use crate::ingest::{self, Media};
use crate::model::{Account, Audit, AuditDraft, ExternalId, Id, RecordKey};
use crate::record::{Reached, TakenIn, WindowsOf};
use crate::store::{Appended, AuditFilter, Command, NewAudit, Outcome, Screen};

/// Accepted audits that may be on their way to their records at a time (D8).
const BACKLOG_MAX: u64 = 500_000;

pub fn resource() -> Resource {
    super::resource("/audits").route(web::post().to(post)).route(web::get().to(list))
}

/// What became of what was posted.
#[derive(Serialize, ToSchema)]
pub struct Accepted<'a> {
    /// How many are new.
    accepted: usize,
    /// The ids of the new ones, in order.
    ids: &'a [ExternalId],
    /// The ids of those that were here already, and are ignored.
    duplicates: &'a [ExternalId],
}

impl<'a> Accepted<'a> {
    pub fn of(appended: &'a Appended) -> Self {
        let Appended { ids, duplicates } = appended;
        Self { accepted: ids.len(), ids, duplicates }
    }
}

/// Accepts audits, and answers when all of them are on disk.
///
/// The body is one audit, an array of audits, `{"event": "audit", "audit": {…}}`, or one audit a line as
/// `application/x-ndjson`. One that cannot be accepted refuses the whole call: nothing is kept, and
/// `errors` says which and why. The same id again, within the retention, is accepted and ignored.
#[utoipa::path(
    post,
    path = "/audits",
    operation_id = "postAudits",
    tag = "Audits",
    params(IdempotencyKey),
    request_body(
        content(
            (PostedAudits = "application/json", example = json!({
                "id": "a-1", "audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
                "workspace_id": "ws1", "user": {"id": "101", "name": "Ada"},
                "description": "updated feature APP-42 Export",
                "changes": [{"field_name": "Name", "value": "Export", "old_value": "Exprt"}],
            })),
            (String = "application/x-ndjson"),
        ),
    ),
    responses(
        (status = 202, description = "All of them are on disk", body = Accepted,
         example = json!({"accepted": 1, "ids": ["a-1"], "duplicates": []})),
    ),
)]
async fn post(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let media = media(&request)?;
    if api.gauges.backlog() > BACKLOG_MAX {
        return Err(Problem::overloaded("more audits come in than can be handled; slow down"));
    }
    // Before there is any work with it, when a bound is reached already.
    take_in(&api, &[])?;
    let body = body?;
    let audits = ingest::audits(&body, media, &api.limits)?;
    let mut screen = api.store.screen(caller.account);
    let new = |draft| new_audit(draft, caller.account, &mut screen);
    let audits: Vec<NewAudit> = audits.into_iter().map(new).collect();
    let _held_until_it_is_committed = take_in(&api, &audits)?;
    if once::key(&request)?.is_none() {
        let appended = api.journal.append(audits, api.rule).await?;
        return Ok(HttpResponse::Accepted().json(Accepted::of(&appended)));
    }
    let command = Command::Append(audits, api.rule);
    let made = |outcome: &Outcome| match outcome {
        Outcome::Appended(appended) => Ok(Made::accepted(&Accepted::of(appended))),
        other => unreachable!("invariant: not of this command: {other:?}"),
    };
    Ok(once::make(&api, &caller, &request, &body, command, made).await?.answer())
}

/// Makes room for these audits (D8).
fn take_in(api: &Api, audits: &[NewAudit]) -> Result<TakenIn, Problem> {
    let records: HashSet<&RecordKey> = audits.iter().map(|audit| &audit.record).collect();
    let bytes = audits.iter().map(|audit| audit.text.len()).sum();
    let limits = &api.limits;
    api.gauges.take_in(records.len(), bytes, limits).map_err(|reached| match reached {
        Reached::OpenWindows => Problem::too_many_open_windows(limits.open_windows),
        Reached::BufferedBytes => Problem::too_much_buffered(limits.buffered_bytes),
    })
}

pub fn media(request: &HttpRequest) -> Result<Media, Problem> {
    match media_type(request).as_deref() {
        None => Ok(Media::Json),
        Some(found) if is_json(found) => Ok(Media::Json),
        Some("application/x-ndjson" | "application/ndjson" | "application/jsonl") => {
            Ok(Media::Ndjson)
        }
        Some(found) => Err(Problem::unsupported_media(format!(
            "the body is {found:?}; send \"content-type: application/json\", \
             or application/x-ndjson for one audit a line"
        ))),
    }
}

fn new_audit(draft: AuditDraft, account: Account, screen: &mut Screen) -> NewAudit {
    NewAudit {
        text: serde_json::to_string(&draft).expect("invariant: keys are strings, values are JSON"),
        learned: screen.news(&draft),
        record: draft.record(account),
        id: draft.id,
    }
}

/// Lists the history: every audit that was accepted, oldest first.
///
/// It reaches back as far as the retention.
#[utoipa::path(
    get,
    path = "/audits",
    operation_id = "listAudits",
    tag = "Audits",
    params(
        RecordParam,
        ("user_id" = Option<ExternalId>, Query, description = "Only audits that this user had part in"),
        Since, Until, AfterAudit, Limit,
    ),
    responses((status = 200, description = "A page of audits", body = Page<Item>)),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let known = ["record", "user_id", "since", "until", "after_id", "limit"];
    let params = Params::of(&request, &known)?;
    let after = match params.external_id("after_id")? {
        Some(id) => Some(place_of(&api, caller.account, &id)?),
        None => None,
    };
    let filter = AuditFilter {
        account: caller.account,
        record: params.record(caller.account)?,
        user_id: params.external_id("user_id")?,
        workspaces: caller.workspaces().map(<[_]>::to_vec),
        since: params.parsed("since")?,
        until: params.parsed("until")?,
        after,
        limit: params.limit()?,
    };
    let open = match &filter.record {
        Some(record) => open_places(&api, record).await,
        None => Vec::new(),
    };
    let page = super::query(&api, move |store| store.history(&filter, &open)).await?;
    Ok(HttpResponse::Ok().json(Page {
        items: page.items.into_iter().map(Item::of).collect(),
        next: page.next.map(|place| place.to_string()),
    }))
}

pub fn place_of(api: &Api, account: Account, id: &ExternalId) -> Result<Id, Problem> {
    let place = api.store.place_of(account, id)?;
    place.ok_or_else(|| Problem::bad_request(format!("after_id: there is no audit {id}")))
}

/// The audits of the record's open window, which the store's index does not know yet.
async fn open_places(api: &Api, record: &RecordKey) -> Vec<Id> {
    let windows = api.registry(record.partition()).send(WindowsOf(record.clone())).await;
    windows.unwrap_or_default().into_iter().flat_map(|window| window.places).collect()
}

/// An audit of the history: as it was posted, with what Lull filled in.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditOfHistory)]
pub struct Item {
    /// When Lull received it.
    received_at: Timestamp,
    #[serde(flatten)]
    said: AuditDraft,
}

impl Item {
    pub fn of(audit: Audit) -> Self {
        let (id, created_at) = (audit.id(), audit.created_at());
        let said = AuditDraft { id: Some(id), created_at: Some(created_at), ..audit.said };
        Self { received_at: audit.place.time(), said }
    }
}
