//! Messages, and what hangs on them: each is either owed or settled.

use std::collections::HashMap;

use super::rows::decode;
use super::{Mend, MessageFound, entry};
use crate::model::{Attempt, AttemptOutcome, Id, Owed, Parts, Settled, Source, Status};
use crate::store::value::encode;
use crate::store::{SettledRow, StoreError, bundle, codes, keys, log, settled, untried, value};

/// Who settles what can go nowhere.
const BY: &str = "lull check --repair";

impl Mend {
    /// Reads the messages.
    pub(super) fn messages(&mut self) -> Result<(), StoreError> {
        self.each_entry(keys::MESSAGES, |mend, id, bytes| {
            let (source, mut draft) =
                log::decode::<(Source, crate::model::MessageDraft)>(bytes, id)?;
            // What is needed is whom and what it is about; bodies may be long.
            draft.body = String::new();
            mend.see(id);
            mend.kept_bytes += (keys::ENTRY_BYTES + bytes.len()) as u64;
            mend.messages.insert(id, MessageFound { source, draft, is_owed: false });
            Ok(None)
        })
    }

    /// Lets each message be owed or settled.
    pub(super) fn fates(&mut self) -> Result<(), StoreError> {
        let attempts = self.attempts()?;
        let (mut owed, mut settled) = (HashMap::new(), HashMap::new());
        self.each(&[keys::OUTBOX], 9, false, |mend, key, bytes| {
            let id = mend.message_of(key)?;
            owed.insert(id, decode::<Owed>(&bytes)?);
            Ok(())
        })?;
        // Up to format 5.
        self.each(&[keys::SETTLED_ALONE], 9, false, |mend, key, bytes| {
            let id = mend.message_of(key)?;
            settled.insert(id, mend.settled_row(id, &bytes)?);
            mend.batch.remove(key);
            Ok(())
        })?;
        self.each_entry(keys::SETTLED, |mend, id, bytes| {
            mend.message_there(id)?;
            settled.insert(id, mend.settled_row(id, bytes)?);
            Ok(None)
        })?;
        self.forget_all(keys::SETTLED)?;
        let mut untried = HashMap::new();
        self.each_entry(keys::UNTRIED, |mend, id, bytes| {
            mend.message_there(id)?;
            untried.insert(id, log::decode::<Owed>(bytes, id)?);
            Ok(None)
        })?;
        self.each(&[keys::PARTS], 9, false, |mend, key, bytes| {
            mend.message_of(key)?;
            decode::<Parts>(&bytes).map(drop)
        })?;
        let messages: Vec<Id> = self.messages.keys().copied().collect();
        for id in messages {
            let (last, tried) = (attempts.get(&id), (owed.remove(&id), settled.remove(&id)));
            let fate = match (tried, last, untried.remove(&id)) {
                ((None, None), None, Some(owed)) if self.stays_untried(id, &owed) => continue,
                ((None, None), None, Some(owed)) => (Some(owed), None),
                // What says that it was tried is newer.
                (tried, ..) => tried,
            };
            self.fate(id, fate, last)?;
        }
        self.write_settled(0)?;
        self.commit()?;
        self.forget_tried()
    }

    /// How a message was settled, as far as all of it can be read.
    fn settled_row(&self, id: Id, bytes: &[u8]) -> Result<SettledRow, StoreError> {
        let row = SettledRow::decode(bytes, id)?;
        row.attempt(id)?;
        Ok(row)
    }

    /// The message of a key, which must be there.
    fn message_of(&self, key: &[u8]) -> Result<Id, StoreError> {
        let id = key.get(1..9).and_then(keys::last_id).unwrap_or_default();
        self.message_there(id)?;
        Ok(id)
    }

    fn message_there(&self, id: Id) -> Result<(), StoreError> {
        let missing = || StoreError::Damaged(format!("the message {id} is not there"));
        self.messages.get(&id).map(|_| ()).ok_or_else(missing)
    }

    /// Whether a message can stay owed as it was made.
    fn stays_untried(&mut self, id: Id, owed: &Owed) -> bool {
        let is_there = self.integration_is_there(owed.integration);
        match self.messages.get_mut(&id) {
            Some(found) if is_there && found.draft.integration == owed.integration => {
                found.is_owed = true;
                true
            }
            _ => false,
        }
    }

    /// Removes rows of what was owed that say nothing that is not known better.
    fn forget_tried(&mut self) -> Result<(), StoreError> {
        let tree = self.tree();
        let mut settled = settled::Reader::new(&tree);
        for row in bundle::rows(&tree, keys::UNTRIED, Id::default(), Id::from_u64(u64::MAX))? {
            let row = row?;
            let mut is_old = true;
            for id in row.ids() {
                is_old = is_old && untried::is_old(&tree, &mut settled, id)?;
            }
            if is_old {
                value::remove(&mut self.batch, &row.key(keys::UNTRIED), row.bytes());
            }
        }
        self.commit()
    }

    /// The last attempt of each message.
    fn attempts(&mut self) -> Result<HashMap<Id, Attempt>, StoreError> {
        let mut last = HashMap::new();
        self.each(b"t", 13, true, |mend, key, bytes| {
            let id = mend.message_of(key)?;
            let mut attempt: Attempt = decode(&bytes)?;
            attempt.request_headers.clear();
            mend.kept_bytes += (key.len() + bytes.len()) as u64;
            last.insert(id, attempt);
            Ok(())
        })?;
        Ok(last)
    }

    fn fate(
        &mut self,
        id: Id,
        fate: (Option<Owed>, Option<SettledRow>),
        last: Option<&Attempt>,
    ) -> Result<(), StoreError> {
        let Some(found) = self.messages.get(&id) else { return Ok(()) };
        let integration = found.draft.integration;
        let owed = match fate {
            (Some(owed), None) => owed,
            (None, Some(row)) => return self.settle(id, &row),
            // One of them is old. Settled after more attempts is the newer one for certain.
            (Some(owed), Some(row)) if row.settled.attempts > owed.attempts => {
                return self.settle(id, &row);
            }
            (Some(owed), Some(row)) => {
                row.put_attempt(&mut self.batch, id)?;
                self.kept_bytes += row.kept_bytes();
                self.lose(format!(
                    "the message {id} was settled or not: it is owed, perhaps again"
                ));
                owed
            }
            (None, None) => match last.and_then(delivered) {
                Some(settled) => {
                    self.lose(format!(
                        "how the message {id} was settled: by its last attempt it was delivered"
                    ));
                    return self.settle(id, &SettledRow { settled, attempt: None });
                }
                None => {
                    self.lose(format!(
                        "what became of the message {id}: it is owed, and may reach its hook again"
                    ));
                    self.owed_anew(id, last)
                }
            },
        };
        if !self.integration_is_there(integration) {
            self.lose(format!("the message {id} was cancelled: its integration is not there"));
            let Owed { attempts, last_code, .. } = owed;
            let (status, by) = (Status::Cancelled, Some(BY.into()));
            let settled = Settled { status, at: self.now, attempts, last_code, by };
            return self.settle(id, &SettledRow { settled, attempt: None });
        }
        codes::index(&mut self.batch, id, None, (owed.attempts, owed.last_code));
        self.batch.insert(&keys::by_id(keys::OUTBOX, id), encode(&Owed { integration, ..owed }));
        if let Some(found) = self.messages.get_mut(&id) {
            found.is_owed = true;
        }
        self.wrote(64)
    }

    fn settle(&mut self, id: Id, row: &SettledRow) -> Result<(), StoreError> {
        let settled = &row.settled;
        self.batch.remove(&keys::by_id(keys::OUTBOX, id));
        self.settled.entry(settled::stretch(id)).or_default().push((id, row.encode()));
        // They come in order.
        self.write_settled(1)?;
        self.kept_bytes += row.kept_bytes();
        if settled.status != Status::Delivered {
            entry(&mut self.batch, &keys::status_message(settled.status, id));
        }
        codes::index(&mut self.batch, id, None, (settled.attempts, settled.last_code));
        match settled.status {
            Status::Delivered => self.totals.delivered += 1,
            Status::Failed => self.totals.failed += 1,
            Status::Superseded => self.totals.superseded += 1,
            Status::Cancelled => self.totals.cancelled += 1,
            Status::Pending | Status::Held => {}
        }
        self.wrote(64)
    }

    /// Writes how messages were settled, but for the last few stretches.
    fn write_settled(&mut self, stretches_left: usize) -> Result<(), StoreError> {
        while self.settled.len() > stretches_left
            && let Some((first, rows)) = self.settled.pop_first()
        {
            let bytes = rows.iter().map(|(_, row)| row.len()).sum();
            settled::write(&mut self.batch, first, rows);
            self.wrote(bytes)?;
        }
        Ok(())
    }

    fn owed_anew(&self, id: Id, last: Option<&Attempt>) -> Owed {
        let found = &self.messages[&id];
        let oldest = match found.source {
            Source::Audit(at) | Source::Events(at) | Source::Link(at) | Source::Window(at) => at,
        };
        // A window's audits are older than its mark.
        let of_record = self.by_record.get(&found.draft.record).and_then(|places| places.first());
        Owed {
            integration: found.draft.integration,
            partition: found.draft.record.partition(),
            oldest: of_record.map_or(oldest, |first| oldest.min(*first)),
            attempts: last.map_or(0, |last| last.number),
            due: self.now,
            last_code: last.and_then(|last| last.outcome.code()),
            asked_by: None,
        }
    }
}

/// How a message was settled whose last attempt was this one, if it was delivered.
fn delivered(last: &Attempt) -> Option<Settled> {
    let AttemptOutcome::Answered { code: code @ 200..=299, .. } = last.outcome else { return None };
    Some(Settled {
        status: Status::Delivered,
        at: last.at,
        attempts: last.number,
        last_code: Some(code),
        by: None,
    })
}
