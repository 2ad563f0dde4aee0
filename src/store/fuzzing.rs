//! What `tests/fuzz` and `benches/core` reach of the store: every kind of row, read from whatever bytes a disk
//! gives back; and keys.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::linked::RecordHash;
use super::{
    Bundle, MessageFilter, SettledRow, blocks, by_record, counters, events, head, history, hours,
    keys, learned, log, once, value,
};
use crate::model::{
    Account, AccountInfo, Attempt, FullRecord, Health, Id, Integration, MessageDraft, Owed, Parts,
    RecordKey, Session, Settled, Source, Token, Workspace,
};

/// A kind of row that some bytes can be read as, and how it would be written.
pub type Read = (&'static str, Vec<u8>);

/// Reads `bytes` as a row of every kind.
pub fn read_as_every_row(bytes: &[u8]) -> Vec<Read> {
    let mut read = Vec::new();
    let mut row = |kind, written: Option<Vec<u8>>| read.extend(written.map(|row| (kind, row)));
    row("mark", written(history::decode_mark(Id::default(), bytes).ok()));
    row("message", log_row::<(Source, MessageDraft)>(bytes));
    row("owed", log_row::<Owed>(bytes));
    row("settled", log_row::<Settled>(bytes));
    row("attempt", log_row::<Attempt>(bytes));
    row("parts", log_row::<Parts>(bytes));
    row("health", log_row::<Health>(bytes));
    row("event", written(events::decode(Id::default(), bytes).ok()));
    row("waiting", written(events::decode_waiting(Id::default(), bytes).ok()));
    row("end of events", log_row::<events::Head>(bytes));
    row("answer", log_row::<once::Answered>(bytes));
    row("full record", log_row::<FullRecord>(bytes));
    row("learned", written(learned::decode(bytes).ok()));
    row("counters", written(counters::Counters::decode(bytes).ok()));
    row("hour", written(hours::decode(bytes).ok()));
    row("block", log_row::<blocks::Block>(bytes));
    row("name", log_row::<blocks::NameRow>(bytes));
    row("integration", configured::<Integration>(bytes));
    row("token", configured::<Token>(bytes));
    row("session", configured::<Session>(bytes));
    row("account", configured::<AccountInfo>(bytes));
    row("workspace", configured::<Workspace>(bytes));
    read
}

/// Reads `bytes` as what is not a row of its own kind: packs, keys, digests.
pub fn read_as_all_else(bytes: &[u8]) {
    for first in [Id::default(), Id::from_u64(u64::MAX)] {
        let _ = history::unpack(first, bytes);
        let _ = head::Head::of(bytes, first);
        if let Ok(row) = SettledRow::decode(bytes, first) {
            let _ = row.attempt(first);
        }
        if let Ok(bundle) = Bundle::of(first, true, bytes.to_vec()) {
            assert!(bundle.ids().eq(bundle.entries().map(|(id, _)| id)));
        }
    }
    let _ = (keys::id_of(bytes), keys::last_id(bytes), keys::place_of_event(bytes));
    let _ = by_record::read(&keys::run_row(1, u32::MAX - 1, Id::default()), bytes);
    let _ = (keys::account_of_event(bytes), keys::account_of_learned(bytes));
    let _ = (RecordHash::from_end(bytes), super::press::unpress(bytes));
    read_as_digest(bytes);
}

/// Reads `bytes` as the columns and the letters of a block.
fn read_as_digest(bytes: &[u8]) {
    let filter = MessageFilter {
        integration: Some(Id::from_u64(1)),
        user: Some("ada".to_owned()),
        text: Some("export".to_owned()),
        ..MessageFilter::all(Account::DEFAULT, 1)
    };
    let wanted = blocks::Wanted::of(&filter, &blocks::Table::default());
    let who = blocks::Who { integrations: vec![1, 2], types: vec![1, 2, 3] };
    let _ = blocks::passing(bytes, &who, &wanted);
    let _ = wanted.texts().map(|texts| texts.may_be_in(bytes));
}

/// Where closing a window of this record with one message has its place: its mark, the run that lists it, the
/// message.
pub fn keys_of_window(record: &RecordKey, id: Id) -> [u8; 35] {
    let mut keys = [0; 35];
    let shelf = by_record::Shelf::from(record.partition());
    keys[..9].copy_from_slice(&keys::by_id(keys::MARKS, id));
    keys[9..26].copy_from_slice(&keys::run_row(0, shelf.0, id));
    keys[26..].copy_from_slice(&keys::by_id(keys::MESSAGES, id));
    keys
}

fn log_row<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<Vec<u8>> {
    written(log::decode::<T>(bytes, Id::default()).ok())
}

fn written<T: Serialize>(row: Option<T>) -> Option<Vec<u8>> {
    row.map(|row| value::encode(&row))
}

fn configured<T: Serialize + DeserializeOwned>(text: &[u8]) -> Option<Vec<u8>> {
    let row: T = serde_json::from_slice(text).ok()?;
    Some(serde_json::to_vec(&row).expect("invariant: what is configured is plain data"))
}
