//! The six formats against golden files, and the chats' limits.
//!
//! `LULL_GOLDEN=write cargo test golden` writes the files anew; read the difference.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::body;
use crate::collate::{Collated, collate};
use crate::model::Format;
use crate::testing;

const FORMATS: [(Format, &str); 6] = [
    (Format::Audit, "audit"),
    (Format::Aha, "aha"),
    (Format::Slack, "slack"),
    (Format::Teams, "teams"),
    (Format::GoogleChat, "google_chat"),
    (Format::Discord, "discord"),
];

fn collated(audits: &[Value]) -> Collated {
    let audits: Vec<_> =
        (0..).zip(audits).map(|(place, audit)| testing::audit(place, audit)).collect();
    let seen: Vec<_> =
        audits.iter().map(|audit| (audit, audit.said.changes.iter().collect())).collect();
    collate(&seen).expect("something changed")
}

fn update(id: u32, user: Value, changes: Value) -> Value {
    json!({"id": id.to_string(), "audit_action": "update", "created_at": "2026-03-02T09:14:05.120Z",
           "workspace_id": "ws1", "user": user, "auditable_type": "feature", "auditable_id": "42",
           "description": "updated feature APP-42 Export &amp; import",
           "auditable_url": "https://app.example.com/features/APP-42?a=1&b=2", "changes": changes})
}

fn user(id: u32, name: &str) -> Value {
    json!({"id": id.to_string(), "name": name, "email": format!("user{id}@example.com")})
}

fn rich() -> Collated {
    collated(&[
        update(
            1,
            user(101, "Ada"),
            json!([
            {"field_name": "Name", "value": "Export", "old_value": "Exprot"},
            {"field_name": "Workflow status", "value": "Under consideration &rarr; Ready"}]),
        ),
        update(
            2,
            user(102, "Grace"),
            json!([
            {"field_name": "Description", "value": "<p>Everything as <b>CSV</b>.</p><ul><li>one</li><li>two</li></ul>"},
            {"field_name": "Workflow status", "value": "Ready &rarr; In progress"}]),
        ),
        update(
            3,
            user(103, "Alan"),
            json!([
            {"field_name": "Score", "value": 12.50}, {"field_name": "Public", "value": true},
            {"field_name": "Due on", "value": null, "old_value": "2026-04-01"},
            {"field_name": "Tags", "value": ["a", "b"]}]),
        ),
    ])
}

fn destroyed() -> Collated {
    collated(&[json!({"id": "9", "audit_action": "destroy", "created_at": "2026-03-02T09:14:05Z",
        "auditable_type": "comment", "auditable_id": "7", "associated_type": "feature",
        "associated_id": "42", "user": null})])
}

/// What somebody might try who wants to be heard by everybody, or to look like somebody else.
fn hostile() -> Collated {
    let mut audit = update(
        1,
        user(101, "<!channel> @everyone *Ada*\n# now"),
        json!([
        {"field_name": "<users/all>", "value": "<script>alert(1)</script><!channel> <!here> &lt;!channel&gt; &lt;users/all&gt; <@U123> &lt;@123&gt; @here"},
        {"field_name": "**x** [a](b)", "value": "# title\n- item\n1. one\n> quote\n```code``` [text](https://evil.example) ||spoiler|| _i_ ~s~ \\"},
        {"field_name": "Emoji", "value": "👩‍🚀 :tada: é"},
        {"field_name": "Direction", "value": "שלום \u{202E}gnp.exe\u{202C} \u{2066}x\u{2069} \u{0}\u{1b}[31m"},
        {"field_name": "Large", "value": "<b>".to_owned() + &"😀&*<".repeat(1 << 17)}]),
    );
    audit["description"] = json!("<b onclick='x'>&lt;!channel&gt;</b> @everyone &lt;users/all&gt;");
    audit["auditable_url"] = json!("javascript:alert(1)");
    collated(&[audit])
}

fn many_fields() -> Collated {
    let change = |n| json!({"field_name": format!("Field {n}"), "value": format!("<p>{}</p>", "value ".repeat(20))});
    collated(&[update(1, user(101, "Ada"), (0..200).map(change).collect())])
}

fn golden(name: &str, audit: &Collated) {
    for (format, format_name) in FORMATS {
        let mut text = body(format, audit);
        check(format, &text).unwrap();
        // The formats for programs are compared byte for byte, those for chats as people read them.
        if !matches!(format, Format::Audit | Format::Aha) {
            let value: Value = serde_json::from_str(&text).unwrap();
            text = serde_json::to_string_pretty(&value).unwrap();
        }
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/format/golden");
        let file = format!("{folder}/{name}.{format_name}.json");
        if std::env::var("LULL_GOLDEN").is_ok_and(|what| what == "write") {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&file, format!("{text}\n")).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(format!("{text}\n"), expected, "{file}");
    }
}

#[test]
fn golden_rich() {
    golden("rich", &rich());
}

#[test]
fn golden_destroyed() {
    golden("destroyed", &destroyed());
}

#[test]
fn golden_many_fields() {
    golden("many_fields", &many_fields());
}

#[test]
fn golden_hostile() {
    // The whole formats pass the megabyte on; their golden file is of the same audit without it.
    let (whole, mut small) = (hostile(), hostile());
    for (format, _) in FORMATS {
        check(format, &body(format, &whole)).unwrap();
    }
    let large = small.changes.last_mut().unwrap();
    let text: String = serde_json::from_str(large.value.get()).unwrap();
    let text: String = text.chars().take(1_000).collect();
    large.value = serde_json::value::to_raw_value(&text).unwrap();
    golden("hostile", &small);
}

/// Whether the chat would take this.
fn check(format: Format, text: &str) -> Result<(), String> {
    let body: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let units = |text: &Value| text.as_str().map_or(0, |text| text.encode_utf16().count());
    let holds = match format {
        Format::Audit | Format::Aha => true,
        Format::Slack => {
            let blocks = body["blocks"].as_array().unwrap();
            let sizes: Vec<_> = blocks.iter().map(|block| units(&block["text"]["text"])).collect();
            units(&body["text"]) <= 40_000
                && blocks.len() <= 50
                && sizes.iter().all(|size| (1..=3_000).contains(size))
                && sizes.iter().sum::<usize>() <= 13_000
                && !text.contains("<!")
                && !text.contains("<@")
                && !text.contains("<#")
        }
        Format::Teams => text.len().max(2 * text.encode_utf16().count()) <= 28_000,
        Format::GoogleChat => {
            let said = body["text"].as_str().unwrap();
            said.len() <= 4_096 && !said.contains("<users")
        }
        Format::Discord => {
            let embed = &body["embeds"][0];
            (1..=256).contains(&units(&embed["title"]))
                && (1..=4_096).contains(&units(&embed["description"]))
                && body["allowed_mentions"] == json!({"parse": []})
        }
        other => unreachable!("{other:?} is no chat's"),
    };
    if holds { Ok(()) } else { Err(format!("{format:?} is over a limit: {body:#}")) }
}

proptest! {
    #[test]
    fn whatever_comes_a_chat_takes_it(
        value in r#"(<|>|!channel|users/all|@|#|&|amp;|;|\\|"|\*|_|`|\||\n|é|😀|<p>|</b>| &rarr; |.){0,40}"#,
        times in 1..400usize, fields in 1..60usize, people in 0..30u32,
        link in "(https?://|javascript:|)[ -~]{0,40}",
    ) {
        let change = |n| json!({"field_name": format!("{n}{value}").chars().take(255).collect::<String>(),
                                "value": value.repeat(times), "old_value": n});
        // What leads from nothing to nothing is no change, and so no message.
        let last = json!({"field_name": "Last", "value": "changed"});
        let changes = (0..fields).map(change).chain([last]).collect();
        let mut audit = update(1, Value::Null, changes);
        let name = value.chars().take(255).collect::<String>();
        audit["contributors"] = (0..people).map(|n| user(n, &name)).collect();
        audit["description"] = json!(value.repeat(times));
        audit["auditable_url"] = json!(link);
        let audit = collated(&[audit]);
        for (format, _) in FORMATS {
            check(format, &body(format, &audit)).map_err(TestCaseError::fail)?;
        }
    }
}
