//! Marks and messages, which those of a commit share rows; and what is owed of its messages, which shares them
//! alike.

use ahash::HashMap;

use super::Draft;
use crate::model::Id;
use crate::store::{Bundle, bundle, keys, untried, value};

/// The marks and the messages of a commit, by their kind.
pub(super) type Entries = HashMap<u8, Vec<(Id, Vec<u8>)>>;

impl Draft<'_> {
    /// Writes a mark or a message, together with the others of this commit.
    pub(super) fn keep_entry(&mut self, kind: u8, id: Id, value: Vec<u8>) {
        self.state.counters.kept_bytes += entry_bytes(&value);
        self.entries.entry(kind).or_default().push((id, value));
    }

    /// Writes the rows that they share.
    pub(super) fn write_entries(&mut self) {
        for (kind, entries) in std::mem::take(&mut self.entries) {
            let rows = bundle::put(&mut self.batch, kind, &entries);
            if kind == keys::MESSAGES {
                self.write_untried(&rows);
                self.bundles = rows;
            }
        }
        self.store.tally().untried.remove_rows(&mut self.batch, &self.tried);
    }

    /// Writes what is owed of the messages that this commit makes, where it says nothing newer of them: of those
    /// that share a row together, so that it is gone before they are.
    fn write_untried(&mut self, rows: &[Bundle]) {
        for row in rows {
            let owed: Vec<_> = row.ids().filter_map(|id| self.made.remove_entry(&id)).collect();
            self.untried.extend(untried::put(&mut self.batch, &owed));
        }
    }

    /// From here on, what is owed of a message is known otherwise than from the row that it shares. Whether it
    /// was known from there until now, and so has no row of its own.
    pub(super) fn leaves_untried(&mut self, message: Id) -> bool {
        let is_made = self.made.remove(&message).is_some();
        // Those that left already have a row of their own by now.
        let leaves = !is_made
            && self.store.tally().untried.get(message).is_some()
            && self.tried.insert(message);
        is_made || leaves
    }

    /// Removes a row of what [`Draft::keep_entry`] wrote.
    pub(super) fn forget_bundle(&mut self, kind: u8, row: &Bundle) {
        value::remove(&mut self.batch, &row.key(kind), row.bytes());
        let bytes = row.entries().map(|(_, value)| entry_bytes(value)).sum();
        let kept_bytes = &mut self.state.counters.kept_bytes;
        *kept_bytes = kept_bytes.saturating_sub(bytes);
    }
}

/// What a mark or a message counts towards what is kept, whatever row it lies in.
fn entry_bytes(value: &[u8]) -> u64 {
    (keys::ENTRY_BYTES + value.len()) as u64
}
