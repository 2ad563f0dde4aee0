//! Ids and totals. Ids never go back: the next is newer than anything that is there or was acknowledged.

use super::Mend;
use crate::store::counters::Counters;
use crate::store::value::encode;
use crate::store::{StoreError, Totals, keys};

impl Mend {
    pub(super) fn counters(&mut self, format: Option<u32>) -> Result<(), StoreError> {
        let stored = self.tree().get(keys::COUNTERS)?;
        let stored = stored.and_then(|bytes| Counters::decode(&bytes).ok());
        if stored.is_none() {
            self.lose("the counters: made anew of what is there");
        }
        let counters = Counters {
            last_id: self.newest.max(stored.unwrap_or_default().last_id).max(self.forgotten),
            // Marks are forgotten only below what may have been forgotten.
            low_water: stored.unwrap_or_default().low_water.max(self.forgotten),
            kept_bytes: self.kept_bytes,
            totals: stored.map_or_else(|| self.totals(), |stored| stored.totals),
        };
        self.batch.insert(keys::COUNTERS, encode(&counters));
        // The first format did not say what was forgotten: all of it may have been.
        if format == Some(1) {
            self.batch.insert(keys::FORGOTTEN, &counters.last_id.as_u64().to_be_bytes());
        }
        self.commit()
    }

    fn totals(&self) -> Totals {
        let (audits, messages) = (self.audits.len() as u64, self.messages.len() as u64);
        Totals { audits, messages, ..self.totals }
    }
}
