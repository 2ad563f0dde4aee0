//! `/users`, `/record-types`, `/fields`: what was learned from audits, for the pickers.

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse, Resource};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::openapi::{AfterName, Limit, Search};
use super::params::Params;
use super::{Api, Page, Problem};
use crate::model::{Account, ExternalId};
use crate::store::{LearnedField, LearnedOf, LearnedPage, LearnedUser, LearnedWish, StoreError};

pub fn users() -> Resource {
    super::resource("/users").route(web::get().to(list_users))
}

pub fn record_types() -> Resource {
    super::resource("/record-types").route(web::get().to(list_record_types))
}

pub fn fields() -> Resource {
    super::resource("/fields").route(web::get().to(list_fields))
}

/// A user that audits named.
#[derive(Serialize, ToSchema)]
#[schema(as = LearnedUser)]
struct UserView {
    id: ExternalId,
    /// The newest seen.
    name: Option<Box<str>>,
    /// The newest seen.
    email: Option<Box<str>>,
}

/// A type of record that audits named.
#[derive(Serialize, ToSchema)]
#[schema(as = LearnedRecordType)]
struct RecordTypeView {
    name: ExternalId,
}

/// A field that audits named.
#[derive(Serialize, ToSchema)]
#[schema(as = LearnedField)]
struct FieldView {
    name: ExternalId,
    /// Every record type it was seen at, also when only one was asked for.
    record_types: Vec<ExternalId>,
}

/// Lists the users that audits named. For pickers.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "listUsers",
    tag = "Pickers",
    params(
        Search, AfterName, Limit,
    ),
    responses((status = 200, description = "A page of them, in alphabetical order", body = Page<UserView>)),
)]
async fn list_users(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let wish = wish(&Params::of(&request, &["q", "after", "limit"])?)?;
    let page =
        query(&api, caller.account, move |learned| learned.users(&wish, |id| caller.sees(id)));
    let view = |LearnedUser { id, name, email }| UserView { id, name, email };
    Ok(answer(page.await?, view))
}

/// Lists the types of records that audits named. For pickers.
#[utoipa::path(
    get,
    path = "/record-types",
    operation_id = "listRecordTypes",
    tag = "Pickers",
    params(
        Search, AfterName, Limit,
    ),
    responses((status = 200, description = "A page of them, in alphabetical order", body = Page<RecordTypeView>)),
)]
async fn list_record_types(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let wish = wish(&Params::of(&request, &["q", "after", "limit"])?)?;
    let page = query(&api, caller.account, move |learned| {
        learned.record_types(&wish, |id| caller.sees(id))
    });
    Ok(answer(page.await?, |name| RecordTypeView { name }))
}

/// Lists the fields that audits changed. For pickers.
#[utoipa::path(
    get,
    path = "/fields",
    operation_id = "listFields",
    tag = "Pickers",
    params(
        ("record_type" = Option<ExternalId>, Query, description = "Only fields of records of this type"),
        Search, AfterName, Limit,
    ),
    responses((status = 200, description = "A page of them, in alphabetical order", body = Page<FieldView>)),
)]
async fn list_fields(
    api: Data<Api>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let params = Params::of(&request, &["record_type", "q", "after", "limit"])?;
    let (record_type, wish) = (params.external_id("record_type")?, wish(&params)?);
    let page = query(&api, caller.account, move |learned| {
        learned.fields(record_type.as_ref(), &wish, |id| caller.sees(id))
    });
    let view = |LearnedField { name, record_types }| FieldView { name, record_types };
    Ok(answer(page.await?, view))
}

fn wish(params: &Params) -> Result<LearnedWish, Problem> {
    let after = params.external_id("after")?;
    Ok(LearnedWish { text: params.text("q"), after, limit: params.limit()? })
}

async fn query<T: Send + 'static>(
    api: &Data<Api>,
    account: Account,
    query: impl FnOnce(LearnedOf) -> LearnedPage<T> + Send + 'static,
) -> Result<LearnedPage<T>, Problem> {
    super::query(api, move |store| Ok::<_, StoreError>(query(store.learned(account)))).await
}

fn answer<T, V: Serialize>(page: LearnedPage<T>, view: impl Fn(T) -> V) -> HttpResponse {
    let items: Vec<V> = page.items.into_iter().map(view).collect();
    HttpResponse::Ok().json(Page { items, next: page.next.map(|after| after.to_string()) })
}
