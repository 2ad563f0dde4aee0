//! Integrations as they come: on the first line what one asks for, on each other line a merge patch of
//! it. What is accepted can be sent as it stands and reads the same again; of what is shown, nothing
//! is a secret, and giving it back changes nothing.

use std::time::Duration;

use lull::cli::{document_of, text_of};
use lull::model::{HIDDEN, IntegrationSpec, WindowRule, check as faults_of, looks_secret};
use lull::web::fuzzing::{as_shown, kept, spec_of};
use serde_json::Value;

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut whole = Value::Null;
    for line in text.lines().map_while(|line| serde_json::from_str::<Value>(line).ok()) {
        json_patch::merge(&mut whole, &line);
        match spec_of(whole.clone()) {
            Ok(spec) => {
                reads_the_same(&spec);
                is_shown_without_secrets(&spec);
                if is_accepted(&spec) {
                    can_be_sent(&spec);
                }
            }
            Err((pointer, fault)) => {
                assert!(!fault.is_empty() && !fault.chars().any(char::is_control), "{fault:?}");
                assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer}");
            }
        }
    }
}

fn value(spec: &IntegrationSpec) -> Value {
    serde_json::to_value(spec).expect("plain data")
}

fn reads_the_same(spec: &IntegrationSpec) {
    assert_eq!(spec_of(value(spec)).as_ref(), Ok(spec));
    // As the store keeps it, and as a file would have it.
    let text = serde_json::to_string(spec).expect("plain data");
    assert_eq!(serde_json::from_str::<IntegrationSpec>(&text).ok().as_ref(), Some(spec));
    let file = text_of(&serde_json::json!({"integrations": [value(spec)]})).expect("a file");
    let mut back = document_of(&file).expect("what was written");
    assert_eq!(spec_of(back["integrations"][0].take()).as_ref(), Ok(spec), "{file}");
}

fn is_shown_without_secrets(spec: &IntegrationSpec) {
    let shown = as_shown(spec);
    for (name, value) in &shown.headers {
        assert!(!looks_secret(&name.to_lowercase()) || value == HIDDEN, "{name}");
    }
    assert!(shown.client_certificate.is_none_or(|pem| pem == HIDDEN));
    let (back, left) = kept(value(&as_shown(spec)), spec);
    assert_eq!(spec_of(back).as_ref(), Ok(spec));
    assert!(left.is_none() || spec.headers.values().any(|value| value == HIDDEN)
        || spec.client_certificate.as_deref() == Some(HIDDEN));
}

fn is_accepted(spec: &IntegrationSpec) -> bool {
    let server = WindowRule { quiet_period: Duration::from_secs(300), max_wait: None };
    let faults = faults_of(spec, server);
    for (pointer, fault) in &faults {
        let above = pointer.rsplit_once('/').map_or("", |(above, _)| above);
        assert!(value(spec).pointer(above).is_some() && !fault.is_empty(), "{pointer}: {fault}");
        assert!(!fault.chars().any(char::is_control), "{fault:?}");
    }
    faults.is_empty()
}

/// No header smuggles another, none is one that HTTP itself needs, and the URL is one of the web's.
fn can_be_sent(spec: &IntegrationSpec) {
    for (name, value) in &spec.headers {
        http::HeaderName::try_from(name.as_str()).expect("the name of a header");
        http::HeaderValue::try_from(value.as_str()).expect("the value of a header");
        assert!(!value.contains(['\r', '\n', '\0']));
        let lower = name.to_ascii_lowercase();
        let own = ["host", "content-length", "transfer-encoding", "connection", "content-type"];
        assert!(!own.contains(&lower.as_str()) && !lower.starts_with("webhook-"), "{name}");
    }
    let url = url::Url::parse(&spec.hook_url).expect("a URL");
    assert!(matches!(url.scheme(), "http" | "https") && url.has_host());
    let uri: http::Uri = url.as_str().parse().expect("a URL that can be sent");
    assert!(!uri.to_string().contains(['\r', '\n', ' ']));
}
