//! A store with a long history: audits, the windows they were in, a message for each window and the attempt
//! that delivered it, written by the store's own writer in large commits.

use std::path::Path;

use lull::clock::{Clock, SystemClock};
use lull::model::{Account, Action, ClosedBy, ExternalId, Id, MessageDraft, RecordKey, Slot};
use lull::retry::Next;
use lull::store::{Accepted, Close, Command, Event, NewAudit, NewMessage, Outcome, Store};
use serde_json::json;

use crate::failure::Failure;
use crate::filling::{AGE, COMMIT_MESSAGES, Moved, RULE, Sent, make_integration, settle_as, wrong};
use crate::prose;
use crate::request::{AUDIT_BYTES, audit_about};

/// Audits of a window.
const EDITS: u64 = 4;
/// The type of its records, which no load is about.
const TYPE: &str = "past";
/// Bytes of a message's body beside what is said in its audits: the contributors, their names, the ids.
const BODY_MORE_BYTES: usize = 400;

/// Fills the store of a server whose state is to be in `data` with about so many audits.
pub fn fill(data: &Path, audits: u64) -> Result<(), Failure> {
    let now = SystemClock.unix_nanos();
    let began = now - AGE.as_nanos() as u64;
    let clock = Moved::new(began);
    let (store, mut writer, _) = Store::open(&data.join("store"), clock.now()).map_err(wrong)?;
    let only_past = json!({"activities": [{"record_types": [TYPE]}]});
    let integration = make_integration(&mut writer, &clock, "Past", only_past)?;
    let step = AGE.as_nanos() as u64 / audits.max(1);
    let (mut next, mut accepted, mut sent) = (0, Vec::<Vec<Accepted>>::new(), Vec::new());
    while next < audits || !accepted.is_empty() || !sent.is_empty() {
        clock.set((began + step * next).min(now));
        let numbers = next..audits.min(next + COMMIT_MESSAGES);
        let mut commands: Vec<Command> = Vec::new();
        if !numbers.is_empty() {
            commands.push(Command::Append(numbers.clone().map(audit).collect(), RULE));
        }
        let mut partitions = Vec::new();
        for window in std::mem::take(&mut accepted) {
            partitions.push(window[0].partition);
            commands.push(close(window, integration));
        }
        for sent in std::mem::take(&mut sent) {
            commands.push(settle_as(&sent, Some(200), Next::Delivered, &clock));
        }
        let (outcomes, events) = writer.commit(commands, &clock).map_err(wrong)?;
        accepted = windows(events);
        let made = outcomes.into_iter().filter_map(|outcome| match outcome {
            Outcome::Closed(Some(closed)) => closed.messages.first().copied(),
            _ => None,
        });
        let made = made.zip(partitions).zip(next..);
        sent = made
            .map(|((id, partition), number)| Sent { number, id, integration, partition })
            .collect();
        next = numbers.end;
    }
    drop((store, writer));
    Ok(())
}

fn record(number: u64) -> RecordKey {
    let name = |text: &str| ExternalId::new(text).expect("invariant: names are short");
    RecordKey {
        account: Account::DEFAULT,
        record_type: name(TYPE),
        record_id: name(&number.to_string()),
    }
}

fn audit(number: u64) -> NewAudit {
    let record_number = number / EDITS;
    NewAudit {
        record: record(record_number),
        id: None,
        text: audit_about(TYPE, number, record_number),
        learned: Vec::new(),
    }
}

/// The audits of a commit, window by window.
fn windows(events: Vec<Event>) -> Vec<Vec<Accepted>> {
    let accepted = events.into_iter().filter_map(|event| match event {
        Event::Accepted(accepted) => Some(accepted),
        _ => None,
    });
    let mut windows: Vec<Vec<Accepted>> = Vec::new();
    for audit in accepted.flatten() {
        match windows.last_mut() {
            Some(window) if window[0].record == audit.record => window.push(audit),
            _ => windows.push(vec![audit]),
        }
    }
    windows
}

fn close(window: Vec<Accepted>, integration: Id) -> Command {
    let record = window[0].record.clone();
    let draft = MessageDraft {
        integration,
        body: prose::excerpt(window[0].place.as_u64(), AUDIT_BYTES + BODY_MORE_BYTES).to_owned(),
        record: record.clone(),
        audit_id: ExternalId::from(window[0].place),
        action: Action::Update,
        auditable_url: None,
        description: Some("updated feature Export".to_owned()),
        earlier_windows: Vec::new(),
        audits: window.len() as u32,
        fields: vec!["Name".to_owned(), "Description".to_owned()],
        contributors: vec!["Ada".to_owned()],
    };
    Command::Close(Close {
        record,
        slot: Slot::SERVER,
        rule: RULE,
        closed_by: ClosedBy::Quiet,
        places: window.iter().map(|audit| audit.place).collect(),
        messages: vec![NewMessage { draft, oldest: window[0].place, supersedes: None }],
        nothing_changed: Vec::new(),
    })
}
