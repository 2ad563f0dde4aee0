//! Every format against golden files, and what holds for each of them whatever an event is.
//!
//! `LULL_GOLDEN=write cargo test golden` writes the files anew; read the difference.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::samples::{self, FORMATS, NASTY, event};
use super::*;

/// Compares what is written of some events with what was written before.
fn golden(name: &str, events: &[Linked<'_>]) {
    for (format, format_name) in FORMATS {
        if events.len() > 1 && !format.takes_batches() {
            continue;
        }
        let text = body(format, events);
        check(format, &text, events.len()).unwrap();
        // The files do not change with Lull's version.
        let text = text
            .replace(&format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION")), r#""version":"0""#)
            .replace(&format!("|Lull|{}|", env!("CARGO_PKG_VERSION")), "|Lull|0|");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/format/siem/golden");
        let file = format!("{folder}/{name}.{format_name}");
        if std::env::var("LULL_GOLDEN").is_ok_and(|what| what == "write") {
            std::fs::create_dir_all(folder).unwrap();
            std::fs::write(&file, format!("{text}\n")).unwrap();
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(format!("{text}\n"), expected, "{file}");
    }
}

#[test]
fn golden_full() {
    golden("full", &[(&samples::full(), Some(samples::hash()))]);
}

#[test]
fn golden_nothing() {
    golden("nothing", &[(&samples::nothing(), None)]);
}

#[test]
fn golden_nasty() {
    golden("nasty", &[(&samples::nasty(), Some(samples::hash()))]);
}

#[test]
fn golden_batch() {
    let events = [samples::full(), samples::nothing(), samples::nasty()];
    let linked: Vec<_> = events.iter().map(|event| (event, None)).collect();
    golden("batch", &linked);
}

/// Whether a body is what its format promises, so far as can be told without the parsers that
/// `tests/it` runs.
fn check(format: Format, text: &str, count: usize) -> Result<(), String> {
    let lines: Vec<&str> = text.lines().collect();
    let json =
        |line: &&str| serde_json::from_str::<Value>(line).is_ok_and(|value| value.is_object());
    let no_controls = !text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{2028}'));
    let holds = match format {
        Format::EcsBulk => {
            lines.len() == 2 * count && lines.iter().all(json) && text.ends_with('\n')
        }
        Format::Datadog => {
            let logs: Vec<Value> = serde_json::from_str(text).map_err(|error| error.to_string())?;
            logs.len() == count && text.len() <= 5_000_000
        }
        Format::Cef => {
            no_controls
                && lines.len() == count
                && lines.iter().all(|line| line.starts_with("CEF:0|"))
        }
        Format::Syslog => {
            no_controls && lines.len() == count && lines.iter().all(|line| line.starts_with('<'))
        }
        _ => lines.len() == count && lines.iter().all(json),
    };
    if holds { Ok(()) } else { Err(format!("{format:?}: {text}")) }
}

#[test]
fn lulls_own_shape_has_every_key_in_its_place() {
    let hash = "ab".repeat(32);
    let user = r#"{"id":"101","name":"Ada","email":"ada@example.com","created_at":null,"updated_at":null}"#;
    let full = format!(
        r#"{{"event":"security","security":{{"id":"7627861917179969537","action":"role.granted","created_at":"2026-03-02T09:14:05.120Z","user":{user},"ip":"203.0.113.7","user_agent":"Mozilla/5.0 (X11; Linux x86_64)","target":{{"type":"user","id":"102","name":"Grace"}},"outcome":"success","severity":7,"description":"Ada made Grace an administrator","details":{{"list":[1,null],"role":"admin","workspace":{{"id":"ws1","n":12.5}}}},"hash":"{hash}"}}}}"#
    );
    assert_eq!(body(Format::Audit, &[(&samples::full(), Some(samples::hash()))]), full);
    assert_eq!(
        body(Format::Audit, &[(&samples::nothing(), None)]),
        concat!(
            r#"{"event":"security","security":{"id":"7627861917179969537","action":"login.failed","#,
            r#""created_at":"2026-03-02T09:14:05.120Z","user":null,"ip":null,"user_agent":null,"#,
            r#""target":null,"outcome":"failure","severity":0,"description":null,"details":{},"hash":null}}"#
        )
    );
}

#[test]
fn what_a_format_is_good_for() {
    for (format, name) in FORMATS {
        let batches = !matches!(name, "audit" | "ocsf" | "ecs");
        assert_eq!(format.takes_batches(), batches, "{name}");
        assert_eq!(format.is_siem(), name != "audit", "{name}");
        assert_eq!(format.can_gzip(), matches!(name, "ecs_bulk" | "splunk_hec" | "datadog"));
        assert!(!format.can_gzip() || format.takes_batches());
    }
    assert_eq!(content_type(Format::Ocsf), "application/json");
    assert_eq!(content_type(Format::EcsBulk), "application/x-ndjson");
    assert_eq!(content_type(Format::Cef), "text/plain; charset=utf-8");
    assert!(!Format::Slack.is_siem());
}

#[test]
fn an_audit_goes_to_a_siem_as_an_event_about_its_record() {
    let seen = |action: &str| {
        crate::testing::audit(
            0,
            &json!({"id": "9", "audit_action": action, "auditable_type": "feature",
                "auditable_id": "42", "workspace_id": "ws1", "user": {"id": "101", "name": "Ada"},
                "description": "updated feature APP-42 Export &amp; import",
                "auditable_url": "https://app.example.com/features/APP-42",
                "changes": [{"field_name": "Name", "value": "Export", "old_value": "Exprot"}]}),
        )
    };
    for (action, named, activity, kind) in [
        ("create", "record.create", 1, "creation"),
        ("update", "record.update", 3, "change"),
        ("destroy", "record.destroy", 4, "deletion"),
    ] {
        let audit = seen(action);
        let changes = audit.said.changes.iter().collect();
        let collated = crate::collate::collate(&[(&audit, changes)]).unwrap();
        let event = of_audit(&collated);
        assert_eq!((event.action.as_str(), event.severity), (named, 1));
        let target = event.target.as_ref().unwrap();
        assert_eq!(target.name.as_deref(), Some("APP-42 Export & import"));
        let keys: Vec<_> = event.details.keys().map(String::as_str).collect();
        assert_eq!(keys, ["changes", "collated", "contributors", "url", "workspace_id"]);
        for (format, _) in &FORMATS[1..] {
            let text = crate::format::body(*format, &collated);
            assert_eq!(text, body(*format, &[(&event, None)]));
            check(*format, &text, 1).unwrap();
        }
        let ocsf: Value = serde_json::from_str(&body(Format::Ocsf, &[(&event, None)])).unwrap();
        assert_eq!((&ocsf["class_uid"], &ocsf["activity_id"]), (&json!(3004), &json!(activity)));
        assert_eq!(ocsf["entity"]["name"], "APP-42 Export & import");
        let ecs: Value = serde_json::from_str(&body(Format::Ecs, &[(&event, None)])).unwrap();
        assert_eq!(ecs["event"]["type"], json!([kind]));
    }
}

#[test]
fn datadog_gets_no_more_than_it_takes_and_is_told_what_is_missing() {
    let large = |bytes: usize| event(json!({"details": {"text": "x".repeat(bytes)}}));
    let told = |events: &[SecurityEvent]| -> Vec<Value> {
        let linked: Vec<_> = events.iter().map(|event| (event, None)).collect();
        let text = body(Format::Datadog, &linked);
        check(Format::Datadog, &text, events.len()).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    assert!(told(&[large(900_000)])[0].get("truncated").is_none());
    let cut = &told(&[large(1_000_000)])[0];
    assert!(cut["truncated"]["bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!(cut["lull"]["details"], json!({}));
    assert_eq!(cut["lull"]["id"], "7627861917179969537");
    // Together too large: the small one stays as it is.
    let mut events = vec![large(900_000); 6];
    events.push(large(10));
    let logs = told(&events);
    assert!(logs[..6].iter().all(|log| log.get("truncated").is_some()));
    assert!(logs[6].get("truncated").is_none());
    // A thousand of the worst there are.
    let long = "\u{1}".repeat(300_000);
    let name = "\u{1}".repeat(255);
    let worst = event(json!({"id": name, "action": name, "ip": long, "user_agent": long,
        "user": {"id": name, "name": long, "email": long}, "description": long,
        "target": {"type": name, "id": name, "name": long}}));
    let one = &told(std::slice::from_ref(&worst))[0];
    assert!(one["message"].as_str().unwrap().ends_with("(300000 characters in all)"));
}

#[test]
fn details_may_be_as_deep_as_they_like() {
    let deep = "[".repeat(10_000) + &"]".repeat(10_000);
    let mut event = samples::full();
    let raw = serde_json::value::RawValue::from_string(deep.clone()).unwrap();
    event.details.insert("role".into(), raw);
    for (format, name) in FORMATS {
        let text = body(format, &[(&event, None)]);
        let cut = matches!(format, Format::Cef | Format::Syslog);
        assert_eq!(text.contains(&deep), !cut, "{name}");
    }
}

#[test]
fn as_many_events_go_in_a_body_as_its_receivers_take() {
    let small = event(json!({}));
    let large = event(json!({"details": {"text": "x".repeat(600_000)}}));
    let many: Vec<Linked<'_>> = vec![(&small, None); 1_500];
    let larger: Vec<Linked<'_>> = vec![(&large, None); 20];
    let huge = event(json!({"details": {"text": "x".repeat(2_000_000)}}));
    for (format, name) in FORMATS {
        let most = if format.takes_batches() { BATCH_EVENTS_MAX as usize } else { 1 };
        assert_eq!(fit(format, &[]), 0, "{name}");
        assert_eq!(fit(format, &many[..1]), 1, "{name}");
        assert_eq!(fit(format, &many), most, "{name}");
        assert!(fit(format, &[(&huge, None), (&small, None)]) >= 1, "{name}");
        let some = fit(format, &larger);
        match format {
            Format::Datadog => assert_eq!(some, 8),
            Format::EcsBulk => assert_eq!(some, 16),
            Format::SplunkHec => assert_eq!(some, 1),
            // The rest cut what is so long, or take one event.
            _ => assert_eq!(some, most.min(20), "{name}"),
        }
    }
    let text = body(Format::Datadog, &larger[..8]);
    assert!(text.len() <= datadog::BODY_BYTES_MAX && !text.contains("truncated"));
}

/// Text with whatever means something to a parser in it.
fn text() -> impl Strategy<Value = String> {
    r#"(\||=|\\|"|'|\]|\[|\n|\r|\t| |:|,|\{|\}|\x00|\x1b|\x85|\u2028|😀|\u202e|é|<|>|a|n|r|.){1,30}"#
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn whatever_an_event_is_every_format_is_what_it_promises(
        texts in prop::collection::vec(text(), 8),
        nothing in prop::collection::vec(any::<bool>(), 6),
        at in prop_oneof![any::<i64>(), 0..4_000_000_000_000i64],
        severity in 0..=10u8, count in 1..4usize,
    ) {
        let some = |at: usize| if nothing[at % 6] { Value::Null } else { json!(texts[at]) };
        let event = event(json!({"id": texts[0], "action": texts[1], "at": at,
            "severity": severity, "ip": some(2), "user_agent": some(3), "description": some(4),
            "user": if nothing[0] { Value::Null } else { json!({"id": texts[5], "name": some(3)}) },
            "target": if nothing[1] { Value::Null } else {
                json!({"type": texts[6], "id": texts[7], "name": some(5)})
            },
            "details": {&texts[0]: some(2), "x": {&texts[1]: [some(3)]}}}));
        let linked = vec![(&event, nothing[3].then(samples::hash)); count];
        for (format, _) in FORMATS {
            let linked = &linked[..if format.takes_batches() { count } else { 1 }];
            let text = body(format, linked);
            check(format, &text, linked.len()).map_err(TestCaseError::fail)?;
        }
        // What was said can be read back.
        let own: Value = serde_json::from_str(&body(Format::Audit, &linked[..1])).unwrap();
        prop_assert_eq!(&own["security"]["id"], &json!(texts[0]));
        prop_assert_eq!(&own["security"]["details"]["x"][&texts[1]][0], &some(3));
        let ecs: Value = serde_json::from_str(&body(Format::Ecs, &linked[..1])).unwrap();
        let details: Value = serde_json::from_str(ecs["lull"]["details"].as_str().unwrap()).unwrap();
        prop_assert_eq!(&details, &own["security"]["details"]);
    }
}

#[test]
fn the_nasty_text_is_there_to_the_last_character() {
    for format in [Format::Audit, Format::Ocsf, Format::Ecs, Format::SplunkHec, Format::Datadog] {
        let text = body(format, &[(&samples::nasty(), None)]);
        let quoted = serde_json::to_string(NASTY).unwrap();
        assert!(text.matches(&quoted).count() >= 5, "{format:?}: {text}");
    }
}

#[test]
fn the_page_about_security_events_has_every_known_action() {
    let page = include_str!("../../../docs/security-events.md");
    let numbers = |known: &known::Known| match known.class {
        known::Class::Authentication => 3002,
        known::Class::AccountChange => 3001,
        known::Class::UserAccess => 3005,
        known::Class::Entity => 3004,
    };
    for known in &known::KNOWN {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", known.action)));
        let row = row.unwrap_or_else(|| panic!("{} is missing", known.action));
        let says = format!(
            "| {} | {} | {}.{} |",
            known.meaning,
            known.severity,
            numbers(known),
            known.activity
        );
        assert!(row.ends_with(&says), "{row} says not {says}");
    }
}
