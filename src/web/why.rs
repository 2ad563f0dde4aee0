//! `GET /records/{type}/{id}/why`: why each audit of a record was, or was not, sent to an integration.

use std::collections::HashMap;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::openapi::{AfterAudit, Limit, RecordPath};
use super::params::{Params, record_of_path};
use super::{Api, Page, Problem};
use crate::clock::Timestamp;
use crate::filter::{Verdict, decide};
use crate::model::{
    Addressed, Audit, ClosedBy, Collation, ExternalId, Id, Integration, Kind, Mark, RecordKey,
    Source, Status,
};
use crate::record::{WindowView, WindowsOf};
use crate::store::{AuditFilter, Entry, Store, StoreError};

pub fn why() -> Resource {
    super::resource("/records/{type}/{id}/why").route(web::get().to(get))
}

/// What became of one audit for one integration.
#[derive(Serialize, ToSchema)]
struct Decision {
    audit_id: ExternalId,
    received_at: Timestamp,
    /// Who did it; null for the system itself.
    user: Option<ExternalId>,
    /// What was changed.
    fields: Vec<ExternalId>,
    decision: Decided,
    /// The rule that decided.
    rule: &'static str,
    /// The same in words.
    why: String,
    /// The message that it went into, collated; else the one that it is alone in.
    message: Option<MessageRef>,
    /// The one that it is alone in, when it was sent live (R16).
    live_message: Option<MessageRef>,
}

/// What was decided.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Decided {
    /// It is in a message.
    Addressed,
    /// Its window is still open.
    Waiting,
    /// The integration may not see it.
    Filtered,
    /// Its window came to nothing.
    NothingChanged,
    /// Somebody discarded its window.
    Discarded,
    /// The integration was not there, or not enabled, or another, when its window closed.
    NotAddressed,
}

/// A message, and how it stands with it.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub struct MessageRef {
    id: Id,
    status: Status,
}

impl MessageRef {
    pub fn of(entry: &Entry) -> Self {
        Self { id: entry.message.id, status: entry.status }
    }
}

/// What is known of an audit's window.
enum Window<'w> {
    Open(Timestamp),
    Closed(Id, &'w Mark),
}

/// The integration's messages that no window names.
#[derive(Default)]
struct Unmarked {
    /// Of one audit each, by its place.
    live: HashMap<Id, MessageRef>,
    /// Of windows that were addressed again by hand, by their marks.
    replayed: HashMap<Id, MessageRef>,
}

impl Unmarked {
    fn of(
        store: &Store,
        record: &RecordKey,
        integration: Id,
        from: Id,
    ) -> Result<Self, StoreError> {
        let mut unmarked = Self::default();
        for entry in store.unmarked_messages_of(record, integration, from)? {
            let message = MessageRef::of(&entry);
            match entry.message.source {
                Source::Audit(place) => drop(unmarked.live.insert(place, message)),
                Source::Window(window) => drop(unmarked.replayed.insert(window, message)),
                // Made of the record as it is, or of security events; not of audits.
                Source::Link(_) | Source::Events(_) => {}
            }
        }
        Ok(unmarked)
    }
}

/// Explains why each audit of a record was, or was not, sent to an integration.
#[utoipa::path(
    get,
    path = "/records/{type}/{id}/why",
    operation_id = "why",
    tag = "Open windows",
    params(
        RecordPath,
        ("integration" = Id, Query, description = "The integration"),
        AfterAudit, Limit,
    ),
    responses(
        (status = 200, description = "A page of decisions, oldest audit first", body = Page<Decision>),
        (status = 409, description = "The integration is not of kind `activity`"),
    ),
)]
async fn get(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let record = record_of_path(&request, caller.account)?;
    let params = Params::of(&request, &["integration", "after_id", "limit"])?;
    let integration: Id = params
        .parsed("integration")?
        .ok_or_else(|| Problem::bad_request("name the integration: add integration=ID"))?;
    let integration = api.store.config().integrations.get(&integration).cloned();
    let integration = integration
        .filter(|found| found.account == caller.account)
        .ok_or_else(|| Problem::not_found("there is no such integration"))?;
    caller.must_see(integration.spec.workspace_id.as_ref(), "the integration")?;
    if integration.spec.kind != Kind::Activity {
        return Err(Problem::conflict("only integrations of kind activity are sent audits"));
    }
    let after = match params.external_id("after_id")? {
        Some(id) => super::audits::place_of(&api, caller.account, &id).map(Some)?,
        None => None,
    };
    let filter = AuditFilter {
        record: Some(record.clone()),
        workspaces: caller.workspaces().map(<[_]>::to_vec),
        after,
        ..AuditFilter::all(caller.account, params.limit()?)
    };
    let open = api.registry(record.partition()).send(WindowsOf(record.clone())).await;
    let open = open.unwrap_or_default();
    let page = super::query(&api, move |store| {
        let places: Vec<Id> = open.iter().flat_map(|window| window.places.clone()).collect();
        let page = store.history(&filter, &places)?;
        let items = decisions(store, &record, &integration, &page.items, &open)?;
        Ok(Page { items, next: page.next.map(|place| place.to_string()) })
    })
    .await?;
    Ok(HttpResponse::Ok().json(page))
}

fn decisions(
    store: &Store,
    record: &RecordKey,
    integration: &Integration,
    audits: &[Audit],
    open: &[WindowView],
) -> Result<Vec<Decision>, StoreError> {
    let from = audits.first().map_or(Id::default(), |audit| audit.place);
    let marks = store.marks_of(record, from)?;
    let unmarked = Unmarked::of(store, record, integration.id, from)?;
    let decide = |audit: &Audit| {
        let naming = || marks.iter().filter(|(_, mark)| mark.places.contains(&audit.place));
        let of_slot = |(_, mark): &&(Id, Mark)| mark.slot == integration.slot_of(audit);
        let told = |(_, mark): &&(Id, Mark)| addressed(mark, integration.id).is_some();
        let window = match naming().find(told).or_else(|| naming().find(of_slot)) {
            Some((id, mark)) => Window::Closed(*id, mark),
            None => {
                let holding = open.iter().filter(|window| window.places.contains(&audit.place));
                Window::Open(holding.map(|window| window.closes_at).min().unwrap_or_default())
            }
        };
        decision(store, integration, audit, &window, &unmarked)
    };
    audits.iter().map(decide).collect()
}

fn decision(
    store: &Store,
    integration: &Integration,
    audit: &Audit,
    window: &Window,
    unmarked: &Unmarked,
) -> Result<Decision, StoreError> {
    let live = unmarked.live.get(&audit.place).copied();
    let (decided, mut message) = match (decide(&integration.spec, audit), window) {
        (Verdict::Refused(reason), _) if live.is_none() => {
            let (rule, words) = reason.in_words();
            ((Decided::Filtered, rule, words.to_owned()), None)
        }
        (Verdict::Sees(_), Window::Open(closes_at))
            if integration.spec.collation != Collation::Live =>
        {
            let why = format!("its window is open and closes at {closes_at}");
            ((Decided::Waiting, "R1", why), None)
        }
        (Verdict::Sees(_), Window::Closed(id, mark)) => {
            closed(store, integration, *id, mark, unmarked, live.is_some())?
        }
        _ => (alone(live.is_some()), None),
    };
    message = message.or(live);
    let (decision, rule, why) = decided;
    let changes = audit.said.changes.iter();
    Ok(Decision {
        audit_id: audit.id(),
        received_at: audit.place.time(),
        user: audit.said.user.as_ref().map(|user| user.id.clone()),
        fields: changes.map(|change| change.field_name.clone()).collect(),
        decision,
        rule,
        why,
        message,
        live_message: live,
    })
}

/// A decision, the rule that made it, and the same in words.
type Because = (Decided, &'static str, String);

/// What became of an audit that the integration may see, whose window has closed.
fn closed(
    store: &Store,
    integration: &Integration,
    window: Id,
    mark: &Mark,
    unmarked: &Unmarked,
    was_live: bool,
) -> Result<(Because, Option<MessageRef>), StoreError> {
    Ok(match addressed(mark, integration.id) {
        Some(Addressed::Message(id)) => {
            let message = store.message(id)?;
            let why = "the integration sees it, and it was collated".to_owned();
            let message = message.as_ref().map(MessageRef::of);
            ((Decided::Addressed, "R7", why), message)
        }
        Some(Addressed::NothingChanged) if !was_live => {
            ((Decided::NothingChanged, "R12", "nothing changed in the end".to_owned()), None)
        }
        _ => match unmarked.replayed.get(&window) {
            Some(message) => {
                let why = "the integration sees it, and its window was replayed by hand".to_owned();
                ((Decided::Addressed, "R7", why), Some(*message))
            }
            None if was_live || integration.spec.collation == Collation::Live => {
                (alone(was_live), None)
            }
            None => (unaddressed(mark), None),
        },
    })
}

/// What became of an audit that was to be sent alone and at once.
fn alone(was_sent: bool) -> Because {
    if was_sent {
        (Decided::Addressed, "R16", "it was sent at once, alone".to_owned())
    } else {
        let why = "when it came, the integration was not there, was disabled, sent nothing live, \
                   or had another filter";
        (Decided::NotAddressed, "R10", why.to_owned())
    }
}

fn addressed(mark: &Mark, integration: Id) -> Option<Addressed> {
    mark.addressed.iter().find(|(id, _)| *id == integration).map(|(_, addressed)| *addressed)
}

/// Why a window that the integration could have seen was not addressed to it.
fn unaddressed(mark: &Mark) -> (Decided, &'static str, String) {
    match &mark.closed_by {
        ClosedBy::Discarded { by, reason } if reason.is_empty() => {
            (Decided::Discarded, "R1", format!("its window was discarded by {by}"))
        }
        ClosedBy::Discarded { by, reason } => {
            (Decided::Discarded, "R1", format!("its window was discarded by {by}: {reason}"))
        }
        _ => {
            let why = "when its window closed, the integration was not there, was disabled, or had \
                       another filter";
            (Decided::NotAddressed, "R10", why.to_owned())
        }
    }
}
