//! `GET /messages/{id}/audits`: the audits that a message was made of.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde_json::Value;

use super::auth::Caller;
use super::openapi::{AfterAudit, Limit, MessagePath};
use super::params::Params;
use super::{Api, Page, Problem, audits, messages};
use crate::filter::{Verdict, decide};
use crate::model::{Audit, ExternalId, Id, Integration, Message, Source};
use crate::store::{Store, StoreError};

pub fn audits() -> Resource {
    super::resource("/messages/{id}/audits").route(web::get().to(list))
}

/// Lists the audits that a message was made of, oldest first.
///
/// Those that are still kept. Of a message whose body names its audits, just those; of another, those
/// of its windows that its integration may see today.
#[utoipa::path(
    get,
    path = "/messages/{id}/audits",
    operation_id = "listAuditsOfMessage",
    tag = "Messages",
    params(MessagePath, AfterAudit, Limit),
    responses((status = 200, description = "A page of audits", body = Page<audits::Item>)),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let message = messages::find(&api, &caller, &request)?.message;
    let params = Params::of(&request, &["after_id", "limit"])?;
    let after = match params.external_id("after_id")? {
        Some(id) => audits::place_of(&api, caller.account, &id)?,
        None => Id::default(),
    };
    let limit = params.limit()?;
    let page = super::query(&api, move |store| {
        let collated = Collated::of(store, &message);
        let mut page = Page { items: Vec::new(), next: None };
        let mut last = None;
        for place in places(store, &message)?.range(after.plus(1)..) {
            if page.items.len() == limit {
                page.next = last.map(|place: Id| place.to_string());
                break;
            }
            let audit = store.audit_at(*place)?;
            let audit = audit.filter(|audit| caller.sees(audit.said.workspace_id.as_ref()));
            page.items.extend(audit.filter(|audit| collated.holds(audit)).map(audits::Item::of));
            last = Some(*place);
        }
        Ok(page)
    })
    .await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Where the audits of the message's windows lie.
fn places(store: &Store, message: &Message) -> Result<BTreeSet<Id>, StoreError> {
    let window = match message.source {
        Source::Audit(place) => return Ok(BTreeSet::from([place])),
        Source::Window(window) => window,
        // Made of security events, or of the record as it is.
        Source::Events(_) | Source::Link(_) => return Ok(BTreeSet::new()),
    };
    let mut places = BTreeSet::new();
    for id in message.draft.earlier_windows.iter().chain([&window]) {
        places.extend(store.mark(*id)?.into_iter().flat_map(|mark| mark.places));
    }
    Ok(places)
}

/// Which audits of its windows a message holds.
enum Collated {
    /// All: it is one audit, or its integration is gone.
    All,
    /// Those that the body names (R15).
    Named(HashSet<ExternalId>),
    /// Those that the integration may see.
    SeenBy(Arc<Integration>),
}

impl Collated {
    fn of(store: &Store, message: &Message) -> Self {
        if !matches!(message.source, Source::Window(_)) {
            return Collated::All;
        }
        if let Some(named) = named_in(&message.draft.body) {
            return Collated::Named(named);
        }
        match store.config().integrations.get(&message.draft.integration) {
            Some(integration) => Collated::SeenBy(integration.clone()),
            None => Collated::All,
        }
    }

    fn holds(&self, audit: &Audit) -> bool {
        match self {
            Collated::All => true,
            Collated::Named(ids) => ids.contains(&audit.id()),
            Collated::SeenBy(integration) => {
                matches!(decide(&integration.spec, audit), Verdict::Sees(_))
            }
        }
    }
}

/// The audits that a body names, when it names all of them.
fn named_in(body: &str) -> Option<HashSet<ExternalId>> {
    let body: Value = serde_json::from_str(body).ok()?;
    let collated = body.get("audit")?.get("collated")?;
    let ids = collated.get("audit_ids")?.as_array()?;
    let ids: Option<HashSet<_>> = ids.iter().map(|id| ExternalId::new(id.as_str()?).ok()).collect();
    ids.filter(|ids| collated.get("count").and_then(Value::as_u64) == Some(ids.len() as u64))
}
