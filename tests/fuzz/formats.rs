//! A window in every format: valid, within what its receiver takes, mentioning nobody, linking only to
//! the web.

use lull::collate::collate;
use lull::format::body;
use lull::model::Format;
use serde_json::{Value, json};

use crate::{security_events, window};

const CHATS: [Format; 4] = [Format::Slack, Format::Teams, Format::GoogleChat, Format::Discord];

pub fn check(data: &[u8]) {
    let Some(window) = window::read(data) else { return };
    let Some(collated) = collate(&window.seen()) else { return };
    for format in [Format::Audit, Format::Aha] {
        let body: Value = serde_json::from_str(&body(format, &collated)).expect("JSON");
        assert_eq!(body["event"], "audit");
        let audit = body["audit"].as_object().expect("an audit");
        assert_eq!(audit["changes"].as_array().map(Vec::len), Some(collated.changes.len()));
        let keys = audit.keys().filter(|key| *key != "workspace_id").count();
        assert_eq!(keys, if format == Format::Audit { 14 } else { 13 }, "{body}");
    }
    for format in CHATS {
        let text = body(format, &collated);
        assert!(is_taken(format, &text), "{format:?}: {text}");
        links_only_to_the_web(&serde_json::from_str(&text).expect("JSON"));
    }
    for format in security_events::FORMATS.into_iter().filter(|format| format.is_siem()) {
        security_events::is_of_its_format(format, &body(format, &collated), 1);
    }
}

/// Whether the chat would take it.
fn is_taken(format: Format, text: &str) -> bool {
    let body: Value = serde_json::from_str(text).expect("JSON");
    let units = |text: &Value| text.as_str().map_or(0, |text| text.encode_utf16().count());
    match format {
        Format::Slack => {
            let blocks = body["blocks"].as_array().expect("blocks");
            let sizes: Vec<_> = blocks.iter().map(|block| units(&block["text"]["text"])).collect();
            units(&body["text"]) <= 40_000
                && blocks.len() <= 50
                && sizes.iter().all(|size| (1..=3_000).contains(size))
                && sizes.iter().sum::<usize>() <= 13_000
                && !["<!", "<@", "<#"].iter().any(|mention| text.contains(mention))
        }
        Format::Teams => text.len().max(2 * text.encode_utf16().count()) <= 28_000,
        Format::GoogleChat => {
            let said = body["text"].as_str().expect("text");
            said.len() <= 4_096 && !said.contains("<users")
        }
        Format::Discord => {
            let embed = &body["embeds"][0];
            (1..=256).contains(&units(&embed["title"]))
                && (1..=4_096).contains(&units(&embed["description"]))
                && body["allowed_mentions"] == json!({"parse": []})
        }
        other => unreachable!("{other:?} is no chat's"),
    }
}

/// Links stand in members of their own, and lead to the web.
fn links_only_to_the_web(body: &Value) {
    let members: Vec<(&str, &Value)> = match body {
        Value::Object(members) => members.iter().map(|(name, value)| (name.as_str(), value)).collect(),
        Value::Array(elements) => elements.iter().map(|element| ("", element)).collect(),
        _ => return,
    };
    for (name, value) in members {
        if let ("url", Some(link)) = (name, value.as_str()) {
            assert!(link.starts_with("https://") || link.starts_with("http://"), "{link}");
        }
        links_only_to_the_web(value);
    }
}
