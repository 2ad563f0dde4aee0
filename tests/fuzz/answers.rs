//! What SIEMs answer: a status on the first line, then the answer. Every event of a batch is taken, sent
//! again or refused, never two of them; and an answer may ask for nothing that was not sent.

use lull::format::siem::{ack_id, ack_request, ack_url, is_acknowledged, verdict};
use lull::model::Format;

const COUNT: u32 = 7;

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (first, answer) = text.split_once('\n').unwrap_or(("200", &text));
    let code = first.trim().parse().unwrap_or(200);
    for format in [Format::SplunkHec, Format::EcsBulk, Format::Datadog, Format::Cef] {
        let Some(verdict) = verdict(format, code, answer, COUNT) else { continue };
        let all = || verdict.again.iter().chain(&verdict.refused);
        let mut once: Vec<u32> = all().copied().collect();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), all().count(), "an event has two fates: {verdict:?}");
        assert!(once.iter().all(|event| *event < COUNT), "{verdict:?}");
        if let Some(note) = &verdict.note {
            assert!(!note.chars().any(char::is_control) && note.chars().count() < 4_000, "{note:?}");
        }
        assert!(once.is_empty() || verdict.note.is_some(), "nobody says why: {verdict:?}");
    }
    if let Some(id) = ack_id(answer) {
        assert!(ack_request(id).contains(&id.to_string()));
        assert!(!is_acknowledged(answer, id) || answer.contains("acks"));
    }
    if let Some(url) = ack_url(answer) {
        // To where events are posted to, and nowhere else.
        let (hook, ack) = (url::Url::parse(answer), url::Url::parse(&url));
        let (hook, ack) = (hook.expect("a URL"), ack.expect("a URL"));
        assert_eq!(hook.origin().ascii_serialization(), ack.origin().ascii_serialization());
        assert_eq!((hook.host_str(), hook.port()), (ack.host_str(), ack.port()));
        assert!(ack.path().ends_with("/services/collector/ack"));
    }
}
