//! The thread that groups commands into commits. It owns the writer, and so the write side.
//!
//! Whatever is waiting when a commit ends goes into the next one, up to a bound; it never waits for
//! more, because a sync is quicker than any wait that would fill it better.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use log::Level;
use tokio::sync::{mpsc, oneshot};

use super::measure::Measure;
use super::{Command, Listener, Outcome, StoreError, Writer};
use crate::clock::Clock;
use crate::metrics::Metrics;

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
    metrics: Arc<Metrics>,
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
        metrics: Arc<Metrics>,
    ) -> std::io::Result<(Journal, JournalThread)> {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        let core = Core { writer, clock, listener, metrics };
        let thread = std::thread::Builder::new()
            .name("lull-journal".to_owned())
            .spawn(move || core.run(receiver))?;
        Ok((Journal(Way::Thread(sender.clone())), JournalThread { sender, thread }))
    }

    /// A journal that commits on the caller's thread.
    pub fn inline(
        writer: Writer,
        clock: Arc<dyn Clock>,
        listener: Box<dyn Listener>,
        metrics: Arc<Metrics>,
    ) -> Journal {
        Journal(Way::Inline(Arc::new(Mutex::new(Core { writer, clock, listener, metrics }))))
    }

    /// Commands that wait for a commit.
    pub fn waiting(&self) -> usize {
        match &self.0 {
            Way::Thread(sender) => sender.max_capacity() - sender.capacity(),
            Way::Inline(_) => 0,
        }
    }

    /// Does as commanded; on disk when it is done.
    pub async fn execute(&self, command: Command) -> Result<Outcome, StoreError> {
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

    /// Does all of this in one commit, as the thread does with what waits for it.
    #[cfg(test)]
    pub fn together(&self, commands: Vec<Command>) -> Result<Vec<Outcome>, StoreError> {
        let Way::Inline(core) = &self.0 else { unreachable!("for tests on a manual clock") };
        core.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).commit(commands)
    }
}

impl JournalThread {
    /// Whether it ended, though nobody stopped it.
    pub fn is_gone(&self) -> bool {
        self.thread.is_finished()
    }

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
                let level = if error.is_of_the_disk() { Level::Debug } else { Level::Error };
                log::log!(level, "{} commands could not be committed: {error}", done.len());
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
        let clock = self.clock.as_ref();
        let measure = Measure::begin(commands.len(), &self.writer, clock);
        let committed = self.writer.commit(commands, clock);
        let (outcomes, events) = committed.inspect_err(|_| self.metrics.commits.failed())?;
        measure.done(&self.writer, clock, &self.metrics);
        self.listener.committed(events);
        Ok(outcomes)
    }
}
