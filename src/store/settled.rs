//! How messages were settled, together with the attempts that did it. Messages whose ids are close to each other
//! share a row: most are settled at about the same time, and what is alike presses better together. The row
//! is written anew whenever another of them is settled. Up to format 5 each had a row for itself, which is read
//! where there is no other: a check reads a store of an older format as it is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ahash::HashMap;
use serde::Deserialize;

use super::press::unpress;
use super::tree::Tree;
use super::{Batch, Bundle, StoreError, keys, log, value};
use crate::model::{Attempt, Id, Settled};

/// Ids of which the messages share a row, as a power of two. More would make fewer rows, and longer ones, which
/// are written the more often the further apart their messages are settled.
const STRETCH_BITS: u32 = 5;

/// The longest attempt that lies with how its message was settled, in bytes as it is written; a longer one has a
/// row of its own, as those before it do.
const ATTEMPT_BYTES_MAX: usize = 1_024;

/// How a message was settled.
#[derive(Clone, Debug)]
pub struct SettledRow {
    /// How.
    pub settled: Settled,
    /// The attempt that did it, encoded; none where it has a row of its own, or there was none.
    pub attempt: Option<Vec<u8>>,
}

/// What follows a [`Settled`].
#[derive(Deserialize)]
struct Rest<'a> {
    /// What has a row for itself was pressed alone.
    is_pressed: bool,
    #[serde(borrow)]
    attempt: &'a [u8],
}

/// Where how a message was settled lies: the first id of its stretch.
pub fn stretch(message: Id) -> Id {
    Id::from_u64(message.as_u64() >> STRETCH_BITS << STRETCH_BITS)
}

impl SettledRow {
    /// Whether an attempt, encoded, lies here rather than in a row of its own.
    pub fn takes(attempt: &[u8]) -> bool {
        attempt.len() <= ATTEMPT_BYTES_MAX
    }

    /// As it lies in the row of a stretch.
    pub fn encode(&self) -> Vec<u8> {
        let mut row = value::encode(&self.settled);
        if let Some(attempt) = &self.attempt {
            row.extend(value::encode(&(false, attempt.as_slice())));
        }
        row
    }

    /// Reads what was encoded, also in a row for itself.
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

    /// What the attempt here counts towards what is kept: as much as in a row of its own.
    pub fn kept_bytes(&self) -> u64 {
        self.attempt.as_ref().map_or(0, |attempt| (keys::ATTEMPT_BYTES + attempt.len()) as u64)
    }

    /// Gives the attempt that lies here a row of its own.
    pub fn put_attempt(&self, batch: &mut Batch, message: Id) -> Result<(), StoreError> {
        if let (Some(attempt), Some(bytes)) = (self.attempt(message)?, &self.attempt) {
            value::put(batch, &keys::attempt(message, attempt.number), bytes);
        }
        Ok(())
    }

    /// The attempt that lies here.
    pub fn attempt(&self, message: Id) -> Result<Option<Attempt>, StoreError> {
        self.attempt.as_deref().map(|bytes| log::decode(bytes, message)).transpose()
    }
}

/// Reads how messages were settled. The row that is read last stays at hand, as it is most likely that of the next
/// as well; what was settled since is not in it.
pub struct Reader<'t> {
    tree: &'t Tree,
    /// The first id of a stretch, and its row.
    at_hand: Option<(Id, Option<Bundle>)>,
}

impl<'t> Reader<'t> {
    pub fn new(tree: &'t Tree) -> Self {
        Self { tree, at_hand: None }
    }

    /// How a message was settled, encoded.
    pub fn get(&mut self, message: Id) -> Result<Option<Cow<'_, [u8]>>, StoreError> {
        let first = stretch(message);
        if self.at_hand.as_ref().is_none_or(|(at_hand, _)| *at_hand != first) {
            let row = value::get_current(self.tree, &keys::by_id(keys::SETTLED, first))?;
            let row = row.map(|bytes| Bundle::of(first, true, bytes)).transpose()?;
            self.at_hand = Some((first, row));
        }
        if let Some(row) = self.at_hand.as_ref().and_then(|(_, row)| row.as_ref()?.get(message)) {
            return Ok(Some(Cow::Borrowed(row)));
        }
        let alone = self.tree.get(keys::by_id(keys::SETTLED_ALONE, message))?;
        Ok(alone.map(|row| Cow::Owned(row.to_vec())))
    }
}

/// How a message was settled, encoded.
pub fn get(tree: &Tree, message: Id) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(Reader::new(tree).get(message)?.map(Cow::into_owned))
}

/// Writes how messages are settled from now on; none where nothing is to say so any more.
pub fn put(
    batch: &mut Batch,
    tree: &Tree,
    changed: &HashMap<Id, Option<SettledRow>>,
) -> Result<(), StoreError> {
    let mut stretches: BTreeMap<Id, BTreeMap<Id, Option<Vec<u8>>>> = BTreeMap::new();
    for (message, row) in changed {
        let of = stretches.entry(stretch(*message)).or_default();
        of.insert(*message, row.as_ref().map(SettledRow::encode));
    }
    for (first, changed) in stretches {
        let key = keys::by_id(keys::SETTLED, first);
        let mut rows = BTreeMap::new();
        if let Some(head) = tree.get(key)? {
            let before = value::whole(tree, &key, &head)?.unwrap_or_default();
            let before = Bundle::of(first, true, before)?;
            rows.extend(before.entries().map(|(id, row)| (id, row.to_vec())));
            value::remove_parts(batch, &key, value::parts(&head).unwrap_or_default());
        }
        for (message, row) in changed {
            match row {
                Some(row) => rows.insert(message, row),
                None => rows.remove(&message),
            };
        }
        write(batch, first, rows.into_iter().collect());
    }
    Ok(())
}

/// Writes the row of a stretch; removes it where there is nothing to write. The parts of one that was there have to
/// be removed before.
pub fn write(batch: &mut Batch, first: Id, rows: Vec<(Id, Vec<u8>)>) {
    let key = keys::by_id(keys::SETTLED, first);
    match rows.as_slice() {
        [] => batch.remove(&key),
        rows => value::put_bundle(batch, &key, &Bundle::encode(first, rows)),
    }
}
