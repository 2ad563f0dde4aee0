//! What the store is asked to do, what comes of it, and what others are told of it.

use std::sync::Arc;

use super::{Answer, Config, Lesson, LinkTimer, Once, RecordCommand, RecordDone};
use crate::clock::Timestamp;
use crate::model::{
    Account, AccountInfo, Attempt, By, ClosedBy, DisabledBecause, ExternalId, Health, Id,
    Integration, IntegrationSpec, MessageDraft, Notice, Owed, Partition, Parts, RecordKey, Secret,
    SecurityDraft, Session, Slot, Slug, Status, Token, WindowRule, Workspace,
};
use crate::retry::{self, DISABLE_AFTER, Next, WARN_BEFORE};

/// What a message about a full record weighs, roughly.
const DUE_LINK_WEIGHT: usize = 16 << 10;

/// One change of state. Applied whole or not at all.
pub enum Command {
    /// Keep these audits; the server's quiet period and max wait are these.
    Append(Vec<NewAudit>, WindowRule),
    /// Close a window.
    Close(Close),
    /// Write down an attempt, and what follows from it.
    Settle(Settle),
    /// Change what is configured, as somebody asks.
    Configure(Configure, By),
    /// Make all of these changes, if nothing is configured otherwise since this revision.
    ConfigureAll(Vec<Configure>, Id, By),
    /// Take down security events of an account, and send them.
    Secure(Account, Vec<SecurityDraft>),
    /// Send the security events that wait for others to be sent to this integration.
    SendBatch(Id),
    /// Try these messages again now, whatever became of them, as this person asks.
    Redeliver(Vec<Id>, Box<str>),
    /// Give a message up, as this person asks.
    Cancel(Id, Box<str>),
    /// Address windows that have closed before to an integration, as this person asks.
    Replay(Vec<Replay>, Box<str>),
    /// Remember when tokens were last used.
    NoteUses(Vec<(Id, Timestamp)>),
    /// Do this, unless it was done before.
    Once(Box<Once>),
    /// Forget what is too old (R18).
    Prune(Prune),
    /// Do something with full records and their links.
    Record(RecordCommand),
}

/// A change of what is configured.
pub enum Configure {
    /// Make an integration, whose messages are signed with the secret.
    CreateIntegration(Account, Box<IntegrationSpec>, Secret),
    /// Change an integration, if it is of this revision.
    UpdateIntegration(Id, Box<IntegrationSpec>, Option<Id>),
    /// Delete an integration, if it is of this revision, and give up what is owed to it.
    DeleteIntegration(Id, Option<Id>),
    /// Sign an integration's messages with this secret, and with the one before as well until then.
    RotateSecret(Id, Secret, Timestamp),
    /// Keep a token.
    CreateToken(Box<Token>),
    /// Forget a token, and with it the sessions that stand for it.
    RevokeToken(Id),
    /// Keep a session.
    StartSession(Session),
    /// Forget a session.
    EndSession(Id),
    /// Make an account of this id and name, and its first token.
    CreateAccount(Slug, ExternalId, Box<Token>),
    /// Delete an account with all that is configured in it.
    DeleteAccount(Account),
    /// Name a workspace.
    CreateWorkspace(Account, ExternalId, ExternalId),
    /// Call a workspace otherwise.
    RenameWorkspace(Account, ExternalId, ExternalId),
    /// Forget a workspace's name.
    DeleteWorkspace(Account, ExternalId),
}

/// What was made, changed or deleted, as it is now or was last.
#[derive(Clone, Debug)]
pub enum Changed {
    /// An integration.
    Integration(Arc<Integration>),
    /// A token.
    Token(Arc<Token>),
    /// A session.
    Session(Arc<Session>),
    /// An account.
    Account(Arc<AccountInfo>),
    /// A workspace.
    Workspace(Arc<Workspace>),
}

/// Why what is configured stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing.
    Missing,
    /// There is one of this name already.
    Exists,
    /// It is of another revision by now.
    Revised,
    /// Something else needs it; what.
    InUse(String),
}

/// An accepted audit that has no place yet.
pub struct NewAudit {
    /// The record it is about.
    pub record: RecordKey,
    /// The id it came with.
    pub id: Option<ExternalId>,
    /// The text to keep.
    pub text: String,
    /// What it teaches that was not known when it came.
    pub learned: Vec<Lesson>,
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

impl Close {
    /// The messages that are taken in.
    pub fn superseded(&self) -> impl Iterator<Item = Id> {
        let by_messages = self.messages.iter().filter_map(|message| message.supersedes);
        by_messages.chain(self.nothing_changed.iter().filter_map(|nothing| nothing.supersedes))
    }
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
    /// Which of the events in it are left, if any; none when that stays as it was.
    pub parts: Option<Parts>,
}

/// Rows to forget, worked out from what was settled and closed at the time.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Prune {
    /// All of them are older than this.
    pub before: Id,
    /// Packs of audits, by the place of their first.
    pub packs: Vec<Id>,
    /// Rows of marks of windows, by their first.
    pub marks: Vec<Id>,
    /// Rows of messages, by their first.
    pub messages: Vec<Id>,
    /// Security events.
    pub events: Vec<(Account, Id)>,
    /// The keys of answers to calls that were to happen once.
    pub answers: Vec<Vec<u8>>,
}

/// What came of a command.
#[derive(Debug)]
pub enum Outcome {
    /// Of [`Command::Append`] and [`Command::Secure`].
    Appended(Appended),
    /// Of [`Command::Close`]; none where it was overtaken, and nothing was written.
    Closed(Option<Closed>),
    /// Of [`Command::Settle`].
    Settled(Settlement),
    /// Of [`Command::Configure`].
    Configured(Result<Changed, Refusal>),
    /// Of [`Command::ConfigureAll`].
    ConfiguredAll(Result<Vec<Changed>, Refusal>),
    /// Of [`Command::Redeliver`] and [`Command::Replay`]: the messages that are owed now; of
    /// [`Command::Cancel`]: those that are not any more.
    Messages(Vec<Id>),
    /// Of [`Command::Once`].
    Once(Answer),
    /// Of [`Command::Record`].
    Record(Result<RecordDone, Refusal>),
    /// Of the others, which always succeed.
    Done,
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
    /// Security events wait for others to be sent to these integrations; until when.
    Waiting(Vec<(Id, Timestamp)>),
    /// The configuration is another.
    Configured(Arc<Config>),
    /// Something is to be sent for these links.
    Linked(Vec<LinkTimer>),
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
    /// Something was committed, of which these need to hear, if anyone does.
    fn committed(&mut self, events: Vec<Event>);
}

impl Command {
    /// Whether this is worth waiting for others to share its commit with; a bound on memory.
    pub(super) fn weight(&self) -> usize {
        match self {
            Command::Append(audits, _) => {
                let weight = |audit: &NewAudit| audit.text.len() + 64 + audit.learned.len() * 256;
                audits.iter().map(weight).sum()
            }
            Command::Close(close) => {
                close.messages.iter().map(|message| message.draft.body.len() + 256).sum::<usize>()
            }
            Command::Replay(replays, _) => {
                replays.iter().map(|replay| replay.message.body.len() + 256).sum::<usize>()
            }
            Command::Redeliver(messages, _) => messages.len() * 128,
            Command::ConfigureAll(changes, ..) => changes.len() * 1024,
            Command::Secure(_, events) => events.len() * 1024,
            Command::Once(once) => once.command.weight(),
            Command::Record(RecordCommand::Put(record, _)) => record.text.len() + 512,
            Command::Record(RecordCommand::Due(links)) => links.len() * DUE_LINK_WEIGHT,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttemptOutcome, Timing, Trigger};

    const HOUR: u64 = 3_600;

    /// An attempt so many hours after the beginning, answered with this code.
    fn attempt(hours: u64, code: u16) -> Attempt {
        Attempt {
            number: 1,
            at: Timestamp::from_unix_ms(1_700_000_000_000)
                + std::time::Duration::from_secs(hours * HOUR),
            trigger: Trigger::Scheduled,
            asked_by: None,
            request_headers: Vec::new(),
            total_ms: 20,
            timing: Timing::default(),
            outcome: AttemptOutcome::Answered {
                code,
                headers: Vec::new(),
                body: String::new(),
                body_cut: false,
            },
            note: None,
        }
    }

    #[test]
    fn two_warnings_come_before_an_integration_is_disabled_each_once() {
        use Notice::{Disabled, DisabledSoon, Failing};
        let mut health = Health::default();
        let mut notices = Vec::new();
        for hours in 0..=120 {
            // Messages run out of attempts from the second day on.
            let next =
                if hours < 28 { Next::RetryAt(attempt(hours, 500).at) } else { Next::Failed };
            let new = health_after(&mut health, &attempt(hours, 500), next);
            notices.extend(new.into_iter().map(|notice| (hours, notice)));
        }
        let because = DisabledBecause::Failing;
        assert_eq!(notices, [(28, Failing), (96, DisabledSoon), (120, Disabled(because))]);
        assert_eq!(health.last_error_at, Some(attempt(120, 500).at));
    }

    #[test]
    fn one_delivery_begins_the_five_days_and_the_warnings_anew() {
        let mut health = Health::default();
        let failed =
            |health: &mut Health, hours| health_after(health, &attempt(hours, 500), Next::Failed);
        assert_eq!(failed(&mut health, 0), [Notice::Failing]);
        assert_eq!(failed(&mut health, 100), [Notice::DisabledSoon]);
        assert_eq!(health_after(&mut health, &attempt(110, 200), Next::Delivered), []);
        assert_eq!(health.last_delivery_at, Some(attempt(110, 200).at));
        assert_eq!(failed(&mut health, 119), [Notice::Failing]);
        assert_eq!(failed(&mut health, 130), []);
        assert_eq!(failed(&mut health, 215), [Notice::DisabledSoon]);
    }

    #[test]
    fn a_hook_that_is_gone_is_disabled_at_once() {
        let mut health = Health::default();
        let notices = health_after(&mut health, &attempt(0, 410), Next::RetryAt(attempt(1, 0).at));
        assert_eq!(notices, [Notice::Disabled(DisabledBecause::Gone)]);
    }
}
