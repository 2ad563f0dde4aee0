//! Splunk's indexer acknowledgement: that an event was taken does not mean that it is kept, and with
//! this it can be asked. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use url::Url;

/// Where events are posted to, with `/event`, `/raw` and the like after it.
const COLLECTOR: &str = "/services/collector";

/// The number to ask by; none when the receiver gave none, because its token does not acknowledge.
pub fn ack_id(answer: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "ackId")]
        ack_id: u64,
    }
    serde_json::from_str(answer).ok().map(|answer: Answer| answer.ack_id)
}

/// The body that asks about `id`.
pub fn ack_request(id: u64) -> String {
    json!({"acks": [id]}).to_string()
}

/// Whether what was posted under `id` is kept. Nobody says that it was lost: then it is never true.
pub fn is_acknowledged(answer: &str, id: u64) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        acks: BTreeMap<String, bool>,
    }
    let answer: Option<Answer> = serde_json::from_str(answer).ok();
    answer.is_some_and(|answer| answer.acks.get(&id.to_string()) == Some(&true))
}

/// Where to ask, for events that are posted to `hook_url`; with the same query, which may name the
/// channel. None when nothing of Splunk's listens there.
pub fn ack_url(hook_url: &str) -> Option<String> {
    let mut url = Url::parse(hook_url).ok()?;
    let path = url.path().to_owned();
    // The last one: a proxy may have put a path of its own before it.
    let at = path.rfind(COLLECTOR)?;
    let (before, after) = path.split_at(at + COLLECTOR.len());
    if !(after.is_empty() || after.starts_with('/')) {
        return None;
    }
    url.set_path(&format!("{before}/ack"));
    url.set_fragment(None);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_posted_is_asked_about_until_it_is_kept() {
        assert_eq!(ack_id(r#"{"text":"Success","code":0,"ackId":7}"#), Some(7));
        for none in [r#"{"text":"Success","code":0}"#, "", "[]", r#"{"ackId":-1}"#] {
            assert_eq!(ack_id(none), None, "{none}");
        }
        assert_eq!(ack_request(7), r#"{"acks":[7]}"#);
        assert!(is_acknowledged(r#"{"acks":{"7":true,"8":false}}"#, 7));
        for not in [r#"{"acks":{"7":false}}"#, r#"{"acks":{"8":true}}"#, "", r#"{"acks":[7]}"#] {
            assert!(!is_acknowledged(not, 7), "{not}");
        }
    }

    #[test]
    fn it_is_asked_beside_where_it_was_posted() {
        for (hook, ack) in [
            ("https://s:8088/services/collector", "https://s:8088/services/collector/ack"),
            ("https://s/services/collector/event", "https://s/services/collector/ack"),
            (
                "https://s/p/services/collector/event/1.0?channel=c#x",
                "https://s/p/services/collector/ack?channel=c",
            ),
            ("https://s/services/collector/", "https://s/services/collector/ack"),
        ] {
            assert_eq!(ack_url(hook).as_deref(), Some(ack));
        }
        for none in ["https://s/", "https://s/services/collectors", "not a url", ""] {
            assert_eq!(ack_url(none), None, "{none}");
        }
    }
}
