//! The naive model: what must and what may happen, written from DESIGN.md sections 2 and 6 alone. It knows
//! nothing of how the product does it and shares no code with it; it is told what is asked of the server
//! and what is seen of it, and objects.
//!
//! - `spec.rs`: what an integration sees (R6-R9)
//! - `collate.rs`: audits to one audit (R11-R15)
//! - `windows.rs`: when windows close, and what they come to (R1-R5, R10, R16, R17)
//! - `deliveries.rs`: attempts and what follows from them (section 6)
//! - `by_hand.rs`: what people ask for, `events.rs`: security events
//! - `rows.rs`: messages as they are made and given up
//! - `whole.rs`: all that is left in the store (R18)

mod by_hand;
mod collate;
mod deliveries;
mod events;
mod rows;
mod spec;
mod whole;
mod windows;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::seen::{Answer, At, Commit, Pair, Record, Row, Seen, Source};
use rows::Expected;
use spec::{Override, Spec};

/// How late anything may be on a clock that does not jump, in milliseconds: timers count milliseconds.
const SLACK: u64 = 100;
/// How soon everything may go after the server was away from a clock that was put back.
const SOON: i64 = 5_000;

/// What is asked of the server at the moment.
#[derive(Clone, Debug)]
pub enum Doing {
    Post(Vec<Value>),
    /// Security events.
    Secure(Vec<Value>),
    SendNow(Record),
    Discard(Record),
    Create(Value),
    Update(u64, Value),
    Delete(u64),
    Redeliver(Vec<u64>),
    Cancel(u64),
    /// The windows that closed from this mark on.
    Replay(u64, u64),
    /// What is older than this id need not be kept.
    Prune(u64),
    /// Calls that share one commit.
    AtOnce(Vec<Doing>),
}

/// What the model takes to be so.
#[derive(Default)]
pub struct Model {
    server: Option<Pair>,
    pub hooks: BTreeMap<u64, Hook>,
    audits: BTreeMap<u64, Audit>,
    /// Ids by which an audit is known, and its place.
    known: BTreeMap<String, u64>,
    /// Security events, and the ids by which they are known.
    events: BTreeMap<u64, Value>,
    events_known: BTreeMap<String, u64>,
    open: BTreeMap<(Record, Option<Pair>), Window>,
    /// Windows that were overdue when this life began, by the place of their last audit.
    overdue: BTreeSet<(u64, Record, Option<Pair>)>,
    marks: BTreeMap<u64, Closed>,
    pub messages: BTreeMap<u64, Message>,
    totals: [u64; 8],
    doing: Option<Doing>,
    /// Whether what is being done has been seen to happen.
    done: bool,
    /// These messages were in somebody's hand at that moment, if they go at once.
    must_go: Vec<(u64, u64)>,
    /// Messages as the commit at hand has left them, to be looked at when all of it is gone through.
    rows: Vec<Row>,
    /// Messages that were given up in the commit at hand.
    given_up: BTreeSet<u64>,
    /// Messages that are owed again since what was asked for last.
    again: BTreeSet<u64>,
    /// What is older than this is forgotten in the commit at hand, and so must be what is here: asked
    /// for again by then, it was not there.
    forgets: Option<u64>,
    forgotten: Vec<u64>,
    /// When an answer came for a message that is forgotten.
    too_late: Option<u64>,
    /// When the wall clock last jumped.
    jumped: u64,
    /// The latest that the wall clock showed at a commit.
    latest: i64,
}

pub struct Hook {
    pub spec: Spec,
    /// What it overrode earlier: for audits before this place.
    earlier: Vec<(u64, Override)>,
    /// Since when nothing but failures came.
    failing_since: Option<i64>,
    /// When something last happened to it.
    touched: u64,
    /// When it last got a request, under the limit that it has now.
    asked: Option<u64>,
    /// When it was last disabled.
    disabled: u64,
    /// When it was last changed, and its schedules before that.
    schedule_before: Option<(u64, Vec<Vec<u64>>)>,
}

struct Audit {
    record: Record,
    said: Value,
    /// The pairs in use when it was accepted: the server's first (R4).
    pairs: Vec<Pair>,
}

/// An open window: its audits, each with when it was accepted, and when it is quiet after that one.
struct Window {
    audits: Vec<(u64, u64, u64)>,
    quiet_at: u64,
    cap_at: Option<u64>,
}

/// A window that has closed.
struct Closed {
    record: Record,
    own: Option<Pair>,
    places: Vec<u64>,
    discarded: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Owed,
    Delivered,
    Failed,
    Superseded,
    Cancelled,
}

pub struct Message {
    pub hook: u64,
    pub record: Record,
    source: Source,
    /// The windows in it, if any (R17).
    windows: Vec<u64>,
    body: Value,
    pub state: State,
    attempts: u32,
    due: i64,
    /// How much earlier than that it may go, as the wall clock was put back since.
    early: i64,
    /// Somebody asked for the next attempt.
    asked: bool,
    /// Since when it is owed.
    since: u64,
    /// Numbers of the attempts that were written down.
    logged: BTreeSet<u32>,
    flying: Option<Flight>,
    /// Its hook took it once.
    taken: bool,
    /// It may have been in flight when the last life ended, and has not been tried since.
    perhaps_flying: bool,
}

struct Flight {
    began: At,
    manual: bool,
    answer: Option<(At, Answer)>,
    /// The waits that may follow it.
    schedules: Vec<Vec<u64>>,
}

/// What is wrong.
pub type Objection = String;

macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+));
        }
    };
}
pub(super) use ensure;

impl Model {
    /// The server starts, with this pair.
    pub fn starts(&mut self, at: At, server: Pair) {
        self.server = Some(server);
        self.doing = None;
        self.must_go.clear();
        self.jumped = at.mono;
        for message in self.messages.values_mut() {
            // Nobody knows for how long the server was away from a clock that was put back.
            if at.wall < self.latest
                && let Some(hook) = self.hooks.get(&message.hook)
            {
                let number = message.attempts.max(1) as usize;
                let step = hook.spec.schedule().get(number - 1).copied().unwrap_or(0) as i64;
                let latest = at.wall + (step * 12 / 10).max(SOON);
                message.early = message.early.max(message.due - latest);
            }
            message.flying = None;
            message.since = 0;
            message.perhaps_flying = message.state == State::Owed && message.due <= at.wall;
        }
        for hook in self.hooks.values_mut() {
            (hook.touched, hook.disabled, hook.schedule_before) = (at.mono, 0, None);
            hook.asked = None;
        }
        self.windows_go_on(at);
    }

    /// Something is asked of the server.
    pub fn asks(&mut self, doing: Doing) {
        (self.doing, self.done) = (Some(doing), false);
        self.again.clear();
    }

    /// What was asked is answered: it has happened, or there was nothing to do.
    pub fn answered(&mut self, happened: bool) -> Result<(), Objection> {
        let doing = self.doing.take();
        let must = match &doing {
            Some(Doing::SendNow(_) | Doing::Discard(_) | Doing::Prune(_)) | None => happened,
            Some(Doing::Replay(id, since)) => {
                let hook = self.hooks.get(id).ok_or("a replay for no integration")?;
                self.done || !self.again(hook, *id, *since, u64::MAX).is_empty()
            }
            Some(_) => true,
        };
        ensure!(happened == must, "{doing:?} was answered with {happened}");
        if let Some(Doing::SendNow(record) | Doing::Discard(record)) = &doing {
            ensure!(!self.is_open(record), "the window of {record:?} is still open");
        }
        ensure!(
            self.done == happened,
            "{doing:?} was answered with {happened}, and seen: {}",
            self.done
        );
        Ok(())
    }

    pub fn jumps(&mut self, at: At, by: i64) {
        self.jumped = at.mono;
        for message in self.messages.values_mut() {
            message.early += (-by).max(0);
        }
    }

    pub fn sees(&mut self, seen: Seen) -> Result<(), Objection> {
        match seen {
            Seen::Request { at, hook, message, body } => {
                self.requested(at, hook, message, &body)?;
                self.nobody_waits(at)
            }
            Seen::Answer { at, message, answer } => {
                self.nobody_waits(at)?;
                let flight = self.messages.get_mut(&message).and_then(|it| it.flying.as_mut());
                // One that was given up meanwhile is dropped with its integration, or forgotten.
                match flight {
                    Some(flight) => flight.answer = Some((at, answer)),
                    None => self.too_late = Some(at.mono),
                }
                Ok(())
            }
            Seen::Commit { at, commit } => {
                self.nobody_waits(at)?;
                self.committed(at, *commit)
            }
        }
    }

    /// One commit is one command here, or calls that share one.
    fn committed(&mut self, at: At, commit: Commit) -> Result<(), Objection> {
        self.latest = self.latest.max(at.wall);
        let totals = commit.totals;
        self.given_up.clear();
        self.forgets = None;
        if !commit.marks.is_empty() {
            self.closed(at, commit)?;
        } else if !commit.settled.is_empty() {
            self.settled(at, commit)?;
        } else if self.too_late.take() == Some(at.mono) && commit.accepted.is_empty() {
            // Of a message that was forgotten, only what it tells of the hook is written down.
            self.learn_enabled(commit.hooks.unwrap_or_default());
        } else {
            self.by_hand(at, commit)?;
        }
        let rows = std::mem::take(&mut self.rows);
        rows.iter().try_for_each(|row| self.is_as_it_should_be(row))?;
        ensure!(
            totals == self.totals,
            "the totals are {totals:?}, and should be {:?}",
            self.totals
        );
        Ok(())
    }

    fn learn_enabled(&mut self, hooks: Vec<(u64, Value)>) {
        for (id, spec) in hooks {
            if let Some(hook) = self.hooks.get_mut(&id) {
                hook.spec.0["enabled"] = spec["enabled"].clone();
            }
        }
    }

    /// What must be so when nothing is under way.
    pub fn rests(&self, at: At) -> Result<(), Objection> {
        self.nothing_is_overdue(at)?;
        self.nobody_is_idle(at)
    }

    /// Whether all that was ever owed is done with.
    pub fn is_over(&self) -> Result<(), Objection> {
        let owed = self.messages.iter().filter(|(_, message)| message.state == State::Owed);
        let owed: Vec<u64> = owed.map(|(id, _)| *id).collect();
        ensure!(owed.is_empty(), "still owed in the end: {owed:?}");
        ensure!(self.open.is_empty(), "still open in the end: {:?}", self.open.keys());
        Ok(())
    }
}

impl Hook {
    pub fn spec(&self) -> Value {
        self.spec.0.clone()
    }

    pub fn is_enabled(&self) -> bool {
        self.spec.enabled()
    }

    pub fn is_security(&self) -> bool {
        self.spec.is_security()
    }
}
