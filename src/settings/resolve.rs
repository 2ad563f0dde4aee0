//! The one place where settings are checked.

use std::net::SocketAddr;
use std::time::Duration;

use super::given::read_file;
use super::values::{duration, nets, parse_duration, readable, size, write_duration, yes};
use super::{BadSetting, Given, Limits, Retention, Settings, TlsFiles, bad};
use crate::model::WindowRule;

/// The least that retention may come to, in bytes.
const RETENTION_MIN: u64 = 1 << 20;

impl Settings {
    /// Fills what `given` leaves open from its configuration file and from the defaults, and checks
    /// all of it.
    pub fn resolve(given: Given) -> Result<Settings, BadSetting> {
        let file = given.config.as_deref().map_or_else(|| Ok(Given::default()), read_file)?;
        let mut given = given.over(file);
        let limits = Limits::resolve(&mut given)?;
        let or = |given: Option<String>, default: &str| given.unwrap_or_else(|| default.to_owned());
        let quiet_period = duration("quiet_period", or(given.quiet_period, "5m"), Duration::ZERO)?;
        let max_wait = max_wait(or(given.max_wait, "off"), quiet_period)?;
        let data = or(given.data, "lull-data");
        if data.is_empty() {
            return Err(bad("data", data, "is not a folder; name one, like ./lull-data"));
        }
        let tls = tls(given.tls_cert, given.tls_key)?;
        let insecure = yes("insecure_http", or(given.insecure_http, "false"))?;
        let minute = Duration::from_secs(60);
        let retention_size = or(given.retention_size, "10GiB");
        Ok(Settings {
            listen: listen(or(given.listen, "127.0.0.1:8080"), tls.is_some() || insecure)?,
            data: data.into(),
            window: WindowRule { quiet_period, max_wait },
            retention: Retention {
                age: duration("retention_age", or(given.retention_age, "30d"), minute)?,
                bytes: size("retention_size", retention_size, RETENTION_MIN..=u64::MAX)?,
            },
            allow_nets: nets("allow_nets", or(given.allow_nets, ""))?,
            tls,
            trusted_proxies: nets("trusted_proxies", or(given.trusted_proxies, ""))?,
            limits,
        })
    }
}

/// An address to listen on; beyond this machine only when that is `safe`.
fn listen(text: String, safe: bool) -> Result<SocketAddr, BadSetting> {
    let Ok(address) = text.parse::<SocketAddr>() else {
        let wrong = "is not an address and port; write it like 127.0.0.1:8080 or [::1]:8080";
        return Err(bad("listen", text, wrong));
    };
    if safe || address.ip().to_canonical().is_loopback() {
        return Ok(address);
    }
    let wrong = "is beyond this machine, and would send tokens and audits in the clear; \
                 give tls_cert and tls_key, or set insecure_http when a proxy in front does TLS";
    Err(bad("listen", text, wrong))
}

/// Both files, or neither.
fn tls(certificate: Option<String>, key: Option<String>) -> Result<Option<TlsFiles>, BadSetting> {
    let alone = |setting, other: &str| {
        Err(BadSetting::Incomplete { setting, wrong: format!("needs {other} beside it") })
    };
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(_), None) => alone("tls_cert", "tls_key"),
        (None, Some(_)) => alone("tls_key", "tls_cert"),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
            certificate: readable("tls_cert", certificate)?,
            key: readable("tls_key", key)?,
        })),
    }
}

fn max_wait(text: String, quiet_period: Duration) -> Result<Option<Duration>, BadSetting> {
    if text == "off" {
        return Ok(None);
    }
    if parse_duration(&text).is_none() {
        return Err(bad("max_wait", text, "is neither off nor a duration like 30s, 5m or 2h"));
    }
    let cap = duration("max_wait", text.clone(), Duration::ZERO)?;
    if cap <= quiet_period {
        let quiet = write_duration(quiet_period);
        let wrong =
            format!("is not longer than the quiet period ({quiet}); make it longer, or off");
        return Err(bad("max_wait", text, wrong));
    }
    Ok(Some(cap))
}
