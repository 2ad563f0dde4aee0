//! One HTTP request, and its answer or why there is none. The only file that knows the HTTP client.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::web::Bytes;
use awc::http::header::HeaderMap;
use awc::{Client, ClientResponse, Connector};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};

use super::words;
use crate::model::AttemptOutcome;

/// How long connecting may take, of the whole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept. Shorter than what common servers keep theirs (five seconds),
/// because a request on a connection that the other side is just closing fails.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// The most bytes of an answer's body that are read.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// The most bytes of an answer's headers that are kept.
const ANSWER_HEADERS_BYTES_MAX: usize = 16 << 10;

/// A request to a hook.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where to.
    pub url: String,
    /// All headers but those of HTTP itself.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Bytes,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// Posts requests. A trait, so that tests can answer without a socket.
pub trait Transport {
    /// Posts `request`; the answer, or why there is none.
    fn post(&self, request: Request) -> LocalBoxFuture<'static, AttemptOutcome>;
}

/// Posts over HTTP and HTTPS. Follows no redirects.
pub struct HttpTransport {
    client: Client,
}

impl HttpTransport {
    /// A transport with connections of its own, at most so many at a time.
    pub fn new(connections_max: u32) -> Self {
        let connector = Connector::new()
            .timeout(CONNECT_TIMEOUT)
            .handshake_timeout(CONNECT_TIMEOUT)
            .conn_keep_alive(KEEP_ALIVE)
            .limit(connections_max as usize)
            .rustls_0_23(tls());
        let client = Client::builder()
            .connector(connector)
            .disable_redirects()
            // The whole attempt has one timeout, below.
            .disable_timeout()
            .no_default_headers()
            .finish();
        HttpTransport { client }
    }
}

impl Transport for HttpTransport {
    fn post(&self, request: Request) -> LocalBoxFuture<'static, AttemptOutcome> {
        let client = self.client.clone();
        async move {
            let timeout = request.timeout;
            match tokio::time::timeout(timeout, post(client, request)).await {
                Ok(outcome) => outcome,
                Err(_) => AttemptOutcome::Unanswered(words::timed_out(timeout)),
            }
        }
        .boxed_local()
    }
}

async fn post(client: Client, request: Request) -> AttemptOutcome {
    let host = host_of(&request.url);
    // As browsers would write it: what needs escaping is escaped.
    let url = url::Url::parse(&request.url).map_or_else(|_| request.url.clone(), String::from);
    let mut post = client.post(url);
    for (name, value) in &request.headers {
        post = post.insert_header((name.as_str(), value.as_str()));
    }
    match post.send_body(request.body).await {
        Ok(mut response) => answer(&mut response).await,
        Err(error) => AttemptOutcome::Unanswered(words::unanswered(&error, &host, request.timeout)),
    }
}

/// Reads the beginning of the answer's body; the rest is not fetched, and its connection is closed.
async fn answer<S>(response: &mut ClientResponse<S>) -> AttemptOutcome
where
    S: Stream<Item = Result<Bytes, awc::error::PayloadError>> + Unpin,
{
    let code = response.status().as_u16();
    let headers = headers(response.headers());
    let (mut bytes, mut body_cut) = (Vec::new(), false);
    while let Some(chunk) = response.next().await {
        let Ok(chunk) = chunk else {
            body_cut = true;
            break;
        };
        let room = ANSWER_BYTES_MAX - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() > room {
            body_cut = true;
            break;
        }
    }
    AttemptOutcome::Answered { code, headers, body: text(bytes, body_cut), body_cut }
}

/// The bytes as text; one that was cut ends on a whole character.
fn text(mut bytes: Vec<u8>, cut: bool) -> String {
    if cut
        && let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

fn headers(map: &HeaderMap) -> Vec<(String, String)> {
    let mut bytes = 0;
    let all = map.iter().map(|(name, value)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    all.take_while(|(name, value)| {
        bytes += name.len() + value.len();
        bytes <= ANSWER_HEADERS_BYTES_MAX
    })
    .collect()
}

fn host_of(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host_and_port = parsed
        .as_ref()
        .and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
    host_and_port.unwrap_or_else(|| url.to_owned())
}

/// TLS to the hooks: the system's roots, read once.
fn tls() -> Arc<rustls::ClientConfig> {
    static CONFIG: OnceLock<Arc<rustls::ClientConfig>> = OnceLock::new();
    CONFIG
        .get_or_init(|| {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                log::warn!("some of the system's root certificates cannot be read: {error}");
            }
            let mut roots = rustls::RootCertStore::empty();
            roots.add_parsable_certificates(found.certs);
            if roots.is_empty() {
                log::warn!(
                    "this system has no root certificates: every https hook will be refused"
                );
            }
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = rustls::ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .expect("invariant: the provider knows the default versions")
                .with_root_certificates(roots)
                .with_no_client_auth();
            Arc::new(config)
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_was_cut_ends_on_a_whole_character() {
        assert_eq!(text("aé".as_bytes()[..2].to_vec(), true), "a");
        assert_eq!(text("aé".as_bytes().to_vec(), true), "aé");
        assert_eq!(text(b"a\xffb".to_vec(), false), "a\u{fffd}b");
        assert_eq!(text(b"a\xffb\xc3".to_vec(), true), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn hosts_are_named_with_their_port() {
        for (url, host) in [
            ("http://example.com/a", "example.com:80"),
            ("https://example.com/", "example.com:443"),
            ("http://127.0.0.1:9/x?y", "127.0.0.1:9"),
            ("https://[::1]:8443/", "[::1]:8443"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
