//! The index of messages by the code that they were answered with last. Nearly all are answered with
//! 200; those are not in it.

use super::{Batch, keys};
use crate::model::{CodeClass, Id};

/// The usual answer.
const USUAL: u16 = 200;

/// How many attempts a message had, and the code of the last answer.
pub type LastAnswer = (u32, Option<u16>);

/// Replaces the entry of a message.
pub fn index(batch: &mut Batch, message: Id, old: Option<LastAnswer>, new: LastAnswer) {
    let old = old.and_then(entry);
    let new = entry(new);
    if old == new {
        return;
    }
    if let Some((class, _)) = old.filter(|(class, _)| new.is_none_or(|(new, _)| new != *class)) {
        batch.remove(&keys::class_message(class, message));
    }
    if let Some((class, code)) = new {
        batch.insert(&keys::class_message(class, message), &code.to_be_bytes());
    }
}

/// Removes the entry of a message.
pub fn forget(batch: &mut Batch, message: Id, old: LastAnswer) {
    if let Some((class, _)) = entry(old) {
        batch.remove(&keys::class_message(class, message));
    }
}

/// What the entries of all messages begin with that may be of `wanted`; none when some of those are not
/// in the index.
pub fn prefix_of(wanted: CodeClass) -> Option<[u8; 2]> {
    match wanted {
        CodeClass::None => Some(0),
        CodeClass::Exactly(code) => (code != USUAL).then_some((code / 100) as u8),
        CodeClass::BeginsWith(digit) => (digit != USUAL / 100).then_some(digit as u8),
    }
    .map(keys::class_messages)
}

/// Whether the message of an entry is of `wanted`.
pub fn is_of(wanted: CodeClass, entry: &[u8]) -> bool {
    let code = entry.try_into().map_or(0, u16::from_be_bytes);
    wanted.holds(1, Some(code).filter(|code| *code > 0))
}

/// The class and the code of an entry; 0 for no answer.
fn entry((attempts, code): LastAnswer) -> Option<(u8, u16)> {
    match code {
        Some(USUAL) => None,
        Some(code) => Some(((code / 100) as u8, code)),
        None => (attempts > 0).then_some((0, 0)),
    }
}
