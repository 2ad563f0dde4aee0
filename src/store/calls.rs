//! What the journal can be asked for: each command with what comes of it.

use super::{
    Answer, Appended, Changed, Close, Closed, Command, Configure, Journal, NewAudit, Once, Outcome,
    Prune, RecordCommand, RecordDone, Refusal, Replay, Settle, Settlement, StoreError,
};
use crate::clock::Timestamp;
use crate::model::{Account, By, Id, SecurityDraft, WindowRule};

impl Journal {
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

    /// Takes down security events, and sends them.
    pub async fn secure(
        &self,
        account: Account,
        events: Vec<SecurityDraft>,
    ) -> Result<Appended, StoreError> {
        match self.execute(Command::Secure(account, events)).await? {
            Outcome::Appended(appended) => Ok(appended),
            other => unexpected(other),
        }
    }

    /// Sends the security events that wait for others to be sent to this integration.
    pub async fn send_batch(&self, integration: Id) -> Result<(), StoreError> {
        self.execute(Command::SendBatch(integration)).await.map(drop)
    }

    /// Closes a window; none when a message that it was to take in is owed no more, and nothing was written.
    pub async fn close(&self, close: Close) -> Result<Option<Closed>, StoreError> {
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

    /// Changes what is configured, as somebody asks.
    pub async fn configure(
        &self,
        change: Configure,
        by: By,
    ) -> Result<Result<Changed, Refusal>, StoreError> {
        match self.execute(Command::Configure(change, by)).await? {
            Outcome::Configured(changed) => Ok(changed),
            other => unexpected(other),
        }
    }

    /// Makes all of these changes, if what is configured is of this revision; or none of them.
    pub async fn configure_all(
        &self,
        changes: Vec<Configure>,
        revision: Id,
        by: By,
    ) -> Result<Result<Vec<Changed>, Refusal>, StoreError> {
        match self.execute(Command::ConfigureAll(changes, revision, by)).await? {
            Outcome::ConfiguredAll(changed) => Ok(changed),
            other => unexpected(other),
        }
    }

    /// Does this once, however often it is asked for.
    pub async fn once(&self, once: Once) -> Result<Answer, StoreError> {
        match self.execute(Command::Once(Box::new(once))).await? {
            Outcome::Once(answer) => Ok(answer),
            other => unexpected(other),
        }
    }

    /// Remembers when tokens were last used.
    pub async fn note_uses(&self, uses: Vec<(Id, Timestamp)>) -> Result<(), StoreError> {
        self.execute(Command::NoteUses(uses)).await.map(drop)
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

    /// Does something with full records and their links.
    pub async fn record(
        &self,
        command: RecordCommand,
    ) -> Result<Result<RecordDone, Refusal>, StoreError> {
        match self.execute(Command::Record(command)).await? {
            Outcome::Record(done) => Ok(done),
            other => unexpected(other),
        }
    }

    /// Forgets what is too old.
    pub async fn prune(&self, prune: Prune) -> Result<(), StoreError> {
        self.execute(Command::Prune(prune)).await.map(drop)
    }
}

fn unexpected<T>(outcome: Outcome) -> T {
    unreachable!("invariant: each command has its own outcome, not {outcome:?}")
}
