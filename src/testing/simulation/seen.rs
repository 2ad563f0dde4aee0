//! What a run shows from outside, in plain data that the model can read: requests at the hooks, answers, and
//! what each commit left in the store.

use serde_json::Value;

/// A moment: the wall clock, which jumps, and the monotonic one, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct At {
    pub wall: i64,
    pub mono: u64,
}

/// A record: its type and its id.
pub type Record = (String, String);
/// A quiet period and a max wait, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    pub quiet: u64,
    pub max: Option<u64>,
}

#[derive(Debug)]
pub enum Seen {
    /// A hook got a request for this message.
    Request {
        at: At,
        hook: u64,
        message: u64,
        body: Value,
    },
    /// The hook's answer reached the server.
    Answer {
        at: At,
        message: u64,
        answer: Answer,
    },
    Commit {
        at: At,
        commit: Box<Commit>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// None when no answer came.
    pub code: Option<u16>,
    pub retry_after: Option<String>,
}

/// What a commit added or changed.
#[derive(Debug, Default)]
pub struct Commit {
    pub accepted: Vec<(u64, Value)>,
    /// Security events of applications.
    pub events: Vec<(u64, Value)>,
    pub marks: Vec<Mark>,
    /// Messages that are owed since then.
    pub owed: Vec<Row>,
    /// Messages that are not owed any more, though no attempt settled them.
    pub gone: Vec<Row>,
    /// Messages of which an attempt was written down.
    pub settled: Vec<(Row, Attempt)>,
    /// The integrations, when they are others: id, and what was asked for.
    pub hooks: Option<Vec<(u64, Value)>>,
    /// Audits, duplicates, windows, messages, delivered, failed, superseded, cancelled.
    pub totals: [u64; 8],
}

#[derive(Clone, Debug)]
pub enum ClosedBy {
    Quiet,
    MaxWait,
    SendNow,
    Discarded,
}

#[derive(Clone, Debug)]
pub struct Mark {
    pub id: u64,
    pub record: Record,
    pub own: Option<Pair>,
    pub by: ClosedBy,
    pub places: Vec<u64>,
    /// For each integration its message; none where nothing changed.
    pub addressed: Vec<(u64, Option<u64>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Window(u64),
    Audit(u64),
    Event(u64),
}

/// A message as the log has it.
#[derive(Clone, Debug)]
pub struct Row {
    pub id: u64,
    pub hook: u64,
    pub record: Record,
    pub source: Source,
    pub earlier: Vec<u64>,
    pub body: Value,
    pub status: String,
    pub attempts: u32,
    pub due: Option<i64>,
}

#[derive(Clone, Debug)]
pub struct Attempt {
    pub number: u32,
    pub at: i64,
    pub manual: bool,
    pub code: Option<u16>,
}

/// All that is left in the store.
#[derive(Debug, Default)]
pub struct Left {
    pub audits: Vec<(u64, Value)>,
    /// Security events of applications.
    pub events: Vec<(u64, Value)>,
    pub marks: Vec<Mark>,
    pub messages: Vec<Row>,
}
