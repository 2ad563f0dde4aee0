//! Calling a running server's API from the command line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use awc::ClientResponse;
use awc::http::Method;
use clap::Args;
use serde_json::Value;

use super::CliError;
use super::logging::visible;
use crate::app::read_token;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Which server, and as whom.
#[derive(Args, Clone, Debug)]
pub struct Remote {
    /// Address of the running server
    #[arg(long, env = "LULL_SERVER", value_name = "URL", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// Token to call it with [default: the one in the file admin-token of the data folder]
    #[arg(long, env = "LULL_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Folder that keeps the state
    #[arg(long, env = "LULL_DATA", value_name = "FOLDER", default_value = "./lull-data")]
    pub data: PathBuf,
}

impl Remote {
    /// The server at this URL, with this token.
    pub fn to(server: String, token: String) -> Self {
        Self { server, token: Some(token), data: PathBuf::new() }
    }

    /// Every item of a list, page by page; `path` has a query already.
    pub async fn all(&self, path: &str) -> Result<Vec<Value>, CliError> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.call(Method::GET, &format!("{path}{after}"), None).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Ok(items),
            }
        }
    }

    /// The answer of a call; what is wrong in lines that name the argument and the fix.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CliError> {
        let mut answer = self.answer(method, path, body).await?;
        read(&mut answer).await
    }

    /// The same, with a body that is still to be read.
    pub async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<ClientResponse, CliError> {
        let url = format!("{}/api/v1{path}", self.server.trim_end_matches('/'));
        let token = self.token()?;
        let client = awc::Client::builder().timeout(TIMEOUT).disable_redirects().finish();
        let request = client.request(method, &url).bearer_auth(token);
        let sent = match body {
            Some(body) => request.send_json(body),
            None => request.send(),
        };
        let mut answer = sent.await.map_err(|error| {
            let server = &self.server;
            CliError::Argument(format!(
                "server: {server} does not answer ({error}); start it, or name another with --server"
            ))
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let said = read(&mut answer).await?;
        Err(CliError::Argument(refusal(answer.status().as_u16(), &said)))
    }

    fn token(&self) -> Result<String, CliError> {
        if let Some(token) = &self.token {
            return Ok(token.clone());
        }
        let file = token_file(&self.data);
        read_token(&file).map_err(|error| {
            CliError::Argument(format!(
                "token: cannot read {}: {error}; give --token, or name the folder with --data",
                file.display()
            ))
        })
    }
}

async fn read(answer: &mut ClientResponse) -> Result<Value, CliError> {
    let bytes = answer.body().limit(ANSWER_BYTES_MAX).await.map_err(|error| {
        CliError::Argument(format!("server: its answer cannot be read: {error}"))
    })?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

/// The file with the administrator's token.
pub fn token_file(data: &Path) -> PathBuf {
    data.join("admin-token")
}

/// What the server said, one fault a line.
fn refusal(status: u16, said: &Value) -> String {
    let faults = said["errors"].as_array().into_iter().flatten();
    let faults: Vec<String> = faults
        .map(|fault| {
            let text = |name: &str| visible(fault[name].as_str().unwrap_or_default());
            format!("{} {}", text("pointer"), text("message"))
        })
        .collect();
    if !faults.is_empty() {
        return faults.join("\n      ");
    }
    let detail = said["detail"].as_str().map(visible);
    detail.unwrap_or_else(|| format!("server: it answered {status}"))
}
