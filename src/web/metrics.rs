//! `/metrics`: what the server counts and measures, as Prometheus reads it. Outside `/api/v1`, since
//! that is where Prometheus looks.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};

use super::auth::Caller;
use super::params::Params;
use super::{Api, Problem};
use crate::model::IntegrationStatus;

pub fn metrics() -> Resource {
    super::resource("/metrics").route(web::get().to(get))
}

/// Shows what the server counts and measures, in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "Server",
    responses((status = 200, description = "The figures", body = String, content_type = "text/plain")),
)]
async fn get(api: Data<Api>, _: Caller, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let shared = api.clone();
    let measured = super::query(&api, move |_| {
        measure(&shared);
        Ok(shared.metrics.text())
    });
    let (media_type, text) = measured.await?;
    Ok(HttpResponse::Ok().content_type(media_type).body(text))
}

/// Sets what stands now to the truth, some of which is read from the disk. What cannot be read stays
/// as it was: a store that is broken must not hide the figure that says so.
fn measure(api: &Api) {
    let (store, now) = (&api.store, &api.metrics.now);
    now.writable(store.writable().is_ok());
    if let Ok(oldest) = store.oldest_owed() {
        now.oldest_owed_for(oldest.map(|id| api.clock.now().since(id.time())));
    }
    if let Ok(bytes) = store.bytes_on_disk() {
        now.disk_bytes.set(bytes as i64);
    }
    now.owed.set(store.owed_counts().values().sum::<u64>() as i64);
    now.kept_bytes.set(store.kept_bytes() as i64);
    now.open_windows.set(api.gauges.open() as i64);
    now.backlog_audits.set(api.gauges.backlog() as i64);
    now.waiting_commands.set(api.journal.waiting() as i64);
    let (mut ok, mut failing, mut disabled) = (0, 0, 0);
    for (id, integration) in &store.config().integrations {
        match integration.status(&store.health(*id)) {
            IntegrationStatus::Ok => ok += 1,
            IntegrationStatus::Failing => failing += 1,
            IntegrationStatus::Disabled => disabled += 1,
        }
    }
    now.integrations_ok.set(ok);
    now.integrations_failing.set(failing);
    now.integrations_disabled.set(disabled);
    now.measure_memory();
}
