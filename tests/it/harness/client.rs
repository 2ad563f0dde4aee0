//! Calling the API. Every call takes the status that it expects.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use super::PATIENCE;

/// How long a connection is used again.
const IDLE: Duration = Duration::from_secs(1);

/// Calls one server with one token.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub headers: Vec<(String, String)>,
    pub text: String,
}

impl Answer {
    /// The header's value; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Client {
    pub fn new(base: String, token: Option<String>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            // Shorter than the server keeps a connection, or a call may go out just as it is closed.
            .max_idle_age(IDLE)
            .build();
        Self { agent: config.into(), base, token }
    }

    /// The same server, with another token.
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The token it calls with.
    pub fn token(&self) -> String {
        self.token.clone().expect("a token")
    }

    /// Any call; none when no answer came.
    pub fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<Answer> {
        self.answer(method, path, headers, body).ok()
    }

    fn answer(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let path = match path.strip_prefix("//") {
            Some(outside_the_api) => format!("/{outside_the_api}"),
            None => format!("/api/v1{path}"),
        };
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).expect("a request");
        let mut response = self.agent.run(request)?;
        let content_type = response.headers().get("content-type").cloned();
        let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap_or("?").to_owned();
        let headers = response.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        // A backup is no text; nobody reads it here.
        let bytes = response.body_mut().with_config().limit(64 << 20).read_to_vec()?;
        Ok(Answer {
            status: response.status().as_u16(),
            content_type: content_type
                .map_or(String::new(), |found| found.to_str().unwrap().to_owned()),
            headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        })
    }

    fn expect(
        &self,
        status: u16,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Answer {
        let headers = [("content-type", content_type)];
        let headers = if body.is_empty() { &headers[..0] } else { &headers[..] };
        let answer = self.answer(method, path, headers, body);
        let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: no answer: {error}"));
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let expected = if status < 400 { "application/json" } else { "application/problem+json" };
        assert!(status == 204 || answer.content_type == expected, "{method} {path}: {answer:?}");
        answer
    }

    /// GET; the body.
    pub fn get(&self, path: &str, status: u16) -> Value {
        self.expect(status, "GET", path, "", b"").json()
    }

    /// POST of JSON; the body.
    pub fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        self.expect(status, "POST", path, "application/json", body.to_string().as_bytes()).json()
    }

    /// POST of anything; the body.
    pub fn post_text(&self, path: &str, content_type: &str, body: &[u8], status: u16) -> Value {
        self.expect(status, "POST", path, content_type, body).json()
    }

    /// PATCH; the body.
    pub fn patch(&self, path: &str, body: &Value, status: u16) -> Value {
        self.expect(status, "PATCH", path, "application/json", body.to_string().as_bytes()).json()
    }

    /// PUT; the body.
    pub fn put(&self, path: &str, body: &Value, status: u16) -> Value {
        self.expect(status, "PUT", path, "application/json", body.to_string().as_bytes()).json()
    }

    /// DELETE.
    pub fn delete(&self, path: &str, status: u16) {
        self.expect(status, "DELETE", path, "", b"");
    }

    /// Makes an integration to `hook_url`; its id.
    pub fn integration(&self, hook_url: &str, edit: Value) -> String {
        let mut spec =
            serde_json::json!({"name": "hook", "kind": "activity", "hook_url": hook_url});
        for (key, value) in edit.as_object().expect("an object") {
            spec[key] = value.clone();
        }
        self.post("/integrations", &spec, 201)["id"].as_str().expect("an id").to_owned()
    }

    /// All items of a list, page by page; `cursor` is the parameter that leads on.
    pub fn all(&self, path: &str, cursor: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = String::new();
        let glue = if path.contains('?') { '&' } else { '?' };
        for _ in 0..10_000 {
            let page = self.get(&format!("{path}{glue}limit=1000{next}"), 200);
            items.extend(page["items"].as_array().expect("items").iter().cloned());
            match page["next"].as_str() {
                Some(after) => next = format!("&{cursor}={after}"),
                None => return items,
            }
        }
        panic!("{path} has no end");
    }
}
