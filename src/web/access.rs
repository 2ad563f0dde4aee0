//! Who may call what, in one table. Whatever is not in it is closed.
//!
//! An owner's calls end at the workspaces of its token; the handlers see to that through
//! `Caller::sees`. What another account owns is not there for anybody.

use crate::model::Role;
use Role::{Admin, Operator, Owner, Producer, Viewer};

/// What every path of the API begins with.
pub const API: &str = "/api/v1";

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Everybody, without a token.
    Anyone,
    /// Every token.
    Token,
    /// Tokens with one of these roles.
    Roles(&'static [Role]),
}

/// A call, and who may make it.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The method.
    pub method: &'static str,
    /// The path, below [`API`] unless it is one of the server's own.
    pub path: &'static str,
    /// Who may.
    pub who: Who,
}

const fn anyone(method: &'static str, path: &'static str) -> Row {
    Row { method, path, who: Who::Anyone }
}

const fn token(method: &'static str, path: &'static str) -> Row {
    Row { method, path, who: Who::Token }
}

const fn roles(method: &'static str, path: &'static str, roles: &'static [Role]) -> Row {
    Row { method, path, who: Who::Roles(roles) }
}

/// Every call.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    anyone("GET",    "/healthz"),
    anyone("GET",    "/readyz"),
    roles ("GET",    "/metrics",                          &[Operator]),

    anyone("GET",    "/openapi.json"),

    anyone("POST",   "/session"),
    token ("GET",    "/session"),
    token ("DELETE", "/session"),

    roles ("POST",   "/audits",                           &[Admin, Producer]),
    roles ("GET",    "/audits",                           &[Admin, Owner, Viewer]),

    roles ("POST",   "/security-events",                  &[Admin, Producer]),
    roles ("GET",    "/security-events",                  &[Admin, Owner, Viewer]),

    roles ("GET",    "/records",                          &[Admin, Owner, Viewer]),
    roles ("GET",    "/records/{type}/{id}",              &[Admin, Owner, Viewer]),
    roles ("PUT",    "/records/{type}/{id}",              &[Admin, Producer]),
    roles ("DELETE", "/records/{type}/{id}",              &[Admin, Producer]),
    roles ("POST",   "/records/{type}/{id}/send-to/{integration}", &[Admin, Owner, Producer]),
    roles ("GET",    "/records/{type}/{id}/links",        &[Admin, Owner, Viewer]),
    roles ("DELETE", "/records/{type}/{id}/links/{integration}", &[Admin, Owner, Producer]),
    roles ("POST",   "/records/{type}/{id}/send-now",     &[Admin, Owner]),
    roles ("POST",   "/records/{type}/{id}/discard",      &[Admin, Owner]),
    roles ("GET",    "/records/{type}/{id}/why",          &[Admin, Owner, Viewer]),
    roles ("GET",    "/records/{type}/{id}/windows",      &[Admin, Owner, Viewer]),

    roles ("GET",    "/integrations",                     &[Admin, Owner, Viewer]),
    roles ("POST",   "/integrations",                     &[Admin, Owner]),
    roles ("GET",    "/integrations/{id}",                &[Admin, Owner, Viewer]),
    roles ("PATCH",  "/integrations/{id}",                &[Admin, Owner]),
    roles ("DELETE", "/integrations/{id}",                &[Admin, Owner]),
    roles ("GET",    "/integrations/{id}/links",          &[Admin, Owner, Viewer]),
    roles ("GET",    "/integrations/{id}/stats",          &[Admin, Owner, Viewer]),
    roles ("POST",   "/integrations/{id}/test",           &[Admin, Owner]),
    roles ("POST",   "/integrations/{id}/rotate-secret",  &[Admin, Owner]),
    roles ("POST",   "/integrations/{id}/recover",        &[Admin, Owner]),
    roles ("POST",   "/integrations/{id}/replay",         &[Admin, Owner]),

    roles ("GET",    "/messages",                         &[Admin, Owner, Viewer]),
    roles ("GET",    "/messages/{id}",                    &[Admin, Owner, Viewer]),
    roles ("GET",    "/messages/{id}/attempts",           &[Admin, Owner, Viewer]),
    roles ("GET",    "/messages/{id}/audits",             &[Admin, Owner, Viewer]),
    roles ("POST",   "/messages/{id}/redeliver",          &[Admin, Owner]),
    roles ("POST",   "/messages/{id}/cancel",             &[Admin, Owner]),

    roles ("GET",    "/config",                           &[Admin]),
    roles ("PUT",    "/config",                           &[Admin]),
    roles ("GET",    "/workspaces",                       &[Admin, Owner, Viewer]),
    roles ("POST",   "/workspaces",                       &[Admin]),
    roles ("DELETE", "/workspaces/{id}",                  &[Admin]),
    roles ("GET",    "/users",                            &[Admin, Owner, Viewer]),
    roles ("GET",    "/record-types",                     &[Admin, Owner, Viewer]),
    roles ("GET",    "/fields",                           &[Admin, Owner, Viewer]),

    roles ("GET",    "/tokens",                           &[Admin, Operator]),
    roles ("POST",   "/tokens",                           &[Admin, Operator]),
    roles ("DELETE", "/tokens/{id}",                      &[Admin, Operator]),

    roles ("GET",    "/accounts",                         &[Operator]),
    roles ("POST",   "/accounts",                         &[Operator]),
    roles ("DELETE", "/accounts/{id}",                    &[Operator]),
    roles ("POST",   "/backup",                           &[Operator]),
    roles ("GET",    "/stats",                            &[Admin, Viewer, Operator]),
    roles ("GET",    "/stats/hours",                      &[Admin, Viewer]),
];

/// The paths of the table that are the server's own, beside the API.
pub const OUTSIDE: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The row of a call to a resource with this pattern, if there is such a call.
pub fn row(method: &str, pattern: &str) -> Option<&'static Row> {
    let path = below(pattern)?;
    TABLE.iter().find(|row| row.path == path && row.method == method)
}

/// The methods that a resource has, as the header `allow` lists them; none when it is not in the
/// table at all.
pub fn methods(pattern: &str) -> Option<String> {
    let path = below(pattern)?;
    let methods: Vec<&str> =
        TABLE.iter().filter(|row| row.path == path).map(|row| row.method).collect();
    if methods.is_empty() { None } else { Some(methods.join(", ")) }
}

/// How the table writes a pattern. Some pages are where a call is too, but not below [`API`]: the page
/// at `/integrations` is not the call.
fn below(pattern: &str) -> Option<&str> {
    pattern.strip_prefix(API).or_else(|| OUTSIDE.contains(&pattern).then_some(pattern))
}
