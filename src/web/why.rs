//! `GET /records/{type}/{id}/why`: why each audit of a record was, or was not, sent to an integration.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;

use super::auth::Caller;
use super::params::{Params, record_of_path};
use super::{Api, Page, Problem};
use crate::clock::Timestamp;
use crate::filter::{Verdict, decide};
use crate::model::{
    Addressed, Audit, ClosedBy, ExternalId, Id, Integration, Mark, RecordKey, Status,
};
use crate::record::{WindowView, WindowsOf};
use crate::store::{AuditFilter, Store, StoreError};

pub fn why() -> Resource {
    super::resource("/records/{type}/{id}/why").route(web::get().to(get))
}

/// What became of one audit for one integration.
#[derive(Serialize)]
struct Decision {
    audit_id: ExternalId,
    received_at: Timestamp,
    user: Option<ExternalId>,
    fields: Vec<ExternalId>,
    decision: Decided,
    /// The rule that decided.
    rule: &'static str,
    /// The same in words.
    why: String,
    /// The message that it went into.
    message: Option<MessageRef>,
}

#[derive(Clone, Copy, Serialize)]
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

#[derive(Clone, Serialize)]
struct MessageRef {
    id: Id,
    status: Status,
}

/// What is known of an audit's window.
enum Window<'w> {
    Open(Timestamp),
    Closed(&'w Mark),
}

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
    let after = match params.external_id("after_id")? {
        Some(id) => super::audits::place_of(&api, caller.account, &id).map(Some)?,
        None => None,
    };
    let filter = AuditFilter {
        account: caller.account,
        record: Some(record.clone()),
        user_id: None,
        workspaces: caller.workspaces().map(<[_]>::to_vec),
        since: None,
        until: None,
        after,
        limit: params.limit()?,
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
    let decide = |audit: &Audit| {
        let naming =
            || marks.iter().map(|(_, mark)| mark).filter(|mark| mark.places.contains(&audit.place));
        let of_slot = |mark: &&Mark| mark.slot == integration.slot_of(audit);
        let told = |mark: &&Mark| addressed(mark, integration.id).is_some();
        let window = match naming().find(told).or_else(|| naming().find(of_slot)) {
            Some(mark) => Window::Closed(mark),
            None => {
                let holding = open.iter().filter(|window| window.places.contains(&audit.place));
                Window::Open(holding.map(|window| window.closes_at).min().unwrap_or_default())
            }
        };
        decision(store, integration, audit, &window)
    };
    audits.iter().map(decide).collect()
}

fn decision(
    store: &Store,
    integration: &Integration,
    audit: &Audit,
    window: &Window,
) -> Result<Decision, StoreError> {
    let mut message = None;
    let (decision, rule, why) = match (decide(&integration.spec, audit), window) {
        (Verdict::Refused(reason), _) => {
            let (rule, words) = reason.in_words();
            (Decided::Filtered, rule, words.to_owned())
        }
        (_, Window::Open(closes_at)) => {
            (Decided::Waiting, "R1", format!("its window is open and closes at {closes_at}"))
        }
        (_, Window::Closed(mark)) => match addressed(mark, integration.id) {
            Some(Addressed::Message(id)) => {
                message = store.message(id)?.map(|entry| MessageRef { id, status: entry.status });
                (
                    Decided::Addressed,
                    "R7",
                    "the integration sees it, and it was collated".to_owned(),
                )
            }
            Some(Addressed::NothingChanged) => {
                (Decided::NothingChanged, "R12", "nothing changed in the end".to_owned())
            }
            None => unaddressed(mark),
        },
    };
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
    })
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
