//! Durations, sizes, counts and networks as text: read, checked against bounds, written.

use std::fs::File;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::{BadSetting, bad};

/// The longest quiet period or max wait: thirty days.
pub const PERIOD_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// The duration of a setting.
pub fn duration(
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

/// The size of a setting, in bytes.
pub fn size(
    setting: &'static str,
    text: String,
    bounds: RangeInclusive<u64>,
) -> Result<u64, BadSetting> {
    let Ok(size) = text.parse::<bytesize::ByteSize>() else {
        return Err(bad(setting, text, "is not a size; write it like 512MiB or 10GiB"));
    };
    if bounds.contains(&size.as_u64()) {
        return Ok(size.as_u64());
    }
    let (low, high) = (write_size(*bounds.start()), write_size(*bounds.end()));
    let wrong = match *bounds.end() {
        u64::MAX => format!("is out of bounds; use at least {low}"),
        _ => format!("is out of bounds; use {low} to {high}"),
    };
    Err(bad(setting, text, wrong))
}

/// The count of a setting.
pub fn count(
    setting: &'static str,
    text: String,
    bounds: RangeInclusive<u64>,
) -> Result<u64, BadSetting> {
    let wrong = match text.parse::<u64>() {
        Ok(count) if bounds.contains(&count) => return Ok(count),
        Ok(_) => format!("is out of bounds; use {} to {}", bounds.start(), bounds.end()),
        Err(_) => "is not a whole number; write it like 1000".to_owned(),
    };
    Err(bad(setting, text, wrong))
}

/// The yes or no of a setting.
pub fn yes(setting: &'static str, text: String) -> Result<bool, BadSetting> {
    match text.as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(bad(setting, text, "is neither true nor false")),
    }
}

/// The file of a setting, which must be there and open to us.
pub fn readable(setting: &'static str, path: String) -> Result<PathBuf, BadSetting> {
    let read = File::open(&path).and_then(|file| file.metadata());
    match read {
        Ok(found) if found.is_file() => Ok(path.into()),
        Ok(_) => Err(bad(setting, path, "is not a file; name one in PEM")),
        Err(source) => Err(BadSetting::Unreadable { setting, path, source }),
    }
}

/// Networks, separated by commas; a lone address is a network of one.
pub fn nets(setting: &'static str, text: String) -> Result<Vec<IpNet>, BadSetting> {
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

/// Writes a size as settings have it: in the largest unit that divides it.
pub fn write_size(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes != 0 && bytes.is_multiple_of(1 << shift) {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    format!("{bytes} bytes")
}
