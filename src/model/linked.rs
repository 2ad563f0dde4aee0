//! Full records, as applications put them, and their links to hooks (kind `record`).

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ExternalId, Id, RecordKey, WindowRule};
use crate::clock::Timestamp;

/// The most bytes of a full record.
pub const RECORD_BYTES_MAX: usize = 1 << 20;
/// The most records that one call sends: a record, its parent, and so on.
pub const CHAIN_MAX: usize = 32;
/// The most bytes of a receiver's `url` for a record.
pub const FIELD_BYTES_MAX: usize = 2_048;

/// What is kept of a full record beside its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullRecord {
    /// The record.
    pub key: RecordKey,
    /// The workspace it is of.
    pub workspace_id: ExternalId,
    /// The record that has to be at a hook before it.
    pub parent: Option<RecordKey>,
    /// Another with every change.
    pub revision: Id,
    /// How long its text is.
    pub bytes: u32,
    /// It was removed, and some hook has still to be told.
    pub removed: bool,
    /// Its links, in the order they were made.
    pub links: Vec<Link>,
}

/// A record at a hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Made by Lull.
    pub id: Id,
    /// The integration.
    pub integration: Id,
    /// Who sent it there first; the name of a token.
    pub by: Box<str>,
    /// How far it has come.
    pub stage: Stage,
    /// What is still to be sent.
    pub change: Pending,
    /// The newest message that was made for it.
    pub message: Option<Id>,
    /// Whether that is still owed.
    pub owed: bool,
    /// Whether the hook may have heard of the record.
    pub tried: bool,
    /// What the receiver calls the record.
    pub fields: Vec<IntegrationField>,
    /// The parent that was seen to last: that it goes first, if it has to.
    pub parent: Option<RecordKey>,
    /// Records that wait for this one to be delivered.
    pub children: Vec<RecordKey>,
}

/// How far a link has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// This record, its parent, has to be delivered first.
    Waits(RecordKey),
    /// The hook has not taken it yet.
    New,
    /// The hook has taken it.
    Known,
}

/// What is still to be sent of a linked record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pending {
    /// Nothing.
    Nothing,
    /// What it is then, once it has been left alone.
    Quiet(Quiet),
    /// What it is then, as soon as that can be: the message before is on its way, or the integration
    /// is disabled.
    Due,
}

/// A linked record that is being changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// The first change.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// What the last made of the record.
    pub revision: Id,
    /// How long it is to be left alone, and how long that may take in all.
    pub rule: WindowRule,
}

/// What a receiver calls a record: one thing of its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationField {
    /// `id` or `url`.
    pub name: Box<str>,
    /// As the receiver wrote it.
    pub value: Box<str>,
}

/// How it stands with a link, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Its parent is to be delivered first.
    Waiting,
    /// It is on its way to the hook for the first time.
    Sending,
    /// Nothing is on its way, and the hook has not taken it: redeliver the message, or change the record.
    Failed,
    /// The hook has it, and hears of its changes.
    Linked,
    /// The record is removed, and the hook is still to be told.
    Removing,
}

impl Quiet {
    /// How long it is until it is to be sent, at the most so long as the rule says: whatever the
    /// clock did in between (R5).
    pub fn left(&self, now: Timestamp) -> Duration {
        let left = |of: Timestamp, whole: Duration| (of + whole).since(now).min(whole);
        let quiet = left(self.last, self.rule.quiet_period);
        self.rule.max_wait.map_or(quiet, |max_wait| quiet.min(left(self.first, max_wait)))
    }
}

impl Pending {
    /// What is to be sent after one more change (R1, R3).
    pub fn changed(self, now: Timestamp, revision: Id, rule: WindowRule) -> Pending {
        let first = match self {
            Pending::Quiet(quiet) => quiet.first,
            Pending::Nothing | Pending::Due => now,
        };
        Pending::Quiet(Quiet { first, last: now, revision, rule })
    }
}

impl Link {
    /// A record that is to be at a hook.
    pub fn new(id: Id, integration: Id, by: &str, stage: Stage) -> Link {
        Link {
            id,
            integration,
            by: by.into(),
            stage,
            change: Pending::Nothing,
            message: None,
            owed: false,
            tried: false,
            fields: Vec::new(),
            parent: None,
            children: Vec::new(),
        }
    }

    /// Takes in what an answer calls the record.
    pub fn learn(&mut self, answer: &str) {
        for field in fields_of(answer) {
            match self.fields.iter_mut().find(|known| known.name == field.name) {
                Some(known) => *known = field,
                None => self.fields.push(field),
            }
        }
    }

    /// How it stands with it, where the record is removed or not.
    pub fn state(&self, removed: bool) -> LinkState {
        match &self.stage {
            _ if removed => LinkState::Removing,
            Stage::Waits(_) => LinkState::Waiting,
            Stage::Known => LinkState::Linked,
            Stage::New if self.owed || self.change != Pending::Nothing => LinkState::Sending,
            Stage::New => LinkState::Failed,
        }
    }
}

impl FullRecord {
    /// The link to an integration.
    pub fn link_to(&self, integration: Id) -> Option<&Link> {
        self.links.iter().find(|link| link.integration == integration)
    }

    /// The same, to be changed.
    pub fn link_to_mut(&mut self, integration: Id) -> Option<&mut Link> {
        self.links.iter_mut().find(|link| link.integration == integration)
    }
}

/// What a receiver's answer calls the record: its members `id` and `url`. What is neither a text nor
/// a whole number, or too long, is not taken.
pub fn fields_of(answer: &str) -> Vec<IntegrationField> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_str(answer) else {
        return Vec::new();
    };
    let field = |name: &str| {
        let value = match members.get(name)? {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Number(number) if !number.is_f64() => number.to_string(),
            _ => return None,
        };
        let fits = !value.is_empty() && value.len() <= FIELD_BYTES_MAX;
        fits.then(|| IntegrationField { name: name.into(), value: value.into() })
    };
    ["id", "url"].into_iter().filter_map(field).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_700_000_000_000 + seconds * 1000)
    }

    #[test]
    fn a_receivers_answer_names_the_record_by_id_and_url() {
        let fields = |answer: &str| -> Vec<(String, String)> {
            let text = |text: Box<str>| text.into_string();
            let fields = fields_of(answer).into_iter();
            fields.map(|field| (text(field.name), text(field.value))).collect()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fields(r#"{"url": "https://x/7", "id": 7, "more": {"id": 8}}"#),
            [pair("id", "7"), pair("url", "https://x/7")]
        );
        assert_eq!(fields(r#"{"id": "K-1"}"#), [pair("id", "K-1")]);
        let long = format!(r#"{{"id": "{}"}}"#, "x".repeat(FIELD_BYTES_MAX + 1));
        for nothing in ["", "ok", "[7]", "{}", r#"{"data": {"id": 7}}"#, r#"{"id": 7.5}"#, &long] {
            assert_eq!(fields(nothing), [], "{nothing}");
        }
        for nothing in [r#"{"id": null}"#, r#"{"id": ""}"#, r#"{"id": [1]}"#, r#"{"id": 7"#] {
            assert_eq!(fields(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn what_comes_later_takes_the_place_of_what_was_known() {
        let id = Id::from_u64(1);
        let mut link = Link::new(id, id, "ada", Stage::New);
        link.learn(r#"{"id": 7, "url": "a"}"#);
        link.learn(r#"{"url": "b"}"#);
        link.learn("no JSON");
        let values: Vec<&str> = link.fields.iter().map(|field| &*field.value).collect();
        assert_eq!(values, ["7", "b"]);
    }

    #[test]
    fn each_change_starts_the_quiet_period_again_up_to_max_wait() {
        let rule = WindowRule { quiet_period: SECOND * 10, max_wait: Some(SECOND * 25) };
        let mut pending = Pending::Nothing;
        for (second, left) in [(0, 10), (8, 10), (16, 9), (24, 1)] {
            pending = pending.changed(at(second), Id::from_u64(second as u64), rule);
            let Pending::Quiet(quiet) = pending else { panic!("{pending:?}") };
            assert_eq!(quiet.left(at(second)), SECOND * left, "after {second} s");
        }
        let Pending::Quiet(quiet) = pending else { panic!("{pending:?}") };
        assert_eq!(quiet.left(at(100)), Duration::ZERO, "overdue");
        assert_eq!(quiet.left(at(-10_000)), SECOND * 10, "a clock that jumped back");
    }
}
