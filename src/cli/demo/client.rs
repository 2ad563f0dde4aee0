//! The demo's calls to its own server, over HTTP like everybody's.

use std::net::SocketAddr;

use serde_json::Value;

use crate::cli::CliError;

/// Calls the API with a token.
pub struct Client {
    http: awc::Client,
    base: String,
}

impl Client {
    pub fn new(address: SocketAddr, token: String) -> Self {
        let http = awc::Client::builder().bearer_auth(token).finish();
        Self { http, base: format!("http://{address}/api/v1") }
    }

    /// Posts `body`; the answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, CliError> {
        let sent = self.http.post(format!("{}{path}", self.base)).send_json(body).await;
        self.answer(path, sent).await
    }

    /// The answer to a GET.
    pub async fn get(&self, path: &str) -> Result<Value, CliError> {
        let sent = self.http.get(format!("{}{path}", self.base)).send().await;
        self.answer(path, sent).await
    }

    async fn answer<S>(
        &self,
        path: &str,
        sent: Result<awc::ClientResponse<S>, awc::error::SendRequestError>,
    ) -> Result<Value, CliError>
    where
        S: futures_util::Stream<Item = Result<actix_web::web::Bytes, awc::error::PayloadError>>
            + Unpin,
    {
        let failed = |why: String| CliError::Demo(format!("{path}: {why}"));
        let mut response = sent.map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        let body = response.body().await.map_err(|error| failed(error.to_string()))?;
        if !status.is_success() {
            return Err(failed(format!("{status} {}", String::from_utf8_lossy(&body))));
        }
        serde_json::from_slice(&body).map_err(|error| failed(error.to_string()))
    }
}
