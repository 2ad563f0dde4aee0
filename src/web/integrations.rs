//! `/integrations`: the hooks, as they are configured.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::Caller;
use super::params::{Params, id_of_path};
use super::{Api, Page, Problem, body};
use crate::clock::Timestamp;
use crate::delivery::tls_config;
use crate::model::{
    Account, DisabledBecause, HIDDEN, Id, Integration, IntegrationSpec, IntegrationStatus, Secret,
    check, looks_secret,
};
use crate::settings::parse_duration;

pub fn all() -> Resource {
    super::resource("/integrations").route(web::get().to(list)).route(web::post().to(create))
}

pub fn one() -> Resource {
    super::resource("/integrations/{id}")
        .route(web::get().to(get))
        .route(web::patch().to(patch))
        .route(web::delete().to(delete))
}

pub fn rotate_secret() -> Resource {
    super::resource("/integrations/{id}/rotate-secret").route(web::post().to(rotate))
}

/// An integration, as it is answered. Never with its secret, save when that is made.
#[derive(Serialize)]
struct View {
    id: Id,
    #[serde(flatten)]
    spec: IntegrationSpec,
    status: IntegrationStatus,
    /// Why Lull itself disabled it, if it did.
    disabled_because: Option<DisabledBecause>,
    created_at: Timestamp,
    updated_at: Timestamp,
    last_error_at: Option<Timestamp>,
    last_delivery_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl View {
    fn of(api: &Api, integration: &Integration) -> Self {
        let health = api.store.health(integration.id);
        let mut spec = integration.spec.clone();
        for (name, value) in &mut spec.headers {
            if looks_secret(&name.to_ascii_lowercase()) {
                *value = HIDDEN.to_owned();
            }
        }
        if let Some(pem) = &mut spec.client_certificate {
            // Holds a private key.
            *pem = HIDDEN.to_owned();
        }
        Self {
            id: integration.id,
            spec,
            status: integration.status(&health),
            disabled_because: integration.disabled_because,
            created_at: integration.created_at,
            updated_at: integration.updated_at,
            last_error_at: health.last_error_at,
            last_delivery_at: health.last_delivery_at,
            secret: None,
        }
    }
}

async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["after", "limit"])?;
    let (after, limit) = (params.parsed::<Id>("after")?.unwrap_or_default(), params.limit()?);
    let config = api.store.config();
    let mut rest = config.of_account(caller.account).filter(|integration| integration.id > after);
    let items: Vec<View> =
        rest.by_ref().take(limit).map(|integration| View::of(&api, integration)).collect();
    let more = rest.next().is_some();
    let next = items.last().filter(|_| more).map(|last| last.id.to_string());
    Ok(HttpResponse::Ok().json(Page { items, next }))
}

async fn create(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let spec = checked(&api, body::json(&request, &bytes?)?, None)?;
    let secret = new_secret()?;
    let integration = api.journal.create_integration(caller.account, spec, secret.clone()).await?;
    log::info!("integration {} made by {}", integration.id, caller.name());
    let view = View { secret: Some(secret.reveal()), ..View::of(&api, &integration) };
    let location = format!("/api/v1/integrations/{}", integration.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(view))
}

async fn get(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, caller.account, &request)?;
    Ok(HttpResponse::Ok().json(View::of(&api, &integration)))
}

async fn patch(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, caller.account, &request)?;
    let patch = body::json(&request, &bytes?)?;
    if !patch.is_object() {
        let fault = "must be an object: a JSON merge patch of what is to change".to_owned();
        return Err(body::faulty(vec![(String::new(), fault)]));
    }
    let mut spec = as_value(&integration.spec);
    json_patch::merge(&mut spec, &patch);
    keep_hidden(&mut spec, &integration.spec);
    let spec = checked(&api, spec, Some(&integration.spec))?;
    let changed = api.journal.update_integration(integration.id, spec).await?;
    let changed = changed.ok_or_else(|| no_such_integration(&request))?;
    log::info!("integration {} changed by {}", changed.id, caller.name());
    Ok(HttpResponse::Ok().json(View::of(&api, &changed)))
}

async fn delete(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, caller.account, &request)?;
    let deleted = api.journal.delete_integration(integration.id).await?;
    let deleted = deleted.ok_or_else(|| no_such_integration(&request))?;
    log::info!("integration {} deleted by {}", deleted.id, caller.name());
    Ok(HttpResponse::NoContent().finish())
}

/// How long the old secret signs as well, when nothing else is said, and at the most.
const OVERLAP_DEFAULT: Duration = Duration::from_secs(86_400);
const OVERLAP_MAX: Duration = Duration::from_secs(30 * 86_400);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// How long the old secret signs as well, like `24h`.
    overlap: Option<String>,
}

async fn rotate(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, caller.account, &request)?;
    let rotation: Rotation = body::optional(&request, &bytes?)?;
    let overlap = match &rotation.overlap {
        None => OVERLAP_DEFAULT,
        Some(text) => match parse_duration(text).filter(|overlap| *overlap <= OVERLAP_MAX) {
            Some(overlap) => overlap,
            None => {
                let fault = format!("{text:?} is not a duration of at most 30d; write it like 24h");
                return Err(body::faulty(vec![("/overlap".to_owned(), fault)]));
            }
        },
    };
    let secret = new_secret()?;
    let until = api.clock.now() + overlap;
    let rotated = api.journal.rotate_secret(integration.id, secret.clone(), until).await?;
    let rotated = rotated.ok_or_else(|| no_such_integration(&request))?;
    log::info!("secret of integration {} rotated by {}", rotated.id, caller.name());
    Ok(HttpResponse::Ok().json(json!({
        "secret": secret.reveal(), "old_secret_signs_until": until,
    })))
}

fn new_secret() -> Result<Secret, Problem> {
    Secret::random().map_err(|error| {
        log::error!("the system gives no random bytes: {error}");
        Problem::overloaded("no secret could be made; try again")
    })
}

pub fn find(
    api: &Api,
    account: Account,
    request: &HttpRequest,
) -> Result<Arc<Integration>, Problem> {
    let found =
        id_of_path(request).and_then(|id| api.store.config().integrations.get(&id).cloned());
    found
        .filter(|integration| integration.account == account)
        .ok_or_else(|| no_such_integration(request))
}

fn no_such_integration(request: &HttpRequest) -> Problem {
    let id = request.match_info().get("id").unwrap_or_default();
    Problem::not_found(format!("there is no integration {id}"))
}

/// The specification that `value` is, when it can be used. What stays as it was `before` is not held
/// against a network that the operator has closed since: such a hook can still be disabled.
fn checked(
    api: &Api,
    value: Value,
    before: Option<&IntegrationSpec>,
) -> Result<IntegrationSpec, Problem> {
    let spec: IntegrationSpec = body::read(value)?;
    let mut faults = check(&spec, api.rule);
    let url_is_new = before.is_none_or(|before| before.hook_url != spec.hook_url);
    if url_is_new && let Err(refused) = api.guard.check_url(&spec.hook_url) {
        faults.push(("/hook_url".to_owned(), refused.to_string()));
    }
    if let Err(bad) = tls_config(&spec) {
        faults.push((bad.pointer.to_owned(), bad.wrong));
    }
    if faults.is_empty() { Ok(spec) } else { Err(body::faulty(faults)) }
}

fn as_value(spec: &IntegrationSpec) -> Value {
    serde_json::to_value(spec).expect("invariant: a specification is plain data")
}

/// What comes back as it was shown, hidden, is meant to stay as it is.
fn keep_hidden(patched: &mut Value, before: &IntegrationSpec) {
    if let (Some(value), Some(pem)) =
        (patched.get_mut("client_certificate"), &before.client_certificate)
        && value == HIDDEN
    {
        *value = Value::String(pem.clone());
    }
    let headers = patched.get_mut("headers").and_then(Value::as_object_mut);
    for (name, value) in headers.into_iter().flatten() {
        if let Some(kept) = before.headers.get(name).filter(|_| value == HIDDEN) {
            *value = Value::String(kept.clone());
        }
    }
}
