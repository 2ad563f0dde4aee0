//! Calls that make something, once for each `Idempotency-Key`: whoever does not know whether a call
//! arrived sends it again with the same key, and gets the answer that it had.

use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, LOCATION};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::auth::Caller;
use super::{Api, Problem};
use crate::store::{Answer, Call, Changed, Command, Configure, Once, Outcome, StoreError};

/// The header that names a call.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The most characters of a key.
pub const KEY_CHARS_MAX: usize = 255;

/// What a call made, as it is answered; stored so when the call had a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    status: u16,
    location: Option<String>,
    etag: Option<String>,
    body: String,
}

impl Made {
    /// Something that was made, and where it is.
    pub fn created(location: String, body: &impl Serialize) -> Self {
        let body = to_json(body);
        Self { status: 201, location: Some(location), etag: None, body }
    }

    /// Something that was accepted.
    pub fn accepted(body: &impl Serialize) -> Self {
        Self { status: 202, location: None, etag: None, body: to_json(body) }
    }

    /// With this version.
    pub fn with_etag(self, etag: String) -> Self {
        Self { etag: Some(etag), ..self }
    }

    /// With one more member in the body, which is an object: what must not be stored.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let mut body: Value = serde_json::from_str(&self.body).expect("invariant: written here");
        body[name] = Value::from(value);
        self.body = body.to_string();
        self
    }

    /// The answer.
    pub fn answer(self) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = HttpResponse::build(status);
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if let Some(etag) = self.etag {
            response.insert_header((ETAG, etag));
        }
        response.content_type("application/json").body(self.body)
    }
}

fn to_json(body: &impl Serialize) -> String {
    serde_json::to_string(body).expect("invariant: answers are plain data")
}

/// The key that the call came with.
pub fn key(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let Some(header) = request.headers().get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match header.to_str() {
        Ok(key) if (1..=KEY_CHARS_MAX).contains(&key.len()) => Ok(Some(key)),
        _ => Err(Problem::bad_request(format!(
            "idempotency-key: use 1 to {KEY_CHARS_MAX} visible characters of ASCII"
        ))),
    }
}

/// Makes something that is configured, once if the call has a key. `made` says how it is answered, and
/// `what` it is, for when that is refused.
pub async fn configure<F>(
    api: &Api,
    caller: &Caller,
    request: &HttpRequest,
    body: &[u8],
    change: Configure,
    what: String,
    made: F,
) -> Result<Made, Problem>
where
    F: Fn(&Changed) -> Made + Clone + Send + 'static,
{
    let made = move |outcome: &Outcome| match outcome {
        Outcome::Configured(Ok(changed)) => Ok(made(changed)),
        Outcome::Configured(Err(refusal)) => Err(Problem::refused(refusal, &what)),
        other => unreachable!("invariant: not of this command: {other:?}"),
    };
    make(api, caller, request, body, Command::Configure(change, caller.by(api, request)), made)
        .await
}

/// Makes something: once, if the call has a key. `made` says what came of it; it may be asked twice.
pub async fn make<F>(
    api: &Api,
    caller: &Caller,
    request: &HttpRequest,
    body: &[u8],
    command: Command,
    made: F,
) -> Result<Made, Problem>
where
    F: Fn(&Outcome) -> Result<Made, Problem> + Clone + Send + 'static,
{
    let Some(key) = key(request)? else {
        return made(&api.journal.execute(command).await?);
    };
    let asked = [request.method().as_str().as_bytes(), request.uri().path().as_bytes(), body];
    let to_store = made.clone();
    let once = Once {
        call: Call::new(caller.token.id, key, &asked),
        command,
        answer: Box::new(move |outcome| {
            let made = to_store(outcome).ok()?;
            Some(postcard::to_stdvec(&made).expect("invariant: plain data"))
        }),
    };
    match api.journal.once(once).await? {
        Answer::First(outcome, _) => made(&outcome),
        Answer::Again(stored) => {
            let damaged = |error| StoreError::Damaged(format!("an answer: {error}"));
            Ok(postcard::from_bytes(&stored).map_err(damaged)?)
        }
        Answer::OtherCall => Err(Problem::key_reused()),
    }
}
