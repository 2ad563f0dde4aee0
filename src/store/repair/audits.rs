//! Audits, and the marks of the windows that they were in.

use std::collections::{HashMap, HashSet};

use super::Mend;
use crate::model::{Addressed, Id, Mark, Slot};
use crate::store::history::{decode_mark, unpack};
use crate::store::value::encode;
use crate::store::{StoreError, keys};

/// The audits that marks name, by the slot of their window.
pub type Named = HashMap<Slot, HashSet<Id>>;

impl Mend {
    /// Reads the audits, and lets their ids lead to them.
    pub(super) fn audits(&mut self) -> Result<(), StoreError> {
        self.each(&[keys::AUDITS], 9, true, |mend, key, bytes| {
            let first = keys::id_of(key).unwrap_or_default();
            for audit in unpack(first, &bytes)? {
                let (account, id) = (audit.account, audit.said.id.clone());
                if let Some(id) = &id {
                    let place = audit.place.as_u64().to_be_bytes();
                    mend.batch.insert(keys::audit_id(account, id), &place);
                    mend.wrote(id.as_str().len() + 13)?;
                }
                mend.see(audit.place);
                let record = audit.said.record(account);
                mend.by_record.entry(record).or_default().push(audit.place);
                mend.audits.insert(audit.place, audit.rules);
            }
            mend.kept_bytes += (key.len() + bytes.len()) as u64;
            Ok(())
        })
    }

    /// Lets marks name only what is there, and makes those anew that are gone.
    pub(super) fn windows(&mut self) -> Result<(), StoreError> {
        let (mut named, mut marks) = (Named::new(), HashSet::new());
        self.each_entry(keys::MARKS, |mend, id, bytes| {
            let mut mark = decode_mark(id, bytes)?;
            let before = (mark.places.len(), mark.addressed.len());
            mend.leave_what_is_there(id, &mut mark, &mut named);
            let is_other = before != (mark.places.len(), mark.addressed.len());
            let other = is_other.then(|| encode(&mark));
            marks.insert(id);
            let length = other.as_ref().map_or(bytes.len(), Vec::len);
            mend.keep_mark(id, keys::ENTRY_BYTES + length);
            Ok(other)
        })?;
        self.lost_windows(&marks, &mut named)
    }

    /// Counts a mark.
    pub(super) fn keep_mark(&mut self, id: Id, bytes: usize) {
        self.see(id);
        self.totals.windows += 1;
        self.kept_bytes += bytes as u64;
    }

    fn leave_what_is_there(&mut self, id: Id, mark: &mut Mark, named: &mut Named) {
        let named = named.entry(mark.slot.clone()).or_default();
        let (mut places, mut messages) = (0, 0);
        mark.places.retain(|place| {
            let is_there = *place < self.forgotten || self.audits.contains_key(place);
            places += usize::from(!is_there);
            is_there && named.insert(*place)
        });
        mark.addressed.retain(|(_, addressed)| match addressed {
            Addressed::Message(message) => {
                let is_there = *message < self.forgotten || self.messages.contains_key(message);
                messages += usize::from(!is_there);
                is_there
            }
            Addressed::NothingChanged => true,
        });
        if places + messages > 0 {
            self.lose(format!(
                "of the closed window {id}, {places} audits and {messages} messages are not there"
            ));
        }
    }
}
