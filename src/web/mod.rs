//! The REST API under `/api/v1`, and the health checks. Level 4.
//!
//! Owns what callers see: paths, JSON names, status codes. One file a resource; each handler reads
//! the request, calls down, and writes the answer. Nothing below knows a status code.
//!
//! | file | owns |
//! | --- | --- |
//! | `audits` | `POST` and `GET /audits` |
//! | `integrations` | `/integrations` |
//! | `by_hand` | `/integrations/{id}/test`, `recover`, `replay` |
//! | `messages` | `/messages` |
//! | `records` | open windows, send now, discard |
//! | `why` | why each audit was, or was not, sent |
//! | `stats` | `/stats`, `/healthz`, `/readyz` |
//! | `auth` | who calls, and what they may |
//! | `intake` | what every request passes: room for its body, the access log |
//! | `client_address` | who a request comes from, behind proxies |
//! | `params` | query strings and paths |
//! | `body` | configuration in JSON bodies, faults with their places |
//! | `error` | problem+json: the one conversion from what went wrong to a status code |

mod audits;
mod auth;
mod body;
mod by_hand;
mod client_address;
mod error;
mod intake;
mod integrations;
mod messages;
mod params;
mod records;
mod stats;
mod why;

use std::sync::Arc;

use actix::Addr;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{self, PayloadConfig, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, Resource};
use ipnet::IpNet;
use serde::Serialize;

pub use error::Problem;
pub use intake::{Connections, Held};
pub use stats::Rates;

use crate::clock::{Clock, Monotonic};
use crate::delivery::{Dispatcher, Guard};
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
    /// What happened lately, a second.
    pub rates: Arc<Rates>,
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
#[derive(Serialize)]
struct Page<T> {
    items: Vec<T>,
    /// Where to go on; null at the end.
    next: Option<String>,
}

/// How answers name a record.
#[derive(Serialize)]
struct RecordName {
    #[serde(rename = "type")]
    record_type: ExternalId,
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
    App::new().configure(|app| configure(app, api)).wrap(from_fn(intake::let_in))
}

/// Mounts every route.
fn configure(app: &mut ServiceConfig, api: web::Data<Api>) {
    let body = PayloadConfig::new(api.limits.body_bytes);
    app.app_data(api)
        .app_data(body)
        .service(stats::health())
        .service(stats::readiness())
        .service(
            web::scope("/api/v1")
                .service(audits::resource())
                .service(by_hand::test())
                .service(by_hand::recover())
                .service(by_hand::replay())
                .service(integrations::rotate_secret())
                .service(integrations::one())
                .service(integrations::all())
                .service(messages::redeliver())
                .service(messages::cancel())
                .service(messages::attempts())
                .service(messages::one())
                .service(messages::all())
                .service(records::send_now())
                .service(records::discard())
                .service(why::why())
                .service(records::all())
                .service(stats::stats()),
        )
        .default_service(web::to(no_such_path));
}

/// A resource whose other methods are answered with 405.
fn resource(path: &str) -> Resource {
    web::resource(path).default_service(web::to(no_such_method))
}

async fn no_such_path(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found(format!("there is nothing at {}", request.path())))
}

async fn no_such_method(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::method_not_allowed(request.method().as_str()))
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
