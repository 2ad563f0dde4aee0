//! The document of the API (OpenAPI 3.1), made from the code.
//!
//! What a handler takes and answers stands at the handler, what a value looks like at its type. What
//! holds for all calls is added here, once: who may call and what can go wrong, from the table of
//! calls; and what derived descriptions cannot say.
//!
//! | file | owns |
//! | --- | --- |
//! | `params` | parameters that several calls have |
//! | `bodies` | bodies that are read or written by hand |
//! | `shapes` | limits, which members are always there |
//! | `calls` | roles, problems and headers of every call |

mod bodies;
mod calls;
mod params;
mod shapes;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use actix_web::web;
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde_json::Value;
use utoipa::OpenApi;

pub use bodies::{
    ConfiguredIntegration, IntegrationPatch, PostedAudits, PostedSecurityEvents, PutRecord,
    WithToken,
};
pub use params::{
    After, AfterAudit, AfterName, IdempotencyKey, IfMatch, IntegrationPath, Limit,
    LinkedIntegration, MessagePath, Pending, RecordParam, RecordPath, Search, Since, Until,
};

use super::params::Params;
use super::{
    Problem, accounts, audits, backup, by_hand, closed, config, full_records, hours, integrations,
    learned, links, made_of, messages, metrics, records, security_events, session, stats, tokens,
    why, workspaces,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lull",
        description = include_str!("intro.md"),
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Audits", description = "Who did what to which record: in, and looked up again."),
        (name = "Open windows", description = "Records that are being edited, and why what was sent."),
        (name = "Full records", description = "Whole records, and the hooks that are kept current with them."),
        (name = "Integrations", description = "The hooks, and what each is sent."),
        (name = "Security events", description = "What happened to who may do what, in a list that shows when it was tampered with."),
        (name = "Messages", description = "What was sent to whom, and how it went."),
        (name = "Pickers", description = "What audits named so far, to choose from."),
        (name = "Configuration", description = "All that is configured, as one document to keep in a repository."),
        (name = "Workspaces", description = "The parts of an account."),
        (name = "Tokens", description = "Who may call."),
        (name = "Accounts", description = "The tenants of the server."),
        (name = "Session", description = "Logging in to the pages, and out."),
        (name = "Server", description = "How the server is."),
    ),
    paths(
        audits::post, audits::list,
        records::list, records::get, full_records::put, full_records::delete, links::post_send_to,
        links::unlink, links::list_of_record, links::list_of_integration, records::close_now,
        records::post_discard, why::get, closed::list,
        integrations::list, integrations::create, integrations::get, integrations::patch,
        integrations::delete, integrations::rotate,
        by_hand::post_test, by_hand::post_recover, by_hand::post_replay,
        security_events::post, security_events::list,
        messages::list, messages::get, messages::list_attempts, made_of::list,
        messages::post_redeliver, messages::post_cancel,
        learned::list_users, learned::list_record_types, learned::list_fields,
        workspaces::list, workspaces::create, workspaces::delete,
        config::export, config::import,
        tokens::list, tokens::create, tokens::revoke,
        accounts::list, accounts::create, accounts::delete, backup::post,
        session::log_in, session::get, session::log_out,
        hours::get_hours, hours::get_of_integration, stats::get, stats::healthz, stats::readyz, metrics::get, get,
    ),
    components(schemas(Problem)),
)]
struct Code;

/// The document.
pub fn document() -> Value {
    let mut document =
        serde_json::to_value(Code::openapi()).expect("invariant: a document is plain data");
    shapes::limit(&mut document["components"]["schemas"]);
    bodies::finish(&mut document["components"]["schemas"]);
    shapes::finish(&mut document);
    calls::finish(&mut document);
    document
}

/// The document as it is printed and served.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{:#}\n", document()))
}

pub fn resource() -> Resource {
    super::resource("/openapi.json").route(web::get().to(get))
}

/// Shows this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "Server",
    responses((status = 200, description = "The document", body = Value))
)]
async fn get(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    Ok(HttpResponse::Ok().content_type("application/json").body(text()))
}
