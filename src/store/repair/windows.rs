//! Windows whose mark is gone, though a message of theirs is there. Without a mark their audits would be
//! in an open window, which would close and be sent again.

use std::collections::{BTreeMap, HashSet};

use super::Mend;
use super::audits::Named;
use crate::model::{Addressed, ClosedBy, Id, Mark, RecordKey, Slot, Source, WindowRule};
use crate::store::value::encode;
use crate::store::{StoreError, keys, value};

/// What is known of a window whose mark is gone.
struct Lost {
    record: RecordKey,
    /// One of those that were told of it.
    integration: Id,
    addressed: Vec<(Id, Addressed)>,
}

impl Lost {
    fn of(record: RecordKey, integration: Id) -> Lost {
        Lost { record, integration, addressed: Vec::new() }
    }
}

impl Mend {
    pub(super) fn lost_windows(
        &mut self,
        marks: &HashSet<Id>,
        named: &mut Named,
    ) -> Result<(), StoreError> {
        let mut lost: BTreeMap<Id, Lost> = BTreeMap::new();
        for (id, found) in &self.messages {
            let Source::Window(window) = found.source else { continue };
            let draft = &found.draft;
            for of in draft.earlier_windows.iter().chain([&window]) {
                if marks.contains(of) || *of < self.forgotten {
                    continue;
                }
                let of_window = lost
                    .entry(*of)
                    .or_insert_with(|| Lost::of(draft.record.clone(), draft.integration));
                // Those made again later came after the first.
                let addressed = &mut of_window.addressed;
                let has_one = addressed.iter().any(|(to, _)| *to == draft.integration);
                if *of == window && !has_one {
                    addressed.push((draft.integration, Addressed::Message(*id)));
                }
            }
        }
        for (window, Lost { record, integration, addressed }) in lost {
            let (slot, rule) = self.slot_of(&record, integration);
            let closed = named.entry(slot.clone()).or_default();
            // All that no other window has closed: what came later is in no window that closed before.
            let audits = self.by_record.get(&record).into_iter().flatten();
            let places: Vec<Id> =
                audits.copied().filter(|at| *at < window && closed.insert(*at)).collect();
            let closed_by = ClosedBy::Quiet;
            let mark = Mark { record, slot, rule, closed_by, places, addressed };
            let (key, bytes) = (keys::by_id(keys::MARKS, window), encode(&mark));
            value::put(&mut self.batch, &key, &bytes);
            self.keep_mark(window, key.len() + bytes.len());
            self.lose(format!(
                "the mark of the closed window {window} ({}) was made anew of its messages",
                mark.record
            ));
            self.wrote(bytes.len())?;
        }
        self.commit()
    }

    /// Which of a record's windows an integration takes part in.
    fn slot_of(&self, record: &RecordKey, integration: Id) -> (Slot, WindowRule) {
        let first = self.by_record.get(record).and_then(|places| places.first());
        let server = first.and_then(|place| self.audits.get(place)?.first().copied());
        let server =
            server.unwrap_or(WindowRule { quiet_period: Default::default(), max_wait: None });
        match self.config.integrations.get(&integration).map(|to| to.spec.pair().rule(server)) {
            Some(own) if own != server => (Slot::own(own), own),
            _ => (Slot::SERVER, server),
        }
    }
}
