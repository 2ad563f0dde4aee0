//! How deliveries went lately: hour by hour, and to one integration.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::integrations::find;
use super::openapi::IntegrationPath;
use super::params::Params;
use super::{Api, Page, Problem};
use crate::clock::Timestamp;
use crate::model::{AttemptOutcome, Id, Status};
use crate::store::{MessageFilter, Store, StoreError};

/// The bars of a day.
const HOURS: u32 = 24;
/// How many of the newest messages tell how an integration does.
const MESSAGES_LOOKED_AT: usize = 200;
/// How many of them are told one by one.
const LAST: usize = 20;

pub fn hours() -> Resource {
    super::resource("/stats/hours").route(web::get().to(get_hours))
}

pub fn of_integration() -> Resource {
    super::resource("/integrations/{id}/stats").route(web::get().to(get_of_integration))
}

/// What was done with in one hour.
#[derive(Serialize, ToSchema)]
#[schema(as = Hour)]
struct HourView {
    /// When it began.
    at: Timestamp,
    /// Messages that the hook took.
    delivered: u64,
    /// Messages whose attempts were exhausted.
    failed: u64,
}

/// Tells how many messages were delivered and how many failed in each of the last 24 hours.
#[utoipa::path(
    get,
    path = "/stats/hours",
    operation_id = "statsByHour",
    tag = "Server",
    responses((status = 200, description = "The hours, oldest first; the last is not over", body = Page<HourView>)),
)]
async fn get_hours(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let hours = api.store.hours(caller.account, api.clock.now(), HOURS)?;
    let items = hours
        .into_iter()
        .map(|(at, hour)| HourView { at, delivered: hour.delivered, failed: hour.failed })
        .collect();
    Ok(HttpResponse::Ok().json(Page { items, next: None }))
}

/// How an integration does, by its newest messages.
#[derive(Default, Serialize, ToSchema)]
struct IntegrationStats {
    /// How many messages this is about: the newest 200 at most.
    messages: usize,
    /// The states of the newest 20, newest first.
    last: Vec<Status>,
    /// What share of the attempts for them was a delivery; none without any.
    success_rate: Option<f64>,
    /// How long attempts took that were answered, in milliseconds: the median.
    p50_ms: Option<u32>,
    /// The same: 95 of 100 took no longer.
    p95_ms: Option<u32>,
    /// Why the newest attempt that failed did.
    last_error: Option<String>,
    /// How far back its log reaches: to when it was made, or to what is not forgotten yet.
    log_since: Timestamp,
}

/// Tells how deliveries to an integration went lately.
#[utoipa::path(
    get,
    path = "/integrations/{id}/stats",
    operation_id = "integrationStats",
    tag = "Integrations",
    params(IntegrationPath),
    responses((status = 200, description = "How its newest messages went", body = IntegrationStats)),
)]
async fn get_of_integration(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let integration = find(&api, &caller, &request)?;
    let filter = MessageFilter {
        integration: Some(integration.id),
        ..MessageFilter::all(caller.account, MESSAGES_LOOKED_AT)
    };
    let made_at = integration.created_at;
    let stats = super::query(&api, move |store| sum_up(store, &filter, made_at)).await?;
    Ok(HttpResponse::Ok().json(stats))
}

fn sum_up(
    store: &Store,
    filter: &MessageFilter,
    made_at: Timestamp,
) -> Result<IntegrationStats, StoreError> {
    let page = store.messages(filter)?;
    let ids: Vec<Id> = page.items.iter().map(|entry| entry.message.id).collect();
    let last = page.items.iter().take(LAST).map(|entry| entry.status).collect();
    let log_since = store.reaches_back_to()?.map_or(made_at, |reaches| reaches.max(made_at));
    let mut stats =
        IntegrationStats { messages: ids.len(), last, log_since, ..IntegrationStats::default() };
    let (mut times, mut made, mut good) = (Vec::new(), 0_u32, 0_u32);
    for id in ids {
        for attempt in store.attempts(id)?.into_iter().rev() {
            made += 1;
            match &attempt.outcome {
                AttemptOutcome::Answered { code, headers, .. } => {
                    times.push(attempt.total_ms);
                    let wrong = crate::delivery::reason(*code, headers);
                    good += u32::from(wrong.is_none());
                    stats.last_error = stats.last_error.take().or(wrong);
                }
                AttemptOutcome::Unanswered(why) => {
                    stats.last_error.get_or_insert_with(|| why.clone());
                }
            }
        }
    }
    times.sort_unstable();
    let at = |hundredths: usize| times.get(times.len().saturating_sub(1) * hundredths / 100);
    (stats.p50_ms, stats.p95_ms) = (at(50).copied(), at(95).copied());
    if made > 0 {
        // Three digits are all that mean anything here.
        stats.success_rate = Some((f64::from(good) / f64::from(made) * 1000.0).round() / 1000.0);
    }
    Ok(stats)
}
