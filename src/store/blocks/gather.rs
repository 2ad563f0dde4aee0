//! The block that is not full yet, and its digest once it is.

use super::columns::{self, Line};
use super::grams::Grams;
use super::{Block, Fates, MESSAGES, Name, Numbering, Who};
use crate::model::{Account, ExternalId, Id, MessageDraft};

/// What a digest says of one message.
#[derive(Clone, Debug)]
pub struct Noted {
    pub id: Id,
    integration: Id,
    account: Account,
    record_type: ExternalId,
    /// In lower case.
    contributors: Vec<Box<str>>,
    /// The texts that are searched in, in lower case; short-lived, since they may be long.
    texts: [String; 3],
}

/// The messages of a block that is not full yet.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// Without their texts.
    messages: Vec<Noted>,
    grams: Grams,
    /// What became of them.
    pub fates: Fates,
}

/// The digest of a full block.
pub struct Full {
    pub block: Block,
    pub columns: Vec<u8>,
    pub grams: Vec<u8>,
}

impl Noted {
    pub fn of(id: Id, draft: &MessageDraft) -> Self {
        let record = &draft.record;
        Self {
            id,
            integration: draft.integration,
            account: record.account,
            record_type: record.record_type.clone(),
            contributors: draft
                .contributors
                .iter()
                .map(|name| name.to_lowercase().into())
                .collect(),
            texts: [
                record.record_type.as_str().to_lowercase(),
                record.record_id.as_str().to_lowercase(),
                draft.description.as_deref().unwrap_or_default().to_lowercase(),
            ],
        }
    }
}

impl Gathered {
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    pub fn is_full(&self) -> bool {
        self.messages.len() >= MESSAGES
    }

    pub fn add(&mut self, mut noted: Noted) {
        for text in std::mem::take(&mut noted.texts) {
            self.grams.add(&text);
        }
        self.messages.push(noted);
    }

    /// The digest of these messages, of which there is at least one.
    pub fn digest(&self, number: u32, numbering: &mut Numbering<'_>) -> Full {
        let mut number_of = |name: Name| numbering.number(&name, number);
        let lines: Vec<Line> = self
            .messages
            .iter()
            .map(|noted| Line {
                id: noted.id,
                integration: number_of(Name::Integration(noted.integration)),
                record_type: number_of(Name::Type(noted.account, noted.record_type.clone())),
                contributors: noted
                    .contributors
                    .iter()
                    .map(|name| number_of(Name::Contributor(name.clone())))
                    .collect(),
            })
            .collect();
        let who = Who {
            integrations: ascending(lines.iter().map(|line| line.integration)),
            types: ascending(lines.iter().map(|line| line.record_type)),
        };
        let columns = columns::encode(&lines, &who);
        let block = Block {
            number,
            first: lines.first().map(|line| line.id).unwrap_or_default(),
            last: lines.last().map(|line| line.id).unwrap_or_default(),
            who,
            fates: self.fates.clone(),
        };
        Full { block, columns, grams: self.grams.encode() }
    }
}

fn ascending(numbers: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut numbers: Vec<u32> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
