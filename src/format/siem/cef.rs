//! ArcSight's Common Event Format: one event a line.

use std::net::IpAddr;

use serde_json::value::RawValue;

use super::shown::{self, cut, one_line};
use super::{Linked, json, known};

/// The most characters of a text, and of one of the fields `cs1` to `cs6`: ArcSight keeps no more.
const TEXT_CHARS_MAX: usize = 1_023;
const CUSTOM_CHARS_MAX: usize = 4_000;
const NAME_CHARS_MAX: usize = 512;
/// And of an action.
const ACTION_CHARS_MAX: usize = 63;

/// One event as a line, without what ends it.
pub fn line((event, hash): Linked<'_>) -> String {
    let title = cut(shown::title(event), NAME_CHARS_MAX);
    let signature = event.action.as_str();
    let head = format!(
        "CEF:0|Lull|Lull|{}|{}|{}|{}|",
        env!("CARGO_PKG_VERSION"),
        header(signature),
        header(&title),
        event.severity
    );
    let mut fields = Fields(String::new());
    fields.put("rt", &event.created_at.unix_ms().to_string());
    // The whole id, although ArcSight keeps but forty characters of it: others find events by it.
    fields.put("externalId", event.id.as_str());
    fields.put("cat", "security");
    fields.put("act", &cut(signature, ACTION_CHARS_MAX));
    fields.put("outcome", shown::outcome(event));
    fields.put("msg", &cut(&shown::sentence(event), TEXT_CHARS_MAX));
    match shown::ip(event) {
        Some(IpAddr::V4(ip)) => fields.put("src", &ip.to_string()),
        Some(IpAddr::V6(ip)) => fields.labelled("c6a2", "Source IPv6 Address", &ip.to_string()),
        None => {
            let said = event.ip.as_deref().unwrap_or_default();
            fields.put("shost", &cut(said, TEXT_CHARS_MAX));
        }
    }
    if let Some(user) = &event.user {
        fields.put("suid", user.id.as_str());
        fields.put("suser", &cut(shown::user_name(user), TEXT_CHARS_MAX));
    }
    if let Some(target) = event.target.as_ref().filter(|target| known::is_user(target)) {
        fields.put("duid", target.id.as_str());
        fields.put("duser", &cut(target.name.as_deref().unwrap_or_default(), TEXT_CHARS_MAX));
    }
    let agent = event.user_agent.as_deref().unwrap_or_default();
    fields.put("requestClientApplication", &cut(agent, TEXT_CHARS_MAX));
    if let Some(target) = &event.target {
        fields.labelled("cs1", "targetType", target.target_type.as_str());
        fields.labelled("cs2", "targetId", target.id.as_str());
        let name = target.name.as_deref().unwrap_or_default();
        fields.labelled("cs3", "targetName", &cut(name, CUSTOM_CHARS_MAX));
    }
    let details = json::details(&event.details);
    let details = details.as_deref().map_or("", RawValue::get);
    fields.labelled("cs4", "details", &cut(details, CUSTOM_CHARS_MAX));
    let hash = hash.map(|hash| hash.to_string()).unwrap_or_default();
    fields.labelled("cs5", "hash", &hash);
    let email = event.user.as_ref().and_then(|user| user.email.as_deref());
    fields.labelled("cs6", "userEmail", &cut(email.unwrap_or_default(), CUSTOM_CHARS_MAX));
    head + &fields.0
}

/// The extension: `key=value`, a space between two.
struct Fields(String);

impl Fields {
    /// One more, unless there is nothing in it.
    fn put(&mut self, key: &str, value: &str) {
        let value = extension(value);
        // A space at the end would be read as the one before the next key, or not at all.
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.push_str(&format!("{key}={value}"));
    }

    /// One more of those that have a label in place of a name.
    fn labelled(&mut self, key: &str, label: &str, value: &str) {
        if !extension(value).trim().is_empty() {
            self.put(&format!("{key}Label"), label);
            self.put(key, value);
        }
    }
}

/// A text of the header: on one line, with `\` and `|` escaped.
fn header(text: &str) -> String {
    one_line(text).trim().replace('\\', "\\\\").replace('|', "\\|")
}

/// A value of the extension: with `\` and `=` escaped, and what ends a line written out.
fn extension(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '=' => out.push_str("\\="),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    one_line(&out)
}
