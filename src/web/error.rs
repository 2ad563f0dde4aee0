//! What went wrong, as the caller is told: problem+json (RFC 9457).

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::request_id::RequestId;
use crate::ingest;
use crate::store::{Refusal, StoreError};

/// When to try again while windows are to close first, in seconds.
const WINDOWS_RETRY_AFTER_S: u32 = 5;

/// When to try again while the disk does not do what it is told, in seconds.
const STORE_RETRY_AFTER_S: u32 = 5;

/// A refused call.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Stable; what a program looks at.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The same for people, in few words.
    title: &'static str,
    /// The status code of the answer.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What was wrong, and what would be right.
    detail: String,
    /// Everything that was wrong, with its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// Apart, so that a result is small where nothing is wrong.
    #[serde(flatten)]
    aside: Box<Aside>,
}

/// What goes with a problem, mostly beside its text.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
struct Aside {
    /// Which call this was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    request_id: Option<RequestId>,
    /// Seconds to wait before trying again.
    #[serde(skip)]
    retry_after: Option<u32>,
    /// The methods that are possible.
    #[serde(skip)]
    allow: Option<String>,
    /// What only the operator may know.
    #[serde(skip)]
    cause: Option<String>,
}

/// One thing wrong with a body.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Fault {
    /// Which item of a batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// Where in it (RFC 6901).
    pub pointer: String,
    /// What is wrong.
    pub message: String,
}

fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            title,
            status,
            detail: detail.into(),
            errors: Vec::new(),
            aside: Box::default(),
        }
    }

    fn with(mut self, edit: impl FnOnce(&mut Aside)) -> Self {
        edit(&mut self.aside);
        self
    }

    /// The last part of its type: few words, all of this file.
    pub fn reason(&self) -> &'static str {
        self.kind.rsplit('/').next().unwrap_or(self.kind)
    }

    /// The query string or path cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "/problems/bad-request", "Bad request", detail)
    }

    /// No token, or an unknown one.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "/problems/unauthorized", "Unauthorized", detail)
    }

    /// The token lacks a role.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "/problems/forbidden", "Forbidden", detail)
    }

    /// There is no such thing, or it is another account's.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "/problems/not-found", "Not found", detail)
    }

    /// It cannot be done as things stand.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "/problems/conflict", "Conflict", detail)
    }

    /// A page of another site made the call, with a cookie.
    pub fn cross_origin() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "/problems/cross-origin",
            "Not from here",
            "a call with a cookie can change something only from a page of this server; send a token \
             instead of the cookie",
        )
    }

    /// Somebody else changed it meanwhile.
    pub fn revised() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "/problems/precondition-failed",
            "Changed meanwhile",
            "it is not what if-match names any more; read it again, and decide anew",
        )
    }

    /// The idempotency key was used for another call.
    pub fn key_reused() -> Self {
        let detail = "idempotency-key: the key was sent with another call within a day; make a new \
                      key for each call";
        let fault = Fault {
            index: None,
            pointer: String::new(),
            message: "another body or path".to_owned(),
        };
        Self::invalid(detail, vec![fault])
    }

    /// Somebody calls too often.
    pub fn too_many(detail: impl Into<String>, wait_s: u32) -> Self {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let problem = Self::new(status, "/problems/too-many-calls", "Too many calls", detail);
        problem.with(|aside| aside.retry_after = Some(wait_s))
    }

    /// The system has no random bytes to give.
    pub fn no_random(error: &dyn fmt::Display) -> Self {
        let problem = Self::overloaded("the system gave no random bytes; try again");
        problem
            .with(|aside| aside.cause = Some(format!("the system gives no random bytes: {error}")))
    }

    /// What is configured stays as it is.
    pub fn refused(refusal: &Refusal, what: &str) -> Self {
        match refusal {
            Refusal::Missing => Self::not_found(format!("there is no {what}")),
            Refusal::Exists => Self::conflict(format!("there is {what} already")),
            Refusal::Revised => Self::revised(),
            Refusal::InUse(why) => Self::conflict(why.clone()),
        }
    }

    /// The path has other methods, which are these.
    pub fn method_not_allowed(method: &str, allow: String) -> Self {
        let problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "/problems/method-not-allowed",
            "Method not allowed",
            format!("{method} is not possible here; {allow} is"),
        );
        problem.with(|aside| aside.allow = Some(allow))
    }

    /// The body is of a type that is not read here.
    pub fn unsupported_media(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "/problems/unsupported-media-type",
            "Unsupported media type",
            detail,
        )
    }

    /// The body is too large.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "/problems/too-large", "Too large", detail)
    }

    /// The body is not JSON.
    pub fn not_json(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "/problems/not-json", "Not JSON", detail)
    }

    /// The body is JSON, but not what is wanted.
    pub fn invalid(detail: impl Into<String>, errors: Vec<Fault>) -> Self {
        let problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "/problems/invalid",
            "Cannot be accepted",
            detail,
        );
        Self { errors, ..problem }
    }

    /// A bound is reached for now (D8).
    pub fn overloaded(detail: impl Into<String>) -> Self {
        Self::for_now("/problems/overloaded", "Overloaded", detail, 1)
    }

    /// As many windows are open as may be (D8).
    pub fn too_many_open_windows(max: u64) -> Self {
        let detail = format!(
            "{max} windows are open (max_open_windows); nothing was kept, try again when some have \
             closed"
        );
        let title = "Too many open windows";
        Self::for_now("/problems/too-many-open-windows", title, detail, WINDOWS_RETRY_AFTER_S)
    }

    /// As many bytes of audits are in open windows as may be (D8).
    pub fn too_much_buffered(max: u64) -> Self {
        let detail = format!(
            "the audits in open windows come to {max} bytes (max_buffered); nothing was kept, try \
             again when some have closed"
        );
        let title = "Too much buffered";
        Self::for_now("/problems/too-much-buffered", title, detail, WINDOWS_RETRY_AFTER_S)
    }

    fn for_now(
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
        retry_after_s: u32,
    ) -> Self {
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, kind, title, detail);
        problem.with(|aside| aside.retry_after = Some(retry_after_s))
    }

    /// Whether the log says so by itself, once, rather than of each call.
    pub fn is_of_the_disk(&self) -> bool {
        matches!(self.kind, "/problems/disk-full" | "/problems/store-unavailable")
    }

    /// What the log says of it.
    pub fn for_the_log(&self) -> &str {
        self.aside.cause.as_deref().unwrap_or(&self.detail)
    }

    /// The answer, which says which call it was.
    pub fn answer(&self, request_id: Option<&RequestId>) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((CONTENT_TYPE, "application/problem+json"));
        if let Some(seconds) = self.aside.retry_after {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = &self.aside.allow {
            response.insert_header((ALLOW, allow.as_str()));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header(("www-authenticate", "Bearer"));
        }
        let named = self.clone().with(|aside| aside.request_id = request_id.cloned());
        let text = serde_json::to_string(&named).expect("invariant: a problem is plain data");
        response.body(text)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(None)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => {
                let problem = Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "/problems/disk-full",
                    "Disk full",
                    "the server's disk is full; nothing was kept, try again later",
                );
                problem.with(|aside| aside.retry_after = Some(30))
            }
            StoreError::Stopped => {
                let problem = Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "/problems/stopping",
                    "Stopping",
                    "the server is shutting down; try again in a moment",
                );
                problem.with(|aside| aside.retry_after = Some(5))
            }
            StoreError::Io(error) => {
                let problem = Self::for_now(
                    "/problems/store-unavailable",
                    "Store unavailable",
                    "the server's disk does not read or write as it should; nothing was acknowledged, \
                     and it goes on by itself when the disk does: try again later",
                    STORE_RETRY_AFTER_S,
                );
                problem.with(|aside| aside.cause = Some(error.to_string()))
            }
            error @ StoreError::Damaged(_) => {
                let problem = Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "/problems/store-damaged",
                    "Store damaged",
                    "the server's store is damaged where this would be; its log says more, beside the \
                     request_id",
                );
                problem.with(|aside| aside.cause = Some(error.to_string()))
            }
            error => {
                let problem = Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "/problems/internal",
                    "Internal error",
                    "the server could not do this; its log says why, beside the request_id",
                );
                // What broke is the operator's to know, and stands in the log.
                problem.with(|aside| aside.cause = Some(error.to_string()))
            }
        }
    }
}

impl From<ingest::Refused> for Problem {
    fn from(refused: ingest::Refused) -> Self {
        let detail = refused.to_string();
        match refused {
            ingest::Refused::NotJson(_) => Problem::not_json(detail),
            ingest::Refused::TooLarge { .. } | ingest::Refused::TooMany { .. } => {
                Problem::too_large(detail)
            }
            ingest::Refused::Invalid { faults, .. } => Problem::invalid(
                detail,
                faults
                    .into_iter()
                    .map(|fault| Fault {
                        index: Some(fault.index),
                        pointer: fault.pointer,
                        message: fault.message,
                    })
                    .collect(),
            ),
        }
    }
}

impl From<actix_web::Error> for Problem {
    /// Of reading a body.
    fn from(error: actix_web::Error) -> Self {
        if error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::too_large("the body is larger than a call's may be (max_body)")
        } else {
            Problem::bad_request(format!("the body cannot be read: {error}"))
        }
    }
}
