//! What a message begins with: all of it but its body, read without copying, to test filters.

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
        let names = |user: &String| {
            self.contributors.iter().any(|name| name.to_lowercase().contains(user.as_str()))
        };
        let holds = |text: &String| {
            let described = self.description.unwrap_or_default();
            [self.record_type, self.record_id, described]
                .iter()
                .any(|part| part.to_lowercase().contains(text.as_str()))
        };
        filter.record_type.as_ref().is_none_or(of_type)
            && filter.user.as_ref().is_none_or(names)
            && filter.text.as_ref().is_none_or(holds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{MessageDraft, RecordKey};

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
