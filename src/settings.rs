//! Settings: flags over environment over `--config` file over defaults. Level 0.
//!
//! Every setting is one optional text in [`Given`], wherever it comes from, and is checked in one
//! place, [`Settings::resolve`]; so an error reads the same whatever the source.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ipnet::IpNet;
use serde::Deserialize;

use crate::model::WindowRule;

/// The largest body of a call, in bytes.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// The largest single audit, in bytes.
pub const AUDIT_BYTES_MAX: usize = 1 << 20;
/// The most audits in one call.
pub const BATCH_AUDITS_MAX: usize = 10_000;
/// The longest quiet period or max wait: thirty days.
pub const PERIOD_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// Settings as given, unchecked: on the command line, in the environment, or in a file.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, env = "LULL_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,
    /// Folder that keeps the state [default: ./lull-data]
    #[arg(long, env = "LULL_DATA", value_name = "FOLDER")]
    pub data: Option<String>,
    /// How long a record must be left alone before its window closes [default: 5m]
    #[arg(long, env = "LULL_QUIET_PERIOD", value_name = "DURATION")]
    pub quiet_period: Option<String>,
    /// The longest a window may last, or off [default: off]
    #[arg(long, env = "LULL_MAX_WAIT", value_name = "DURATION")]
    pub max_wait: Option<String>,
    /// How long history is kept [default: 30d]
    #[arg(long, env = "LULL_RETENTION_AGE", value_name = "DURATION")]
    pub retention_age: Option<String>,
    /// How many bytes of history and log are kept; the disk takes about twice that [default: 10GiB]
    #[arg(long, env = "LULL_RETENTION_SIZE", value_name = "SIZE")]
    pub retention_size: Option<String>,
    /// Networks hooks may be in although they are not public, like 127.0.0.0/8,10.1.0.0/16
    #[arg(long, env = "LULL_ALLOW_NETS", value_name = "NETS")]
    pub allow_nets: Option<String>,
    /// TOML file with any of these settings
    #[arg(long, env = "LULL_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<String>,
}

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
}

/// What history is kept (R18): whatever is within both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// For how long.
    pub age: Duration,
    /// How many bytes of it.
    pub bytes: u64,
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
    /// The configuration file cannot be read.
    #[error("config: cannot read {path}: {source}")]
    Unreadable {
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

impl Settings {
    /// Fills what `given` leaves open from its configuration file and from the defaults, and checks
    /// all of it.
    pub fn resolve(given: Given) -> Result<Settings, BadSetting> {
        let file = match &given.config {
            Some(path) => read_file(path)?,
            None => Given::default(),
        };
        let pick = |flag: Option<String>, file: Option<String>, default: &str| {
            flag.or(file).unwrap_or_else(|| default.to_owned())
        };
        let quiet_period = duration(
            "quiet_period",
            pick(given.quiet_period, file.quiet_period, "5m"),
            Duration::ZERO,
        )?;
        let max_wait = max_wait(pick(given.max_wait, file.max_wait, "off"), quiet_period)?;
        let listen = pick(given.listen, file.listen, "127.0.0.1:8080");
        let data = pick(given.data, file.data, "lull-data");
        if data.is_empty() {
            return Err(bad("data", data, "is not a folder; name one, like ./lull-data"));
        }
        Ok(Settings {
            listen: match listen.parse() {
                Ok(address) => address,
                Err(_) => {
                    return Err(bad(
                        "listen",
                        listen,
                        "is not an address and port; write it like 127.0.0.1:8080 or [::1]:8080",
                    ));
                }
            },
            data: data.into(),
            window: WindowRule { quiet_period, max_wait },
            retention: Retention {
                age: duration(
                    "retention_age",
                    pick(given.retention_age, file.retention_age, "30d"),
                    Duration::from_secs(60),
                )?,
                bytes: size(
                    "retention_size",
                    pick(given.retention_size, file.retention_size, "10GiB"),
                )?,
            },
            allow_nets: nets("allow_nets", pick(given.allow_nets, file.allow_nets, ""))?,
        })
    }
}

fn bad(setting: &'static str, value: String, wrong: impl Into<String>) -> BadSetting {
    BadSetting::Value { setting, value, wrong: wrong.into() }
}

fn read_file(path: &str) -> Result<Given, BadSetting> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| BadSetting::Unreadable { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start].matches('\n').count() + 1);
        let wrong = format!("line {line}: {}", error.message().replace('\n', " "));
        BadSetting::File { path: path.to_owned(), wrong }
    })
}

fn duration(
    setting: &'static str,
    text: String,
    at_least: Duration,
) -> Result<Duration, BadSetting> {
    let Some(duration) = parse_duration(&text) else {
        return Err(bad(setting, text, "is not a duration; write it like 30s, 5m or 2h"));
    };
    if duration < at_least || (duration > PERIOD_MAX && setting != "retention_age") {
        let (low, high) = (write_duration(at_least), write_duration(PERIOD_MAX));
        return Err(bad(setting, text, format!("is out of bounds; use {low} to {high}")));
    }
    Ok(duration)
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
        return Err(bad(
            "max_wait",
            text,
            format!("is not longer than the quiet period ({quiet}); make it longer, or off"),
        ));
    }
    Ok(Some(cap))
}

fn size(setting: &'static str, text: String) -> Result<u64, BadSetting> {
    match text.parse::<bytesize::ByteSize>() {
        Ok(size) if size.as_u64() >= 1 << 20 => Ok(size.as_u64()),
        Ok(_) => Err(bad(setting, text, "is out of bounds; use at least 1MiB")),
        Err(_) => Err(bad(setting, text, "is not a size; write it like 512MiB or 10GiB")),
    }
}

/// Networks, separated by commas; a lone address is a network of one.
fn nets(setting: &'static str, text: String) -> Result<Vec<IpNet>, BadSetting> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let parsed = entries.map(|entry| {
        let address = || entry.parse::<IpAddr>().map(IpNet::from);
        entry.parse::<IpNet>().or_else(|_| address()).map_err(|_| entry)
    });
    parsed.collect::<Result<_, _>>().map_err(|entry| {
        let wrong =
            format!("has {entry:?}, which is not a network; write it like 127.0.0.0/8,10.1.0.0/16");
        bad(setting, text.clone(), wrong)
    })
}

/// The most characters of a duration.
pub const DURATION_CHARS_MAX: usize = 16;

/// Reads a duration like `0s`, `1500ms`, `30s`, `5m`, `2h` or `30d`; nothing else is one.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let known =
        text.len() <= DURATION_CHARS_MAX && matches!(&text[digits..], "ms" | "s" | "m" | "h" | "d");
    if digits == 0 || !known { None } else { humantime::parse_duration(text).ok() }
}

/// Writes a duration so that [`parse_duration`] reads it: in the largest unit that divides it.
pub fn write_duration(duration: Duration) -> String {
    let ms = duration.as_millis();
    for (unit, unit_ms) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
        // Days start at two, so that 24h stays 24h.
        if ms.is_multiple_of(unit_ms) && ms >= unit_ms * if unit == "d" { 2 } else { 1 } {
            return format!("{}{unit}", ms / unit_ms);
        }
    }
    if ms == 0 { "0s".to_owned() } else { format!("{ms}ms") }
}

/// A duration in JSON, as text.
pub mod duration_text {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes it like `15s`.
    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::write_duration(*duration))
    }

    /// Reads what [`super::parse_duration`] reads.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let text = String::deserialize(from)?;
        super::parse_duration(&text).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is not a duration; write it like 30s, 5m or 2h"))
        })
    }
}

/// A duration in JSON that may be null, as text.
pub mod optional_duration {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes it like `30s`, or null.
    pub fn serialize<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        duration.map(super::write_duration).serialize(to)
    }

    /// Reads what [`super::parse_duration`] reads, or null.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        super::parse_duration(&text).map(Some).ok_or_else(|| {
            D::Error::custom(format!("{text:?} is not a duration; write it like 30s, 5m or 2h"))
        })
    }
}

/// Durations in JSON, as texts.
pub mod duration_list {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes them like `["5s", "5m"]`.
    pub fn serialize<S: Serializer>(durations: &[Duration], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(durations.iter().map(|duration| super::write_duration(*duration)))
    }

    /// Reads what [`super::parse_duration`] reads.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Duration>, D::Error> {
        let read = |text: String| {
            super::parse_duration(&text).ok_or_else(|| {
                D::Error::custom(format!("{text:?} is not a duration; write it like 30s, 5m or 2h"))
            })
        };
        Vec::<String>::deserialize(from)?.into_iter().map(read).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(edit: impl FnOnce(&mut Given)) -> Given {
        let mut given = Given::default();
        edit(&mut given);
        given
    }

    #[test]
    fn with_nothing_given_the_documented_defaults_hold() {
        let settings = Settings::resolve(Given::default()).unwrap();
        assert_eq!(settings.listen, "127.0.0.1:8080".parse().unwrap());
        assert_eq!(settings.data, PathBuf::from("lull-data"));
        assert_eq!(settings.window.quiet_period, Duration::from_secs(300));
        assert_eq!(settings.window.max_wait, None);
        assert_eq!(settings.retention.age, Duration::from_secs(30 * 86_400));
        assert_eq!(settings.retention.bytes, 10 << 30);
    }

    #[test]
    fn the_file_fills_what_the_flags_leave_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lull.toml");
        std::fs::write(&path, "quiet_period = \"7s\"\nmax_wait = \"1m\"\n").unwrap();
        let settings = Settings::resolve(given(|given| {
            given.config = Some(path.to_str().unwrap().to_owned());
            given.quiet_period = Some("9s".to_owned());
        }))
        .unwrap();
        assert_eq!(settings.window.quiet_period, Duration::from_secs(9));
        assert_eq!(settings.window.max_wait, Some(Duration::from_secs(60)));
    }

    #[test]
    fn a_bad_setting_is_one_line_that_names_it() {
        type Edit = fn(&mut Given);
        let cases: [(Edit, &str); 10] = [
            (|g| g.quiet_period = Some("5x".into()), "quiet_period"),
            (|g| g.quiet_period = Some("".into()), "quiet_period"),
            (|g| g.quiet_period = Some("1000000h".into()), "quiet_period"),
            (|g| g.max_wait = Some("5m".into()), "max_wait"),
            (|g| g.max_wait = Some("never".into()), "max_wait"),
            (|g| g.listen = Some("localhost".into()), "listen"),
            (|g| g.retention_size = Some("much".into()), "retention_size"),
            (|g| g.allow_nets = Some("127.0.0.0/8,10.1/16".into()), "allow_nets"),
            (|g| g.allow_nets = Some("10.0.0.0/33".into()), "allow_nets"),
            (|g| g.config = Some("/no/such/file.toml".into()), "config"),
        ];
        for (edit, setting) in cases {
            let line = Settings::resolve(given(edit)).unwrap_err().to_string();
            assert!(line.starts_with(&format!("{setting}: ")), "{line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }

    #[test]
    fn a_key_of_the_file_that_is_no_setting_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lull.toml");
        std::fs::write(&path, "listen = \"127.0.0.1:1\"\nquite_period = \"7s\"\n").unwrap();
        let path = path.to_str().unwrap().to_owned();
        let line = Settings::resolve(given(|g| g.config = Some(path))).unwrap_err().to_string();
        assert!(line.contains("line 2") && line.contains("quite_period"), "{line}");
    }

    #[test]
    fn networks_are_listed_with_commas() {
        let given = given(|g| g.allow_nets = Some("127.0.0.0/8, fd00::/8,10.0.0.7".into()));
        let nets = Settings::resolve(given).unwrap().allow_nets;
        let nets: Vec<String> = nets.iter().map(IpNet::to_string).collect();
        assert_eq!(nets, ["127.0.0.0/8", "fd00::/8", "10.0.0.7/32"]);
    }

    #[test]
    fn durations_survive_being_written_and_read() {
        for text in ["0s", "1500ms", "30s", "5m", "2h", "24h", "30d"] {
            assert_eq!(write_duration(parse_duration(text).unwrap()), text);
        }
        for text in ["", "5", "m", "5 m", "-5m", "5m30s", "1.5h", "5M"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
