//! `/stats`, `/healthz`, `/readyz`: how the server is.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::params::Params;
use super::{Api, Problem};
use crate::clock::{Monotonic, Timestamp};
use crate::model::{IntegrationStatus, Role};
use crate::store::Totals;

/// Over how long rates are taken.
const RATES_OVER: Duration = Duration::from_secs(60);

pub fn health() -> Resource {
    super::resource("/healthz").route(web::get().to(healthz))
}

pub fn readiness() -> Resource {
    super::resource("/readyz").route(web::get().to(readyz))
}

pub fn stats() -> Resource {
    super::resource("/stats").route(web::get().to(get))
}

/// What was counted at some moments of the last minute.
#[derive(Default)]
pub struct Rates(Mutex<VecDeque<(Monotonic, Totals)>>);

impl Rates {
    /// Notes what has been counted by `now`. To be called every few seconds.
    pub fn note(&self, now: Monotonic, totals: Totals) {
        let mut noted = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        noted.push_back((now, totals));
        while noted.get(1).is_some_and(|(then, _)| now.saturating_sub(*then) >= RATES_OVER) {
            noted.pop_front();
        }
    }

    /// What was counted a second since the oldest note of the last minute.
    fn since_oldest(&self, now: Monotonic, totals: Totals) -> RatesView {
        let noted = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let (then, before) = noted.front().copied().unwrap_or((now, totals));
        let seconds = now.saturating_sub(then).as_secs_f64().max(1.0);
        let rate = |now: u64, then: u64| {
            // One digit is all that means anything here.
            (now.saturating_sub(then) as f64 / seconds * 10.0).round() / 10.0
        };
        RatesView {
            audits: rate(totals.audits, before.audits),
            windows_closed: rate(totals.windows, before.windows),
            messages_delivered: rate(totals.delivered, before.delivered),
        }
    }
}

/// What is counted.
#[derive(Serialize, ToSchema)]
struct Stats {
    version: &'static str,
    uptime_seconds: u64,
    /// Of the caller's account.
    integrations: Integrations,
    /// Messages owed to them.
    owed: u64,
    #[serde(flatten)]
    server: Whole,
}

/// What is counted for all accounts together: null for whoever may know of their own only.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = ServerStats)]
struct Whole {
    audits: Option<Audits>,
    windows: Option<Windows>,
    messages: Option<Messages>,
    limits: Option<Bounds>,
    /// Per second, over the last minute.
    rates: Option<RatesView>,
    store: Option<StoreView>,
}

/// Audits since the store was made.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditCounts)]
struct Audits {
    accepted: u64,
    duplicates: u64,
}

/// Windows.
#[derive(Serialize, ToSchema)]
#[schema(as = WindowCounts)]
struct Windows {
    open: u64,
    closed: u64,
    /// How late the latest windows closed; null when none has since the start.
    lateness: Option<Lateness>,
}

/// How late windows closed, in milliseconds.
#[derive(Serialize, ToSchema)]
struct Lateness {
    p50_ms: f64,
    p99_ms: f64,
}

/// Messages by state.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageCounts)]
struct Messages {
    created: u64,
    owed: u64,
    delivered: u64,
    failed: u64,
    superseded: u64,
    cancelled: u64,
    oldest_owed_at: Option<Timestamp>,
}

/// Integrations by status.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = IntegrationCounts)]
struct Integrations {
    ok: usize,
    failing: usize,
    disabled: usize,
}

/// The bounds on what is taken in (D8), each beside what there is now.
#[derive(Serialize, ToSchema)]
struct Bounds {
    open_windows: Bound,
    buffered_bytes: Bound,
    request_bytes: Bound,
    connections: Bound,
    body_bytes: Max,
    audit_bytes: Max,
    batch_audits: Max,
}

/// A bound, beside what there is now.
#[derive(Serialize, ToSchema)]
struct Bound {
    now: u64,
    max: u64,
}

/// A bound on what comes at once.
#[derive(Serialize, ToSchema)]
struct Max {
    max: u64,
}

impl Bounds {
    fn of(api: &Api) -> Self {
        let limits = &api.limits;
        let max = |max: usize| Max { max: max as u64 };
        Self {
            open_windows: Bound { now: api.gauges.open(), max: limits.open_windows },
            buffered_bytes: Bound { now: api.gauges.buffered(), max: limits.buffered_bytes },
            request_bytes: Bound { now: api.held.bytes(), max: limits.request_bytes },
            connections: Bound { now: api.connections.open(), max: limits.connections as u64 },
            body_bytes: max(limits.body_bytes),
            audit_bytes: max(limits.audit_bytes),
            batch_audits: max(limits.batch_audits),
        }
    }
}

/// What happened lately, a second.
#[derive(Serialize, ToSchema)]
#[schema(as = Rates)]
struct RatesView {
    audits: f64,
    windows_closed: f64,
    messages_delivered: f64,
}

/// How much is stored.
#[derive(Serialize, ToSchema)]
#[schema(as = StoreSize)]
struct StoreView {
    bytes_on_disk: u64,
    /// Bytes of history and log, which the retention is about.
    bytes_kept: u64,
}

/// Counts: integrations and what is owed to them, audits, windows, messages, rates, the store.
///
/// What is of all accounts together is null for whoever may know of their own only.
#[utoipa::path(
    get,
    path = "/stats",
    operation_id = "stats",
    tag = "Server",
    responses((status = 200, description = "The figures", body = Stats)),
)]
async fn get(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let config = api.store.config();
    let (mut integrations, mut owed) = (Integrations::default(), 0);
    let owed_counts = api.store.owed_counts();
    for integration in config.of_account(caller.account) {
        owed += owed_counts.get(&integration.id).copied().unwrap_or_default();
        match integration.status(&api.store.health(integration.id)) {
            IntegrationStatus::Ok => integrations.ok += 1,
            IntegrationStatus::Failing => integrations.failing += 1,
            IntegrationStatus::Disabled => integrations.disabled += 1,
        }
    }
    let alone = config.accounts().count() == 1;
    let now = api.clock.monotonic();
    Ok(HttpResponse::Ok().json(Stats {
        version: env!("CARGO_PKG_VERSION"),
        uptime_seconds: now.saturating_sub(api.started).as_secs(),
        integrations,
        owed,
        server: if alone || caller.has(Role::Operator) { whole(&api)? } else { Whole::default() },
    }))
}

fn whole(api: &Api) -> Result<Whole, Problem> {
    // In the order in which an audit goes its way, or one would be in none of the figures.
    let limits = Bounds::of(api);
    let (totals, now) = (api.store.totals(), api.clock.monotonic());
    let ms = |lateness: Duration| (lateness.as_secs_f64() * 10_000.0).round() / 10.0;
    let lateness = api.gauges.lateness();
    Ok(Whole {
        audits: Some(Audits { accepted: totals.audits, duplicates: totals.duplicates }),
        windows: Some(Windows {
            open: api.gauges.open(),
            closed: totals.windows,
            lateness: lateness.map(|(p50, p99)| Lateness { p50_ms: ms(p50), p99_ms: ms(p99) }),
        }),
        messages: Some(Messages {
            created: totals.messages,
            owed: api.store.owed_counts().values().sum(),
            delivered: totals.delivered,
            failed: totals.failed,
            superseded: totals.superseded,
            cancelled: totals.cancelled,
            oldest_owed_at: api.store.oldest_owed()?.map(|id| id.time()),
        }),
        limits: Some(limits),
        rates: Some(api.rates.since_oldest(now, totals)),
        store: Some(StoreView {
            bytes_on_disk: api.store.bytes_on_disk()?,
            bytes_kept: api.store.kept_bytes(),
        }),
    })
}

/// That the server is up.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `ok`, `ready` or `not ready`.
    status: &'static str,
    /// Why it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Tells that the server is up.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "healthz",
    tag = "Server",
    responses((status = 200, description = "It is up", body = Health, example = json!({"status": "ok"}))),
)]
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok", reason: None })
}

/// Tells whether the server can do its work.
///
/// It only listens once recovery is done; what is left to ask is whether it can write.
#[utoipa::path(
    get,
    path = "/readyz",
    operation_id = "readyz",
    tag = "Server",
    responses(
        (status = 200, description = "It can", body = Health, example = json!({"status": "ready"})),
        (status = 503, description = "It cannot; the reason says why", body = Health),
    ),
)]
async fn readyz(api: Data<Api>) -> HttpResponse {
    match api.store.writable() {
        Ok(()) => HttpResponse::Ok().json(Health { status: "ready", reason: None }),
        Err(error) => HttpResponse::ServiceUnavailable()
            .json(Health { status: "not ready", reason: Some(error.to_string()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_last_minute() {
        let rates = Rates::default();
        let counted = |audits| Totals { audits, ..Totals::default() };
        let second = Duration::from_secs(1);
        for step in 0..40 {
            rates.note(second * 5 * step, counted(u64::from(step) * 50));
        }
        let view = rates.since_oldest(second * 200, counted(2_000));
        assert_eq!(view.audits, 10.0);
        assert!(rates.0.lock().unwrap().len() <= 14);
    }
}
