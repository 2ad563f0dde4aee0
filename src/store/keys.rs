//! Every key of the tree. A letter for the kind, then big-endian numbers, so that the order of keys
//! is the order of time (D5): new rows go to the end of their kind, which is what sled likes.
//!
//! | key | value |
//! | --- | --- |
//! | `a` place of the first | a pack of audits |
//! | `w` id of the first | marks that closed windows |
//! | `R` number of a run | its first and last id |
//! | `r` run, record, id of the first | windows that closed, and messages that no mark names, by record |
//! | `i` account, id | the place of the audit that came with this id |
//! | `g` id of the first | messages |
//! | `B` number of a block | whom its messages are to, what about, and what became of them |
//! | `D` number of a block | its columns |
//! | `X` number of a block | the letters that its messages are made of |
//! | `E` number of a name | a name that columns use |
//! | `U` id of the first | what is owed of messages that were not tried yet |
//! | `o` message | what is owed of one that was |
//! | `S` first id of a stretch | how its messages were settled, and the attempts that did it |
//! | `f` status, message | nothing; the messages settled in another way than delivered |
//! | `Y` class of a code, message | the code that the message was answered with last, unless it is 200 |
//! | `t` message, number | an attempt that settled nothing, or is long |
//! | `h` integration | its health |
//! | `c` kind, id | what is configured: `i` an integration, `t` a token, `s` a session, `a` an account, `w` a workspace |
//! | `u` token | when it was last used |
//! | `q` account, hour | what was done with in it |
//! | `k` bucket, key of a call | the answer to a call that is to happen once |
//! | `l` account, hash of a workspace and what was seen there | something learned |
//! | `e` account, id | a security event, and its link in the chain |
//! | `j` account, id | the place of the security event that came with this id |
//! | `x` account | the end of the chain |
//! | `b` integration | the security events that wait to be sent to it together |
//! | `p` message | which of the events in it are to be sent again, and which were refused |
//! | `v` account, hash of a record | its text, as it was put |
//! | `y` account, hash of a record | what is kept of it beside its text, and its links |
//! | `z` integration, link | the hash of the record that is linked |
//! | `m` … | format, counters, the sum of all rows, gaps that a repair left |

use super::learned::Key;
use super::linked::RecordHash;
use crate::model::{Account, ExternalId, Id, Status};

/// The format version.
pub const FORMAT: &[u8] = b"mformat";
/// Last id, low water, totals: one row, rewritten by every commit.
pub const COUNTERS: &[u8] = b"mcounters";

/// What all other rows come to.
pub const SUM: &[u8] = b"msum";

/// What the places begin with behind which a repair left a gap in a list of security events.
pub const GAPS: &[u8] = b"mgap";

/// What an entry of an index holds that says all by its key.
pub const NOTHING: &[u8] = b"";

/// What is older than this id may have been forgotten.
pub const FORGOTTEN: &[u8] = b"mforgotten";

pub const AUDITS: u8 = b'a';
pub const MARKS: u8 = b'w';
pub const MESSAGES: u8 = b'g';
pub const UNTRIED: u8 = b'U';
pub const OUTBOX: u8 = b'o';
pub const HEALTH: u8 = b'h';
pub const LEARNED: u8 = b'l';
pub const BLOCKS: u8 = b'B';
pub const COLUMNS: u8 = b'D';
pub const GRAMS: u8 = b'X';
pub const NAMES: u8 = b'E';
pub const RUNS: u8 = b'R';
pub const RUN_ROWS: u8 = b'r';
pub const SETTLED: u8 = b'S';
/// Up to format 5.
pub const SETTLED_ALONE: u8 = b's';
pub const CODES: u8 = b'Y';
pub const INTEGRATIONS: [u8; 2] = *b"ci";
pub const TOKENS: [u8; 2] = *b"ct";
pub const SESSIONS: [u8; 2] = *b"cs";
pub const ACCOUNTS: [u8; 2] = *b"ca";
pub const WORKSPACES: [u8; 2] = *b"cw";
pub const USES: u8 = b'u';
pub const ANSWERS: u8 = b'k';
pub const WAITING_EVENTS: u8 = b'b';
pub const PARTS: u8 = b'p';
pub const FULL_RECORDS: u8 = b'y';
/// The length of a key made by [`full_record`].
pub const FULL_RECORD_BYTES: usize = 21;

/// Seconds in a bucket of answers, as a power of two: about four hours. They are looked for in every bucket of a
/// day, and a bucket is pruned whole.
const ANSWER_BUCKET_BITS: u32 = 14;

/// The length of a key made by [`by_id`].
pub const ENTRY_BYTES: usize = 9;

/// A key made of `kind` and one id.
pub fn by_id(kind: u8, id: Id) -> [u8; 9] {
    let mut key = [kind; 9];
    key[1..].copy_from_slice(&id.as_u64().to_be_bytes());
    key
}

/// The id of a key made by [`by_id`]; none for the parts of a long value.
pub fn id_of(key: &[u8]) -> Option<Id> {
    let number: [u8; 8] = key.get(1..)?.try_into().ok()?;
    Some(Id::from_u64(u64::from_be_bytes(number)))
}

/// The id of the audits, window or message that a row is about, of a kind that is made with them or later;
/// none for other kinds.
pub fn made_for(key: &[u8]) -> Option<Id> {
    match *key.first()? {
        AUDITS | MARKS | MESSAGES | UNTRIED | OUTBOX | SETTLED | b't' => last_id(key.get(1..9)?),
        b'f' | CODES => last_id(key),
        _ => None,
    }
}

/// A row of a run, which begins with this record and id.
pub fn run_row(run: u32, record: u32, first: Id) -> [u8; 17] {
    let mut key = [0; 17];
    key[..5].copy_from_slice(&numbered(RUN_ROWS, run));
    key[5..9].copy_from_slice(&record.to_be_bytes());
    key[9..].copy_from_slice(&first.as_u64().to_be_bytes());
    key
}

/// What a row begins with whose key was made by [`run_row`].
pub fn first_of_run_row(key: &[u8]) -> Option<(u32, Id)> {
    let [_, _, _, _, _, rest @ ..]: &[u8; 17] = key.try_into().ok()?;
    let (record, id) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*record), last_id(id)?))
}

/// The id that an index entry ends with.
pub fn last_id(key: &[u8]) -> Option<Id> {
    let number: [u8; 8] = key.last_chunk().copied()?;
    Some(Id::from_u64(u64::from_be_bytes(number)))
}

/// The place of the audit that came with `id`.
pub fn audit_id(account: Account, id: &ExternalId) -> Vec<u8> {
    let mut key = Vec::with_capacity(5 + id.as_str().len());
    key.push(b'i');
    key.extend_from_slice(&account.0.to_be_bytes());
    key.extend_from_slice(id.as_str().as_bytes());
    key
}

/// That a repair found security events missing behind this one.
pub fn gap(account: Account, after: Id) -> Vec<u8> {
    [GAPS, account.0.to_be_bytes().as_slice(), after.as_u64().to_be_bytes().as_slice()].concat()
}

/// What every security event begins with.
pub const EVENTS: [u8; 1] = [b'e'];

/// What the security events of an account begin with.
pub fn events_of(account: Account) -> [u8; 5] {
    let mut key = [EVENTS[0]; 5];
    key[1..].copy_from_slice(&account.0.to_be_bytes());
    key
}

/// A security event.
pub fn event(account: Account, place: Id) -> [u8; 13] {
    let mut key = [0; 13];
    key[..5].copy_from_slice(&events_of(account));
    key[5..].copy_from_slice(&place.as_u64().to_be_bytes());
    key
}

/// The place of a key made by [`event`]; none for the parts of a long value.
pub fn place_of_event(key: &[u8]) -> Option<Id> {
    let number: [u8; 8] = key.get(5..)?.try_into().ok()?;
    Some(Id::from_u64(u64::from_be_bytes(number)))
}

/// The end of an account's security events.
pub fn event_head(account: Account) -> [u8; 5] {
    let mut key = [b'x'; 5];
    key[1..].copy_from_slice(&account.0.to_be_bytes());
    key
}

/// The place of the security event that came with `id`.
pub fn event_id(account: Account, id: &ExternalId) -> Vec<u8> {
    let mut key = audit_id(account, id);
    key[0] = b'j';
    key
}

/// A key made of `kind` and a small number.
pub fn numbered(kind: u8, number: u32) -> [u8; 5] {
    let mut key = [kind; 5];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

/// What the index entries of messages begin with whose last answer was of a class: 5 for 503, 0 for
/// none.
pub fn class_messages(class: u8) -> [u8; 2] {
    [CODES, class]
}

/// The index entry of a message whose last answer was of a class.
pub fn class_message(class: u8, message: Id) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&class_messages(class));
    key[2..].copy_from_slice(&message.as_u64().to_be_bytes());
    key
}

/// The index entry of an integration's message, in format 1.
pub fn integration_message(integration: Id, message: Id) -> [u8; 17] {
    let mut key = [0; 17];
    key[..9].copy_from_slice(&by_id(b'n', integration));
    key[9..].copy_from_slice(&message.as_u64().to_be_bytes());
    key
}

/// What the index entries of messages settled as `status` begin with.
pub fn status_messages(status: Status) -> [u8; 2] {
    [b'f', status as u8]
}

/// The index entry of a message settled as `status`.
pub fn status_message(status: Status, message: Id) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&status_messages(status));
    key[2..].copy_from_slice(&message.as_u64().to_be_bytes());
    key
}

/// What the attempts of a message begin with.
pub fn attempts(message: Id) -> [u8; 9] {
    by_id(b't', message)
}

/// The length of a key made by [`attempt`].
pub const ATTEMPT_BYTES: usize = 13;

/// An attempt of a message. Shaped so that it cannot be taken for a part of a long value.
pub fn attempt(message: Id, number: u32) -> [u8; ATTEMPT_BYTES] {
    let mut key = [0; ATTEMPT_BYTES];
    key[..9].copy_from_slice(&attempts(message));
    key[9..].copy_from_slice(&number.to_be_bytes());
    key
}

/// The bucket that an answer given at `id` falls in: about four and a half hours.
pub fn answer_bucket(id: Id) -> u32 {
    (id.as_u64() >> 32) as u32 >> ANSWER_BUCKET_BITS
}

/// The answer to a call with this key, given in a bucket.
pub fn answer(bucket: u32, call: &[u8; 16]) -> [u8; 21] {
    let mut key = [ANSWERS; 21];
    key[1..5].copy_from_slice(&bucket.to_be_bytes());
    key[5..].copy_from_slice(call);
    key
}

/// What was done with in an hour.
pub fn hour(account: Account, hour: u32) -> [u8; 9] {
    let mut key = [b'q'; 9];
    key[1..5].copy_from_slice(&account.0.to_be_bytes());
    key[5..].copy_from_slice(&hour.to_be_bytes());
    key
}

/// What everything learned in an account begins with.
pub fn learned_of(account: Account) -> [u8; 5] {
    let mut key = [LEARNED; 5];
    key[1..].copy_from_slice(&account.0.to_be_bytes());
    key
}

/// Something learned. Random by nature, but there are few of them, and they are seldom written.
pub fn learned(account: Account, of: Key) -> [u8; 13] {
    let mut key = [0; 13];
    key[..5].copy_from_slice(&learned_of(account));
    key[5..].copy_from_slice(&of.0.to_be_bytes());
    key
}

/// The account of a key made by [`event`].
pub fn account_of_event(key: &[u8]) -> Account {
    account_of_learned(key).unwrap_or(Account::DEFAULT)
}

/// The account of a key made by [`learned`].
pub fn account_of_learned(key: &[u8]) -> Option<Account> {
    let number: [u8; 4] = key.get(1..5)?.try_into().ok()?;
    Some(Account(u32::from_be_bytes(number)))
}

/// What the texts of an account's full records begin with.
pub fn record_texts_of(account: Account) -> [u8; 5] {
    of_account(b'v', account)
}

/// What all else that is kept of an account's full records begins with.
pub fn full_records_of(account: Account) -> [u8; 5] {
    of_account(FULL_RECORDS, account)
}

/// The text of a full record. Random by nature, as there is one row for it whatever happens to it.
pub fn record_text(account: Account, record: RecordHash) -> [u8; 21] {
    of_record(record_texts_of(account), record)
}

/// What is kept of a full record beside its text.
pub fn full_record(account: Account, record: RecordHash) -> [u8; FULL_RECORD_BYTES] {
    of_record(full_records_of(account), record)
}

/// What the index entries of an integration's links begin with.
pub fn links_of(integration: Id) -> [u8; 9] {
    by_id(b'z', integration)
}

/// The index entry of an integration's link.
pub fn link(integration: Id, link: Id) -> [u8; 17] {
    let mut key = [0; 17];
    key[..9].copy_from_slice(&links_of(integration));
    key[9..].copy_from_slice(&link.as_u64().to_be_bytes());
    key
}

fn of_account(kind: u8, account: Account) -> [u8; 5] {
    let mut key = [kind; 5];
    key[1..].copy_from_slice(&account.0.to_be_bytes());
    key
}

fn of_record(begin: [u8; 5], record: RecordHash) -> [u8; 21] {
    let mut key = [0; 21];
    key[..5].copy_from_slice(&begin);
    key[5..].copy_from_slice(&record.bytes());
    key
}

/// Something that is configured.
pub fn config(kind: [u8; 2], id: Id) -> [u8; 10] {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&kind);
    key[2..].copy_from_slice(&id.as_u64().to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_stand_in_the_order_of_their_ids(one: u64, other: u64, fixed: u64) {
            let (a, b, fixed) = (Id::from_u64(one), Id::from_u64(other), Id::from_u64(fixed));
            prop_assert_eq!(by_id(AUDITS, a).cmp(&by_id(AUDITS, b)), a.cmp(&b));
            prop_assert_eq!(class_message(5, a).cmp(&class_message(5, b)), a.cmp(&b));
            let failed = |id| status_message(Status::Failed, id);
            prop_assert_eq!(failed(a).cmp(&failed(b)), a.cmp(&b));
            prop_assert_eq!(id_of(&by_id(OUTBOX, a)), Some(a));
            prop_assert_eq!(last_id(&integration_message(fixed, a)), Some(a));
        }

        #[test]
        fn the_rows_of_a_run_stand_in_the_order_of_records_and_time(one: (u32, u64), other: (u32, u64), run: u32) {
            let key = |(record, id)| run_row(run, record, Id::from_u64(id));
            prop_assert_eq!(key(one).cmp(&key(other)), one.cmp(&other));
            prop_assert_eq!(first_of_run_row(&key(one)), Some((one.0, Id::from_u64(one.1))));
            prop_assert!(key(one).starts_with(&numbered(RUN_ROWS, run)));
        }

        #[test]
        fn attempts_stand_in_order_and_are_no_ids(message: u64, one: u32, other: u32) {
            let message = Id::from_u64(message);
            prop_assert_eq!(attempt(message, one).cmp(&attempt(message, other)), one.cmp(&other));
            prop_assert_eq!(id_of(&attempt(message, one)), None);
        }
    }
}
