//! Calls that are to happen once.

use super::{Draft, Placed, encode};
use crate::clock::Timestamp;
use crate::model::Id;
use crate::store::{Answer, Call, Command, Once, Outcome, StoreError, keys, value};

impl Draft<'_> {
    pub(super) fn once(&mut self, once: Once) -> Result<Outcome, StoreError> {
        if let Some(answer) = self.answered(&once.call)? {
            return Ok(Outcome::Once(answer));
        }
        let outcome = self.apply(once.command)?;
        Ok(self.remember(once.call, outcome, once.answer))
    }

    /// The same for audits, which come first in a commit.
    pub(super) fn append_once(
        &mut self,
        once: Once,
        placed: &mut Vec<Placed>,
    ) -> Result<Outcome, StoreError> {
        if let Some(answer) = self.answered(&once.call)? {
            return Ok(Outcome::Once(answer));
        }
        let Command::Append(audits, rule) = once.command else {
            unreachable!("invariant: only audits come this way")
        };
        let outcome = self.append(audits, rule, placed)?;
        Ok(self.remember(once.call, outcome, once.answer))
    }

    fn answered(&self, call: &Call) -> Result<Option<Answer>, StoreError> {
        let found = match self.answers.get(&call.key()) {
            Some(answered) => Some(answered.clone()),
            None => self.store.answer_to(call, self.now)?,
        };
        Ok(found.map(|found| call.compare(found)))
    }

    fn remember(
        &mut self,
        call: Call,
        outcome: Outcome,
        answer: impl FnOnce(&Outcome) -> Option<Vec<u8>>,
    ) -> Outcome {
        let answer = answer(&outcome);
        if let Some(answer) = &answer {
            let answered = call.answered(self.now, answer.clone());
            value::put(&mut self.batch, &call.row(Id::at(self.now)), &encode(&answered));
            self.answers.insert(call.key(), answered);
        }
        Outcome::Once(Answer::First(Box::new(outcome), answer))
    }

    pub(super) fn note_uses(&mut self, uses: &[(Id, Timestamp)]) -> Outcome {
        for (token, at) in uses {
            // A token that was revoked meanwhile leaves nothing behind.
            if self.config.token(*token).is_some() {
                let key = keys::by_id(keys::USES, *token);
                self.batch.insert(&key, &at.unix_ms().to_be_bytes());
            }
        }
        Outcome::Done
    }
}
