use proptest::prelude::*;

use super::*;
use crate::model::Action;

/// Within the limits that hold by default.
fn audits(body: &[u8], media: Media) -> Result<Vec<AuditDraft>, Refused> {
    super::audits(body, media, &Limits::default())
}

fn one(body: &str) -> AuditDraft {
    let mut audits = audits(body.as_bytes(), Media::Json).expect("an audit");
    assert_eq!(audits.len(), 1);
    audits.remove(0)
}

fn faults(body: &str) -> Vec<(usize, String, String)> {
    match audits(body.as_bytes(), Media::Json) {
        Err(Refused::Invalid { faults, .. }) => {
            faults.into_iter().map(|fault| (fault.index, fault.pointer, fault.message)).collect()
        }
        other => panic!("{body} was not refused as invalid: {other:?}"),
    }
}

#[test]
fn an_envelope_of_the_product_we_learn_from_is_read() {
    let audit = one(
        r#"{"event":"audit","audit":{"id":"6543581008138760991","audit_action":"update",
        "created_at":"2018-04-12T15:16:17.922Z","interesting":true,
        "user":{"id":"1","name":"A","email":"a@example.com","created_at":"2017-01-01T00:00:00.000Z","updated_at":"2018-04-12T15:16:17.000Z"},
        "auditable_type":"feature","auditable_id":"6514078362261846610",
        "description":"updated feature DEMO-28 Language options","auditable_url":"http://x.example.com/features/DEMO-28",
        "changes":[{"field_name":"Workflow status","value":"Under consideration &rarr; Ready to develop"}]}}"#,
    );
    assert_eq!(audit.id.unwrap().as_str(), "6543581008138760991");
    assert_eq!(audit.audit_action, Action::Update);
    assert_eq!(audit.user.unwrap().updated_at.unwrap().to_string(), "2018-04-12T15:16:17.000Z");
    assert_eq!(audit.changes[0].value.get(), r#""Under consideration &rarr; Ready to develop""#);
}

#[test]
fn a_create_with_numbers_booleans_and_a_field_twice_is_read() {
    let audit = one(r#"{"audit_action":"create","auditable_type":"feature","auditable_id":"1",
        "created_at":"2018-04-12T15:16:17Z","user":{"id":"1","name":"A","email":"a@example.com"},
        "changes":[{"field_name":"Rank","value":1},{"field_name":"Show feature remaining estimate","value":true},
                   {"field_name":"Type","value":"New"},{"field_name":"Type","value":"Improvement"}]}"#);
    let values: Vec<&str> = audit.changes.iter().map(|change| change.value.get()).collect();
    assert_eq!(values, ["1", "true", "\"New\"", "\"Improvement\""]);
    assert_eq!(audit.created_at.unwrap().to_string(), "2018-04-12T15:16:17.000Z");
}

#[test]
fn votes_tags_and_long_ids_are_read() {
    let vote = one(r#"{"audit_action":"create","auditable_type":"ideas/idea_endorsement",
        "auditable_id":"1234567890123456789012345","changes":[],"user":null}"#);
    assert_eq!(vote.auditable_id.as_str(), "1234567890123456789012345");
    assert!(vote.user.is_none() && vote.changes.is_empty() && vote.interesting);
    let tag = one(
        r#"{"audit_action":"create","auditable_type":"tag","auditable_id":1234567890123456789012345,"interesting":false}"#,
    );
    assert_eq!(tag.auditable_id.as_str(), "1234567890123456789012345");
    assert!(!tag.interesting);
}

#[test]
fn a_note_with_integer_ids_wrapped_contributors_and_html_is_read() {
    let note = one(r#"{"audit_action":"update","auditable_type":"note","auditable_id":77,
        "associated_type":"feature","associated_id":42,
        "contributors":[{"user":{"id":5,"name":"Eve"}},{"id":"6","name":"Flat"}],
        "changes":[{"field_name":"Description","value":"\u003cp\u003ea \u003cspan class=\"inserted\"\u003eb\u003c/span\u003e\u003c/p\u003e"}]}"#);
    assert_eq!(note.auditable_id.as_str(), "77");
    assert_eq!(note.associated_id.unwrap().as_str(), "42");
    let ids: Vec<&str> = note.contributors.iter().map(|user| user.id.as_str()).collect();
    assert_eq!(ids, ["5", "6"]);
    // Escapes stay as they came.
    assert!(note.changes[0].value.get().contains("\\u003cspan class=\\\"inserted\\\""));
}

#[test]
fn unknown_keys_are_kept_at_every_level() {
    let body = r#"{"audit_action":"update","auditable_type":"f","auditable_id":"1","ip":{"v":4},
        "user":{"id":"1","team":"x"},"changes":[{"field_name":"N","value":1,"field_id":9}]}"#;
    let kept_text = serde_json::to_string(&one(body)).unwrap();
    for key in [r#""ip":{"v":4}"#, r#""team":"x""#, r#""field_id":9"#] {
        assert!(kept_text.contains(key), "{kept_text}");
    }
}

#[test]
fn all_four_shapes_are_read() {
    let audit = r#"{"audit_action":"update","auditable_type":"f","auditable_id":"1"}"#;
    assert_eq!(audits(format!("[{audit},{audit}]").as_bytes(), Media::Json).unwrap().len(), 2);
    assert_eq!(audits(b"[]", Media::Json).unwrap().len(), 0);
    let lines = format!("{audit}\r\n\n{{\"event\":\"audit\",\"audit\":{audit}}}\n");
    assert_eq!(audits(lines.as_bytes(), Media::Ndjson).unwrap().len(), 2);
}

#[test]
fn everything_wrong_is_named_with_its_place() {
    let base = r#""audit_action":"update","auditable_type":"f","auditable_id":"1""#;
    let long = "x".repeat(256);
    for (body, pointer, message) in [
        ("{}".to_owned(), "/audit_action", "is required"),
        (
            r#"{"audit_action":"Update","auditable_type":"f","auditable_id":"1"}"#.to_owned(),
            "/audit_action",
            "must be \"create\"",
        ),
        (
            r#"{"audit_action":"update","auditable_type":7,"auditable_id":"1"}"#.to_owned(),
            "/auditable_type",
            "must be a string, not a number",
        ),
        (
            r#"{"audit_action":"update","auditable_type":"f","auditable_id":1.5}"#.to_owned(),
            "/auditable_id",
            "string or an integer",
        ),
        (
            r#"{"audit_action":"update","auditable_type":"f","auditable_id":""}"#.to_owned(),
            "/auditable_id",
            "must not be empty",
        ),
        (
            format!(r#"{{"audit_action":"update","auditable_type":"f","auditable_id":"{long}"}}"#),
            "/auditable_id",
            "256 characters; at most 255",
        ),
        (format!(r#"{{{base},"created_at":"soon"}}"#), "/created_at", "RFC 3339"),
        (format!(r#"{{{base},"interesting":"yes"}}"#), "/interesting", "true or false"),
        (format!(r#"{{{base},"user":{{"name":"A"}}}}"#), "/user/id", "is required"),
        (format!(r#"{{{base},"user":"A"}}"#), "/user", "must be an object"),
        (
            format!(r#"{{{base},"contributors":[{{"user":{{"id":[]}}}}]}}"#),
            "/contributors/0/user/id",
            "string or an integer",
        ),
        (format!(r#"{{{base},"changes":{{}}}}"#), "/changes", "must be an array"),
        (
            format!(r#"{{{base},"changes":[{{"field_name":"a"}},{{"value":1}}]}}"#),
            "/changes/1/field_name",
            "is required",
        ),
        (format!(r#"{{{base},"auditable_id":"2"}}"#), "/auditable_id", "is given twice"),
        (format!(r#"{{{base},"a/b":1,"a/b":2}}"#), "/a~1b", "is given twice"),
        (
            format!(r#"{{"event":"audit","audit":{{{base},"user":3}}}}"#),
            "/audit/user",
            "must be an object",
        ),
        (format!(r#"{{"event":"other","audit":{{{base}}}}}"#), "/event", "must be \"audit\""),
        ("7".to_owned(), "", "must be an object"),
    ] {
        let faults = faults(&body);
        assert!(
            faults
                .iter()
                .any(|(index, at, what)| *index == 0 && at == pointer && what.contains(message)),
            "{body}: {faults:?}"
        );
    }
}

#[test]
fn every_bad_item_of_a_batch_is_named() {
    let good = r#"{"audit_action":"update","auditable_type":"f","auditable_id":"1"}"#;
    let found = faults(&format!("[{good},{{}},{good},7]"));
    let indexes: Vec<usize> = found.iter().map(|(index, ..)| *index).collect();
    assert_eq!(indexes, [1, 1, 1, 3]);
    let Err(refused) = audits(format!("{good}\nnot json\n").as_bytes(), Media::Ndjson) else {
        panic!()
    };
    let Refused::Invalid { faults: lines, .. } = refused else { panic!() };
    assert_eq!(lines[0].index, 1);
    assert!(lines[0].message.starts_with("line 2 is not JSON"));
}

#[test]
fn limits_hold_at_their_edge() {
    let change = r#"{"field_name":"a","value":1}"#;
    let with_changes = |count: usize| {
        let changes = vec![change; count].join(",");
        format!(
            r#"{{"audit_action":"update","auditable_type":"f","auditable_id":"1","changes":[{changes}]}}"#
        )
    };
    assert_eq!(one(&with_changes(1_000)).changes.len(), 1_000);
    assert!(faults(&with_changes(1_001))[0].2.contains("1001 changes; an audit may have 1000"));

    let audit = r#"{"audit_action":"update","auditable_type":"f","auditable_id":"1"}"#;
    let batch = |count: usize| vec![audit; count].join("\n");
    assert_eq!(audits(batch(10_000).as_bytes(), Media::Ndjson).unwrap().len(), 10_000);
    assert!(matches!(
        audits(batch(10_001).as_bytes(), Media::Ndjson),
        Err(Refused::TooMany { max: 10_000, .. })
    ));

    let padded = |bytes: usize| format!("{audit}{}", " ".repeat(bytes - audit.len()));
    assert_eq!(audits(padded(1 << 20).as_bytes(), Media::Json).unwrap().len(), 1);
    assert!(matches!(
        audits(padded((1 << 20) + 1).as_bytes(), Media::Json),
        Err(Refused::TooLarge { max: 1_048_576, .. })
    ));
}

#[test]
fn what_is_not_json_is_refused_as_such() {
    for body in ["", "{", "[{]", "\u{feff}{}", "{}{}"] {
        assert!(
            matches!(audits(body.as_bytes(), Media::Json), Err(Refused::NotJson(_))),
            "{body:?}"
        );
    }
    assert!(matches!(audits(b"{\"a\":\"\xff\"}", Media::Json), Err(Refused::NotJson(_))));
    assert_eq!(faults(r#"{"audit_action":"update","auditable_type":"f","auditable_id":"1","description":"\ud800"}"#)[0].1, "/description");
}

proptest! {
    /// What the history keeps reads back as what was kept.
    #[test]
    fn kept_text_survives_the_round_trip(audit in crate::testing::audit_json()) {
        let draft = one(&audit.to_string());
        let text = serde_json::to_vec(&draft).unwrap();
        let again = kept(&text).unwrap();
        prop_assert_eq!(serde_json::to_vec(&again).unwrap(), text);
    }

    /// Whatever is posted, the answer is an audit or an error, never a panic.
    #[test]
    fn no_body_is_too_strange(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = audits(&body, Media::Json);
        let _ = audits(&body, Media::Ndjson);
    }

    /// Damaging one byte of a good body never panics either.
    #[test]
    fn no_damage_is_too_strange(audit in crate::testing::audit_json(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut body = audit.to_string().into_bytes();
        let at = at.index(body.len());
        body[at] = byte;
        let _ = audits(&body, Media::Json);
    }
}
