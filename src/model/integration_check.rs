//! What an integration may ask for: everything that types alone cannot say. Pure.

mod kind;

use std::time::Duration;

use url::{Host, Url};

use super::WindowRule;
use super::integration::{IntegrationSpec, Kind, MAX_IN_FLIGHT_MAX, RetrySchedule};
use crate::settings::{PERIOD_MAX, write_duration};

/// The most rows a filter may have.
pub const ACTIVITIES_MAX: usize = 200;
/// The most entries one list of a filter may have.
pub const LISTED_MAX: usize = 1_000;
/// The most headers an integration may add.
pub const HEADERS_MAX: usize = 32;
/// The most bytes a header's value may have.
pub const HEADER_BYTES_MAX: usize = 4_096;
/// The most bytes a hook's URL may have.
pub const URL_BYTES_MAX: usize = 2_048;
/// The longest an attempt may take.
const TIMEOUT_MAX: Duration = Duration::from_secs(120);

/// The most requests a second that can be asked for.
pub const RATE_LIMIT_MAX: u32 = 100_000;
/// The most retries of a message.
pub const RETRIES_MAX: usize = 50;
/// The most events that may go in one message.
pub const BATCH_EVENTS_MAX: u32 = 1_000;
/// The longest wait between two attempts.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Headers that Lull or HTTP itself sets. Anything that begins with `webhook-` is one, too.
const RESERVED_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "content-type",
    "user-agent",
    "connection",
    "transfer-encoding",
    "te",
    "upgrade",
    "trailer",
];

/// Everything that is wrong with `spec` on a server with this quiet period and max wait: where (a
/// JSON pointer), and what.
pub fn check(spec: &IntegrationSpec, server: WindowRule) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, message: String| faults.push((pointer.to_owned(), message));
    if let Err(wrong) = hook_url(&spec.hook_url) {
        fault("/hook_url", wrong);
    }
    check_activities(spec, &mut fault);
    check_headers(spec, &mut fault);
    if spec.users.len() > LISTED_MAX {
        fault("/users", format!("lists {} users; at most {LISTED_MAX}", spec.users.len()));
    }
    if !(Duration::from_secs(1)..=TIMEOUT_MAX).contains(&spec.timeout) {
        fault("/timeout", "must be from 1s to 2m".to_owned());
    }
    if !(1..=MAX_IN_FLIGHT_MAX).contains(&spec.max_in_flight) {
        fault("/max_in_flight", format!("must be from 1 to {MAX_IN_FLIGHT_MAX}"));
    }
    check_retries(spec, &mut fault);
    kind::check(spec, &mut fault);
    check_window(spec, server, &mut fault);
    faults
}

/// What cannot be changed of an integration: its links are of its kind and its workspace.
pub fn check_change(before: &IntegrationSpec, after: &IntegrationSpec) -> Option<(String, String)> {
    let fault = |pointer: &str, what: &str| {
        Some((pointer.to_owned(), format!("cannot be changed{what}; make another integration")))
    };
    if before.kind != after.kind {
        fault("/kind", "")
    } else if before.kind == Kind::Record && before.workspace_id != after.workspace_id {
        fault("/workspace_id", " for kind record")
    } else {
        None
    }
}

/// Whether this is a URL that can be posted to.
fn hook_url(text: &str) -> Result<(), String> {
    if text.len() > URL_BYTES_MAX {
        return Err(format!("has {} bytes; at most {URL_BYTES_MAX}", text.len()));
    }
    let url = Url::parse(text).map_err(|error| {
        format!("is not a URL ({error}); write it like https://example.com/hook")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("begins with {:?}; use http or https", url.scheme()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or password in it; use an Authorization header".to_owned());
    }
    if url.scheme() == "https" && matches!(url.host(), Some(Host::Ipv6(_))) {
        // awc gives TLS the host as it stands in the URL, in brackets, which no certificate has.
        return Err("is https to an IPv6 address, which cannot be verified; use a name".to_owned());
    }
    if url.fragment().is_some() {
        return Err("has a #fragment, which is never sent; leave it out".to_owned());
    }
    // What sends it is stricter about hosts, as with `exam`ple.com`.
    if let Err(error) = url.as_str().parse::<awc::http::Uri>() {
        return Err(format!("cannot be sent ({error}); write it like https://example.com/hook"));
    }
    Ok(())
}

/// R3 holds for an integration's own pair, whichever half of it is the server's.
fn check_window(spec: &IntegrationSpec, server: WindowRule, fault: &mut dyn FnMut(&str, String)) {
    let WindowRule { quiet_period, max_wait } = spec.pair().rule(server);
    if quiet_period > PERIOD_MAX {
        fault("/quiet_period", format!("must be at most {}", write_duration(PERIOD_MAX)));
    }
    if max_wait.is_some_and(|max_wait| max_wait > PERIOD_MAX) {
        fault("/max_wait", format!("must be at most {}", write_duration(PERIOD_MAX)));
    }
    let own = spec.quiet_period.is_some() || spec.max_wait.is_some();
    if own && max_wait.is_some_and(|max_wait| max_wait <= quiet_period) {
        let pointer = if spec.max_wait.is_some() { "/max_wait" } else { "/quiet_period" };
        let (max_wait, quiet) =
            (write_duration(max_wait.unwrap_or_default()), write_duration(quiet_period));
        let wrong = format!("max wait ({max_wait}) is not longer than the quiet period ({quiet})");
        fault(pointer, format!("{wrong}; make it longer, or off"));
    }
}

fn check_retries(spec: &IntegrationSpec, fault: &mut dyn FnMut(&str, String)) {
    if spec.rate_limit.is_some_and(|limit| limit.get() > RATE_LIMIT_MAX) {
        fault("/rate_limit", format!("must be from 1 to {RATE_LIMIT_MAX} requests a second"));
    }
    let Some(RetrySchedule(waits)) = &spec.retry_schedule else { return };
    if waits.len() > RETRIES_MAX {
        fault("/retry_schedule", format!("has {} waits; at most {RETRIES_MAX}", waits.len()));
    }
    for (position, wait) in waits.iter().enumerate() {
        if !(Duration::from_secs(1)..=RETRY_WAIT_MAX).contains(wait) {
            fault(&format!("/retry_schedule/{position}"), "must be from 1s to 7d".to_owned());
        }
    }
}

fn check_activities(spec: &IntegrationSpec, fault: &mut dyn FnMut(&str, String)) {
    let count = spec.activities.len();
    if count > ACTIVITIES_MAX {
        fault("/activities", format!("has {count} rows; at most {ACTIVITIES_MAX}"));
    }
    for (row, activity) in spec.activities.iter().enumerate() {
        for (list, entries) in [
            ("workspaces", &activity.workspaces),
            ("record_types", &activity.record_types),
            ("fields", &activity.fields),
            ("exclude_fields", &activity.exclude_fields),
        ] {
            if entries.len() > LISTED_MAX {
                let message = format!("has {} entries; at most {LISTED_MAX}", entries.len());
                fault(&format!("/activities/{row}/{list}"), message);
            }
        }
        if spec.workspace_id.is_some() && !activity.workspaces.is_empty() {
            let message = "is for account-level integrations; this one has a workspace_id";
            fault(&format!("/activities/{row}/workspaces"), message.to_owned());
        }
    }
}

fn check_headers(spec: &IntegrationSpec, fault: &mut dyn FnMut(&str, String)) {
    if spec.headers.len() > HEADERS_MAX {
        let count = spec.headers.len();
        fault("/headers", format!("has {count} headers; at most {HEADERS_MAX}"));
    }
    for (name, value) in &spec.headers {
        let pointer = format!("/headers/{}", name.replace('~', "~0").replace('/', "~1"));
        let lower = name.to_ascii_lowercase();
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            fault(&pointer, "is not the name of a header".to_owned());
        } else if RESERVED_HEADERS.contains(&lower.as_str()) || lower.starts_with("webhook-") {
            fault(&pointer, "is set by Lull; choose another name".to_owned());
        }
        if !value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)) {
            fault(&pointer, "may hold printable ASCII only, on one line".to_owned());
        } else if value.len() > HEADER_BYTES_MAX {
            fault(&pointer, format!("has {} bytes; at most {HEADER_BYTES_MAX}", value.len()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const SERVER: WindowRule =
        WindowRule { quiet_period: Duration::from_secs(300), max_wait: None };

    fn faults(edit: Value) -> Vec<(String, String)> {
        let mut spec =
            json!({"name": "hook", "kind": "activity", "hook_url": "https://example.com/hook"});
        json_patch::merge(&mut spec, &edit);
        check(&serde_json::from_value(spec).expect("a spec"), SERVER)
    }

    #[test]
    fn what_can_be_used_has_no_faults() {
        for edit in [
            json!({}),
            json!({"hook_url": "http://127.0.0.1:8000/a?b=c"}),
            json!({"headers": {"X-Team": "core", "Authorization": "Bearer abc"}}),
            json!({"timeout": "1s", "max_in_flight": 4096, "rate_limit": 10}),
            json!({"retry_schedule": ["5s", "5m"]}),
            json!({"retry_schedule": []}),
            json!({"quiet_period": "30s", "max_wait": "2m"}),
            json!({"quiet_period": "0s", "max_wait": "off"}),
            json!({"activities": [{"workspaces": ["ws1"], "fields": ["Name"]}]}),
            json!({"kind": "record", "workspace_id": "ws1", "quiet_period": "1m"}),
            json!({"kind": "record", "workspace_id": "ws1", "activities": [{"record_types": ["feature"]}]}),
            json!({"include_record": true}),
        ] {
            assert_eq!(faults(edit.clone()), [], "{edit}");
        }
    }

    #[test]
    fn every_fault_is_named_with_its_place_and_the_fix() {
        for (edit, pointer, message) in [
            (json!({"hook_url": "example.com"}), "/hook_url", "is not a URL"),
            (json!({"hook_url": "ftp://example.com/"}), "/hook_url", "use http or https"),
            (json!({"hook_url": "http://"}), "/hook_url", "is not a URL"),
            (json!({"hook_url": "https://a:b@example.com/"}), "/hook_url", "Authorization"),
            (json!({"hook_url": "https://[2606:4700::1111]/"}), "/hook_url", "use a name"),
            (json!({"hook_url": "https://example.com/#x"}), "/hook_url", "#fragment"),
            (json!({"hook_url": "https://exam`ple.com/"}), "/hook_url", "cannot be sent"),
            (json!({"timeout": "0s"}), "/timeout", "from 1s"),
            (json!({"timeout": "3m"}), "/timeout", "to 2m"),
            (json!({"max_in_flight": 0}), "/max_in_flight", "from 1"),
            (json!({"rate_limit": 100_001}), "/rate_limit", "requests a second"),
            (json!({"retry_schedule": ["5s", "0s"]}), "/retry_schedule/1", "from 1s"),
            (json!({"retry_schedule": vec!["5s"; 51]}), "/retry_schedule", "at most 50"),
            (json!({"headers": {"a b": "c"}}), "/headers/a b", "not the name"),
            (json!({"headers": {"Host": "c"}}), "/headers/Host", "set by Lull"),
            (json!({"headers": {"Webhook-Id": "c"}}), "/headers/Webhook-Id", "set by Lull"),
            (json!({"headers": {"x": "a\r\nb: c"}}), "/headers/x", "on one line"),
            (json!({"users": vec!["u"; 1_001]}), "/users", "at most 1000"),
            (json!({"activities": vec![json!({}); 201]}), "/activities", "at most 200"),
            (
                json!({"workspace_id": "w", "activities": [{"workspaces": ["w"]}]}),
                "/activities/0/workspaces",
                "account-level",
            ),
            (json!({"max_wait": "5m"}), "/max_wait", "not longer than the quiet period (5m)"),
            (json!({"quiet_period": "10m", "max_wait": "9m"}), "/max_wait", "make it longer"),
            (json!({"quiet_period": "31d"}), "/quiet_period", "at most 30d"),
            (json!({"kind": "record"}), "/workspace_id", "name it"),
            (json!({"include_record": true, "format": "slack"}), "/include_record", "format audit"),
        ] {
            let found = faults(edit.clone());
            assert_eq!(found.len(), 1, "{edit}: {found:?}");
            assert_eq!(found[0].0, pointer);
            assert!(found[0].1.contains(message), "{edit}: {found:?}");
        }
    }

    #[test]
    fn what_does_not_apply_to_whole_records_is_refused() {
        for (edit, pointer) in [
            (json!({"include_record": true}), "/include_record"),
            (json!({"format": "aha"}), "/format"),
            (json!({"collation": "live"}), "/collation"),
            (json!({"collate_backlog": false}), "/collate_backlog"),
            (json!({"users": ["101"]}), "/users"),
            (json!({"activities": [{}, {"fields": ["Name"]}]}), "/activities/1/fields"),
            (json!({"activities": [{"exclude_fields": ["x"]}]}), "/activities/0/exclude_fields"),
            (
                json!({"activities": [{"include_associated": true}]}),
                "/activities/0/include_associated",
            ),
            (json!({"activities": [{"workspaces": ["ws1"]}]}), "/activities/0/workspaces"),
        ] {
            let mut of_kind = json!({"kind": "record", "workspace_id": "ws1"});
            json_patch::merge(&mut of_kind, &edit);
            let found = faults(of_kind);
            assert_eq!(found.len(), 1, "{edit}: {found:?}");
            assert_eq!(found[0].0, pointer, "{found:?}");
        }
    }
}
