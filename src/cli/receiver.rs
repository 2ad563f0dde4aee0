//! A local receiver of webhooks, and whether what it got is genuine.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, HttpServer};
use tokio::sync::mpsc;

use crate::clock::Timestamp;
use crate::model::Secret;
use crate::sign;

/// How far `webhook-timestamp` may be from now, as Standard Webhooks suggests.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// Webhooks that may wait to be read.
const WAITING_MAX: usize = 1_024;

/// A webhook that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// How it came: POST.
    pub method: String,
    /// The path it was posted to.
    pub path: String,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`, as it came.
    pub timestamp: String,
    /// `webhook-signature`, as it came.
    pub signature: String,
    /// The body.
    pub body: Bytes,
}

/// Listens on `listener`, answers everything with `status`, and passes it on.
pub fn start(
    listener: TcpListener,
    status: u16,
) -> std::io::Result<(SocketAddr, mpsc::Receiver<Received>)> {
    let address = listener.local_addr()?;
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(web::Data::new(Answers { sender: sender.clone(), status }))
            .app_data(web::PayloadConfig::new(16 << 20))
            .default_service(web::to(take))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)?
    .run();
    actix::spawn(server);
    Ok((address, receiver))
}

/// Where webhooks go, and what is answered.
struct Answers {
    sender: mpsc::Sender<Received>,
    status: u16,
}

async fn take(request: HttpRequest, body: Bytes, answers: web::Data<Answers>) -> HttpResponse {
    let header = |name: &str| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let received = Received {
        method: request.method().to_string(),
        path: request.path().to_owned(),
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body,
    };
    match answers.sender.send(received).await {
        Ok(()) => HttpResponse::build(status(answers.status)).body("thanks"),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

/// 200 in place of what is no status code.
fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::OK)
}

impl Received {
    /// Whether it comes from who has the secret, and is fresh; if not, why not.
    pub fn verify(&self, secret: &Secret, now: Timestamp) -> Result<(), String> {
        let sent: i64 = self
            .timestamp
            .parse()
            .map_err(|_| format!("webhook-timestamp {:?} is not a number", self.timestamp))?;
        if now.unix_seconds().abs_diff(sent) > TOLERANCE.as_secs() {
            return Err(format!("webhook-timestamp {sent} is more than five minutes from now"));
        }
        if sign::verify(secret, &self.id, sent, &self.body, &self.signature) {
            Ok(())
        } else {
            Err("webhook-signature does not fit the secret and the body".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_fresh_and_signed_with_the_secret_is_genuine() {
        let secret = Secret::random().unwrap();
        let now = Timestamp::from_unix_ms(1_700_000_000_000);
        let genuine = Received {
            method: "POST".to_owned(),
            path: "/".to_owned(),
            id: "7".to_owned(),
            timestamp: "1700000000".to_owned(),
            signature: sign::sign(std::iter::once(&secret), "7", now, b"{}"),
            body: Bytes::from_static(b"{}"),
        };
        assert_eq!(genuine.verify(&secret, now), Ok(()));
        let refused = |edit: fn(&mut Received)| {
            let mut received = genuine.clone();
            edit(&mut received);
            received.verify(&secret, now).unwrap_err()
        };
        assert!(refused(|r| r.timestamp = "soon".to_owned()).contains("not a number"));
        assert!(refused(|r| r.timestamp = "1699999699".to_owned()).contains("five minutes"));
        assert!(refused(|r| r.body = Bytes::from_static(b"[]")).contains("does not fit"));
        assert!(refused(|r| r.id = "8".to_owned()).contains("does not fit"));
    }
}
