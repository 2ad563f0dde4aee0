//! What people ask of an integration by hand: a test, what failed once more, history again.

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::auth::Caller;
use super::integrations::find;
use super::messages::AttemptView;
use super::openapi::IntegrationPath;
use super::{Api, Problem, body};
use crate::clock::Timestamp;
use crate::collate::collate;
use crate::delivery::{Shard, TestHook};
use crate::format::siem;
use crate::model::{Action, Audit, ExternalId, Id, Integration, Kind, RecordKey, Status};
use crate::store::{MessageFilter, StoreError};
use crate::{format, ingest, record};

/// The most messages that one call queues.
const QUEUED_MAX: usize = 10_000;
/// Windows that are read and addressed in one commit.
const WINDOWS_AT_ONCE: usize = 200;

pub fn test() -> Resource {
    super::resource("/integrations/{id}/test").route(web::post().to(post_test))
}

pub fn recover() -> Resource {
    super::resource("/integrations/{id}/recover").route(web::post().to(post_recover))
}

pub fn replay() -> Resource {
    super::resource("/integrations/{id}/replay").route(web::post().to(post_replay))
}

/// A time, from `since` until before `until`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Period {
    /// From then on.
    since: Timestamp,
    /// Until before then; now when it is left out.
    #[serde(default)]
    until: Option<Timestamp>,
}

/// Sends a signed sample to the hook now, and answers with the attempt.
///
/// Nothing of it is kept. A disabled integration can be tested, too.
#[utoipa::path(
    post,
    path = "/integrations/{id}/test",
    operation_id = "testIntegration",
    tag = "Integrations",
    params(IntegrationPath),
    responses((status = 200, description = "The attempt, however it went", body = AttemptView)),
)]
async fn post_test(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, &caller, &request)?;
    let (id, by) = (integration.id, caller.name());
    let body = sample(&api, &integration, &by);
    log::info!("test of integration {id} asked for by {}", caller.token.name.escaped());
    let dispatcher = &api.dispatchers[Shard::index_of(id, api.dispatchers.len())];
    let attempt = dispatcher.send(TestHook { integration: id, body, by }).await;
    match attempt.map_err(|_| StoreError::Stopped)? {
        Some(attempt) => Ok(HttpResponse::Ok().json(AttemptView::of(attempt))),
        None => Err(Problem::not_found(format!("there is no integration {id}"))),
    }
}

/// Something that says what it is, of the integration's kind and in its format.
fn sample(api: &Api, integration: &Integration, by: &str) -> String {
    match integration.spec.kind {
        Kind::Security => security_sample(api, integration, by),
        Kind::Record => sample_record(integration, by),
        Kind::Activity => audit_sample(api, integration, by),
    }
}

fn security_sample(api: &Api, integration: &Integration, by: &str) -> String {
    let said = json!({
        "action": "lull.test", "user": {"id": "lull", "name": "Lull"},
        "target": {"type": "integration", "id": integration.id, "name": integration.spec.name},
        "description": format!("a test of the integration {}, sent by {by}", integration.spec.name),
    });
    let said = ingest::kept_security_event(&said.to_string());
    let event = said.expect("invariant: a good event").at(Id::at(api.clock.now()));
    siem::body(integration.spec.format, &[(&event, None)])
}

fn audit_sample(api: &Api, integration: &Integration, by: &str) -> String {
    let said = json!({
        "audit_action": "update", "auditable_type": "lull/test", "auditable_id": "1",
        "user": {"id": "lull", "name": "Lull"},
        "description": format!("a test of the integration {}, sent by {by}", integration.spec.name),
        "changes": [{"field_name": "Test", "value": "Open &rarr; Done"}],
    });
    let said = ingest::kept(said.to_string().as_bytes()).expect("invariant: a good audit");
    let place = Id::at(api.clock.now());
    let audit = Audit { place, account: integration.account, rules: [].into(), said };
    let seen = [(&audit, audit.said.changes.iter().collect())];
    let collated = collate(&seen).expect("invariant: one change comes to something");
    format::body(integration.spec.format, &collated)
}

/// A record that says what it is.
fn sample_record(integration: &Integration, by: &str) -> String {
    let name = |text: &str| ExternalId::new(text).expect("invariant: neither empty nor long");
    let (account, record_type, record_id) = (integration.account, name("lull/test"), name("1"));
    let what = format!("a test of the integration {}, sent by {by}", integration.spec.name);
    format::record::body(&format::record::Sent {
        action: Action::Create,
        key: &RecordKey { account, record_type, record_id },
        text: &json!({"id": "1", "name": "Test", "description": what}).to_string(),
        integration: integration.id,
        fields: &[],
        parent: None,
    })
}

/// What was queued of what had failed.
#[derive(Serialize, ToSchema)]
struct Recovered {
    /// How many messages.
    queued: usize,
    /// Whether there are more in the period than one call queues; call again for them.
    more: bool,
}

/// What was addressed once more.
#[derive(Serialize, ToSchema)]
struct Replayed {
    /// How many messages.
    queued: usize,
    /// The `since` of the call that goes on; null when all of the period is done.
    next_since: Option<Timestamp>,
}

/// Redelivers the messages of a period that failed: at most 10,000 a call, newest first.
#[utoipa::path(
    post,
    path = "/integrations/{id}/recover",
    operation_id = "recoverIntegration",
    tag = "Integrations",
    params(IntegrationPath),
    request_body(content = Period, example = json!({"since": "2026-03-02T00:00:00Z"})),
    responses(
        (status = 202, description = "They are queued", body = Recovered,
         example = json!({"queued": 12, "more": false})),
        (status = 409, description = "The integration is disabled; enable it first"),
    ),
)]
async fn post_recover(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let integration = enabled(&api, &caller, &request)?;
    let period: Period = body::read(body::json(&request, &bytes?)?)?;
    let filter = MessageFilter {
        integration: Some(integration.id),
        status: Some(Status::Failed),
        since: Some(period.since),
        until: period.until,
        ..MessageFilter::all(caller.account, QUEUED_MAX)
    };
    let page = super::query(&api, move |store| store.messages(&filter)).await?;
    let mut failed: Vec<Id> = page.items.iter().map(|entry| entry.message.id).collect();
    failed.reverse();
    let queued = api.journal.redeliver(failed, &caller.name()).await?.len();
    log::info!(
        "{queued} failed messages to {} recovered by {}",
        integration.id,
        caller.token.name.escaped()
    );
    Ok(HttpResponse::Accepted().json(Recovered { queued, more: page.next.is_some() }))
}

/// Addresses the windows that closed in a period to this integration once more.
#[utoipa::path(
    post,
    path = "/integrations/{id}/replay",
    operation_id = "replayIntegration",
    tag = "Integrations",
    params(IntegrationPath),
    request_body(content = Period, example = json!({"since": "2026-03-02T00:00:00Z", "until": "2026-03-03T00:00:00Z"})),
    responses(
        (status = 202, description = "They are queued", body = Replayed,
         example = json!({"queued": 12, "next_since": null})),
        (status = 409, description = "The integration is disabled, or not of kind `activity`"),
    ),
)]
async fn post_replay(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let integration = enabled(&api, &caller, &request)?;
    if integration.spec.kind != Kind::Activity {
        let why = "only integrations of kind activity are sent windows again";
        return Err(Problem::conflict(why));
    }
    let period: Period = body::read(body::json(&request, &bytes?)?)?;
    let mut after = Id::from_u64(Id::at(period.since).as_u64().saturating_sub(1));
    let until = period.until.map_or(Id::from_u64(u64::MAX), Id::at);
    let (mut queued, mut more) = (0, true);
    while more && queued < QUEUED_MAX {
        let (to, account) = (integration.clone(), caller.account);
        let (last, replays) = super::query(&api, move |store| {
            let marks = store.marks_between(account, after, until, WINDOWS_AT_ONCE)?;
            let last = marks.last().map(|(id, _)| *id);
            Ok((last, record::replay(store, &to, marks)?))
        })
        .await?;
        match last {
            Some(last) => after = last,
            None => more = false,
        }
        if !replays.is_empty() {
            queued += api.journal.replay(replays, &caller.name()).await?.len();
        }
    }
    log::info!(
        "{queued} windows replayed to {} by {}",
        integration.id,
        caller.token.name.escaped()
    );
    let next_since = more.then(|| after.plus(1).time());
    Ok(HttpResponse::Accepted().json(Replayed { queued, next_since }))
}

/// The integration, when anything can be addressed to it.
fn enabled(
    api: &Api,
    caller: &Caller,
    request: &HttpRequest,
) -> Result<std::sync::Arc<Integration>, Problem> {
    let integration = find(api, caller, request)?;
    if integration.spec.enabled {
        Ok(integration)
    } else {
        Err(Problem::conflict("the integration is disabled; enable it first"))
    }
}
