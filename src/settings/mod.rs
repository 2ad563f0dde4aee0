//! Settings: flags over environment over `--config` file over defaults. Level 0.
//!
//! Every setting is one optional text in [`Given`], wherever it comes from, and is checked in one
//! place, [`Settings::resolve`]; so an error reads the same whatever the source.
//!
//! - `given.rs`: what may be given, and the file
//! - `resolve.rs`: the check of all of it
//! - `limits.rs`: the bounds on what is taken in (D8)
//! - `values.rs`: durations, sizes, counts, networks as text
//! - `in_json.rs`: durations in JSON

mod given;
mod in_json;
mod limits;
mod resolve;
#[cfg(test)]
mod tests;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use given::Given;
pub use in_json::{duration_list, duration_text, optional_duration};
pub use limits::Limits;
pub use values::{DURATION_CHARS_MAX, PERIOD_MAX, parse_duration, write_duration, write_size};

use crate::model::WindowRule;

/// Settings as they are in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The folder that keeps the state.
    pub data: PathBuf,
    /// Quiet period and max wait.
    pub window: WindowRule,
    /// What history is kept.
    pub retention: Retention,
    /// Networks that hooks may be in although they are not public.
    pub allow_nets: Vec<IpNet>,
    /// The server's certificate; without one it speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Networks of proxies, which are believed what they say of whom they forward.
    pub trusted_proxies: Vec<IpNet>,
    /// The bounds on what is taken in.
    pub limits: Limits,
}

/// What history is kept (R18): whatever is within both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how long.
    pub age: Duration,
    /// How many bytes of it.
    pub bytes: u64,
}

/// The files of the server's certificate, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and the chain that leads from it to an authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A setting that cannot be used. Its text is one line that names the setting.
#[derive(Debug, thiserror::Error)]
pub enum BadSetting {
    /// The value is not of the setting's form.
    #[error("{setting}: {value:?} {wrong}")]
    Value {
        /// The setting's key.
        setting: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it, and how to write it.
        wrong: String,
    },
    /// The setting needs another beside it.
    #[error("{setting}: {wrong}")]
    Incomplete {
        /// The setting's key.
        setting: &'static str,
        /// What is missing.
        wrong: String,
    },
    /// A file that a setting names cannot be read.
    #[error("{setting}: cannot read {path}: {source}")]
    Unreadable {
        /// The setting's key.
        setting: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration file is not TOML, or has a key that is not a setting.
    #[error("config: {path}: {wrong}")]
    File {
        /// The file.
        path: String,
        /// What is wrong, and where.
        wrong: String,
    },
}

fn bad(setting: &'static str, value: String, wrong: impl Into<String>) -> BadSetting {
    BadSetting::Value { setting, value, wrong: wrong.into() }
}
