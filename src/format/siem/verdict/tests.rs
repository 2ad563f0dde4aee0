use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::format::siem::{body, samples};

fn elastic_of(answer: &serde_json::Value, count: u32) -> Option<Verdict> {
    verdict(Format::EcsBulk, 200, &answer.to_string(), count)
}

#[test]
fn splunk_took_what_is_before_the_event_that_it_names() {
    let answer = r#"{"text":"Invalid data format","code":6,"invalid-event-number":3}"#;
    let said = verdict(Format::SplunkHec, 400, answer, 6).unwrap();
    assert_eq!((said.again, said.refused), (vec![4, 5], vec![3]));
    assert_eq!(
        said.note.as_deref(),
        Some(
            "Splunk refused event 4 of 6: Invalid data format (code 6). It took the ones before \
             it. The ones after it are sent again."
        )
    );
    let alone = r#"{"text":"Event field is required","code":12,"invalid-event-number":0}"#;
    let said = verdict(Format::SplunkHec, 400, alone, 1).unwrap();
    assert_eq!((said.again, said.refused), (vec![], vec![0]));
}

#[test]
fn what_is_not_about_one_event_is_about_all() {
    let number = r#"{"text":"Invalid data format","code":6,"invalid-event-number":3}"#;
    for (format, code, answer, count) in [
        (Format::SplunkHec, 200, r#"{"text":"Success","code":0}"#, 5),
        (Format::SplunkHec, 400, r#"{"text":"No data","code":5}"#, 5),
        (Format::SplunkHec, 503, r#"{"text":"Server is busy","code":9}"#, 5),
        (
            Format::SplunkHec,
            400,
            r#"{"text":"Incorrect index","code":7,"invalid-event-number":1}"#,
            5,
        ),
        (Format::SplunkHec, 400, number, 3),
        (Format::SplunkHec, 400, "", 3),
        (Format::Datadog, 400, number, 5),
        (Format::EcsBulk, 200, r#"{"took":3,"errors":false,"items":[]}"#, 5),
        (Format::EcsBulk, 200, "", 5),
        (Format::EcsBulk, 400, r#"{"errors":true,"items":[]}"#, 5),
        (Format::Audit, 200, r#"{"errors":true,"items":[]}"#, 1),
    ] {
        assert_eq!(verdict(format, code, answer, count), None, "{format:?} {answer}");
    }
}

#[test]
fn elasticsearch_says_it_of_each_document() {
    let parsing = json!({"type": "document_parsing_exception", "reason": "failed to parse",
        "caused_by": {"type": "illegal_argument_exception", "reason": "not an IP"}});
    let busy = json!({"type": "es_rejected_execution_exception", "reason": "queue is full"});
    let said = elastic_of(
        &json!({"took": 30, "errors": true, "items": [
            {"create": {"_index": "a", "status": 201}},
            {"create": {"status": 400, "error": parsing}},
            {"create": {"status": 429, "error": busy}},
            {"create": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}},
            {"create": {"status": 503}},
        ]}),
        5,
    );
    let said = said.unwrap();
    assert_eq!((said.again, said.refused), (vec![2, 4], vec![1]));
    assert_eq!(
        said.note.as_deref(),
        Some(
            "Elasticsearch did not take all events. event 2 of 5: document_parsing_exception: \
             failed to parse: not an IP (status 400, refused); event 3 of 5: \
             es_rejected_execution_exception: queue is full (status 429, sent again); event 5 of \
             5: no reason given (status 503, sent again)."
        )
    );
    let all_there = json!({"errors": true, "items": [{"create": {"status": 409}}]});
    assert_eq!(elastic_of(&all_there, 1), Some(Verdict::default()));
    // Which one is it? Nobody knows.
    let filtered = json!({"errors": true, "items": [{"create": {"error": busy}}]});
    let said = elastic_of(&filtered, 3).unwrap();
    assert_eq!((said.again, said.refused), (vec![0, 1, 2], vec![]));
    assert!(said.note.unwrap().contains("its answer lists 1."));
}

#[test]
fn an_answer_that_was_cut_is_read_as_far_as_it_goes() {
    let items = vec![json!({"create": {"status": 201}}); 10];
    let whole = json!({"errors": true, "items": items}).to_string();
    for end in 0..whole.len() {
        let Some(said) = verdict(Format::EcsBulk, 200, &whole[..end], 10) else {
            assert!(!whole[..end].contains(r#""errors":t"#));
            continue;
        };
        let taken = 10 - said.again.len() as u32;
        assert!(said.refused.is_empty() && said.again == (taken..10).collect::<Vec<_>>());
        assert!(whole[..end].matches("201}}").count() as u32 == taken);
    }
}

#[test]
fn a_body_of_only_some_events_is_the_body_that_those_would_have_had() {
    let events = [samples::full(), samples::nothing(), samples::nasty(), samples::full()];
    let hash = Some(samples::hash());
    let linked: Vec<_> = events.iter().map(|event| (event, hash)).collect();
    for format in samples::FORMATS.map(|(format, _)| format) {
        if !format.takes_batches() {
            assert_eq!(only(format, "x", &[0]), "x");
            assert_eq!(only(format, "x", &[1]), "");
            continue;
        }
        let whole = body(format, &linked);
        for chosen in [vec![], vec![0], vec![2], vec![1, 3], vec![3, 1, 9], vec![0, 1, 2, 3]] {
            let some: Vec<_> =
                (0..4).filter(|at| chosen.contains(at)).map(|at| linked[at as usize]).collect();
            assert_eq!(only(format, &whole, &chosen), body(format, &some), "{format:?} {chosen:?}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_answered_a_verdict_names_events_that_there_are_each_once(
        head in r#"(\{|"errors" ?: ?true,|"items":\[|"errors":false|\{"code":6,|"invalid-event-number":|\}){0,4}"#,
        statuses in prop::collection::vec(any::<u16>(), 0..9),
        tail in r#"(\{"create":\{"status":|[0-9]{1,6}|\}\}|\]|,|"error":\{|"reason":"|😀|.){0,9}"#,
        count in 1..9u32, cut in 0..400usize, code in prop_oneof![Just(200u16), Just(400u16)],
    ) {
        let items = statuses.iter().map(|status| format!(r#"{{"create":{{"status":{status}}}}}"#));
        let listed = items.collect::<Vec<_>>().join(",");
        for answer in [
            format!("{head}{listed}{tail}"),
            format!(r#"{{"errors":true,"items":[{listed}{tail}"#),
            format!(r#"{{"code":6,"text":"{tail}","invalid-event-number":{}}}"#, statuses.len()),
        ] {
            let answer: String = answer.chars().take(cut).collect();
            for format in [Format::EcsBulk, Format::SplunkHec] {
                let Some(said) = verdict(format, code, &answer, count) else { continue };
                let mut named = [said.again.clone(), said.refused.clone()].concat();
                prop_assert!(said.again.is_sorted() && said.refused.is_sorted());
                prop_assert_eq!(named.is_empty(), said.note.is_none());
                named.sort_unstable();
                prop_assert!(named.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", named);
                prop_assert!(named.iter().all(|event| *event < count), "{:?}", named);
            }
        }
    }
}
