//! A message for a webhook of a Discord channel: one embed of escaped markdown, which mentions nobody.

use serde_json::json;

use super::brief::Brief;
use super::fit::{self, Room, escape_markdown, markdown_line, utf16_line};

/// Discord refuses an embed whose description has more than 4,096 characters.
const ROOM: Room = Room { total: 3_400, line: 3_000, size: utf16_line };

/// The most characters of an embed's title.
const TITLE_CHARS_MAX: usize = 256;

/// The format `discord`.
pub fn body(brief: &Brief) -> String {
    let mut lines = vec![escape_markdown(&brief.who)];
    lines.extend(fit::lines(&brief.fields, &ROOM, markdown_line));
    let mut embed = json!({
        "title": title(&brief.what),
        "description": lines.join("\n"),
    });
    if let Some(link) = &brief.link {
        embed["url"] = json!(link);
    }
    json!({"embeds": [embed], "allowed_mentions": {"parse": []}}).to_string()
}

/// As much of the escaped text as a title takes; cut before it is escaped, so that no escape is torn.
fn title(what: &str) -> String {
    let whole = escape_markdown(what);
    if utf16_line(&whole) <= TITLE_CHARS_MAX {
        return whole;
    }
    escape_markdown(&super::text::cut(what, TITLE_CHARS_MAX / 2 - 2))
}
