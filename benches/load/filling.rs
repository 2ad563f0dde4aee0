//! A store full of messages, written by the store's own writer in large commits: what a server would
//! have written in weeks.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lull::clock::{Clock, Monotonic, SystemClock, Timestamp};
use lull::model::{
    Account, Attempt, AttemptOutcome, By, ClosedBy, Id, MessageDraft, Partition, Secret, Slot,
    Timing, Trigger, WindowRule,
};
use lull::retry::Next;
use lull::store::{Changed, Close, Command, Configure, NewMessage, Outcome, Settle, Store, Writer};
use serde_json::json;

use crate::failure::Failure;
use crate::story;

/// Messages in a commit.
const COMMIT_MESSAGES: u64 = 4_096;
/// How long ago the first message was made: less than what is kept.
const AGE: Duration = Duration::from_secs(20 * 86_400);
/// So many of the newest wait for another try, which is due tomorrow.
const WAITING: u64 = 500;

/// A clock that is moved by hand.
struct Moved(AtomicU64);

impl Clock for Moved {
    fn unix_nanos(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Monotonic {
        Duration::ZERO
    }
}

/// A message that is to be settled.
struct Sent {
    number: u64,
    id: Id,
    integration: Id,
}

/// Fills the store of a server whose state is to be in `data` with so many messages.
pub fn fill(data: &Path, messages: u64) -> Result<(), Failure> {
    let now = SystemClock.unix_nanos();
    let began = now - AGE.as_nanos() as u64;
    let clock = Moved(AtomicU64::new(began));
    let (store, mut writer, _) = Store::open(&data.join("store"), clock.now()).map_err(wrong)?;
    let integrations = make_integrations(&mut writer, &clock)?;
    let step = AGE.as_nanos() as u64 / messages.max(1);
    let mut sent: Vec<Sent> = Vec::new();
    let mut next = 0;
    while next < messages || !sent.is_empty() {
        clock.0.store((began + step * next).min(now), Ordering::Relaxed);
        let numbers = next..messages.min(next + COMMIT_MESSAGES);
        let settled = std::mem::take(&mut sent);
        let superseded = settled.iter().filter(|sent| fate(sent.number, messages) == Fate::TakenIn);
        let mut superseded = superseded.map(|sent| sent.id).collect::<Vec<_>>().into_iter();
        let mut to = Vec::new();
        let mut commands = Vec::new();
        for number in numbers.clone() {
            let draft = story::message(number, &integrations);
            to.push(draft.integration);
            commands.push(close(draft, superseded.next(), clock.now()));
        }
        for sent in &settled {
            commands.extend(settle(sent, fate(sent.number, messages), &clock));
        }
        let (outcomes, _) = writer.commit(commands, &clock).map_err(wrong)?;
        let made = outcomes.into_iter().filter_map(|outcome| match outcome {
            Outcome::Closed(Some(closed)) => closed.messages.first().copied(),
            _ => None,
        });
        sent = numbers
            .clone()
            .zip(made.zip(to))
            .map(|(number, (id, integration))| Sent { number, id, integration })
            .collect();
        next = numbers.end;
    }
    drop((store, writer));
    Ok(())
}

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Delivered(u16),
    Failed(Option<u16>),
    TakenIn,
    Cancelled,
    Waits,
}

fn fate(number: u64, messages: u64) -> Fate {
    if number == story::ODD_ONE {
        return Fate::Failed(Some(story::ODD_CODE));
    }
    if number + WAITING >= messages {
        return Fate::Waits;
    }
    // Numbers that have nothing to do with what the message says.
    match number.wrapping_mul(2_654_435_761) % 1_000 {
        0..10 => Fate::Delivered(204),
        10..18 => Fate::Failed(Some(500)),
        18..22 => Fate::Failed(None),
        22..27 => Fate::TakenIn,
        27..30 => Fate::Cancelled,
        _ => Fate::Delivered(200),
    }
}

fn make_integrations(writer: &mut Writer, clock: &Moved) -> Result<Vec<Id>, Failure> {
    let mut ids = Vec::new();
    for number in 1..=story::INTEGRATIONS {
        let spec = json!({
            "name": format!("Hook {number}"), "kind": "activity",
            "hook_url": "http://127.0.0.1:9/hook",
        });
        let spec = serde_json::from_value(spec).map_err(wrong)?;
        let secret = Secret::random().map_err(wrong)?;
        let create = Configure::CreateIntegration(Account::DEFAULT, Box::new(spec), secret);
        let (outcomes, _) =
            writer.commit(vec![Command::Configure(create, By::default())], clock).map_err(wrong)?;
        match outcomes.into_iter().next() {
            Some(Outcome::Configured(Ok(Changed::Integration(made)))) => ids.push(made.id),
            other => return Err(Failure::Wrong(format!("no integration was made: {other:?}"))),
        }
    }
    Ok(ids)
}

fn close(draft: MessageDraft, supersedes: Option<Id>, now: Timestamp) -> Command {
    Command::Close(Close {
        record: draft.record.clone(),
        slot: Slot::SERVER,
        rule: WindowRule { quiet_period: Duration::from_secs(300), max_wait: None },
        closed_by: ClosedBy::Quiet,
        places: Vec::new(),
        messages: vec![NewMessage { draft, oldest: Id::at(now), supersedes }],
        nothing_changed: Vec::new(),
    })
}

fn settle(sent: &Sent, fate: Fate, clock: &Moved) -> Option<Command> {
    let (code, next) = match fate {
        Fate::Delivered(code) => (Some(code), Next::Delivered),
        Fate::Failed(code) => (code, Next::Failed),
        Fate::Waits => (Some(503), Next::RetryAt(SystemClock.now() + Duration::from_secs(86_400))),
        Fate::Cancelled => return Some(Command::Cancel(sent.id, "someone".into())),
        Fate::TakenIn => return None,
    };
    let outcome = match code {
        Some(code) => AttemptOutcome::Answered {
            code,
            headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
            body: "thanks".to_owned(),
            body_cut: false,
        },
        None => AttemptOutcome::Unanswered("the connection was refused".to_owned()),
    };
    let attempt = Attempt {
        number: 1,
        at: clock.now(),
        trigger: Trigger::Scheduled,
        asked_by: None,
        request_headers: vec![("webhook-id".to_owned(), sent.id.to_string())],
        total_ms: 20,
        timing: Timing::default(),
        outcome,
        note: None,
    };
    let partition = Partition(sent.number);
    let (message, integration) = (sent.id, sent.integration);
    Some(Command::Settle(Settle { message, integration, partition, attempt, next, parts: None }))
}

fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure::Wrong(format!("filling the store: {error}"))
}
