//! What a message begins with: all of it but its body, read without copying, to test filters.

use memchr::memchr2_iter;
use memchr::memmem::Finder;
use serde::Deserialize;

use super::{MessageFilter, StoreError};
use crate::filter::same_type;
use crate::model::{Account, Action, ExternalId, Id, Partition, Source};

/// The beginning of a row of a message: its source, and its draft field by field, in order.
#[derive(Deserialize)]
pub struct Head<'a> {
    #[allow(dead_code)] // read past
    source: Source,
    integration: Id,
    account: Account,
    record_type: &'a str,
    record_id: &'a str,
    #[allow(dead_code)] // read past
    audit_id: &'a str,
    #[allow(dead_code)] // read past
    action: Action,
    description: Option<&'a str>,
    #[serde(borrow)]
    #[allow(dead_code)] // read past
    auditable_url: Option<&'a str>,
    #[allow(dead_code)] // read past
    earlier_windows: Vec<Id>,
    #[allow(dead_code)] // read past
    audits: u32,
    #[serde(borrow)]
    #[allow(dead_code)] // read past
    fields: Vec<&'a str>,
    #[serde(borrow)]
    contributors: Vec<&'a str>,
}

/// The longest part of a text that has neither small nor capital letters: whatever holds the text holds that part byte
/// for byte, so it is quickly seen in rows, and most often that it is not there.
pub struct Caseless(Finder<'static>);

impl Caseless {
    /// How short it may be to tell anything.
    const BYTES_MIN: usize = 3;

    /// Of a text in lower case; none where there is hardly any.
    pub fn of(text: &str) -> Option<Caseless> {
        let has_no_case = |byte: &u8| byte.is_ascii() && !byte.is_ascii_alphabetic();
        let parts = text.as_bytes().split(|byte| !has_no_case(byte));
        let longest = parts.max_by_key(|part| part.len())?;
        (longest.len() >= Self::BYTES_MIN).then(|| Caseless(Finder::new(longest).into_owned()))
    }

    /// Whether a row that holds the text may be among these.
    pub fn may_be_in(&self, rows: &[u8]) -> bool {
        self.0.find(rows).is_some()
    }
}

impl<'a> Head<'a> {
    /// Reads the row of message `id`.
    pub fn of(row: &'a [u8], id: Id) -> Result<Self, StoreError> {
        match postcard::take_from_bytes(row) {
            Ok((head, _body)) => Ok(head),
            Err(error) => Err(StoreError::Damaged(format!("a row of message {id}: {error}"))),
        }
    }

    /// The partition of the record that the message is about.
    pub fn partition(&self) -> Partition {
        Partition::of(self.account, self.record_type, self.record_id)
    }

    /// Whether this is what a filter asks for, leaving aside what became of it.
    pub fn is_wanted(&self, filter: &MessageFilter) -> bool {
        self.account == filter.account
            && filter.integration.is_none_or(|id| self.integration == id)
            && filter.among.as_ref().is_none_or(|ids| ids.contains(&self.integration))
            && filter.record.as_ref().is_none_or(|record| {
                record.record_type.as_str() == self.record_type
                    && record.record_id.as_str() == self.record_id
            })
            && self.says(filter)
    }

    /// Whether the message says what is looked for.
    fn says(&self, filter: &MessageFilter) -> bool {
        let of_type = |wanted: &ExternalId| same_type(self.record_type, wanted.as_str());
        let names = |user: &String| self.contributors.iter().any(|name| holds(name, user));
        let says = |text: &String| {
            let described = self.description.unwrap_or_default();
            [self.record_type, self.record_id, described].iter().any(|part| holds(part, text))
        };
        filter.record_type.as_ref().is_none_or(of_type)
            && filter.user.as_ref().is_none_or(names)
            && filter.text.as_ref().is_none_or(says)
    }
}

/// Whether `whole` in lower case holds `part`, which is.
fn holds(whole: &str, part: &str) -> bool {
    let (bytes, part_bytes) = (whole.as_bytes(), part.as_bytes());
    match part_bytes.first() {
        Some(first) if whole.is_ascii() => memchr2_iter(*first, first.to_ascii_uppercase(), bytes)
            .any(|at| {
                let here = bytes[at..].get(..part_bytes.len());
                here.is_some_and(|here| here.eq_ignore_ascii_case(part_bytes))
            }),
        _ => whole.to_lowercase().contains(part),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{MessageDraft, RecordKey};

    proptest! {
        #[test]
        fn what_is_held_is_held_whatever_its_case(whole in "[aAbB1äÄK-]{0,8}", part in "[ab1äk-]{0,3}") {
            prop_assert_eq!(holds(&whole, &part), whole.to_lowercase().contains(&part));
        }
    }

    #[test]
    fn what_has_no_case_stays_as_it_is_in_lower_case_and_comes_of_nothing_else() {
        let found = |text: &str, rows: &str| Caseless::of(text).unwrap().may_be_in(rows.as_bytes());
        assert!(found("app-190079 x", "updated feature APP-190079 X"));
        assert!(!found("app-190079 x", "updated feature APP-19007 9 X"));
        for text in ["", "feature", "-1", "a1b2c3", "ä12"] {
            assert!(Caseless::of(text).is_none(), "{text}");
        }
        for char in '\0'..=char::MAX {
            let has_no_case = |char: &char| char.is_ascii() && !char.is_ascii_alphabetic();
            let lower: String = char.to_lowercase().filter(has_no_case).collect();
            assert_eq!(lower, if has_no_case(&char) { char.to_string() } else { String::new() });
        }
    }

    #[test]
    fn a_head_is_what_a_message_begins_with() {
        let name = |text: &str| ExternalId::new(text).unwrap();
        let draft = MessageDraft {
            integration: Id::from_u64(7),
            record: RecordKey {
                account: Account(3),
                record_type: name("Feature"),
                record_id: name("42"),
            },
            audit_id: name("a"),
            action: Action::Destroy,
            description: Some("Removed ÄPP-42".to_owned()),
            auditable_url: Some("https://app.example.com/42".to_owned()),
            earlier_windows: vec![Id::from_u64(1), Id::from_u64(u64::MAX)],
            audits: 300,
            fields: vec!["Name".to_owned()],
            contributors: vec!["Ada".to_owned(), "Grace".to_owned()],
            body: "{}".to_owned(),
        };
        let row = postcard::to_stdvec(&(Source::Window(Id::from_u64(9)), draft)).unwrap();
        let head = Head::of(&row, Id::default()).unwrap();
        assert_eq!((head.integration, head.account), (Id::from_u64(7), Account(3)));
        assert_eq!((head.record_type, head.record_id), ("Feature", "42"));
        assert_eq!((head.description, head.audits), (Some("Removed ÄPP-42"), 300));
        assert_eq!((head.fields, head.contributors), (vec!["Name"], vec!["Ada", "Grace"]));
        assert!(Head::of(&row[..5], Id::default()).is_err());
    }
}
