//! The audits of a commit, packed together: one entry for as many as fit (D5).
//!
//! The places of a pack's audits follow each other by one, so a place is all it takes to find an
//! audit: the pack that starts at or before it, and how far into it.

use serde::{Deserialize, Serialize};

use super::tree::Tree;
use super::{StoreError, keys, value};
use crate::model::{Account, Id, WindowRule};

/// A pack, as it lies in the store.
#[derive(Serialize, Deserialize)]
pub struct Pack<'a> {
    /// The rules in force when these audits were accepted, so that deadlines outlive a change of
    /// settings (R5): the server's, then one for each pair that integrations brought (R4).
    pub rules: Vec<WindowRule>,
    /// The account and the text of each audit.
    #[serde(borrow)]
    pub audits: Vec<(Account, &'a str)>,
}

/// Bytes of a pack with more than one audit in it, before it is pressed: a closing window reads a whole pack
/// for each of its audits.
const PACK_BYTES_MAX: usize = 16 * 1024;
/// Bytes an audit takes in a pack beside its text, at the most.
const AUDIT_OVERHEAD: usize = 8;
/// Bytes of a pack that are not audits, at the most.
const PACK_OVERHEAD: usize = 48;

/// How many of `lengths` (bytes of text) fit in one pack: at least one, however long it is.
pub fn fit(lengths: impl Iterator<Item = usize>) -> usize {
    let mut bytes = PACK_OVERHEAD;
    let fitting = lengths.take_while(|length| {
        bytes += length + AUDIT_OVERHEAD;
        bytes <= PACK_BYTES_MAX
    });
    fitting.count().max(1)
}

/// Encodes a pack.
pub fn encode(pack: &Pack) -> Vec<u8> {
    postcard::to_stdvec(pack).expect("invariant: a pack is plain data")
}

/// Decodes a pack that starts at `first`.
pub fn decode(first: Id, bytes: &[u8]) -> Result<Pack<'_>, StoreError> {
    postcard::from_bytes(bytes)
        .map_err(|error| StoreError::Damaged(format!("the audits at {first}: {error}")))
}

/// Finds the pack that holds `place`: where it starts, and its bytes.
pub fn find(tree: &Tree, place: Id) -> Result<Option<(Id, Vec<u8>)>, StoreError> {
    let range = keys::by_id(keys::AUDITS, Id::from_u64(0))..=keys::by_id(keys::AUDITS, place);
    for entry in tree.range(range).rev() {
        let (key, head) = entry?;
        if let Some(first) = keys::id_of(&key) {
            return Ok(value::whole(tree, &key, &head)?.map(|bytes| (first, bytes)));
        }
    }
    Ok(None)
}

/// The packs from the one that holds `from` on, in order.
pub fn scan(
    tree: &Tree,
    from: Id,
) -> Result<impl Iterator<Item = Result<(Id, Vec<u8>), StoreError>>, StoreError> {
    let first = find(tree, from)?.map_or(from, |(first, _)| first);
    let end = [keys::AUDITS + 1];
    let range = tree.range(keys::by_id(keys::AUDITS, first).as_slice()..end.as_slice());
    let tree = tree.clone();
    Ok(range.filter_map(move |entry| match entry {
        Err(error) => Some(Err(error)),
        Ok((key, head)) => {
            let first = keys::id_of(&key)?;
            let whole = value::whole(&tree, &key, &head).transpose()?;
            Some(whole.map(|bytes| (first, bytes)))
        }
    }))
}
