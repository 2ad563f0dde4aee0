//! `/integrations`: the hooks, as they are configured.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{ETAG, IF_MATCH};
use actix_web::web::{self, Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::auth::Caller;
use super::once::{self, Made};
use super::openapi::{After, IdempotencyKey, IfMatch, IntegrationPatch, IntegrationPath, Limit};
use super::params::{Params, id_of_path};
use super::{Api, Page, Problem, body, hidden};
use crate::clock::Timestamp;
use crate::delivery::tls_config;
use crate::model::{
    DisabledBecause, DurationText, HIDDEN, Id, Integration, IntegrationSpec, IntegrationStatus,
    Secret, check, check_change,
};
use crate::settings::parse_duration;
use crate::store::{Changed, Configure, Refusal, Store};

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

/// How often a patch is merged anew when others are quicker.
const MERGES_MAX: usize = 10;

/// An integration, as it is answered. Never with its secret, save when that is made.
#[derive(Serialize, ToSchema)]
#[schema(as = Integration)]
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
    /// What its messages are signed with: shown this once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl View {
    fn of(store: &Store, integration: &Integration) -> Self {
        let health = store.health(integration.id);
        Self {
            id: integration.id,
            spec: hidden::as_shown(&integration.spec),
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

/// Lists the integrations of the account. Owners see those of their workspaces.
#[utoipa::path(
    get,
    path = "/integrations",
    operation_id = "listIntegrations",
    tag = "Integrations",
    params(After, Limit),
    responses((status = 200, description = "A page of integrations, by id", body = Page<View>)),
)]
async fn list(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["after", "limit"])?;
    let (after, limit) = (params.parsed::<Id>("after")?.unwrap_or_default(), params.limit()?);
    let config = api.store.config();
    let rest = config.of_account(caller.account).filter(|integration| {
        integration.id > after && caller.sees(integration.spec.workspace_id.as_ref())
    });
    let views = rest.map(|integration| View::of(&api.store, integration));
    Ok(HttpResponse::Ok().json(Page::first(views, limit, |view| view.id.to_string())))
}

/// Makes an integration: a hook, and what it is to be sent.
///
/// The answer has the secret that its messages are signed with, which is shown this once.
#[utoipa::path(
    post,
    path = "/integrations",
    operation_id = "createIntegration",
    tag = "Integrations",
    params(IdempotencyKey),
    request_body(content = IntegrationSpec, example = json!({
        "name": "Chat", "kind": "activity", "hook_url": "https://chat.example.com/hook",
        "format": "slack", "activities": [{"record_types": ["feature"], "exclude_fields": ["Rank"]}],
    })),
    responses(
        (status = 201, description = "The integration, with its secret", body = View, headers(
            ("Location" = String, description = "Where it is"),
            ("ETag" = String, description = "Its version, for `If-Match`"),
        )),
    ),
)]
async fn create(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let bytes = bytes?;
    let spec = checked(&api, body::json(&request, &bytes)?, None)?;
    caller.must_see(spec.workspace_id.as_ref(), "the new integration")?;
    let name = spec.name.escaped().to_string();
    let secret = new_secret()?;
    let change = Configure::CreateIntegration(caller.account, Box::new(spec), secret.clone());
    let store = api.store.clone();
    let made = move |changed: &Changed| match changed {
        Changed::Integration(made) => {
            let view = View { secret: Some(secret.reveal()), ..View::of(&store, made) };
            let location = format!("/api/v1/integrations/{}", made.id);
            Made::created(location, &view).with_etag(etag(made))
        }
        other => unreachable!("invariant: not what was to be made: {other:?}"),
    };
    let what = "such account".to_owned();
    let made = once::configure(&api, &caller, &request, &bytes, change, what, made).await?;
    log::info!("the integration {name} is made by {}", caller.token.name.escaped());
    Ok(made.answer())
}

/// Shows an integration.
#[utoipa::path(
    get,
    path = "/integrations/{id}",
    operation_id = "getIntegration",
    tag = "Integrations",
    params(IntegrationPath),
    responses(
        (status = 200, description = "The integration, without its secret", body = View,
         headers(("ETag" = String, description = "Its version, for `If-Match`"))),
    ),
)]
async fn get(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, &caller, &request)?;
    Ok(answer(&api, &integration))
}

fn answer(api: &Api, integration: &Integration) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ETAG, etag(integration)))
        .json(View::of(&api.store, integration))
}

/// Changes an integration: a JSON merge patch (RFC 7396) of what is to change.
///
/// `null` sets a member to its default. What was shown as `(hidden)` and comes back so stays as it is.
#[utoipa::path(
    patch,
    path = "/integrations/{id}",
    operation_id = "patchIntegration",
    tag = "Integrations",
    params(IntegrationPath, IfMatch),
    request_body(
        content(
            (IntegrationPatch = "application/merge-patch+json", example = json!({"enabled": false})),
            (IntegrationPatch = "application/json", example = json!({"quiet_period": "30s"})),
        ),
    ),
    responses(
        (status = 200, description = "The integration as it is now", body = View,
         headers(("ETag" = String, description = "Its new version"))),
        (status = 409, description = "Others keep changing it; try again"),
    ),
)]
async fn patch(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let patch = body::json(&request, &bytes?)?;
    if !patch.is_object() {
        let fault = "must be an object: a JSON merge patch of what is to change".to_owned();
        return Err(body::faulty(vec![(String::new(), fault)]));
    }
    // Merged with what it is now; and again when somebody else was quicker.
    for _ in 0..MERGES_MAX {
        let integration = find(&api, &caller, &request)?;
        if_match(&request, &integration)?;
        let mut spec = as_value(&integration.spec);
        json_patch::merge(&mut spec, &patch);
        hidden::keep(&mut spec, &integration.spec);
        let spec = checked(&api, spec, Some(&integration.spec))?;
        caller.must_see(spec.workspace_id.as_ref(), "the integration as it would be")?;
        let (id, revision) = (integration.id, integration.revision);
        let change = Configure::UpdateIntegration(id, Box::new(spec), Some(revision));
        match api.journal.configure(change, caller.by(&api, &request)).await? {
            Ok(Changed::Integration(changed)) => {
                log::info!("integration {id} changed by {}", caller.token.name.escaped());
                return Ok(answer(&api, &changed));
            }
            Err(Refusal::Revised) => {}
            _ => return Err(no_such_integration(&request)),
        }
    }
    Err(Problem::conflict("others keep changing it; try again"))
}

/// Deletes an integration. What is still owed to it is given up.
#[utoipa::path(
    delete,
    path = "/integrations/{id}",
    operation_id = "deleteIntegration",
    tag = "Integrations",
    params(IntegrationPath, IfMatch),
    responses((status = 204, description = "It is deleted")),
)]
async fn delete(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, &caller, &request)?;
    let revision = if_match(&request, &integration)?;
    let deleted = Configure::DeleteIntegration(integration.id, revision);
    match api.journal.configure(deleted, caller.by(&api, &request)).await? {
        Ok(_) => {}
        Err(Refusal::Revised) => return Err(Problem::revised()),
        Err(_) => return Err(no_such_integration(&request)),
    }
    log::info!("integration {} deleted by {}", integration.id, caller.token.name.escaped());
    Ok(HttpResponse::NoContent().finish())
}

/// How long the old secret signs as well, when nothing else is said, and at the most.
const OVERLAP_DEFAULT: Duration = Duration::from_secs(86_400);
const OVERLAP_MAX: Duration = Duration::from_secs(30 * 86_400);

/// How a secret is to be replaced.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// How long the old secret signs as well, like `24h`.
    #[schema(value_type = Option<DurationText>)]
    overlap: Option<String>,
}

/// A new secret.
#[derive(Serialize, ToSchema)]
struct Rotated {
    /// What messages are signed with from now on: shown this once.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: String,
    /// Until when they are signed with the old secret as well.
    old_secret_signs_until: Timestamp,
}

/// Replaces an integration's secret.
///
/// The old one signs as well for a while, so that the hook can be changed meanwhile.
#[utoipa::path(
    post,
    path = "/integrations/{id}/rotate-secret",
    operation_id = "rotateSecret",
    tag = "Integrations",
    params(IntegrationPath),
    request_body(content = Option<Rotation>, example = json!({"overlap": "24h"})),
    responses((status = 200, description = "The new secret, which is shown this once", body = Rotated)),
)]
async fn rotate(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, &caller, &request)?;
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
    let rotated = Configure::RotateSecret(integration.id, secret.clone(), until);
    api.journal
        .configure(rotated, caller.by(&api, &request))
        .await?
        .map_err(|_| no_such_integration(&request))?;
    let by = caller.token.name.escaped();
    log::info!("secret of integration {} rotated by {by}", integration.id);
    Ok(HttpResponse::Ok().json(Rotated { secret: secret.reveal(), old_secret_signs_until: until }))
}

fn new_secret() -> Result<Secret, Problem> {
    Secret::random().map_err(|error| Problem::no_random(&error))
}

/// The integration that the path names, when it is the caller's to see.
pub fn find(
    api: &Api,
    caller: &Caller,
    request: &HttpRequest,
) -> Result<Arc<Integration>, Problem> {
    let found =
        id_of_path(request).and_then(|id| api.store.config().integrations.get(&id).cloned());
    let found = found
        .filter(|integration| integration.account == caller.account)
        .ok_or_else(|| no_such_integration(request))?;
    caller.must_see(found.spec.workspace_id.as_ref(), "the integration")?;
    Ok(found)
}

fn etag(integration: &Integration) -> String {
    format!("\"{}\"", integration.revision)
}

/// The revision that the call is meant for, if it says so; refused when it is another by now.
fn if_match(request: &HttpRequest, integration: &Integration) -> Result<Option<Id>, Problem> {
    let Some(header) = request.headers().get(IF_MATCH) else { return Ok(None) };
    let etag = etag(integration);
    let mut named = header.to_str().unwrap_or_default().split(',').map(str::trim);
    if named.any(|named| named == "*" || named == etag) {
        Ok(Some(integration.revision))
    } else {
        Err(Problem::revised())
    }
}

fn no_such_integration(request: &HttpRequest) -> Problem {
    let id = request.match_info().get("id").unwrap_or_default();
    Problem::not_found(format!("there is no integration {id}"))
}

fn checked(
    api: &Api,
    value: Value,
    before: Option<&IntegrationSpec>,
) -> Result<IntegrationSpec, Problem> {
    check_spec(api, value, before).map_err(body::faulty)
}

/// The specification that `value` is, when it can be used; else every fault with its place. What
/// stays as it was `before` is not held against a network that the operator has closed since: such a
/// hook can still be disabled.
pub fn check_spec(
    api: &Api,
    value: Value,
    before: Option<&IntegrationSpec>,
) -> Result<IntegrationSpec, Vec<(String, String)>> {
    if let Some(pointer) = hidden::left_in(&value) {
        let fault = format!("is {HIDDEN:?}, and there is nothing to keep; write the value here");
        return Err(vec![(pointer, fault)]);
    }
    let spec: IntegrationSpec = body::typed(value).map_err(|fault| vec![fault])?;
    let mut faults = check(&spec, api.rule);
    if let Some(before) = before {
        faults.extend(check_change(before, &spec));
    }
    let url_is_new = before.is_none_or(|before| before.hook_url != spec.hook_url);
    if url_is_new && let Err(refused) = api.guard.check_url(&spec.hook_url) {
        faults.push(("/hook_url".to_owned(), refused.to_string()));
    }
    if let Err(bad) = tls_config(&spec) {
        faults.push((bad.pointer.to_owned(), bad.wrong));
    }
    if faults.is_empty() { Ok(spec) } else { Err(faults) }
}

/// A specification as people write it.
pub fn as_value(spec: &IntegrationSpec) -> Value {
    serde_json::to_value(spec).expect("invariant: a specification is plain data")
}
