//! The thread that groups commands into commits. It owns the writer, and so the write side.
//!
//! Whatever is waiting when a commit ends goes into the next one, up to a bound; it never waits for
//! more, because a sync is quicker than any wait that would fill it better.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::{
    Appended, Close, Closed, Command, Listener, NewAudit, Outcome, Prune, Replay, Settle,
    Settlement, StoreError, Writer,
};
use crate::clock::{Clock, Timestamp};
use crate::model::{Account, Id, Integration, IntegrationSpec, Secret, Token, WindowRule};

/// The most commands in a commit.
const COMMIT_COMMANDS_MAX: usize = 2_048;
/// The most bytes in a commit, roughly; one command may be larger.
const COMMIT_BYTES_MAX: usize = 8 << 20;
/// Commands that may wait; whoever comes after them waits outside.
const WAITING_MAX: usize = 8_192;

/// Takes commands, and completes each when it is on disk.
#[derive(Clone)]
pub struct Journal(Way);

#[derive(Clone)]
enum Way {
    /// To the journal's thread.
    Thread(mpsc::Sender<Job>),
    /// Straight through, each command a commit of its own, on the caller's thread: for tests on a
    /// manual clock, which must not wait for another thread.
    Inline(Arc<Mutex<Core>>),
}

#[allow(clippy::large_enum_variant)] // all but one are of the large kind
enum Job {
    Do(Command, oneshot::Sender<Result<Outcome, StoreError>>),
    Stop,
}

struct Core {
    writer: Writer,
    clock: Arc<dyn Clock>,
    listener: Box<dyn Listener>,
}

/// The journal's thread, to be stopped and waited for.
pub struct JournalThread {
    sender: mpsc::Sender<Job>,
    thread: JoinHandle<()>,
}

impl Journal {
    /// Starts the journal's thread.
    pub fn start(
        writer: Writer,
        clock: Arc<dyn Clock>,
        listener: Box<dyn Listener>,
    ) -> std::io::Result<(Journal, JournalThread)> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let core = Core { writer, clock, listener };
        let thread = std::thread::Builder::new()
            .name("lull-journal".to_owned())
            .spawn(move || core.run(receiver))?;
        Ok((Journal(Way::Thread(sender.clone())), JournalThread { sender, thread }))
    }

    /// A journal that commits on the caller's thread.
    pub fn inline(writer: Writer, clock: Arc<dyn Clock>, listener: Box<dyn Listener>) -> Journal {
        Journal(Way::Inline(Arc::new(Mutex::new(Core { writer, clock, listener }))))
    }

    /// Keeps audits, whose windows run under `rule`.
    pub async fn append(
        &self,
        audits: Vec<NewAudit>,
        rule: WindowRule,
    ) -> Result<Appended, StoreError> {
        match self.execute(Command::Append(audits, rule)).await? {
            Outcome::Appended(appended) => Ok(appended),
            other => unexpected(other),
        }
    }

    /// Closes a window.
    pub async fn close(&self, close: Close) -> Result<Closed, StoreError> {
        match self.execute(Command::Close(close)).await? {
            Outcome::Closed(closed) => Ok(closed),
            other => unexpected(other),
        }
    }

    /// Writes down an attempt; what follows from it.
    pub async fn settle(&self, settle: Settle) -> Result<Settlement, StoreError> {
        match self.execute(Command::Settle(settle)).await? {
            Outcome::Settled(settlement) => Ok(settlement),
            other => unexpected(other),
        }
    }

    /// Makes an integration.
    pub async fn create_integration(
        &self,
        account: Account,
        spec: IntegrationSpec,
        secret: Secret,
    ) -> Result<Arc<Integration>, StoreError> {
        let command = Command::CreateIntegration(account, Box::new(spec), secret);
        match self.execute(command).await? {
            Outcome::Integration(Some(integration)) => Ok(integration),
            other => unexpected(other),
        }
    }

    /// Changes an integration; none when there is none.
    pub async fn update_integration(
        &self,
        id: Id,
        spec: IntegrationSpec,
    ) -> Result<Option<Arc<Integration>>, StoreError> {
        match self.execute(Command::UpdateIntegration(id, Box::new(spec))).await? {
            Outcome::Integration(integration) => Ok(integration),
            other => unexpected(other),
        }
    }

    /// Signs an integration's messages with `secret`, and with the one before as well until
    /// `overlap_until`; none when there is no such integration.
    pub async fn rotate_secret(
        &self,
        id: Id,
        secret: Secret,
        overlap_until: Timestamp,
    ) -> Result<Option<Arc<Integration>>, StoreError> {
        match self.execute(Command::RotateSecret(id, secret, overlap_until)).await? {
            Outcome::Integration(integration) => Ok(integration),
            other => unexpected(other),
        }
    }

    /// Deletes an integration; none when there is none.
    pub async fn delete_integration(&self, id: Id) -> Result<Option<Arc<Integration>>, StoreError> {
        match self.execute(Command::DeleteIntegration(id)).await? {
            Outcome::Integration(integration) => Ok(integration),
            other => unexpected(other),
        }
    }

    /// Keeps a token.
    pub async fn create_token(&self, token: Token) -> Result<(), StoreError> {
        self.execute(Command::CreateToken(Box::new(token))).await.map(drop)
    }

    /// Tries these messages again now; those that are owed now.
    pub async fn redeliver(&self, messages: Vec<Id>, by: &str) -> Result<Vec<Id>, StoreError> {
        self.messages(Command::Redeliver(messages, by.into())).await
    }

    /// Gives a message up; whether it was owed.
    pub async fn cancel(&self, message: Id, by: &str) -> Result<bool, StoreError> {
        let cancelled = self.messages(Command::Cancel(message, by.into())).await?;
        Ok(!cancelled.is_empty())
    }

    /// Addresses windows again; the messages that were made.
    pub async fn replay(&self, replays: Vec<Replay>, by: &str) -> Result<Vec<Id>, StoreError> {
        self.messages(Command::Replay(replays, by.into())).await
    }

    async fn messages(&self, command: Command) -> Result<Vec<Id>, StoreError> {
        match self.execute(command).await? {
            Outcome::Messages(messages) => Ok(messages),
            other => unexpected(other),
        }
    }

    /// Forgets what is too old.
    pub async fn prune(&self, prune: Prune) -> Result<(), StoreError> {
        self.execute(Command::Prune(prune)).await.map(drop)
    }

    async fn execute(&self, command: Command) -> Result<Outcome, StoreError> {
        match &self.0 {
            Way::Thread(sender) => {
                let (done, outcome) = oneshot::channel();
                sender.send(Job::Do(command, done)).await.map_err(|_| StoreError::Stopped)?;
                outcome.await.map_err(|_| StoreError::Stopped)?
            }
            Way::Inline(core) => {
                let mut core = core.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                core.commit(vec![command])
                    .map(|mut outcomes| outcomes.pop().expect("invariant: one outcome a command"))
            }
        }
    }
}

fn unexpected<T>(outcome: Outcome) -> T {
    unreachable!("invariant: each command has its own outcome, not {outcome:?}")
}

impl JournalThread {
    /// Commits what is waiting, and ends. Commands that come later are refused.
    pub async fn stop(self) {
        let _ = self.sender.send(Job::Stop).await;
        drop(self.sender);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            log::error!("the journal's thread did not end well");
        }
    }
}

impl Core {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let (mut commands, mut done, mut bytes) = (Vec::new(), Vec::new(), 0);
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Do(command, waiter) => {
                        bytes += command.weight();
                        commands.push(command);
                        done.push(waiter);
                    }
                    // Refuses what comes from now on; what is here already still comes out.
                    Job::Stop => jobs.close(),
                }
                let room = commands.len() < COMMIT_COMMANDS_MAX && bytes < COMMIT_BYTES_MAX;
                next = if room { jobs.try_recv().ok() } else { None };
            }
            self.commit_for(commands, done);
        }
    }

    fn commit_for(
        &mut self,
        commands: Vec<Command>,
        done: Vec<oneshot::Sender<Result<Outcome, StoreError>>>,
    ) {
        match self.commit(commands) {
            Ok(outcomes) => {
                for (waiter, outcome) in done.into_iter().zip(outcomes) {
                    // Nobody waits any more when a client has gone; it is done all the same.
                    let _ = waiter.send(Ok(outcome));
                }
            }
            Err(error) => {
                log::error!("{} commands could not be committed: {error}", done.len());
                for waiter in done {
                    let _ = waiter.send(Err(error.for_another()));
                }
            }
        }
    }

    /// One commit. Everyone is told before any command completes, so that an audit is in its window
    /// before its 202 (R1).
    fn commit(&mut self, commands: Vec<Command>) -> Result<Vec<Outcome>, StoreError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let (outcomes, events) = self.writer.commit(commands, self.clock.as_ref())?;
        if !events.is_empty() {
            self.listener.committed(events);
        }
        Ok(outcomes)
    }
}
