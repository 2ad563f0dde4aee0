//! What an audit teaches. Pure.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::model::{AuditDraft, ExternalId, NAME_CHARS_MAX, User};

/// Something that was seen in a workspace, or outside of any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// The workspace of the audit that taught it.
    pub workspace: Option<ExternalId>,
    /// What was seen.
    pub thing: Thing,
}

/// What can be learned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Thing {
    /// The workspace itself.
    Workspace,
    /// A type of records.
    RecordType(ExternalId),
    /// A field of a type of records.
    Field {
        /// Of which type.
        record_type: ExternalId,
        /// The field.
        name: ExternalId,
    },
    /// A user.
    User {
        /// The application's id for the user.
        id: ExternalId,
        /// What is known besides.
        details: Details,
    },
}

/// What is known of a user; each the beginning, up to [`NAME_CHARS_MAX`] characters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Display name.
    pub name: Option<Box<str>>,
    /// E-mail address.
    pub email: Option<Box<str>>,
}

/// The kinds of things, each with a bound of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Workspace,
    RecordType,
    Field,
    User,
}

impl Kind {
    pub const ALL: [Kind; 4] = [Kind::Workspace, Kind::RecordType, Kind::Field, Kind::User];
}

/// A thing as an audit says it, with nothing copied.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    Workspace,
    RecordType(&'a ExternalId),
    Field { record_type: &'a ExternalId, name: &'a ExternalId },
    User { id: &'a ExternalId, name: Option<&'a str>, email: Option<&'a str> },
}

/// Names a thing within an account, with its workspace. A part of keys, so it must never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u64);

/// Tells details apart in a few bytes. 0 where nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    pub name: u64,
    pub email: u64,
}

/// The things that an audit names.
pub fn things(said: &AuditDraft) -> impl Iterator<Item = Said<'_>> {
    let record_type = &said.auditable_type;
    let workspace = said.workspace_id.iter().map(|_| Said::Workspace);
    let fields = said.changes.iter().map(|change| &change.field_name);
    let fields = fields.map(|name| Said::Field { record_type, name });
    let users = said.user.iter().chain(&said.contributors).map(Said::user);
    workspace.chain([Said::RecordType(record_type)]).chain(fields).chain(users)
}

/// What keys of things seen in `workspace` begin from.
pub fn seed(workspace: Option<&ExternalId>) -> u64 {
    workspace.map_or(0, |id| hash(id.as_str()))
}

impl<'a> Said<'a> {
    fn user(user: &'a User) -> Self {
        let cut = |text: &'a Option<String>| text.as_deref().map(beginning);
        Said::User { id: &user.id, name: cut(&user.name), email: cut(&user.email) }
    }

    pub fn kind(self) -> Kind {
        match self {
            Said::Workspace => Kind::Workspace,
            Said::RecordType(_) => Kind::RecordType,
            Said::Field { .. } => Kind::Field,
            Said::User { .. } => Kind::User,
        }
    }

    /// Its key, where `seed` is that of its workspace. Each part seeds the next, so that nothing has
    /// to be copied together.
    pub fn key(self, seed: u64) -> Key {
        let onto = |seed, text: &ExternalId| xxh3_64_with_seed(text.as_str().as_bytes(), seed);
        let kind = |kind: &[u8]| xxh3_64_with_seed(kind, seed);
        Key(match self {
            Said::Workspace => kind(b"w"),
            Said::RecordType(name) => onto(kind(b"t"), name),
            Said::Field { record_type, name } => onto(onto(kind(b"f"), record_type), name),
            Said::User { id, .. } => onto(kind(b"u"), id),
        })
    }

    pub fn digest(self) -> Digest {
        let of = |text: Option<&str>| text.map_or(0, hash);
        match self {
            Said::User { name, email, .. } => Digest { name: of(name), email: of(email) },
            _ => Digest::default(),
        }
    }

    pub fn lesson(self, workspace: Option<&ExternalId>) -> Lesson {
        let thing = match self {
            Said::Workspace => Thing::Workspace,
            Said::RecordType(name) => Thing::RecordType(name.clone()),
            Said::Field { record_type, name } => {
                Thing::Field { record_type: record_type.clone(), name: name.clone() }
            }
            Said::User { id, name, email } => {
                let details = Details { name: name.map(Box::from), email: email.map(Box::from) };
                Thing::User { id: id.clone(), details }
            }
        };
        Lesson { workspace: workspace.cloned(), thing }
    }
}

impl Lesson {
    /// What it says.
    pub fn said(&self) -> Said<'_> {
        match &self.thing {
            Thing::Workspace => Said::Workspace,
            Thing::RecordType(name) => Said::RecordType(name),
            Thing::Field { record_type, name } => Said::Field { record_type, name },
            Thing::User { id, details } => {
                Said::User { id, name: details.name.as_deref(), email: details.email.as_deref() }
            }
        }
    }

    pub fn key(&self) -> Key {
        self.said().key(seed(self.workspace.as_ref()))
    }
}

impl Digest {
    /// Whether `said` says nothing that is not known: what is left out is not news.
    pub fn covers(self, said: Digest) -> bool {
        (said.name == 0 || said.name == self.name) && (said.email == 0 || said.email == self.email)
    }
}

impl Details {
    /// Takes in what a newer audit says; what that leaves out stays.
    pub fn renew(&mut self, newer: &Details) {
        let Details { name, email } = newer;
        self.name = name.clone().or_else(|| self.name.take());
        self.email = email.clone().or_else(|| self.email.take());
    }
}

fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// The first [`NAME_CHARS_MAX`] characters: details are as long as an application makes them.
fn beginning(text: &str) -> &str {
    // Bytes bound characters from above, so the common case counts nothing.
    if text.len() <= NAME_CHARS_MAX {
        return text;
    }
    text.char_indices().nth(NAME_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn name(text: &str) -> ExternalId {
        ExternalId::new(text).unwrap()
    }

    fn user(id: &str, name_of: &str) -> Thing {
        let details = Details { name: Some(name_of.into()), email: None };
        Thing::User { id: name(id), details }
    }

    #[test]
    fn keys_tell_apart_what_differs_and_are_pinned_because_they_are_stored() {
        let field =
            |record_type, field| Thing::Field { record_type: name(record_type), name: name(field) };
        let things =
            [Thing::Workspace, Thing::RecordType(name("ab")), field("a", "b"), user("ab", "Ada")];
        let mut keys = HashSet::new();
        for workspace in [None, Some(name("a")), Some(name("ab"))] {
            for thing in things.clone().into_iter().chain([field("b", "a"), user("b", "Ada")]) {
                let lesson = Lesson { workspace: workspace.clone(), thing };
                assert!(keys.insert(lesson.key()), "{lesson:?}");
            }
        }
        let one = Lesson { workspace: Some(name("ws1")), thing: user("101", "Ada") };
        let other = Lesson { workspace: Some(name("ws1")), thing: user("101", "Grace") };
        assert_eq!(one.key(), other.key(), "details are no part of who it is");
        let seed = xxh3_64_with_seed(b"u", xxh3_64(b"ws1"));
        assert_eq!(one.key(), Key(xxh3_64_with_seed(b"101", seed)));
    }

    #[test]
    fn long_details_are_cut_between_characters() {
        assert_eq!(beginning("Ada"), "Ada");
        assert_eq!(beginning(&"é".repeat(200)).chars().count(), 200);
        assert_eq!(beginning(&"é".repeat(300)).chars().count(), NAME_CHARS_MAX);
    }
}
