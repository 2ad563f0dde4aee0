//! One HTTP request, and its answer or why there is none. Owns what is sent and
//! how much of the answer is kept.

use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::web::Bytes;
use awc::body::BodySize;
use awc::error::PayloadError;
use awc::http::Uri;
use awc::http::header::HeaderMap;
use awc::{Client, ClientRequest, ClientResponse, Connector};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};

use super::connector::{CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT, HookConnector, Resolve};
use super::guard::Guard;
use super::progress::{Progress, Stage};
use super::tls::{self, BadCertificate};
use super::words;
use crate::clock::{Clock, SystemClock};
use crate::model::{AttemptOutcome, IntegrationSpec, Timing};

/// How long an idle connection is kept. Shorter than what common servers keep theirs (five seconds),
/// because a request on a connection that the other side is just closing fails.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
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
    /// How many bytes of the answer's body are read.
    pub answer_bytes_max: usize,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The answer, or why there is none.
    pub outcome: AttemptOutcome,
    /// How long its parts took.
    pub timing: Timing,
    /// What else there is to say of an answer: that its body broke off, or never ended.
    pub note: Option<String>,
}

/// Posts requests. A trait, so that tests can answer without a socket.
pub trait Transport {
    /// Posts `request`; the answer, or why there is none.
    fn post(&self, request: Rc<Request>) -> LocalBoxFuture<'static, Posted>;
}

/// Posts over HTTP and HTTPS. Follows no redirects.
pub struct HttpTransport {
    /// Or what is wrong with the integration's certificates.
    client: Result<Client, BadCertificate>,
    /// Where nearly all requests go: taken apart once.
    hook: Rc<Destination>,
}

/// Where a request goes.
struct Destination {
    /// As it was configured.
    url: String,
    /// As it is asked for: what needs escaping is escaped, as browsers would.
    uri: Result<Uri, String>,
    /// Name and port.
    host: String,
    is_https: bool,
}

impl Destination {
    fn of(url: &str) -> Self {
        let parsed = url::Url::parse(url).ok();
        let host_and_port = parsed
            .as_ref()
            .and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
        let escaped = parsed.map_or_else(|| url.to_owned(), String::from);
        Self {
            url: url.to_owned(),
            host: host_and_port.unwrap_or_else(|| url.to_owned()),
            is_https: escaped.starts_with("https:"),
            uri: escaped.parse().map_err(|_| escaped),
        }
    }

    fn request(&self, client: &Client) -> ClientRequest {
        match &self.uri {
            Ok(uri) => client.post(uri.clone()),
            // Whoever posts it is told what is wrong with it.
            Err(text) => client.post(text.as_str()),
        }
    }
}

impl HttpTransport {
    /// A transport to the hook of `spec`, with connections of its own, to where `guard` lets it.
    pub fn new(spec: &IntegrationSpec, guard: Guard, resolver: Rc<dyn Resolve>) -> Self {
        let client = tls::config(spec).map(|tls| {
            let connector = Connector::new()
                .connector(HookConnector::new(guard, resolver))
                // The connector keeps its own time, and says what it was spent on.
                .timeout(CONNECT_TIMEOUT + Duration::from_secs(1))
                .handshake_timeout(HANDSHAKE_TIMEOUT)
                .conn_keep_alive(KEEP_ALIVE)
                .limit(spec.max_in_flight as usize)
                .rustls_0_23(tls);
            Client::builder()
                .connector(connector)
                .disable_redirects()
                // The whole attempt has one timeout, below.
                .disable_timeout()
                .no_default_headers()
                .finish()
        });
        HttpTransport { client, hook: Rc::new(Destination::of(&spec.hook_url)) }
    }
}

impl Transport for HttpTransport {
    fn post(&self, request: Rc<Request>) -> LocalBoxFuture<'static, Posted> {
        let client = self.client.clone();
        let to = match request.url == self.hook.url {
            true => self.hook.clone(),
            false => Rc::new(Destination::of(&request.url)),
        };
        async move {
            match client {
                Ok(client) => {
                    let progress = Rc::new(Progress::default());
                    progress.follow(post(client, &to, &request, &progress)).await
                }
                Err(bad) => Posted {
                    outcome: AttemptOutcome::Unanswered(bad.to_string()),
                    timing: Timing::default(),
                    note: None,
                },
            }
        }
        .boxed_local()
    }
}

async fn post(client: Client, to: &Destination, request: &Request, progress: &Progress) -> Posted {
    let (timeout, answer_bytes_max) = (request.timeout, request.answer_bytes_max);
    let is_https = to.is_https;
    let what = words::Circumstances { host: &to.host, is_https, timeout, progress };
    // What a hook sends compressed stays so: a few kilobytes could become gigabytes.
    let mut post = to.request(&client).no_decompress();
    for (name, value) in &request.headers {
        post = post.insert_header((name.as_str(), value.as_str()));
    }
    let started = SystemClock.monotonic();
    let answered =
        tokio::time::timeout(timeout, post.send_body(Body(Some(request.body.clone())))).await;
    let left = timeout.saturating_sub(SystemClock.monotonic() - started);
    let (outcome, note) = match answered {
        Ok(Ok(mut response)) => answer(&mut response, answer_bytes_max, left, &what).await,
        Ok(Err(error)) => (AttemptOutcome::Unanswered(words::unanswered(&error, &what)), None),
        Err(_) => (AttemptOutcome::Unanswered(words::timed_out(&what)), None),
    };
    Posted { outcome, timing: progress.timing(is_https), note }
}

/// The body of a request. It is asked for when the connection stands, which is the only sign of that
/// which awc gives: so the time until then is told from the time that the hook takes.
struct Body(Option<Bytes>);

impl awc::body::MessageBody for Body {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.as_ref().map_or(0, Bytes::len) as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Progress::reach(Stage::Sent);
        Poll::Ready(self.0.take().map(Ok))
    }
}

/// Reads the beginning of the answer's body; the rest is not fetched, and its connection is closed.
///
/// A body that breaks off or never ends changes nothing of what the status said: the hook has taken
/// the message, and would get it twice if that were a failure. It is noted beside the answer.
async fn answer<S>(
    response: &mut ClientResponse<S>,
    bytes_max: usize,
    left: Duration,
    what: &words::Circumstances<'_>,
) -> (AttemptOutcome, Option<String>)
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let code = response.status().as_u16();
    let headers = headers(response.headers());
    if !has_end(code, &headers) {
        // awc takes such a body for none, and the connection for free: the body would be read as the
        // answer to the next request.
        what.progress.spend_connection();
    }
    let (mut bytes, mut body_cut) = (Vec::new(), false);
    let read = async {
        while let Some(chunk) = response.next().await {
            let chunk = chunk?;
            let room = bytes_max - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() > room {
                body_cut = true;
                break;
            }
        }
        Ok::<_, PayloadError>(())
    };
    let note = match tokio::time::timeout(left, read).await {
        Ok(Ok(())) if !body_cut && is_short(&headers, bytes.len(), what) => {
            Some(words::body_broke(None))
        }
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(words::body_broke(Some(&error))),
        Err(_) => Some(words::body_endless(what.timeout)),
    };
    body_cut |= note.is_some();
    (AttemptOutcome::Answered { code, headers, body: text(bytes, body_cut), body_cut }, note)
}

/// Whether an answer ends before its connection does.
fn has_end(code: u16, headers: &[(String, String)]) -> bool {
    let framed = |(name, _): &(String, String)| {
        matches!(name.as_str(), "content-length" | "transfer-encoding")
    };
    matches!(code, 100..=199 | 204 | 304) || headers.iter().any(framed)
}

/// Whether a body of so many bytes is shorter than its headers promise. awc takes a connection that
/// was closed for the end of the body, however the headers say that it ends.
fn is_short(headers: &[(String, String)], length: usize, what: &words::Circumstances<'_>) -> bool {
    let header = |name| headers.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    match header("content-length").and_then(|promised| promised.parse::<usize>().ok()) {
        Some(promised) => length < promised,
        // A chunked body ends before the connection does. TLS reads ahead, and says itself when a
        // connection was cut.
        None => {
            header("transfer-encoding").is_some() && !what.is_https && what.progress.closed.get()
        }
    }
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
            assert_eq!(Destination::of(url).host, host);
        }
    }
}
