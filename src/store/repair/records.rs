//! Full records and their links: of each its text and the rest are there, and its links lead to it.

use std::collections::HashSet;

use super::Mend;
use super::rows::decode;
use crate::model::{FullRecord, Pending};
use crate::store::value::encode;
use crate::store::{RecordHash, StoreError, keys, value};

impl Mend {
    pub(super) fn records(&mut self) -> Result<(), StoreError> {
        let tree = self.tree();
        let mut texts = HashSet::new();
        self.each(b"v", keys::FULL_RECORD_BYTES, true, |_, key, bytes| {
            let text = String::from_utf8(bytes);
            text.map_err(|_| StoreError::Damaged("the text of a record".to_owned()))?;
            texts.insert(key[1..].to_vec());
            Ok(())
        })?;
        let mut records = HashSet::new();
        self.each(&[keys::FULL_RECORDS], keys::FULL_RECORD_BYTES, true, |mend, key, bytes| {
            let record: FullRecord = decode(&bytes)?;
            if !record.removed && !texts.contains(&key[1..]) {
                return Err(StoreError::Damaged(format!("the text of {} is gone", record.key)));
            }
            records.insert(key[1..].to_vec());
            let mended = mend.links(record.clone(), key);
            mend.see(mended.revision);
            if mended != record {
                mend.rewrite(key, bytes.len(), &encode(&mended))?;
            }
            Ok(())
        })?;
        for text in texts.difference(&records) {
            let key = [b"v", text.as_slice()].concat();
            let length = value::get(&tree, &key)?.map_or(0, |text| text.len());
            value::remove(&mut self.batch, &key, length);
            self.lose("full records: of one only the text is left".to_owned());
        }
        self.commit()
    }

    /// The record with links that agree with their messages.
    fn links(&mut self, mut record: FullRecord, key: &[u8]) -> FullRecord {
        let links = record.links.len();
        record.links.retain(|link| self.integration_is_there(link.integration));
        let gone = links - record.links.len();
        for link in &mut record.links {
            let is_owed = link.message.is_some_and(|message| {
                self.messages.get(&message).is_some_and(|found| found.is_owed)
            });
            // Its message is gone: what the record is now is sent in its place.
            let is_gone = link.message.is_some_and(|message| !self.messages.contains_key(&message));
            if link.owed && is_gone && link.change == Pending::Nothing {
                link.change = Pending::Due;
            }
            link.owed = is_owed;
            self.newest = self.newest.max(link.id);
            let hash = RecordHash::from_end(key).map(RecordHash::bytes).unwrap_or_default();
            self.batch.insert(&keys::link(link.integration, link.id), &hash);
        }
        if gone > 0 {
            self.lose(format!("{gone} links of the record {}: their hooks are gone", record.key));
        }
        record
    }
}
