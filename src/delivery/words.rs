//! What came of a request, in words a person can act on. Pure.

use std::io;
use std::time::Duration;

use awc::error::{ConnectError, PayloadError, SendRequestError};
use awc::http::StatusCode;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::connector::{HANDSHAKE_TIMEOUT, Unconnected};
use super::progress::{Progress, Stage};
use super::tls::SelfSigned;
use crate::clock::Timestamp;
use crate::settings::write_duration;

/// What is known of an attempt besides its error.
pub struct Circumstances<'a> {
    /// Name and port of the hook.
    pub host: &'a str,
    /// Whether its URL is `https`.
    pub is_https: bool,
    /// How long all of it may take.
    pub timeout: Duration,
    /// How far it came.
    pub progress: &'a Progress,
}

/// Why an answer with this code is no delivery; none when it is one.
pub fn reason(code: u16, headers: &[(String, String)]) -> Option<String> {
    let header = |name| headers.iter().find(|(other, _)| other == name).map(|(_, value)| value);
    let known = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason());
    let answered = match known {
        Some(known) => format!("answered {code} {known}"),
        None => format!("answered {code}"),
    };
    match code {
        200..=299 => None,
        300..=399 => Some(match header("location") {
            Some(to) => format!("answered {code} to {to}, redirects are not followed"),
            None => format!("{answered}, redirects are not followed"),
        }),
        401 | 403 => Some(format!("{answered}: the hook wants other credentials")),
        404 => Some(format!("{answered}: there is no hook at this path")),
        410 => Some(format!("{answered}: the hook is gone for good")),
        413 => Some(format!("{answered}: the message is too large for the hook")),
        429 | 503 => Some(match header("retry-after") {
            Some(after) => format!("{answered}, with retry-after {after:?}"),
            None => answered,
        }),
        _ => Some(answered),
    }
}

/// Why there was no answer.
pub fn unanswered(error: &SendRequestError, what: &Circumstances<'_>) -> String {
    let host = what.host;
    // With TLS 1.3 the refusal comes after the handshake, as an alert or as a broken connection.
    if what.progress.lacked_certificate.get() && is_broken(error) {
        return format!(
            "{host} requires a client certificate, and this integration has none; set its \
             client_certificate"
        );
    }
    if let Some(error) = io_error(error).and_then(tls_error) {
        return insecure(error, what);
    }
    if !what.is_https && what.progress.looked_like_tls.get() {
        return format!("{host} answered plain HTTP with TLS; the hook's URL should be https");
    }
    match error {
        SendRequestError::Connect(error) => unconnected(error, what),
        SendRequestError::Timeout => timed_out(what),
        SendRequestError::Response(error) => unparsed(error, what),
        SendRequestError::Url(error) => format!("the hook's URL cannot be used ({error})"),
        SendRequestError::Send(error) => broke(error, what),
        SendRequestError::Body(error) => format!("the body could not be sent to {host} ({error})"),
        other => format!("the request to {host} failed ({other})"),
    }
}

/// Why there was no answer in time.
pub fn timed_out(what: &Circumstances<'_>) -> String {
    let (host, within) = (what.host, write_duration(what.timeout));
    let peer = what.progress.peer.get().map_or(host.to_owned(), |peer| peer.to_string());
    match what.progress.stage() {
        Stage::Queued => format!("no connection to {host} was free within {within}"),
        Stage::Resolving => format!("the name in {host} was not resolved within {within}"),
        Stage::Connecting => format!("{peer} did not take the connection within {within}"),
        Stage::Securing if what.is_https => {
            format!("{host} did not finish the TLS handshake within {within}")
        }
        Stage::Securing | Stage::Sent => format!("no answer within {within}"),
    }
}

/// What happened to the body of an answer that broke off; none when it was only closed.
pub fn body_broke(error: Option<&PayloadError>) -> String {
    match error {
        None | Some(PayloadError::Incomplete(_)) => {
            "the connection was closed before the end of the answer's body".to_owned()
        }
        Some(PayloadError::Io(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
            "the connection was reset in the middle of the answer's body".to_owned()
        }
        Some(error) => format!("the answer's body cannot be read ({error})"),
    }
}

/// What happened to the body of an answer that did not end.
pub fn body_endless(timeout: Duration) -> String {
    format!("the answer's body did not end within {}", write_duration(timeout))
}

fn unconnected(error: &ConnectError, what: &Circumstances<'_>) -> String {
    let host = what.host;
    match error {
        ConnectError::Resolver(error) => match error.downcast_ref::<Unconnected>() {
            Some(Unconnected::ConnectionRefused(peer)) if peer.to_string() != host => {
                format!("connection refused by {host} ({peer})")
            }
            Some(unconnected) => unconnected.to_string(),
            None => format!("no connection to {host} ({error})"),
        },
        ConnectError::Timeout if what.progress.stage() == Stage::Securing => {
            format!("{host} did not finish the TLS handshake within {HANDSHAKE_TIMEOUT:?}")
        }
        ConnectError::Timeout => format!("{host} did not take the connection in time"),
        ConnectError::Disconnected => format!("{host} closed the connection without an answer"),
        // The one thing awc's TLS refuses before it begins.
        ConnectError::Io(error) if error.kind() == io::ErrorKind::InvalidInput => {
            format!("the host in {host} cannot be in a certificate; use a name")
        }
        ConnectError::Io(_) if what.progress.stage() == Stage::Securing => {
            format!("{host} closed the connection during the TLS handshake; is it https at all?")
        }
        ConnectError::Io(error) => broke(error, what),
        other => format!("no connection to {host} ({other})"),
    }
}

fn unparsed(error: &actix_http::error::ParseError, what: &Circumstances<'_>) -> String {
    use actix_http::error::ParseError;
    let host = what.host;
    match error {
        ParseError::TooLarge => {
            format!("{host} answered with more headers than are read (96, or 128 KiB)")
        }
        ParseError::Io(error) => broke(error, what),
        ParseError::Incomplete => {
            format!("{host} closed the connection in the middle of its headers")
        }
        error => format!("{host} answered something that is not HTTP ({error})"),
    }
}

fn broke(error: &io::Error, what: &Circumstances<'_>) -> String {
    let host = what.host;
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            format!("{host} broke the connection off without an answer")
        }
        io::ErrorKind::UnexpectedEof => format!("{host} closed the connection without an answer"),
        // Told apart by no kind: what had come was no whole answer.
        _ if what.progress.closed.get() => {
            format!("{host} closed the connection in the middle of its answer's headers")
        }
        _ => format!("the connection to {host} broke ({error})"),
    }
}

/// What is wrong with TLS, or with a certificate.
fn insecure(error: &rustls::Error, what: &Circumstances<'_>) -> String {
    let host = what.host;
    match error {
        rustls::Error::InvalidCertificate(error) => bad_certificate(error, host),
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            format!(
                "{host} does not speak TLS at all; the hook's URL should be http, or the port another"
            )
        }
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => {
            format!("{host} requires a client certificate; set client_certificate")
        }
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied),
        ) => format!("{host} refused the client certificate ({alert:?})"),
        rustls::Error::AlertReceived(alert) => format!("{host} refused TLS ({alert:?})"),
        error => format!("no secure connection to {host} ({error})"),
    }
}

fn bad_certificate(error: &CertificateError, host: &str) -> String {
    let day = |time: &rustls::pki_types::UnixTime| {
        let written = Timestamp::from_unix_ms(time.as_secs() as i64 * 1000).to_string();
        written.split('T').next().unwrap_or_default().to_owned()
    };
    let whose = format!("the certificate of {host}");
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("{whose} expired on {}", day(not_after))
        }
        CertificateError::Expired => format!("{whose} has expired"),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("{whose} is valid only from {}", day(not_before))
        }
        CertificateError::NotValidForNameContext { presented, .. } if !presented.is_empty() => {
            format!("{whose} is not for this host but for {}", presented.join(", "))
        }
        CertificateError::NotValidForName => format!("{whose} is not for this host"),
        CertificateError::NotValidForNameContext { .. } => format!(
            "{whose} names no host; make it with the host as its subjectAltName, a common name is \
             not enough"
        ),
        CertificateError::UnknownIssuer => {
            format!("{whose} is of an unknown issuer; set ca_certificate if it is a private one")
        }
        CertificateError::Other(other) if other.0.is::<SelfSigned>() => format!(
            "{whose} is self-signed, and not in ca_certificate; set that to it, or \
             validate_certificate to false"
        ),
        CertificateError::BadSignature => format!(
            "{whose} was not signed by the authority that it names; if that was made anew, set \
             ca_certificate to the new one"
        ),
        CertificateError::Revoked => format!("{whose} has been revoked"),
        error => format!("{whose} cannot be accepted ({error})"),
    }
}

/// The error of the connection that is inside, if one is.
fn io_error(error: &SendRequestError) -> Option<&io::Error> {
    match error {
        SendRequestError::Connect(ConnectError::Io(error)) => Some(error),
        SendRequestError::Send(error) => Some(error),
        SendRequestError::Response(actix_http::error::ParseError::Io(error)) => Some(error),
        _ => None,
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Whether the hook ended the connection, rather than anything else.
fn is_broken(error: &SendRequestError) -> bool {
    match io_error(error) {
        Some(error) => match tls_error(error) {
            Some(error) => matches!(error, rustls::Error::AlertReceived(_)),
            None => true,
        },
        None => matches!(error, SendRequestError::Connect(ConnectError::Disconnected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_no_delivery_have_a_reason() {
        let located = vec![("location".to_owned(), "https://example.com/new".to_owned())];
        let later = vec![("retry-after".to_owned(), "-1".to_owned())];
        for (code, headers, expected) in [
            (200, &located, None),
            (299, &located, None),
            (
                302,
                &located,
                Some("answered 302 to https://example.com/new, redirects are not followed"),
            ),
            (304, &later, Some("answered 304 Not Modified, redirects are not followed")),
            (404, &later, Some("answered 404 Not Found: there is no hook at this path")),
            (410, &later, Some("answered 410 Gone: the hook is gone for good")),
            (429, &later, Some("answered 429 Too Many Requests, with retry-after \"-1\"")),
            (500, &later, Some("answered 500 Internal Server Error")),
            (599, &later, Some("answered 599")),
        ] {
            assert_eq!(reason(code, headers).as_deref(), expected, "{code}");
        }
    }

    #[test]
    fn a_timeout_says_what_was_waited_for() {
        let progress = Progress::default();
        let what = Circumstances {
            host: "example.com:443",
            is_https: true,
            timeout: Duration::from_secs(15),
            progress: &progress,
        };
        assert_eq!(timed_out(&what), "no connection to example.com:443 was free within 15s");
    }
}
