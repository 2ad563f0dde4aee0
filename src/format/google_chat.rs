//! A message for a webhook of a Google Chat space: text.

use serde_json::json;

use super::brief::{Brief, Field};
use super::fit::{self, Room};

/// Google Chat takes 4,096 characters of text; bytes are counted here, to be on the safe side. What
/// and who have up to 200 characters of up to four bytes each, and the link up to 1,000 bytes.
const TEXT_BYTES_MAX: usize = 4_096;

/// The format `google_chat`.
pub fn body(brief: &Brief) -> String {
    let mut lines = vec![format!("*{}*", escape(&brief.what)), escape(&brief.who)];
    lines.extend(brief.link.clone());
    let head: usize = lines.iter().map(|line| byte_line(line)).sum();
    let left = TEXT_BYTES_MAX - head.min(TEXT_BYTES_MAX);
    let room = Room { total: left, line: left, size: byte_line };
    lines.extend(fit::lines(&brief.fields, &room, line));
    json!({"text": lines.join("\n")}).to_string()
}

fn line(field: &Field) -> String {
    let (name, new) = (escape(&field.name), escape(&field.new));
    match &field.old {
        Some(old) => format!("*{name}:* {} → {new}", escape(old)),
        None => format!("*{name}:* {new}"),
    }
}

fn byte_line(text: &str) -> usize {
    text.len() + 1
}

/// Google Chat has no escapes. A zero-width space after `<` keeps it from being a mention
/// (`<users/all>`) or a link.
fn escape(text: &str) -> String {
    text.replace('<', "<\u{200B}")
}
