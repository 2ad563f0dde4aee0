//! How messages were settled, together with the attempt that did it: one row where there would be two.

use serde::Deserialize;

use super::press::{press, unpress};
use super::{Batch, StoreError, keys, log, value};
use crate::model::{Attempt, Id, Settled};

/// The longest attempt that lies in the row, in bytes as it is written; a longer one has a row of its own, as
/// those before it do.
const ATTEMPT_BYTES_MAX: usize = 1_024;

/// The row of a message that was settled.
#[derive(Clone, Debug)]
pub struct SettledRow {
    /// How.
    pub settled: Settled,
    /// The attempt that did it, encoded; none where it has a row of its own, or there was none.
    pub attempt: Option<Vec<u8>>,
}

/// What follows a [`Settled`] in its row.
#[derive(Deserialize)]
struct Rest<'a> {
    is_pressed: bool,
    #[serde(borrow)]
    attempt: &'a [u8],
}

impl SettledRow {
    /// Whether an attempt, encoded, lies in this row rather than in one of its own.
    pub fn takes(attempt: &[u8]) -> bool {
        attempt.len() <= ATTEMPT_BYTES_MAX
    }

    pub fn encode(&self) -> Vec<u8> {
        let invariant = "invariant: rows are plain data";
        let mut row = postcard::to_stdvec(&self.settled).expect(invariant);
        if let Some(attempt) = &self.attempt {
            let pressed = press(attempt);
            let rest = (pressed.is_some(), pressed.as_deref().unwrap_or(attempt));
            row.extend(postcard::to_stdvec(&rest).expect(invariant));
        }
        row
    }

    /// Reads the row of a message. Up to format 4 every attempt had a row of its own.
    pub fn decode(row: &[u8], message: Id) -> Result<SettledRow, StoreError> {
        let damaged = || StoreError::Damaged(format!("how message {message} was settled"));
        let (settled, rest) = postcard::take_from_bytes(row).map_err(|_| damaged())?;
        if rest.is_empty() {
            return Ok(SettledRow { settled, attempt: None });
        }
        let Rest { is_pressed, attempt } = postcard::from_bytes(rest).map_err(|_| damaged())?;
        let attempt = if is_pressed { unpress(attempt) } else { Some(attempt.to_vec()) };
        Ok(SettledRow { settled, attempt: Some(attempt.ok_or_else(damaged)?) })
    }

    /// What the attempt in this row counts towards what is kept: as much as in a row of its own.
    pub fn kept_bytes(&self) -> u64 {
        self.attempt.as_ref().map_or(0, |attempt| (keys::ATTEMPT_BYTES + attempt.len()) as u64)
    }

    /// Gives the attempt that lies in this row one of its own.
    pub fn put_attempt(&self, batch: &mut Batch, message: Id) -> Result<(), StoreError> {
        if let (Some(attempt), Some(bytes)) = (self.attempt(message)?, &self.attempt) {
            value::put(batch, &keys::attempt(message, attempt.number), bytes);
        }
        Ok(())
    }

    /// The attempt that lies in this row.
    pub fn attempt(&self, message: Id) -> Result<Option<Attempt>, StoreError> {
        self.attempt.as_deref().map(|bytes| log::decode(bytes, message)).transpose()
    }
}
