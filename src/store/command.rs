//! What the store is asked to do, what comes of it, and what others are told of it.

use std::sync::Arc;

use super::Config;
use crate::clock::Timestamp;
use crate::model::{
    Account, Attempt, ClosedBy, DisabledBecause, ExternalId, Health, Id, Integration,
    IntegrationSpec, MessageDraft, Notice, Owed, Partition, RecordKey, Secret, Slot, Status, Token,
    WindowRule,
};
use crate::retry::{self, DISABLE_AFTER, Next, WARN_BEFORE};

/// One change of state. Applied whole or not at all.
pub enum Command {
    /// Keep these audits; the server's quiet period and max wait are these.
    Append(Vec<NewAudit>, WindowRule),
    /// Close a window.
    Close(Close),
    /// Write down an attempt, and what follows from it.
    Settle(Settle),
    /// Make an integration, whose messages are signed with the secret.
    CreateIntegration(Account, Box<IntegrationSpec>, Secret),
    /// Change an integration.
    UpdateIntegration(Id, Box<IntegrationSpec>),
    /// Delete an integration, and give up what is owed to it.
    DeleteIntegration(Id),
    /// Sign an integration's messages with this secret, and with the one before as well until then.
    RotateSecret(Id, Secret, Timestamp),
    /// Try these messages again now, whatever became of them, as this person asks.
    Redeliver(Vec<Id>, Box<str>),
    /// Give a message up, as this person asks.
    Cancel(Id, Box<str>),
    /// Address windows that have closed before to an integration.
    Replay(Vec<Replay>),
    /// Keep a token.
    CreateToken(Box<Token>),
    /// Forget what is too old (R18).
    Prune(Prune),
}

/// An accepted audit that has no place yet.
pub struct NewAudit {
    /// The record it is about.
    pub record: RecordKey,
    /// The id it came with.
    pub id: Option<ExternalId>,
    /// The text to keep.
    pub text: String,
}

/// A window to close (D2).
pub struct Close {
    /// The record.
    pub record: RecordKey,
    /// Which of its windows.
    pub slot: Slot,
    /// The rule it ran under.
    pub rule: WindowRule,
    /// Why it closes.
    pub closed_by: ClosedBy,
    /// Its audits, oldest first.
    pub places: Vec<Id>,
    /// What is addressed to whom.
    pub messages: Vec<NewMessage>,
    /// For whom nothing changed in the end (R12).
    pub nothing_changed: Vec<NothingChanged>,
}

/// A message to make.
pub struct NewMessage {
    /// What it is.
    pub draft: MessageDraft,
    /// The oldest audit in it.
    pub oldest: Id,
    /// The message that it takes in (R17).
    pub supersedes: Option<Id>,
}

/// An integration for which nothing changed in the end.
pub struct NothingChanged {
    /// The integration.
    pub integration: Id,
    /// The message that this undid before it was delivered (R17).
    pub supersedes: Option<Id>,
}

/// A closed window, addressed again.
pub struct Replay {
    /// Its mark.
    pub window: Id,
    /// The oldest of its audits.
    pub oldest: Id,
    /// What is addressed to whom.
    pub message: MessageDraft,
}

/// An attempt to write down (D3).
pub struct Settle {
    /// The message.
    pub message: Id,
    /// Whom it is addressed to.
    pub integration: Id,
    /// Its record's partition.
    pub partition: Partition,
    /// The attempt.
    pub attempt: Attempt,
    /// What follows from it.
    pub next: Next,
}

/// Rows to forget, worked out from what was settled and closed at the time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// Packs of audits, by the place of their first.
    pub packs: Vec<Id>,
    /// Marks of windows.
    pub marks: Vec<Id>,
    /// Messages.
    pub messages: Vec<Id>,
}

/// What came of a command.
#[derive(Debug)]
pub enum Outcome {
    /// Of [`Command::Append`].
    Appended(Appended),
    /// Of [`Command::Close`].
    Closed(Closed),
    /// Of [`Command::Settle`].
    Settled(Settlement),
    /// Of the commands on integrations: as it is now; none when there is no such integration.
    Integration(Option<Arc<Integration>>),
    /// Of [`Command::Redeliver`] and [`Command::Replay`]: the messages that are owed now; of
    /// [`Command::Cancel`]: those that are not any more.
    Messages(Vec<Id>),
    /// Of [`Command::CreateToken`].
    TokenCreated,
    /// Of [`Command::Prune`].
    Pruned,
}

/// What came of an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// What is still owed of the message, if anything.
    pub owed: Option<Owed>,
    /// What people should know of the integration since this attempt.
    pub notices: Vec<Notice>,
}

/// What became of appended audits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// The ids of those kept, in order.
    pub ids: Vec<ExternalId>,
    /// The ids of those that were there already.
    pub duplicates: Vec<ExternalId>,
}

/// What became of a closed window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// The messages that were made.
    pub messages: Vec<Id>,
}

/// What was committed, told to the rest of the program in the order of commits, and before the
/// command that caused it completes. A hint: the store is the truth.
pub enum Event {
    /// Audits are in their windows.
    Accepted(Vec<Accepted>),
    /// Messages are owed.
    Owed(Vec<(Id, Owed)>),
    /// These messages are owed no more, though no attempt settled them.
    Gone(Vec<Gone>),
    /// The configuration is another.
    Configured(Arc<Config>),
}

/// A message that was given up.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// The message.
    pub message: Id,
    /// Whom it was addressed to.
    pub integration: Id,
    /// Its record's partition.
    pub partition: Partition,
}

/// An audit that is in a window now.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The record.
    pub record: RecordKey,
    /// Its partition.
    pub partition: Partition,
    /// The audit's place.
    pub place: Id,
    /// How large it is, as it is kept.
    pub bytes: u32,
    /// The rules its windows run under: the server's, then those that integrations brought.
    pub rules: Arc<[WindowRule]>,
}

/// Who is told of commits. Called on the journal's thread: must be quick, and must not fail.
pub trait Listener: Send {
    /// Something was committed.
    fn committed(&mut self, events: Vec<Event>);
}

impl Command {
    /// Whether this is worth waiting for others to share its commit with; a bound on memory.
    pub(super) fn weight(&self) -> usize {
        match self {
            Command::Append(audits, _) => audits.iter().map(|audit| audit.text.len() + 64).sum(),
            Command::Close(close) => {
                close.messages.iter().map(|message| message.draft.body.len() + 256).sum::<usize>()
            }
            Command::Replay(replays) => {
                replays.iter().map(|replay| replay.message.body.len() + 256).sum::<usize>()
            }
            Command::Redeliver(messages, _) => messages.len() * 128,
            _ => 512,
        }
    }
}

/// How an attempt changes an integration's health, and what people should know of it.
pub(super) fn health_after(health: &mut Health, attempt: &Attempt, next: Next) -> Vec<Notice> {
    if next == Next::Delivered {
        *health = Health {
            last_delivery_at: Some(attempt.at),
            last_error_at: health.last_error_at,
            ..Health::default()
        };
        return Vec::new();
    }
    let mut notices = Vec::new();
    health.last_error_at = Some(attempt.at);
    let failed_for = attempt.at.since(*health.failed_since.get_or_insert(attempt.at));
    if next == Next::Failed && health.failing_since.is_none() {
        health.failing_since = Some(attempt.at);
        notices.push(Notice::Failing);
    }
    if retry::is_gone(&attempt.outcome) {
        notices.push(Notice::Disabled(DisabledBecause::Gone));
    } else if failed_for >= DISABLE_AFTER {
        notices.push(Notice::Disabled(DisabledBecause::Failing));
    } else if failed_for >= DISABLE_AFTER - WARN_BEFORE && !health.warned {
        health.warned = true;
        notices.push(Notice::DisabledSoon);
    }
    notices
}

/// The state a message settles in; none while it is still owed.
pub(super) fn status_after(next: Next) -> Option<Status> {
    match next {
        Next::Delivered => Some(Status::Delivered),
        Next::Failed => Some(Status::Failed),
        Next::RetryAt(_) => None,
    }
}
