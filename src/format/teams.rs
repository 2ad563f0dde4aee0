//! A message for a workflow webhook of Microsoft Teams: an adaptive card in its envelope.

use serde_json::{Value, json};

use super::brief::Brief;
use super::fit::{self, Room, escape_markdown, markdown_line};

/// Teams refuses messages of more than 28 KB, and has been seen to count two bytes a character. What
/// is not fields has at most some 8,000 bytes.
const ROOM: Room = Room { total: 18_000, line: 10_000, size: block_bytes };

/// The format `teams`.
pub fn body(brief: &Brief) -> String {
    let mut blocks = vec![
        json!({"type": "TextBlock", "text": escape_markdown(&brief.what), "wrap": true,
               "weight": "Bolder", "size": "Medium"}),
        json!({"type": "TextBlock", "text": escape_markdown(&brief.who), "wrap": true,
               "isSubtle": true, "spacing": "None"}),
    ];
    blocks.extend(fit::lines(&brief.fields, &ROOM, markdown_line).iter().map(|line| block(line)));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "msteams": {"width": "Full"},
    });
    if let Some(link) = &brief.link {
        card["actions"] = json!([{"type": "Action.OpenUrl", "title": "Open", "url": link}]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
    .to_string()
}

fn block(line: &str) -> Value {
    // In a text block, one line break alone is a space.
    let text = line.replace('\n', "\n\n");
    json!({"type": "TextBlock", "text": text, "wrap": true, "spacing": "Small"})
}

/// The size of a line's block as Teams may count it.
fn block_bytes(line: &str) -> usize {
    let json = block(line).to_string();
    json.len().max(2 * json.encode_utf16().count()) + 2
}
