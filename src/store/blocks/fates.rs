//! What became of messages: a state, and the answer to the last attempt.

use serde::{Deserialize, Serialize};

use crate::model::{CodeClass, Delivery, Owed, Settled, Status};

/// The most fates that are told apart in a block. A hook that answers at random would otherwise
/// have its rows written without end.
const TOLD_APART_MAX: usize = 48;

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fate(u32);

/// The fates of a block's messages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fates {
    /// Ascending.
    list: Vec<Fate>,
    /// Whether there are more than are told apart.
    any: bool,
}

/// In place of a status code: there was no attempt.
const NEVER: u32 = 0;
/// In place of a status code: no answer came.
const NONE: u32 = 1;

impl Fate {
    /// What every message begins with. So it goes without saying.
    pub const NEW: Fate = Fate::new(Status::Pending, 0, None);

    const fn new(status: Status, attempts: u32, code: Option<u16>) -> Self {
        let answer = match code {
            Some(code) => code as u32,
            None if attempts > 0 => NONE,
            None => NEVER,
        };
        Fate((status as u32) << 16 | answer)
    }

    pub fn of_owed(owed: &Owed) -> Self {
        Self::new(Status::Pending, owed.attempts, owed.last_code)
    }

    pub fn of_settled(settled: &Settled) -> Self {
        Self::new(settled.status, settled.attempts, settled.last_code)
    }

    pub fn of(delivery: &Delivery) -> Self {
        match delivery {
            Delivery::Owed(owed) => Self::of_owed(owed),
            Delivery::Settled(settled) => Self::of_settled(settled),
        }
    }

    fn fits(self, status: Option<Status>, code: Option<CodeClass>) -> bool {
        let (found, answer) = (self.0 >> 16, self.0 & 0xFFFF);
        let fits_status = |wanted: Status| match wanted {
            // Which of them it is lies with the integration.
            Status::Pending | Status::Held => found == Status::Pending as u32,
            other => found == other as u32,
        };
        let (attempts, last_code) = match answer {
            NEVER => (0, None),
            NONE => (1, None),
            code => (1, Some(code as u16)),
        };
        status.is_none_or(fits_status) && code.is_none_or(|class| class.holds(attempts, last_code))
    }
}

impl Fates {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty() && !self.any
    }

    /// Takes in an fate; whether that says anything new.
    pub fn add(&mut self, fate: Fate) -> bool {
        if self.any || fate == Fate::NEW {
            return false;
        }
        let Err(at) = self.list.binary_search(&fate) else { return false };
        self.list.insert(at, fate);
        if self.list.len() > TOLD_APART_MAX {
            (self.list, self.any) = (Vec::new(), true);
        }
        true
    }

    /// Whether adding this fate would say anything new.
    pub fn lacks(&self, fate: Fate) -> bool {
        !self.any && fate != Fate::NEW && self.list.binary_search(&fate).is_err()
    }

    pub fn merge(&mut self, other: &Fates) {
        if other.any {
            (self.list, self.any) = (Vec::new(), true);
        }
        for fate in &other.list {
            self.add(*fate);
        }
    }

    /// Whether a message may be in this state with this answer.
    pub fn may_fit(&self, status: Option<Status>, code: Option<CodeClass>) -> bool {
        self.any
            || Fate::NEW.fits(status, code)
            || self.list.iter().any(|fate| fate.fits(status, code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_tell_states_and_answers_apart_together() {
        let mut fates = Fates::default();
        assert!(fates.add(Fate::new(Status::Delivered, 1, Some(204))));
        assert!(!fates.add(Fate::new(Status::Delivered, 3, Some(204))));
        assert!(fates.add(Fate::new(Status::Failed, 8, None)));
        let fit = |status, code: Option<&str>| {
            fates.may_fit(status, code.map(|code| code.parse().unwrap()))
        };
        assert!(fit(Some(Status::Delivered), Some("2xx")));
        assert!(fit(Some(Status::Failed), Some("none")));
        assert!(!fit(Some(Status::Failed), Some("204")), "that was another message");
        assert!(!fit(Some(Status::Pending), Some("none")), "never tried is no answer of any kind");
        assert!(fit(Some(Status::Pending), None) && fit(Some(Status::Held), None));
        assert!(!fit(None, Some("5xx")));
    }

    #[test]
    fn more_outcomes_than_are_told_apart_fit_everything() {
        let mut fates = Fates::default();
        for code in 200..200 + TOLD_APART_MAX as u16 + 1 {
            assert!(fates.add(Fate::new(Status::Delivered, 1, Some(code))));
        }
        assert!(fates.may_fit(Some(Status::Cancelled), None));
        assert!(!fates.add(Fate::new(Status::Failed, 1, None)));
    }
}
