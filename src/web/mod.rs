//! The REST API under `/api/v1`, the health checks, and metrics. Level 4.
//!
//! Owns what callers see: paths, JSON names, status codes. One file a resource; each handler reads
//! the request, calls down, and writes the answer. Nothing below knows a status code.
//!
//! | file | owns |
//! | --- | --- |
//! | `access` | who may call what, in one table |
//! | `gate` | what every call passes through |
//! | `assets` | the web pages |
//! | `audits` | `POST` and `GET /audits` |
//! | `integrations` | `/integrations` |
//! | `hidden` | what must not be shown of an integration |
//! | `by_hand` | `/integrations/{id}/test`, `recover`, `replay` |
//! | `messages` | `/messages` |
//! | `learned` | `/users`, `/record-types`, `/fields` |
//! | `full_records` | records put and removed |
//! | `links` | records at hooks |
//! | `records` | open windows, send now, discard |
//! | `windows` | how open windows are shown |
//! | `closed` | windows as they closed |
//! | `made_of` | the audits that a message was made of |
//! | `why` | why each audit was, or was not, sent |
//! | `hours` | how deliveries went lately: hour by hour, and to one integration |
//! | `stats` | `/stats`, `/healthz`, `/readyz` |
//! | `config` | all that is configured, as one document |
//! | `backup` | a copy of everything |
//! | `session`, `tokens`, `accounts`, `workspaces` | administration |
//! | `metrics` | `/metrics` |
//! | `auth` | who calls, and what they may |
//! | `door` | how often somebody may knock |
//! | `once` | calls that make something once, however often they come |
//! | `request_id` | the id of a call |
//! | `intake` | what every request passes: room for its body, the access log |
//! | `client_address` | who a request comes from, behind proxies |
//! | `params` | query strings and paths |
//! | `body` | configuration in JSON bodies, faults with their places |
//! | `openapi` | the document of the API, made from all of these |
//! | `fuzzing` | what `tests/fuzz` reaches of it |
//! | `error` | problem+json: the one conversion from what went wrong to a status code |

pub mod access;
mod accounts;
mod assets;
mod audits;
mod auth;
mod backup;
mod body;
mod by_hand;
mod client_address;
mod closed;
mod complaints;
mod config;
mod door;
mod error;
mod full_records;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod hidden;
mod hours;
mod intake;
mod integrations;
mod learned;
mod links;
mod made_of;
mod messages;
mod metrics;
mod once;
mod openapi;
mod params;
mod records;
mod request_id;
mod security_events;
mod session;
mod stats;
mod strangers;
mod tokens;
mod why;
mod windows;
mod workspaces;

use std::sync::Arc;

use actix::Addr;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, Resource, Scope};
use ipnet::IpNet;
use serde::Serialize;
use utoipa::ToSchema;

pub use complaints::Complaints;
pub use door::Door;
pub use error::Problem;
pub use intake::{Connections, Held};
pub use openapi::text as openapi_text;
pub use session::LoginCode;
pub use stats::Rates;

use crate::clock::{Clock, Monotonic};
use crate::delivery::{Dispatcher, Guard};
use crate::metrics::Metrics;
use crate::model::{ExternalId, Partition, RecordKey, WindowRule};
use crate::record::{Gauges, Registry};
use crate::settings::Limits;
use crate::store::{Journal, Store, StoreError};

/// What handlers work with.
pub struct Api {
    /// Where to read.
    pub store: Arc<Store>,
    /// Where to write.
    pub journal: Journal,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Figures about windows.
    pub gauges: Arc<Gauges>,
    /// What is counted and measured, for Prometheus.
    pub metrics: Arc<Metrics>,
    /// What happened lately, a second.
    pub rates: Rates,
    /// The shards of records.
    pub registries: Vec<Addr<Registry>>,
    /// The shards of integrations.
    pub dispatchers: Vec<Addr<Dispatcher>>,
    /// The server's quiet period and max wait.
    pub rule: WindowRule,
    /// The bounds on what is taken in.
    pub limits: Limits,
    /// Request bodies that are held.
    pub held: Arc<Held>,
    /// Connections that are open.
    pub connections: Arc<Connections>,
    /// Whether the server itself speaks TLS.
    pub tls: bool,
    /// Proxies that are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Where hooks may be.
    pub guard: Guard,
    /// How often somebody may knock.
    pub door: Door,
    /// What the log said of calls that were refused.
    pub complaints: Complaints,
    /// What the login link that was printed opens the pages with.
    pub login_code: LoginCode,
    /// When the server started.
    pub started: Monotonic,
}

impl Api {
    /// The shard that a partition's record is on.
    fn registry(&self, partition: Partition) -> &Addr<Registry> {
        &self.registries[partition.shard(self.registries.len())]
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
struct Page<T> {
    /// The items of this page.
    items: Vec<T>,
    /// Where to go on: the value of `after` (`after_id` where that is the parameter) for the next page;
    /// null at the end.
    next: Option<String>,
}

impl<T> Page<T> {
    /// The first `limit` of these; what comes after the last of them is asked for by its cursor.
    fn first(
        mut rest: impl Iterator<Item = T>,
        limit: usize,
        cursor: impl Fn(&T) -> String,
    ) -> Self {
        let items: Vec<T> = rest.by_ref().take(limit).collect();
        let next = items.last().filter(|_| rest.next().is_some()).map(cursor);
        Self { items, next }
    }
}

/// How answers name a record.
#[derive(Serialize, ToSchema)]
struct RecordName {
    /// Its type.
    #[serde(rename = "type")]
    record_type: ExternalId,
    /// Its id.
    id: ExternalId,
}

impl RecordName {
    fn of(record: &RecordKey) -> Self {
        Self { record_type: record.record_type.clone(), id: record.record_id.clone() }
    }
}

/// All that is served.
pub fn app(
    api: web::Data<Api>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new().configure(|app| configure(app, api))
}

/// Mounts every route.
fn configure(app: &mut ServiceConfig, api: web::Data<Api>) {
    let body = PayloadConfig::new(api.limits.body_bytes);
    app.app_data(api).app_data(body).service(
        web::scope("")
            .wrap(from_fn(intake::let_in))
            // The outermost: room for a body is made for whoever may call.
            .wrap(from_fn(gate::gate))
            .service(stats::health())
            .service(stats::readiness())
            .service(metrics::metrics())
            .service(routes())
            .configure(assets::configure)
            .default_service(web::to(no_such_path)),
    );
}

fn routes() -> Scope {
    web::scope(access::API)
        .service(audits::resource())
        .service(by_hand::test())
        .service(by_hand::recover())
        .service(by_hand::replay())
        .service(integrations::rotate_secret())
        .service(links::of_integration())
        .service(integrations::one())
        .service(integrations::all())
        .service(learned::users())
        .service(learned::record_types())
        .service(learned::fields())
        .service(messages::redeliver())
        .service(messages::cancel())
        .service(messages::attempts())
        .service(made_of::audits())
        .service(messages::one())
        .service(messages::all())
        .service(records::send_now())
        .service(records::discard())
        .service(why::why())
        .service(links::send_to())
        .service(links::one())
        .service(links::of_record())
        .service(closed::of_record())
        .service(records::one())
        .service(records::all())
        .service(openapi::resource())
        .service(hours::hours())
        .service(hours::of_integration())
        .service(stats::stats())
        .service(security_events::resource())
        .service(session::resource())
        .service(config::resource())
        .service(backup::resource())
        .service(tokens::one())
        .service(tokens::all())
        .service(workspaces::one())
        .service(workspaces::all())
        .service(accounts::one())
        .service(accounts::all())
        .default_service(web::to(no_such_path))
}

/// A resource whose other methods are answered with 405.
fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(no_such_method))
}

async fn no_such_path(request: HttpRequest) -> Result<HttpResponse, Problem> {
    match assets::not_found(&request) {
        Some(page) => Ok(page),
        None => Err(Problem::not_found(format!("there is nothing at {}", request.path()))),
    }
}

async fn no_such_method(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let pattern = request.match_pattern().unwrap_or_default();
    // What is not in the table are the pages.
    let allow = access::methods(&pattern).unwrap_or_else(|| "GET".to_owned());
    Err(Problem::method_not_allowed(request.method().as_str(), allow))
}

/// Runs a query that may take a while where it delays no other request.
async fn query<T: Send + 'static>(
    api: &web::Data<Api>,
    query: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let store = api.store.clone();
    match web::block(move || query(&store)).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(StoreError::Stopped.into()),
    }
}
