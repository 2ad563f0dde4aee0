//! Records at hooks: sending one there, listing where it is, forgetting that.

use std::sync::Arc;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::full_records::no_record;
use super::integrations;
use super::messages::IntegrationName;
use super::openapi::{After, IntegrationPath, Limit, LinkedIntegration, RecordPath};
use super::params::{Params, part_of_path, record_of_path};
use super::{Api, Page, Problem, RecordName};
use crate::clock::Timestamp;
use crate::model::{FullRecord, Id, Integration, Link, LinkState, Pending, RecordKey, Stage};
use crate::store::{Config, RecordCommand, RecordDone, Refusal};

pub fn send_to() -> Resource {
    super::resource("/records/{type}/{id}/send-to/{integration}")
        .route(web::post().to(post_send_to))
}

pub fn of_record() -> Resource {
    super::resource("/records/{type}/{id}/links").route(web::get().to(list_of_record))
}

pub fn one() -> Resource {
    super::resource("/records/{type}/{id}/links/{integration}").route(web::delete().to(unlink))
}

pub fn of_integration() -> Resource {
    super::resource("/integrations/{id}/links").route(web::get().to(list_of_integration))
}

/// A record at a hook.
#[derive(Serialize, ToSchema)]
#[schema(as = Link)]
struct LinkView {
    id: Id,
    record: RecordName,
    integration: IntegrationName,
    state: LinkState,
    /// The record that has to be delivered first.
    waits_for: Option<RecordName>,
    linked_at: Timestamp,
    /// Who sent it there first: the name of a token.
    linked_by: Box<str>,
    /// The newest message that was made for it.
    message: Option<Id>,
    /// When its last change will be sent, if there is no other until then.
    next_update_at: Option<Timestamp>,
    /// What the receiver calls the record.
    integration_fields: Vec<FieldView>,
}

/// One thing that a receiver calls a record.
#[derive(Serialize, ToSchema)]
#[schema(as = IntegrationField)]
struct FieldView {
    /// `id` or `url`.
    name: Box<str>,
    /// As the receiver answered it.
    value: Box<str>,
    integration_id: Id,
}

/// What sending a record came to.
#[derive(Serialize, ToSchema)]
struct SentTo {
    /// The records that are linked now, parents first: each is sent once the one before it was delivered.
    linked: Vec<RecordName>,
    /// The message that was made; null when one is on its way already, or a parent is.
    message: Option<Id>,
}

impl LinkView {
    fn of(record: &FullRecord, link: &Link, config: &Config, now: Timestamp) -> Self {
        let field = |field: &crate::model::IntegrationField| FieldView {
            name: field.name.clone(),
            value: field.value.clone(),
            integration_id: link.integration,
        };
        Self {
            id: link.id,
            record: RecordName::of(&record.key),
            integration: IntegrationName::of(link.integration, config),
            state: link.state(record.removed),
            waits_for: match &link.stage {
                Stage::Waits(parent) => Some(RecordName::of(parent)),
                Stage::New | Stage::Known => None,
            },
            linked_at: link.id.time(),
            linked_by: link.by.clone(),
            message: link.message,
            next_update_at: match &link.change {
                Pending::Quiet(quiet) => Some(now + quiet.left(now)),
                Pending::Nothing | Pending::Due => None,
            },
            integration_fields: link.fields.iter().map(field).collect(),
        }
    }
}

/// Sends a record to a hook (kind `record`), and its changes from then on.
///
/// Its parent is sent first, if it is not there yet, and so on: a child goes once its parent was delivered.
/// A record that is linked already is sent once more, as it is now, and so are parents that are not there.
#[utoipa::path(
    post,
    path = "/records/{type}/{id}/send-to/{integration}",
    operation_id = "sendRecord",
    tag = "Full records",
    params(RecordPath, LinkedIntegration),
    responses(
        (status = 200, description = "It is linked, and on its way", body = SentTo,
         example = json!({"linked": [{"type": "release", "id": "R1"}, {"type": "feature", "id": "42"}],
                          "message": "7627861917179969537"})),
        (status = 409, description = "The integration is disabled or takes no such records, or a parent was not put"),
    ),
)]
async fn post_send_to(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let (record, integration) = named(&api, &caller, &request)?;
    let (name, by) = (record.to_string(), caller.name());
    let send = RecordCommand::SendTo(record, integration.id, by.into());
    match api.journal.record(send).await? {
        Ok(RecordDone::Sent(sent)) => {
            log::info!("{name:?} sent to {} by {}", integration.id, caller.token.name.escaped());
            let linked = sent.linked.iter().map(RecordName::of).collect();
            Ok(HttpResponse::Ok().json(SentTo { linked, message: sent.message }))
        }
        Ok(other) => unreachable!("invariant: a record was sent, not {other:?}"),
        Err(Refusal::Missing) => Err(no_record(&name)),
        Err(refusal) => Err(Problem::refused(&refusal, &name)),
    }
}

/// Forgets that a record is at a hook. Nothing is sent; what is owed for it is given up.
#[utoipa::path(
    delete,
    path = "/records/{type}/{id}/links/{integration}",
    operation_id = "unlinkRecord",
    tag = "Full records",
    params(RecordPath, LinkedIntegration),
    responses((status = 204, description = "It is unlinked")),
)]
async fn unlink(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let (record, integration) = named(&api, &caller, &request)?;
    let (name, by) = (record.to_string(), caller.name());
    let unlink = RecordCommand::Unlink(record, integration.id, by.into());
    if api.journal.record(unlink).await?.is_err() {
        let integration = &integration.spec.name;
        return Err(Problem::not_found(format!("{name} is not linked to {integration}")));
    }
    log::info!("{name:?} unlinked from {} by {}", integration.id, caller.token.name.escaped());
    Ok(HttpResponse::NoContent().finish())
}

/// The record and the integration of the path, when both are the caller's to see.
fn named(
    api: &Api,
    caller: &Caller,
    request: &HttpRequest,
) -> Result<(RecordKey, Arc<Integration>), Problem> {
    let record = record_of_path(request, caller.account)?;
    let id = part_of_path(request, "integration");
    let integration =
        id.parse().ok().and_then(|id: Id| api.store.config().integrations.get(&id).cloned());
    let integration = integration
        .filter(|found| found.account == caller.account)
        .ok_or_else(|| Problem::not_found(format!("there is no integration {id}")))?;
    caller.must_see(integration.spec.workspace_id.as_ref(), "the integration")?;
    let found = api.store.full_record(&record)?.ok_or_else(|| no_record(&record.to_string()))?;
    caller.must_see(Some(&found.workspace_id), "the record")?;
    Ok((record, integration))
}

/// Lists the hooks that a record is at.
#[utoipa::path(
    get,
    path = "/records/{type}/{id}/links",
    operation_id = "listLinksOfRecord",
    tag = "Full records",
    params(RecordPath),
    responses((status = 200, description = "Its links; always one page", body = Page<LinkView>)),
)]
async fn list_of_record(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let record = record_of_path(&request, caller.account)?;
    let found = api.store.full_record(&record)?.ok_or_else(|| no_record(&record.to_string()))?;
    caller.must_see(Some(&found.workspace_id), "the record")?;
    let (config, now) = (api.store.config(), api.clock.now());
    let items = found.links.iter().map(|link| LinkView::of(&found, link, &config, now)).collect();
    Ok(HttpResponse::Ok().json(Page::<LinkView> { items, next: None }))
}

/// Lists the records that are at a hook, in the order they were sent there.
#[utoipa::path(
    get,
    path = "/integrations/{id}/links",
    operation_id = "listLinksOfIntegration",
    tag = "Full records",
    params(IntegrationPath, After, Limit),
    responses((status = 200, description = "A page of links", body = Page<LinkView>)),
)]
async fn list_of_integration(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["after", "limit"])?;
    let integration = integrations::find(&api, &caller, &request)?;
    let (after, limit) = (params.parsed::<Id>("after")?.unwrap_or_default(), params.limit()?);
    let (account, id) = (integration.account, integration.id);
    let page = super::query(&api, move |store| store.links_to(account, id, after, limit)).await?;
    let (config, now) = (api.store.config(), api.clock.now());
    let view = |record: &FullRecord| {
        record.links.first().map(|link| LinkView::of(record, link, &config, now))
    };
    let items = page.items.iter().filter_map(view).collect();
    let next = page.next.map(|link| link.to_string());
    Ok(HttpResponse::Ok().json(Page::<LinkView> { items, next }))
}
