//! What may be given: on the command line, in the environment, or in a file.

use std::fmt;

use clap::Args;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

use super::BadSetting;

/// Settings as given, unchecked: on the command line, in the environment, or in a file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Given {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "LULL_LISTEN", value_name = "ADDRESS")]
    #[serde(deserialize_with = "text")]
    pub listen: Option<String>,
    /// Folder that keeps the state [default: ./lull-data]
    #[arg(long, env = "LULL_DATA", value_name = "FOLDER")]
    #[serde(deserialize_with = "text")]
    pub data: Option<String>,
    /// How long a record must be left alone before its window closes [default: 5m]
    #[arg(long, env = "LULL_QUIET_PERIOD", value_name = "DURATION")]
    #[serde(deserialize_with = "text")]
    pub quiet_period: Option<String>,
    /// The longest a window may last, or off [default: off]
    #[arg(long, env = "LULL_MAX_WAIT", value_name = "DURATION")]
    #[serde(deserialize_with = "text")]
    pub max_wait: Option<String>,
    /// How long history is kept [default: 30d]
    #[arg(long, env = "LULL_RETENTION_AGE", value_name = "DURATION")]
    #[serde(deserialize_with = "text")]
    pub retention_age: Option<String>,
    /// How many bytes of history and log are kept; the disk takes about twice that [default: 10GiB]
    #[arg(long, env = "LULL_RETENTION_SIZE", value_name = "SIZE")]
    #[serde(deserialize_with = "text")]
    pub retention_size: Option<String>,
    /// Networks hooks may be in although they are not public, like 127.0.0.0/8,10.1.0.0/16
    #[arg(long, env = "LULL_ALLOW_NETS", value_name = "NETS")]
    #[serde(deserialize_with = "text")]
    pub allow_nets: Option<String>,
    /// The server's certificate and its chain, in PEM; read again on SIGHUP
    #[arg(long, env = "LULL_TLS_CERT", value_name = "FILE")]
    #[serde(deserialize_with = "text")]
    pub tls_cert: Option<String>,
    /// The private key of that certificate, in PEM
    #[arg(long, env = "LULL_TLS_KEY", value_name = "FILE")]
    #[serde(deserialize_with = "text")]
    pub tls_key: Option<String>,
    /// Listen beyond this machine in the clear, as behind a proxy that does TLS
    #[arg(
        long,
        env = "LULL_INSECURE_HTTP",
        value_name = "YES",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    #[serde(deserialize_with = "text")]
    pub insecure_http: Option<String>,
    /// Networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed
    #[arg(long, env = "LULL_TRUSTED_PROXIES", value_name = "NETS")]
    #[serde(deserialize_with = "text")]
    pub trusted_proxies: Option<String>,
    /// The most windows that may be open at a time [default: 2000000]
    #[arg(long, env = "LULL_MAX_OPEN_WINDOWS", value_name = "COUNT")]
    #[serde(deserialize_with = "text")]
    pub max_open_windows: Option<String>,
    /// The most bytes of audits in open windows [default: 4GiB]
    #[arg(long, env = "LULL_MAX_BUFFERED", value_name = "SIZE")]
    #[serde(deserialize_with = "text")]
    pub max_buffered: Option<String>,
    /// The most bytes of request bodies held at one time [default: 256MiB]
    #[arg(long, env = "LULL_MAX_REQUEST_BYTES", value_name = "SIZE")]
    #[serde(deserialize_with = "text")]
    pub max_request_bytes: Option<String>,
    /// The largest body of a call [default: 16MiB]
    #[arg(long, env = "LULL_MAX_BODY", value_name = "SIZE")]
    #[serde(deserialize_with = "text")]
    pub max_body: Option<String>,
    /// The largest single audit [default: 1MiB]
    #[arg(long, env = "LULL_MAX_AUDIT", value_name = "SIZE")]
    #[serde(deserialize_with = "text")]
    pub max_audit: Option<String>,
    /// The most audits in one call [default: 10000]
    #[arg(long, env = "LULL_MAX_BATCH", value_name = "COUNT")]
    #[serde(deserialize_with = "text")]
    pub max_batch: Option<String>,
    /// The most connections at a time; further ones wait [default: 10000]
    #[arg(long, env = "LULL_MAX_CONNECTIONS", value_name = "COUNT")]
    #[serde(deserialize_with = "text")]
    pub max_connections: Option<String>,
    /// Requests a second that one token may make, or off [default: off]
    #[arg(long, env = "LULL_RATE_LIMIT", value_name = "COUNT")]
    #[serde(deserialize_with = "text")]
    pub rate_limit: Option<String>,
    /// TOML file with any of these settings
    #[arg(long, env = "LULL_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<String>,
}

impl Given {
    /// What is given here, and what `file` has of the rest.
    pub(super) fn over(self, file: Given) -> Given {
        Given {
            listen: self.listen.or(file.listen),
            data: self.data.or(file.data),
            quiet_period: self.quiet_period.or(file.quiet_period),
            max_wait: self.max_wait.or(file.max_wait),
            retention_age: self.retention_age.or(file.retention_age),
            retention_size: self.retention_size.or(file.retention_size),
            allow_nets: self.allow_nets.or(file.allow_nets),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            insecure_http: self.insecure_http.or(file.insecure_http),
            trusted_proxies: self.trusted_proxies.or(file.trusted_proxies),
            max_open_windows: self.max_open_windows.or(file.max_open_windows),
            max_buffered: self.max_buffered.or(file.max_buffered),
            max_request_bytes: self.max_request_bytes.or(file.max_request_bytes),
            max_body: self.max_body.or(file.max_body),
            max_audit: self.max_audit.or(file.max_audit),
            max_batch: self.max_batch.or(file.max_batch),
            max_connections: self.max_connections.or(file.max_connections),
            rate_limit: self.rate_limit.or(file.rate_limit),
            config: self.config,
        }
    }
}

/// Reads what a configuration file gives.
pub(super) fn read_file(path: &str) -> Result<Given, BadSetting> {
    let text = std::fs::read_to_string(path).map_err(|source| BadSetting::Unreadable {
        setting: "config",
        path: path.to_owned(),
        source,
    })?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        let wrong = format!("line {line}: {}", error.message().replace('\n', " "));
        BadSetting::File { path: path.to_owned(), wrong }
    })
}

/// A value of the file as the text that a flag would have.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    struct AsText;

    impl Visitor<'_> for AsText {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a text, a whole number, true or false")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_bool<E: Error>(self, yes: bool) -> Result<String, E> {
            Ok(yes.to_string())
        }
    }

    from.deserialize_any(AsText).map(Some)
}
