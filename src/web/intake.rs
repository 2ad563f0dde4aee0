//! What every request passes on its way in: room for its body is made before any of it is read (D8),
//! and the debug log tells who asked for what.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage, HttpRequest};
use futures_util::Stream;

use super::client_address::{ClientAddress, Way};
use super::{Api, Problem};
use crate::settings::write_size;

/// How long a body may pause before the call is given up; else a client that has gone silently
/// would keep its room for ever.
const BODY_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How quickly a body must come, on the whole; else a client that says a byte now and then would keep
/// its room for hours. Every so many bytes buy back a second of patience.
const BODY_BYTES_A_SECOND: f64 = 8192.0;

/// Bytes of request bodies that are held, or that room has been made for.
#[derive(Default)]
pub struct Held(AtomicU64);

impl Held {
    /// How many there are.
    pub fn bytes(&self) -> u64 {
        self.0.load(SeqCst)
    }

    /// Makes room for so many more; none when that would be more than `max`.
    fn make_room(self: &Arc<Self>, bytes: u64, max: u64) -> Option<Room> {
        let more = |held: u64| held.checked_add(bytes).filter(|held| *held <= max);
        self.0.fetch_update(SeqCst, SeqCst, more).ok()?;
        Some(Room { of: self.clone(), bytes })
    }
}

/// Connections that are open.
#[derive(Default)]
pub struct Connections(AtomicU64);

impl Connections {
    /// How many there are.
    pub fn open(&self) -> u64 {
        self.0.load(SeqCst)
    }

    /// Counts one until it is dropped.
    pub fn opened(self: &Arc<Self>) -> Connection {
        self.0.fetch_add(1, SeqCst);
        Connection(self.clone())
    }
}

/// A connection that is open.
pub struct Connection(Arc<Connections>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, SeqCst);
    }
}

/// Room for a body, given back when it is dropped.
struct Room {
    of: Arc<Held>,
    bytes: u64,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, SeqCst);
    }
}

/// Lets a request in once there is room for its body, which is given back when it has been answered.
///
pub async fn let_in(
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let api: Data<Api> = Data::clone(request.app_data().expect("invariant: every app has an Api"));
    let (limits, noted) = (&api.limits, Noted::of(request.request(), &api));
    if let Some(encoding) = encoded(request.headers()) {
        noted.answered(415);
        return Ok(request.error_response(Problem::unsupported_media(format!(
            "the body is encoded as {encoding:?}; send it as it is"
        ))));
    }
    let bytes = body_bytes(request.method(), request.headers(), limits.body_bytes as u64);
    let Some(room) = api.held.make_room(bytes, limits.request_bytes) else {
        let max = write_size(limits.request_bytes);
        let problem = Problem::overloaded(format!(
            "the bodies of calls that are being taken in come to {max} (max_request_bytes) \
             already; try again in a moment"
        ));
        noted.answered(503);
        return Ok(request.error_response(problem));
    };
    if bytes > 0 {
        let payload: Pin<Box<dyn Stream<Item = _>>> = Box::pin(impatient(request.take_payload()));
        request.set_payload(payload.into());
    }
    let answered = next.call(request).await;
    drop(room);
    let answered = answered?;
    noted.answered(answered.status().as_u16());
    Ok(answered)
}

/// How the body is encoded, where it is. A small body that is compressed can become a large one, a piece at
/// a time, before anybody counts.
fn encoded(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(CONTENT_ENCODING)?;
    let encoding = String::from_utf8_lossy(encoding.as_bytes()).trim().to_ascii_lowercase();
    (!matches!(encoding.as_str(), "" | "identity")).then_some(encoding)
}

/// How many bytes of body there may be. One that is too large is refused by whoever reads it, having
/// read no more than `max`.
fn body_bytes(method: &Method, headers: &HeaderMap, max: u64) -> u64 {
    if let Some(length) = headers.get(CONTENT_LENGTH) {
        let length = length.to_str().ok().and_then(|length| length.parse().ok());
        return length.map_or(max, |length: u64| length.min(max));
    }
    let reads_none = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if headers.contains_key(TRANSFER_ENCODING) && !reads_none { max } else { 0 }
}

/// The same body, but one that ends with an error when it comes too slowly.
fn impatient(payload: Payload) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let patience = BODY_PAUSE_MAX;
    futures_util::stream::unfold(Some((payload, patience)), |left| async {
        let (mut payload, patience) = left?;
        let next = futures_util::StreamExt::next(&mut payload);
        let (next, waited) = waited(tokio::time::timeout(patience, next)).await;
        match next {
            Ok(Some(chunk)) => {
                let earned = chunk.as_ref().map_or(0, Bytes::len) as f64 / BODY_BYTES_A_SECOND;
                let patience = patience.saturating_sub(waited) + Duration::from_secs_f64(earned);
                Some((chunk, Some((payload, patience.min(BODY_PAUSE_MAX)))))
            }
            Ok(None) => None,
            Err(_) => {
                let why = "it comes more slowly than 8 KiB a second";
                let error = std::io::Error::new(std::io::ErrorKind::TimedOut, why);
                Some((Err(PayloadError::Io(error)), None))
            }
        }
    })
}

/// How long it took as well.
#[allow(clippy::disallowed_methods)] // the time that timers go by
async fn waited<F: Future>(future: F) -> (F::Output, Duration) {
    let began = tokio::time::Instant::now();
    let output = future.await;
    (output, began.elapsed())
}

/// What the debug log says of a request; nothing when it is not written.
struct Noted(Option<String>);

impl Noted {
    fn of(request: &HttpRequest, api: &Api) -> Noted {
        Noted(log::log_enabled!(log::Level::Debug).then(|| {
            let (method, path) = (request.method(), request.path());
            match client(request, api) {
                Some(ClientAddress { ip, https }) => {
                    let scheme = if https { "https" } else { "http" };
                    format!("{method} {path} from {ip} by {scheme}")
                }
                None => format!("{method} {path}"),
            }
        }))
    }

    fn answered(self, status: u16) {
        if let Some(request) = self.0 {
            log::debug!("{request}: {status}");
        }
    }
}

/// Where a request comes from; none when its connection has gone.
pub fn client(request: &HttpRequest, api: &Api) -> Option<ClientAddress> {
    let texts = |name: &str| {
        // What is no text is garbage, which has to stand where it stood.
        let values = request.headers().get_all(name);
        values.map(|value| value.to_str().unwrap_or("?")).collect()
    };
    let way = Way {
        peer: request.peer_addr()?.ip(),
        tls: api.tls,
        forwarded_for: texts("x-forwarded-for"),
        forwarded_proto: texts("x-forwarded-proto"),
    };
    Some(ClientAddress::of(&way, &api.trusted_proxies))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn room_is_made_up_to_the_bound_and_given_back() {
        let held = Arc::new(Held::default());
        let first = held.make_room(60, 100).expect("room");
        assert!(held.make_room(41, 100).is_none() && held.make_room(u64::MAX, 100).is_none());
        let second = held.make_room(40, 100).expect("room");
        assert!(held.make_room(0, 100).is_some(), "a call without a body needs none");
        drop(first);
        assert_eq!(held.bytes(), 40);
        drop(second);
        assert_eq!(held.bytes(), 0);
    }

    #[test]
    fn a_body_of_unknown_length_may_be_as_long_as_any() {
        let bytes = |method: Method, name: Option<(&str, &'static str)>| {
            let mut headers = HeaderMap::new();
            if let Some((name, value)) = name {
                let name = name.parse().unwrap();
                headers.insert(name, HeaderValue::from_static(value));
            }
            body_bytes(&method, &headers, 1000)
        };
        assert_eq!(bytes(Method::POST, None), 0);
        assert_eq!(bytes(Method::POST, Some(("content-length", "7"))), 7);
        assert_eq!(bytes(Method::POST, Some(("content-length", "7000"))), 1000);
        assert_eq!(bytes(Method::POST, Some(("content-length", "many"))), 1000);
        assert_eq!(bytes(Method::POST, Some(("transfer-encoding", "chunked"))), 1000);
        assert_eq!(bytes(Method::GET, Some(("transfer-encoding", "chunked"))), 0);
    }

    #[actix_web::test]
    async fn a_body_that_pauses_for_too_long_ends_with_an_error() {
        tokio::time::pause();
        let two = futures_util::stream::iter([Ok(Bytes::from("a")), Ok(Bytes::from("b"))]);
        let silent = futures_util::StreamExt::chain(two, futures_util::stream::pending());
        let payload: Pin<Box<dyn Stream<Item = _>>> = Box::pin(silent);
        let read: Vec<_> = futures_util::StreamExt::collect(impatient(payload.into())).await;
        assert!(matches!(read[..], [Ok(_), Ok(_), Err(PayloadError::Io(_))]), "{read:?}");
    }

    /// How many chunks of so many bytes are taken of a body that brings one every ten seconds.
    async fn taken(bytes: usize) -> usize {
        let chunks = futures_util::stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_secs(10)).await;
            (sent < 100).then(|| (Ok(Bytes::from(vec![0; bytes])), sent + 1))
        });
        let payload: Pin<Box<dyn Stream<Item = _>>> = Box::pin(chunks);
        let read: Vec<_> = futures_util::StreamExt::collect(impatient(payload.into())).await;
        read.iter().filter(|chunk| chunk.is_ok()).count()
    }

    #[actix_web::test]
    async fn a_body_that_drips_ends_with_an_error_and_one_that_flows_does_not() {
        tokio::time::pause();
        assert_eq!(taken(1).await, 2, "half a minute, and not a thousand seconds");
        assert_eq!(taken(10 * 8192).await, 100);
    }
}
