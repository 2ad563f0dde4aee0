//! What `tests/fuzz` reaches of the web: query strings as lists read them, and what is shown of an
//! integration.

use actix_web::http::Uri;
use actix_web::test::TestRequest;
use serde_json::Value;

use super::messages::filter_of;
use super::params::Params;
use super::{body, hidden};
use crate::model::{Account, IntegrationSpec};
use crate::store::MessageFilter;

/// A query string as the log reads it, or why not; none for what is no query string.
pub fn log_query(query: &str) -> Option<Result<MessageFilter, String>> {
    let uri: Uri = format!("/messages?{query}").parse().ok()?;
    let request = TestRequest::with_uri(&uri.to_string()).to_http_request();
    let told = |problem: super::Problem| {
        serde_json::to_string(&problem).expect("invariant: a problem is plain data")
    };
    let params = Params::of(&request, &super::messages::PARAMS).map_err(told);
    Some(params.and_then(|params| filter_of(&params, Account::DEFAULT).map_err(told)))
}

/// A specification as it is read, or the place and the fault.
pub fn spec_of(value: Value) -> Result<IntegrationSpec, (String, String)> {
    body::typed(value)
}

/// What is shown of it.
pub fn as_shown(spec: &IntegrationSpec) -> IntegrationSpec {
    hidden::as_shown(spec)
}

/// What was shown, as it is meant when it comes back; and the place of what is hidden still.
pub fn kept(mut shown: Value, before: &IntegrationSpec) -> (Value, Option<String>) {
    hidden::keep(&mut shown, before);
    let left = hidden::left_in(&shown);
    (shown, left)
}
