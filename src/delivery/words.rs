//! What went wrong with a request, in words a person can act on.

use std::time::Duration;

use awc::error::{ConnectError, SendRequestError};

use crate::settings::write_duration;

/// Why there was no answer from `host` (name and port).
pub fn unanswered(error: &SendRequestError, host: &str, timeout: Duration) -> String {
    match error {
        SendRequestError::Connect(error) => unconnected(error, host),
        SendRequestError::Timeout => timed_out(timeout),
        SendRequestError::Response(error) => {
            format!("{host} answered something that is not HTTP ({error})")
        }
        SendRequestError::Url(error) => format!("the hook's URL cannot be used ({error})"),
        SendRequestError::Send(error) => format!("the connection to {host} broke ({error})"),
        SendRequestError::Body(error) => format!("the body could not be sent to {host} ({error})"),
        other => format!("the request to {host} failed ({other})"),
    }
}

/// Why there was no answer in time.
pub fn timed_out(timeout: Duration) -> String {
    format!("no answer within {}", write_duration(timeout))
}

fn unconnected(error: &ConnectError, host: &str) -> String {
    match error {
        ConnectError::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            format!("connection refused by {host}")
        }
        ConnectError::Io(error) if is_tls(error) => {
            format!("no secure connection to {host} ({error})")
        }
        ConnectError::Io(error) => format!("no connection to {host} ({error})"),
        ConnectError::Timeout => format!("{host} did not take the connection in time"),
        ConnectError::Disconnected => format!("{host} closed the connection without an answer"),
        ConnectError::Resolver(error) => format!("the name {host} cannot be resolved ({error})"),
        ConnectError::NoRecords => format!("the name {host} has no address"),
        other => format!("no connection to {host} ({other})"),
    }
}

fn is_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}
