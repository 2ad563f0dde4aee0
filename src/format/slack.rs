//! A message for an incoming webhook of Slack: sections of mrkdwn, and a text for notifications.

use serde_json::{Value, json};

use super::brief::{Brief, Field};
use super::fit::{self, Room, utf16_line};

/// The most characters of one section's text; Slack refuses more than 3,000.
const SECTION_CHARS_MAX: usize = 2_900;

/// Slack refuses 50 blocks and more, and blocks of more than some 13,000 characters in all.
const ROOM: Room = Room { total: 9_000, line: SECTION_CHARS_MAX, size: utf16_line };

/// The format `slack`.
pub fn body(brief: &Brief) -> String {
    let (what, who) = (escape(&brief.what), escape(&brief.who));
    let head = match &brief.link {
        Some(link) => format!("*<{}|{what}>*\n{who}", escape(link)),
        None => format!("*{what}*\n{who}"),
    };
    let mut sections = vec![section(&head)];
    sections.extend(pack(fit::lines(&brief.fields, &ROOM, line)).iter().map(|text| section(text)));
    json!({"text": format!("{what} {who}"), "blocks": sections}).to_string()
}

fn section(text: &str) -> Value {
    // Verbatim: names and channels in it are not made into mentions and links.
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
}

fn line(field: &Field) -> String {
    let (name, new) = (escape(&field.name), escape(&field.new));
    match &field.old {
        Some(old) => format!("*{name}:* {} → {new}", escape(old)),
        None => format!("*{name}:* {new}"),
    }
}

/// Lines to texts of as many lines as a section takes.
fn pack(lines: Vec<String>) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for line in lines {
        match texts.last_mut() {
            Some(text) if utf16_line(text) + utf16_line(&line) <= SECTION_CHARS_MAX => {
                text.push('\n');
                text.push_str(&line);
            }
            _ => texts.push(line),
        }
    }
    texts
}

/// Without `<` there are no mentions and no links.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
