//! The rows of a store, read with sled.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

use super::harm::Harm;

/// Kinds of rows that are written once and stay as they are: audits, messages, attempts, security events,
/// answers.
const WRITTEN_ONCE: &[u8] = b"agtek";
/// Kinds that nothing else can be made of, but that change.
const CHANGING: &[u8] = b"wcvyS";
/// Kinds that a repair makes anew, or of which an older state of a page may have more; those that only a server
/// makes left out.
const MADE_ANEW: &[u8] = b"ifYjzxoUpuhql";

/// Every row.
#[derive(PartialEq)]
pub struct Rows(BTreeMap<Vec<u8>, Vec<u8>>);

/// The ids that share a row that says how messages were settled, with the one in this key.
fn stretch_of(key: &[u8]) -> RangeInclusive<[u8; 8]> {
    let id = u64::from_be_bytes(key[1..9].try_into().expect("an id"));
    (id & !31).to_be_bytes()..=(id | 31).to_be_bytes()
}

impl Rows {
    /// sled's own threads may hold the lock for a moment longer than the process that ended.
    pub fn read(store: &Path) -> Rows {
        let database = sled::open(store).expect("a store that can be opened");
        let rows = database.iter().map(|row| row.expect("a row that can be read"));
        Rows(rows.map(|(key, value)| (key.to_vec(), value.to_vec())).collect())
    }

    fn of<'r>(&'r self, kinds: &'r [u8]) -> impl Iterator<Item = (&'r Vec<u8>, &'r Vec<u8>)> {
        self.0.iter().filter(|(key, _)| kinds.contains(&key[0]))
    }

    /// How many rows there are that nothing else can be made of.
    pub fn primary(&self) -> u64 {
        (self.of(WRITTEN_ONCE).count() + self.of(CHANGING).count()) as u64
    }

    /// Whether everything that is written once is there, as it is in `others`.
    pub fn holds_all_of(&self, others: &Rows) -> bool {
        others.of(WRITTEN_ONCE).all(|(key, value)| self.0.get(key) == Some(value))
    }

    /// Whether every row is there but the log's digests and the lists of what there is of records, which the next
    /// start makes.
    pub fn holds_all_of_what_is_kept(&self, others: &Rows) -> bool {
        let kinds = [WRITTEN_ONCE, CHANGING, MADE_ANEW].concat();
        let other: Vec<_> =
            others.of(&kinds).filter(|(key, value)| self.0.get(*key) != Some(*value)).collect();
        let first = other.first().map(|(key, _)| String::from_utf8_lossy(key).into_owned());
        if let Some(first) = &first {
            println!("{} rows are other, the first {first:?}", other.len());
        }
        first.is_none() && self.of(&kinds).count() == others.of(&kinds).count()
    }

    /// Whether the window with this id may be there: its mark may lie in one row with those of others before it.
    fn may_have_window(&self, id: &[u8]) -> bool {
        self.of(b"w").any(|(first, _)| &first[1..9] <= id)
    }

    /// Whether one of these messages may be owed. Where nobody tried it, what is owed of it may lie in one row with
    /// that of others before it.
    fn may_be_owed(&self, stretch: RangeInclusive<[u8; 8]>) -> bool {
        self.of(b"U").any(|(first, _)| first[1..9] <= stretch.end()[..])
            || self
                .of(b"o")
                .any(|(id, _)| id[1..9].try_into().is_ok_and(|id| stretch.contains(&id)))
    }

    /// Nothing is made up: each row is one of `others`.
    pub fn are_of(&self, others: &Rows, harm: &Harm) {
        for (key, value) in self.of(WRITTEN_ONCE) {
            let name = String::from_utf8_lossy(key);
            assert!(others.0.get(key) == Some(value), "{harm:?}: {name:?} is another");
        }
        for (key, _) in self.of(CHANGING) {
            let name = String::from_utf8_lossy(key);
            let is_known = others.0.contains_key(key)
                || (key[0] == b'w' && others.may_have_window(&key[1..]))
                // What was owed may be known to be settled by its last attempt.
                || (key[0] == b'S' && others.may_be_owed(stretch_of(key)))
                || key.len() > 9 && b"wyS".contains(&key[0]);
            assert!(is_known, "{harm:?}: {name:?} was never there");
        }
        // A message is in no two windows, and no audit neither: `lull check` sees to that.
        let messages = self.of(b"g").filter(|(key, _)| key.len() == 9);
        for (key, _) in messages {
            let stretch = stretch_of(key);
            let is_settled = self.0.contains_key(&[b"S", stretch.start().as_slice()].concat());
            assert!(
                is_settled || self.may_be_owed(stretch),
                "{harm:?}: a message is neither owed nor settled"
            );
        }
    }
}
