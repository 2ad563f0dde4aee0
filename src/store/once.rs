//! Calls that are to happen once, however often they come: the answer is committed together with
//! what the call did, and given again to whoever sends the same key within a day.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Command, Outcome, Store, StoreError, keys, value};
use crate::clock::Timestamp;
use crate::model::Id;

/// For how long an answer is given again.
pub const ANSWERS_KEPT: Duration = Duration::from_secs(86_400);

/// A command to do once.
pub struct Once {
    /// Which call this is.
    pub call: Call,
    /// What it does.
    pub command: Command,
    /// What it is answered with, if it succeeds; if not, it may be tried again.
    pub answer: MakeAnswer,
}

/// Says what an outcome is answered with.
pub type MakeAnswer = Box<dyn FnOnce(&Outcome) -> Option<Vec<u8>> + Send>;

/// Names a call: who makes it, the key that they gave it, and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    key: [u8; 16],
    request: [u8; 16],
}

/// What a call that is to happen once is answered with.
#[derive(Debug)]
pub enum Answer {
    /// It happened, and this is its answer, if it succeeded.
    First(Box<Outcome>, Option<Vec<u8>>),
    /// It had happened before; the answer that was given then.
    Again(Vec<u8>),
    /// Another call had the same key.
    OtherCall,
}

/// An answer, as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub at: Timestamp,
    pub request: [u8; 16],
    pub answer: Vec<u8>,
}

impl Call {
    /// The call that the token's holder gave this key, and that asks for this.
    pub fn new(token: Id, key: &str, request: &[&[u8]]) -> Self {
        let hash = |parts: &[&[u8]]| {
            let mut hash = Sha256::new();
            for part in parts {
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
            *hash.finalize().first_chunk().expect("invariant: 32 bytes")
        };
        let key = hash(&[&token.as_u64().to_be_bytes(), key.as_bytes()]);
        Self { key, request: hash(request) }
    }

    /// The key that its answer is stored under when it is given at `id`.
    pub(super) fn row(&self, id: Id) -> [u8; 21] {
        keys::answer(keys::answer_bucket(id), &self.key)
    }

    /// What tells it from calls with other keys.
    pub(super) fn key(&self) -> [u8; 16] {
        self.key
    }

    pub(super) fn compare(&self, found: Answered) -> Answer {
        if found.request == self.request { Answer::Again(found.answer) } else { Answer::OtherCall }
    }

    pub(super) fn answered(&self, at: Timestamp, answer: Vec<u8>) -> Answered {
        Answered { at, request: self.request, answer }
    }
}

impl Store {
    /// What a call with this key was answered in the day before `now`.
    pub(super) fn answer_to(
        &self,
        call: &Call,
        now: Timestamp,
    ) -> Result<Option<Answered>, StoreError> {
        let since = now - ANSWERS_KEPT;
        let last = keys::answer_bucket(Id::at(now));
        // The last first: whoever tries again does so soon.
        for bucket in (keys::answer_bucket(Id::at(since))..=last).rev() {
            if let Some(bytes) = value::get(self.tree(), &keys::answer(bucket, &call.key))? {
                let found: Answered = postcard::from_bytes(&bytes)
                    .map_err(|error| StoreError::Damaged(format!("an answer: {error}")))?;
                if found.at > since {
                    return Ok(Some(found));
                }
            }
        }
        Ok(None)
    }

    /// The keys of up to `limit` rows whose answers are not given any more.
    pub(super) fn old_answers(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let bucket = keys::answer_bucket(Id::at(now - ANSWERS_KEPT));
        let range = keys::answer(0, &[0; 16]).to_vec()..keys::answer(bucket, &[0; 16]).to_vec();
        let rows = self.tree().range(range).keys().take(limit);
        rows.map(|key| Ok(key?.to_vec())).collect()
    }
}
