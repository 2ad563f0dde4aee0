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
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::story;

/// Messages in a commit.
pub const COMMIT_MESSAGES: u64 = 4_096;
/// How long ago the first message was made: less than what is kept.
pub const AGE: Duration = Duration::from_secs(20 * 86_400);
/// So many of the newest wait for another try, which is due tomorrow.
const WAITING: u64 = 500;

/// What windows close by.
pub const RULE: WindowRule = WindowRule { quiet_period: Duration::from_secs(300), max_wait: None };

/// A clock that is moved by hand.
pub struct Moved(AtomicU64);

impl Moved {
    /// One that shows this moment.
    pub fn new(unix_nanos: u64) -> Moved {
        Moved(AtomicU64::new(unix_nanos))
    }

    /// Has it show another moment.
    pub fn set(&self, unix_nanos: u64) {
        self.0.store(unix_nanos, Ordering::Relaxed);
    }
}

impl Clock for Moved {
    fn unix_nanos(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn monotonic(&self) -> Monotonic {
        Duration::ZERO
    }
}

/// A message that is to be settled.
pub struct Sent {
    /// Which it is.
    pub number: u64,
    /// Its id.
    pub id: Id,
    /// Whom it was sent to.
    pub integration: Id,
    /// Its record's partition.
    pub partition: Partition,
}

/// Fills the store of a server whose state is to be in `data` with so many messages.
pub fn fill(data: &Path, messages: u64) -> Result<(), Failure> {
    let now = SystemClock.unix_nanos();
    let began = now - AGE.as_nanos() as u64;
    let clock = Moved::new(began);
    let (store, mut writer, _) = Store::open(&data.join("store"), clock.now()).map_err(wrong)?;
    let integrations = make_integrations(&mut writer, &clock)?;
    let step = AGE.as_nanos() as u64 / messages.max(1);
    let mut sent: Vec<Sent> = Vec::new();
    let mut next = 0;
    while next < messages || !sent.is_empty() {
        clock.set((began + step * next).min(now));
        let numbers = next..messages.min(next + COMMIT_MESSAGES);
        let settled = std::mem::take(&mut sent);
        let superseded = settled.iter().filter(|sent| fate(sent.number, messages) == Fate::TakenIn);
        let mut superseded = superseded.map(|sent| sent.id).collect::<Vec<_>>().into_iter();
        let mut to = Vec::new();
        let mut commands = Vec::new();
        for number in numbers.clone() {
            let draft = story::message(number, &integrations);
            to.push((draft.integration, draft.record.partition()));
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
            .map(|(number, (id, (integration, partition)))| Sent {
                number,
                id,
                integration,
                partition,
            })
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
    let make = |number| make_integration(writer, clock, &format!("Hook {number}"), json!({}));
    (1..=story::INTEGRATIONS).map(make).collect()
}

/// Makes an integration with a hook that nobody listens at, and whatever else `with` says of it.
pub fn make_integration(
    writer: &mut Writer,
    clock: &Moved,
    name: &str,
    with: Value,
) -> Result<Id, Failure> {
    let mut spec = json!({"name": name, "kind": "activity", "hook_url": "http://127.0.0.1:9/hook"});
    for (key, value) in with.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    let spec = serde_json::from_value(spec).map_err(wrong)?;
    let secret = Secret::random().map_err(wrong)?;
    let create = Configure::CreateIntegration(Account::DEFAULT, Box::new(spec), secret);
    let (outcomes, _) =
        writer.commit(vec![Command::Configure(create, By::default())], clock).map_err(wrong)?;
    match outcomes.into_iter().next() {
        Some(Outcome::Configured(Ok(Changed::Integration(made)))) => Ok(made.id),
        other => Err(Failure::Wrong(format!("no integration was made: {other:?}"))),
    }
}

fn close(draft: MessageDraft, supersedes: Option<Id>, now: Timestamp) -> Command {
    Command::Close(Close {
        record: draft.record.clone(),
        slot: Slot::SERVER,
        rule: RULE,
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
    Some(settle_as(sent, code, next, clock))
}

/// Writes down an attempt that was answered with `code`, or not at all, and what follows from it.
pub fn settle_as(sent: &Sent, code: Option<u16>, next: Next, clock: &Moved) -> Command {
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
    let Sent { id: message, integration, partition, .. } = *sent;
    Command::Settle(Settle { message, integration, partition, attempt, next, parts: None })
}

/// What failed here, for `map_err`.
pub fn wrong(error: impl std::fmt::Display) -> Failure {
    Failure::Wrong(format!("filling the store: {error}"))
}
