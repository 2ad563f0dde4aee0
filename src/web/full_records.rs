//! `PUT` and `DELETE /records/{type}/{id}`: full records, as applications keep Lull current.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::auth::Caller;
use super::openapi::{PutRecord, RecordPath};
use super::params::{Params, record_of_path};
use super::{Api, Problem, RecordName, body};
use crate::clock::Timestamp;
use crate::ingest;
use crate::model::{ExternalId, FullRecord, Id, RECORD_BYTES_MAX, RecordKey};
use crate::store::{NewRecord, PutDone, RecordCommand, RecordDone, Store, StoreError};

/// A full record, as it was put last.
#[derive(Serialize, ToSchema)]
pub struct StoredRecord {
    workspace_id: ExternalId,
    /// The record that is sent to a hook before it.
    parent: Option<RecordName>,
    /// Another with every change.
    revision: Id,
    /// When it was changed last.
    put_at: Timestamp,
    /// At how many hooks it is.
    links: usize,
    /// As it was put.
    #[schema(value_type = Object)]
    record: Box<RawValue>,
}

/// What putting a record came to.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PutOutcome {
    /// There was none.
    Created,
    /// It is another now.
    Changed,
    /// It is the same, byte by byte; nothing follows from it.
    Unchanged,
}

/// A record that was put.
#[derive(Serialize, ToSchema)]
struct PutAnswer {
    outcome: PutOutcome,
    /// Another with every change.
    revision: Id,
    /// To how many hooks it will be sent, once it has been left alone.
    links: usize,
}

/// Keeps a record as it is now, and answers when it is on disk.
///
/// The body is the record: any JSON object of up to 1 MiB, with `workspace_id` in it and, where it has
/// one, its `parent`. Only the newest is kept. Hooks that the record was sent to get it once it has been
/// left alone for the quiet period.
#[utoipa::path(
    put,
    path = "/records/{type}/{id}",
    operation_id = "putRecord",
    tag = "Full records",
    params(RecordPath),
    request_body(content = PutRecord, example = json!({
        "workspace_id": "ws1", "name": "Export", "status": "In progress",
        "parent": {"type": "release", "id": "R1"},
    })),
    responses((status = 200, description = "It is on disk", body = PutAnswer)),
)]
pub async fn put(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
    bytes: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let key = record_of_path(&request, caller.account)?;
    let bytes = bytes?;
    let value = body::json_up_to(RECORD_BYTES_MAX, &request, &bytes)?;
    let said = ingest::full_record(&value).map_err(body::faulty)?;
    let text = String::from_utf8(bytes.to_vec())
        .map_err(|_| Problem::not_json("the body is not valid UTF-8"))?;
    let account = caller.account;
    let parent = said.parent;
    let parent =
        parent.map(|(record_type, record_id)| RecordKey { account, record_type, record_id });
    let record = NewRecord { key, workspace_id: said.workspace_id, parent, text };
    let put = RecordCommand::Put(Box::new(record), api.rule);
    match api.journal.record(put).await? {
        Ok(RecordDone::Put(PutDone { revision, created, changed, links })) => {
            let outcome = match (created, changed) {
                (true, _) => PutOutcome::Created,
                (_, true) => PutOutcome::Changed,
                _ => PutOutcome::Unchanged,
            };
            Ok(HttpResponse::Ok().json(PutAnswer { outcome, revision, links }))
        }
        Ok(other) => unreachable!("invariant: a record was put, not {other:?}"),
        Err(refusal) => Err(Problem::refused(&refusal, "such account")),
    }
}

/// Removes a record: hooks that it was sent to are told, with the record as it was last.
///
/// A record that is put again before a disabled hook could be told goes on there as changed.
#[utoipa::path(
    delete,
    path = "/records/{type}/{id}",
    operation_id = "removeRecord",
    tag = "Full records",
    params(RecordPath),
    responses((status = 204, description = "It is removed")),
)]
pub async fn delete(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Params::of(&request, &[])?;
    let key = record_of_path(&request, caller.account)?;
    let name = key.to_string();
    let removed = api.journal.record(RecordCommand::Remove(key)).await?;
    removed.map_err(|_| no_record(&name))?;
    Ok(HttpResponse::NoContent().finish())
}

/// A full record that was put and not removed.
pub fn find(store: &Store, key: &RecordKey) -> Result<Option<FullRecord>, StoreError> {
    Ok(store.full_record(key)?.filter(|found| found.is_seen_in(None)))
}

pub fn no_record(name: &str) -> Problem {
    Problem::not_found(format!("there is no record {name}; PUT it first"))
}

impl StoredRecord {
    /// A record as it is shown, with its text.
    pub fn of(found: &FullRecord, text: String) -> Result<Self, StoreError> {
        let record = RawValue::from_string(text)
            .map_err(|_| StoreError::Damaged(format!("the text of the record {}", found.key)))?;
        Ok(Self {
            workspace_id: found.workspace_id.clone(),
            parent: found.parent.as_ref().map(RecordName::of),
            revision: found.revision,
            put_at: found.revision.time(),
            links: found.links.len(),
            record,
        })
    }
}
