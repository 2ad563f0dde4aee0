//! What a receiver says of single events of a body, and a body with only some of them: a batch in which
//! one event is wrong must neither be lost nor be sent for ever. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::Format;

/// What Splunk answers with when an event is wrong, whatever token and index it is for: no valid data,
/// no `event`, a blank `event`, wrong `fields`. Other codes that name an event (7, "Incorrect index")
/// are about the token, and would be said of every event.
const SPLUNK_WRONG_EVENT: [i64; 4] = [6, 12, 13, 15];
/// The most events and reasons that a note names one by one.
const NAMED_MAX: usize = 5;
/// The most characters of a reason in a note.
const REASON_CHARS_MAX: usize = 300;

/// What became of single events, by their places in the body. Those that are in neither list were
/// taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Those to send again.
    pub again: Vec<u32>,
    /// Those that will never be taken as they are.
    pub refused: Vec<u32>,
    /// What happened, in words a person can act on; events are counted from one.
    pub note: Option<String>,
}

/// What the answer to a body with `count` events says of single ones; none when it says nothing of
/// them, and its status holds for all.
///
/// An answer that was cut is read as far as it goes: what it no longer says something of is to be sent
/// again.
pub fn verdict(format: Format, code: u16, answer: &str, count: u32) -> Option<Verdict> {
    match format {
        Format::SplunkHec if code == 400 => splunk(answer, count),
        Format::EcsBulk if (200..300).contains(&code) => elastic(answer, count),
        _ => None,
    }
}

/// Splunk takes the events before the one it trips over, and looks at none after it.
fn splunk(answer: &str, count: u32) -> Option<Verdict> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(default)]
        text: String,
        code: i64,
        #[serde(rename = "invalid-event-number")]
        at: u32,
    }
    let answer: Answer = serde_json::from_str(answer).ok()?;
    if !SPLUNK_WRONG_EVENT.contains(&answer.code) || answer.at >= count {
        return None;
    }
    let again: Vec<u32> = (answer.at + 1..count).collect();
    let mut note = format!(
        "Splunk refused event {} of {count}: {} (code {}).",
        answer.at + 1,
        short(&answer.text),
        answer.code
    );
    if answer.at > 0 {
        note.push_str(" It took the ones before it.");
    }
    if !again.is_empty() {
        note.push_str(" The ones after it are sent again.");
    }
    Some(Verdict { again, refused: vec![answer.at], note: Some(note) })
}

/// What `_bulk` says of one document, under the name of what was to be done with it.
#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    status: u16,
    #[serde(default)]
    error: Option<Reason>,
}

#[derive(Deserialize)]
struct Reason {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    caused_by: Option<Box<Reason>>,
}

fn elastic(answer: &str, count: u32) -> Option<Verdict> {
    if !after_key(answer, "errors")?.starts_with('t') {
        return None;
    }
    let mut verdict = Verdict::default();
    let mut why: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let (items, whole) = after_key(answer, "items").map(items).unwrap_or_default();
    if whole && items.len() != count as usize {
        // As with a `filter_path` that leaves out those that were taken: nobody knows which is which.
        let note = format!(
            "Elasticsearch did not take all of {count} events, and does not say which: its answer lists \
             {}. All are sent again. A filter_path in the hook's URL must keep items.*.status.",
            items.len()
        );
        return Some(Verdict { again: (0..count).collect(), refused: vec![], note: Some(note) });
    }
    for at in 0..count {
        let Some(item) = items.get(at as usize) else {
            verdict.again.push(at);
            why.entry("the answer does not say (sent again)".into()).or_default().push(at);
            continue;
        };
        let list = match item.status {
            // 409: a document with this id is there; it was taken before.
            200..=299 | 409 => continue,
            0 | 429 | 500.. => &mut verdict.again,
            _ => &mut verdict.refused,
        };
        list.push(at);
        let what = if verdict.again.last() == Some(&at) { "sent again" } else { "refused" };
        let reason = item.error.as_ref().map_or("no reason given".into(), reason);
        why.entry(format!("{reason} (status {}, {what})", item.status)).or_default().push(at);
    }
    verdict.note = note(&why, count);
    Some(verdict)
}

/// What follows a key at the beginning of the answer, from its value on.
fn after_key<'a>(answer: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = answer.split_once(&format!("\"{key}\""))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

/// The items of a list, as far as it goes, and whether that is to its end.
fn items(list: &str) -> (Vec<Item>, bool) {
    let mut items = Vec::new();
    let mut rest = list.strip_prefix('[').unwrap_or_default();
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t', '\r', '\n']);
        let mut values = serde_json::Deserializer::from_str(rest).into_iter();
        let item: Option<Result<BTreeMap<String, Item>, _>> = values.next();
        let item = item.and_then(Result::ok).and_then(|item| item.into_values().next());
        let Some(item) = item else { return (items, rest.starts_with(']')) };
        rest = &rest[values.byte_offset()..];
        items.push(item);
    }
}

/// Elasticsearch's own words, with those that say which field it was about.
fn reason(error: &Reason) -> String {
    let mut text = error.kind.clone();
    let causes = std::iter::successors(Some(error), |error| error.caused_by.as_deref());
    for reason in causes.filter_map(|error| error.reason.as_deref()) {
        text.push_str(": ");
        text.push_str(reason);
    }
    short(&text)
}

fn note(why: &BTreeMap<String, Vec<u32>>, count: u32) -> Option<String> {
    let reasons: BTreeSet<_> = why.iter().map(|(reason, events)| (events, reason)).collect();
    let mut parts: Vec<String> = reasons
        .iter()
        .take(NAMED_MAX)
        .map(|(events, reason)| format!("{}: {reason}", named(events, count)))
        .collect();
    match why.len().saturating_sub(NAMED_MAX) {
        0 => {}
        more => parts.push(format!("and {more} more reasons")),
    }
    (!parts.is_empty())
        .then(|| format!("Elasticsearch did not take all events. {}.", parts.join("; ")))
}

/// `event 3 of 7`, `events 1, 2 and 90 more of 100`.
fn named(events: &[u32], count: u32) -> String {
    let shown: Vec<String> =
        events.iter().take(NAMED_MAX).map(|event| (event + 1).to_string()).collect();
    let word = if events.len() == 1 { "event" } else { "events" };
    match events.len() - shown.len() {
        0 => format!("{word} {} of {count}", shown.join(", ")),
        more => format!("{word} {} and {more} more of {count}", shown.join(", ")),
    }
}

fn short(text: &str) -> String {
    super::shown::cut(&super::shown::one_line(text), REASON_CHARS_MAX)
}

/// The same body with only these of its events, in the body's order.
pub fn only(format: Format, body: &str, items: &[u32]) -> String {
    let wanted: BTreeSet<usize> = items.iter().map(|item| *item as usize).collect();
    let keep = |lines: &[&str], joined: &str| {
        let kept = lines.iter().enumerate().filter(|(at, _)| wanted.contains(at));
        kept.map(|(_, line)| *line).collect::<Vec<_>>().join(joined)
    };
    match format {
        Format::Datadog => {
            let logs: Vec<&RawValue> = serde_json::from_str(body).unwrap_or_default();
            let logs: Vec<&str> = logs.into_iter().map(RawValue::get).collect();
            format!("[{}]", keep(&logs, ","))
        }
        Format::EcsBulk => {
            let lines: Vec<&str> = body.split_inclusive('\n').collect();
            let pairs = lines.chunks(2).map(<[&str]>::concat).collect::<Vec<_>>();
            keep(&pairs.iter().map(String::as_str).collect::<Vec<_>>(), "")
        }
        Format::Cef | Format::SplunkHec | Format::Syslog => {
            keep(&body.split('\n').collect::<Vec<_>>(), "\n")
        }
        _ if wanted.contains(&0) => body.to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
