//! A line of RFC 5424 for each event. What is said is in its structured data; the message is for
//! people.

use serde_json::value::RawValue;

use super::shown::{self, Grave, cut, one_line};
use super::{Linked, json};
use crate::clock::Timestamp;

/// The facility "log audit", whatever the event: what is sent by one rule of a receiver stays together.
const FACILITY: u8 = 13;
/// The name of the structured data, under the number that the standard gives to examples: Lull has
/// registered none.
const SD_ID: &str = "lull@32473";
/// The most characters of MSGID.
const MSGID_CHARS_MAX: usize = 32;
/// The most characters of the message, and of the details. Receivers need take but 2 KiB, and the
/// common ones take 8.
const MESSAGE_CHARS_MAX: usize = 1_000;
const DETAILS_CHARS_MAX: usize = 4_000;

/// One event as a line, without what ends it. The message has no byte order mark, which would say that
/// it is UTF-8: receivers that take it for text show it.
pub fn line((event, hash): Linked<'_>) -> String {
    let pri = FACILITY * 8 + severity(Grave::of(event));
    let mut data = Data(format!("[{SD_ID}"));
    data.put("id", event.id.as_str());
    data.put("action", event.action.as_str());
    data.put("outcome", shown::outcome(event));
    data.put("severity", &event.severity.to_string());
    if let Some(user) = &event.user {
        data.put("user_id", user.id.as_str());
        data.some("user_name", user.name.as_deref());
        data.some("user_email", user.email.as_deref());
    }
    data.some("ip", event.ip.as_deref());
    data.some("user_agent", event.user_agent.as_deref());
    if let Some(target) = &event.target {
        data.put("target_type", target.target_type.as_str());
        data.put("target_id", target.id.as_str());
        data.some("target_name", target.name.as_deref());
    }
    let details = json::details(&event.details);
    data.some("details", details.as_deref().map(RawValue::get));
    data.some("hash", hash.map(|hash| hash.to_string()).as_deref());
    let (time, msgid) = (time(event.created_at), msgid(event.action.as_str()));
    let message = one_line(&cut(&shown::sentence(event), MESSAGE_CHARS_MAX));
    format!("<{pri}>1 {time} - lull - {msgid} {}] {}", data.0, message.trim())
}

/// The element of structured data.
struct Data(String);

impl Data {
    /// One more parameter: on one line, with `"`, `\` and `]` escaped, which it must not have bare.
    fn put(&mut self, name: &str, value: &str) {
        self.0.push_str(&format!(" {name}=\""));
        for c in one_line(&cut(value, DETAILS_CHARS_MAX)).chars() {
            if matches!(c, '"' | '\\' | ']') {
                self.0.push('\\');
            }
            self.0.push(c);
        }
        self.0.push('"');
    }

    fn some(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }
}

/// The time, where it is in a year of four digits; the standard has no other.
fn time(at: Timestamp) -> String {
    let text = at.to_string();
    let fits = text.len() == "2026-03-02T09:14:05.120Z".len() && !text.starts_with(['-', '+']);
    if fits { text } else { "-".into() }
}

/// The action without what MSGID must not have.
fn msgid(action: &str) -> String {
    let id: String = action.chars().filter(char::is_ascii_graphic).take(MSGID_CHARS_MAX).collect();
    if id.is_empty() { "-".into() } else { id }
}

fn severity(grave: Grave) -> u8 {
    match grave {
        Grave::Critical => 2,
        Grave::High => 3,
        Grave::Medium => 4,
        Grave::Low => 5,
        Grave::Informational => 6,
    }
}
