//! What all chats show of an audit: who, what, where, and the fields, as plain text. Pure.

use serde_json::value::RawValue;
use url::Url;

use super::text::{cut, from_html, one_line};
use crate::collate::{Collated, FieldChange, arrow_ends};
use crate::model::{Action, ExternalId};

/// The most characters of the sentence that says what was done.
const WHAT_CHARS_MAX: usize = 200;
/// The most characters of all the names together.
const WHO_CHARS_MAX: usize = 200;
/// The most characters of one name.
const NAME_CHARS_MAX: usize = 60;
/// The most characters of a field's name.
const FIELD_CHARS_MAX: usize = 100;
/// The most characters of a value that any chat shows.
const VALUE_CHARS_MAX: usize = 300;
/// The longest URL that is linked to, in bytes.
const LINK_BYTES_MAX: usize = 1_000;
/// What stands for a value that is not there.
const NOTHING: &str = "(none)";

/// An audit in brief. Its texts are plain: each chat makes them harmless in its own way.
#[derive(Debug)]
pub struct Brief {
    /// One line: the description, else action, type and id.
    pub what: String,
    /// One line: `by` and the contributors' names.
    pub who: String,
    /// Where the record can be seen: `http` or `https`, and no white space, quotes, `<`, `>` or `|`.
    pub link: Option<String>,
    /// The fields, in order.
    pub fields: Vec<Field>,
}

/// A changed field.
#[derive(Debug)]
pub struct Field {
    /// Its name, on one line.
    pub name: String,
    /// What it was, where that is known.
    pub old: Option<String>,
    /// What it is.
    pub new: String,
}

impl Brief {
    /// What chats show of `audit`.
    pub fn of(audit: &Collated) -> Self {
        let said = audit.description.as_deref().map(|text| from_html(text, WHAT_CHARS_MAX));
        let said = said.map(|text| one_line(&text, WHAT_CHARS_MAX + 1));
        Self {
            what: said.filter(|text| !text.is_empty()).unwrap_or_else(|| what(audit)),
            who: who(audit),
            link: audit.auditable_url.as_deref().and_then(link),
            fields: audit.changes.iter().map(Field::of).collect(),
        }
    }
}

impl Field {
    fn of(change: &FieldChange) -> Self {
        let name = one_line(&change.field_name.to_string(), FIELD_CHARS_MAX);
        if let Some(old) = &change.old_value {
            return Self { name, old: Some(shown(old)), new: shown(&change.value) };
        }
        let text: Option<String> = serde_json::from_str(change.value.get()).ok();
        match text.as_deref().and_then(arrow_ends) {
            Some((old, new)) => Self { name, old: Some(readable(old)), new: readable(new) },
            None => Self { name, old: None, new: shown(&change.value) },
        }
    }

    /// The same with values of at most `chars_max` characters.
    pub fn shortened(&self, chars_max: usize) -> Self {
        Self {
            name: self.name.clone(),
            old: self.old.as_deref().map(|old| cut(old, chars_max)),
            new: cut(&self.new, chars_max),
        }
    }
}

fn what(audit: &Collated) -> String {
    let done = match audit.action {
        Action::Create => "created",
        Action::Update => "updated",
        Action::Destroy => "deleted",
    };
    let record = |kind: &ExternalId, id: &ExternalId| format!("{kind} {id}");
    let mut what = format!("{done} {}", record(&audit.auditable_type, &audit.auditable_id));
    if let (Some(kind), Some(id)) = (&audit.associated_type, &audit.associated_id) {
        what.push_str(&format!(" of {}", record(kind, id)));
    }
    one_line(&what, WHAT_CHARS_MAX)
}

fn who(audit: &Collated) -> String {
    let mut who = String::new();
    let mut named = 0;
    for user in &audit.contributors {
        let name = user.name.as_deref().map(|name| one_line(name, NAME_CHARS_MAX));
        let name = name.filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| one_line(&user.id.to_string(), NAME_CHARS_MAX));
        if who.chars().count() + name.chars().count() + 2 > WHO_CHARS_MAX {
            break;
        }
        who.push_str(if named == 0 { "by " } else { ", " });
        who.push_str(&name);
        named += 1;
    }
    match audit.contributors.len() - named {
        0 if named == 0 => "by the system".to_owned(),
        0 => who,
        more => format!("{who} and {more} more"),
    }
}

fn link(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let link: String = url
        .as_str()
        .chars()
        .map(|character| match character {
            '|' => "%7C".to_owned(),
            '\'' => "%27".to_owned(),
            ')' => "%29".to_owned(),
            '(' => "%28".to_owned(),
            other => other.to_string(),
        })
        .collect();
    let clean = !link.contains(|c: char| c.is_whitespace() || "<>\"".contains(c));
    (clean && link.len() <= LINK_BYTES_MAX).then_some(link)
}

/// A value for people: strings as HTML reads, everything else as JSON.
fn shown(value: &RawValue) -> String {
    match serde_json::from_str::<String>(value.get()) {
        Ok(text) => readable(&text),
        Err(_) if value.get() == "null" => NOTHING.to_owned(),
        Err(_) => one_line(value.get(), VALUE_CHARS_MAX),
    }
}

fn readable(html: &str) -> String {
    let text = from_html(html, VALUE_CHARS_MAX);
    if text.is_empty() { NOTHING.to_owned() } else { text }
}
