//! `POST /security-events`, and every format that events are sent in: whatever was taken can be written
//! for every receiver, and read back as what it promises to be.

use lull::format::siem;
use lull::ingest::{self, Media};
use lull::model::{ChainHash, Format, Id, SecurityEvent};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::posted::{is_told, limits};

/// The formats that have a shape of their own for events.
pub const FORMATS: [Format; 8] = [
    Format::Audit,
    Format::Ocsf,
    Format::Ecs,
    Format::EcsBulk,
    Format::Cef,
    Format::SplunkHec,
    Format::Datadog,
    Format::Syslog,
];

pub fn check(data: &[u8]) {
    for media in [Media::Json, Media::Ndjson] {
        let drafts = match ingest::security_events(data, media, &limits()) {
            Ok(drafts) => drafts,
            Err(refused) => {
                is_told(data, media, &refused);
                continue;
            }
        };
        let place = |at| Id::from_u64((1_772_442_845_u64 << 32) + at);
        let events = drafts.into_iter().zip(0..).map(|(draft, at)| draft.at(place(at)));
        let events: Vec<SecurityEvent> = events.collect();
        events.iter().for_each(is_kept);
        for format in FORMATS {
            is_written(format, &events);
        }
    }
}

/// It comes back from the list as it went in.
fn is_kept(event: &SecurityEvent) {
    let text = serde_json::to_string(event).expect("plain data");
    let again = ingest::kept_security_event(&text);
    let again = again.unwrap_or_else(|fault| panic!("{fault}: {text}")).at(Id::from_u64(1));
    assert_eq!(serde_json::to_string(&again).expect("plain data"), text);
}

fn is_written(format: Format, events: &[SecurityEvent]) {
    let linked: Vec<_> = events.iter().map(|event| (event, Some(ChainHash([7; 32])))).collect();
    let fitting = siem::fit(format, &linked);
    assert!(fitting <= events.len() && (fitting > 0 || events.is_empty()));
    let linked = &linked[..fitting];
    let body = siem::body(format, linked);
    is_of_its_format(format, &body, fitting);
    // Of a batch any part can be sent again, and is that part.
    if format.takes_batches() && fitting > 1 {
        let last = fitting as u32 - 1;
        let part = siem::only(format, &body, &[0, last]);
        let both = [linked[0], linked[fitting - 1]];
        assert_eq!(part.trim_end(), siem::body(format, &both).trim_end(), "{format:?}");
    }
}

/// Whether a body with `count` events is what its format promises.
pub fn is_of_its_format(format: Format, body: &str, count: usize) {
    let lines: Vec<&str> = body.lines().collect();
    let no_controls = !body.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{2028}'));
    // Details stand as they came: numbers past what fits, and halves of surrogate pairs among them, which
    // JSON has and a `Value` has not.
    let object = |line: &&str| {
        line.starts_with('{') && serde_json::from_str::<IgnoredAny>(line).is_ok()
    };
    let holds = match format {
        Format::EcsBulk => lines.len() == 2 * count && lines.iter().all(object),
        Format::Datadog => serde_json::from_str::<Vec<&RawValue>>(body).is_ok_and(|all| all.len() == count),
        Format::Cef => {
            no_controls && lines.len() == count && lines.iter().all(|line| line.starts_with("CEF:0|"))
        }
        Format::Syslog => {
            let parsed = |line: &&str| syslog_rfc5424::parse_message(line).is_ok();
            no_controls && lines.len() == count && lines.iter().all(parsed)
        }
        _ => lines.len() == count && lines.iter().all(object),
    };
    assert!(holds, "{format:?}: {body:?}");
}
