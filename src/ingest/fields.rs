//! What the fields of all that is posted are read by. Every reader takes the value's text and its
//! place, and either returns what it read or reports a fault and returns nothing.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json::{self, Pointer};
use crate::clock::Timestamp;
use crate::model::{ExternalId, Extra, User};

/// Takes a fault: its pointer, and what is wrong.
pub type Report<'r> = &'r mut dyn FnMut(String, String);

pub fn name(raw: &RawValue, at: &Pointer, report: Report) -> Option<ExternalId> {
    match json::string(raw) {
        Some(text) => bounded(text, at, report),
        None => wrong(raw, at, report, "must be a string"),
    }
}

pub fn identifier(raw: &RawValue, at: &Pointer, report: Report) -> Option<ExternalId> {
    if json::is_integer(raw) {
        return bounded(raw.get().to_owned(), at, report);
    }
    match json::string(raw) {
        Some(text) => bounded(text, at, report),
        None => wrong(raw, at, report, "must be a string or an integer"),
    }
}

pub fn bounded(text: String, at: &Pointer, report: Report) -> Option<ExternalId> {
    ExternalId::new(text).map_err(|error| report(at.to_string(), error.to_string())).ok()
}

pub fn text(raw: &RawValue, at: &Pointer, report: Report) -> Option<String> {
    json::string(raw).or_else(|| wrong(raw, at, report, "must be a string"))
}

pub fn boolean(raw: &RawValue, at: &Pointer, report: Report) -> Option<bool> {
    match raw.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => wrong(raw, at, report, "must be true or false"),
    }
}

pub fn time(raw: &RawValue, at: &Pointer, report: Report) -> Option<Timestamp> {
    let Some(text) = json::string(raw) else {
        return wrong(raw, at, report, "must be a time like \"2026-03-02T09:14:05.120Z\"");
    };
    text.parse()
        .map_err(|error: crate::clock::BadTimestamp| report(at.to_string(), error.to_string()))
        .ok()
}

/// Who acted.
pub fn user(raw: &RawValue, at: &Pointer, report: Report) -> Option<User> {
    let mut fields = Fields::of(raw, at, report)?;
    let id = fields.required("id", identifier);
    let name = fields.optional("name", text);
    let email = fields.optional("email", text);
    let created_at = fields.optional("created_at", time);
    let updated_at = fields.optional("updated_at", time);
    let extra = fields.finish()?;
    Some(User { id: id?, name, email, created_at, updated_at, extra })
}

/// Every element read by `read`; nothing when one of them cannot be.
pub fn list<T>(
    raw: &RawValue,
    at: &Pointer,
    report: Report,
    read: impl Fn(&RawValue, &Pointer, Report) -> Option<T>,
) -> Option<Vec<T>> {
    if !raw.get().starts_with('[') {
        return wrong(raw, at, report, "must be an array");
    }
    let elements = json::elements(raw).unwrap_or_default();
    let count = elements.len();
    let read: Vec<T> = elements
        .into_iter()
        .enumerate()
        .filter_map(|(position, raw)| read(raw, &at.position(position), report))
        .collect();
    (read.len() == count).then_some(read)
}

/// Reports that the value is not what it must be.
pub fn wrong<T>(raw: &RawValue, at: &Pointer, report: Report, must: &str) -> Option<T> {
    let what = match json::kind(raw) {
        "a string" => match json::string(raw) {
            Some(text) => format!("{:?}", text.chars().take(40).collect::<String>()),
            None => "a string that is not Unicode text".to_owned(),
        },
        kind => kind.to_owned(),
    };
    report(at.to_string(), format!("{must}, not {what}"));
    None
}

/// Reads an object out of its envelope `{"event":NAME,NAME:{…}}`, if it is in one: `mark` is a member that
/// each must have, and no envelope has.
pub fn unwrap_and_read<T>(
    raw: &RawValue,
    name: &'static str,
    mark: &str,
    report: Report,
    read: fn(Fields) -> Option<T>,
) -> Option<T> {
    let fields = Fields::of(raw, &Pointer::ROOT, report)?;
    let (Some(inside), None) = (fields.peek(name), fields.peek(mark)) else { return read(fields) };
    let event = fields.peek("event").and_then(json::string);
    if event.as_deref() != Some(name) {
        (fields.report)("/event".into(), format!("must be {name:?} beside {name:?}"));
        return None;
    }
    read(Fields::of(inside, &Pointer::ROOT.key(name), fields.report)?)
}

/// The members of one object, taken out field by field; what is left over is unknown.
pub struct Fields<'a, 'r> {
    members: Vec<(Cow<'a, str>, Option<&'a RawValue>)>,
    at: &'r Pointer<'r>,
    report: Report<'r>,
    /// No fault was found so far.
    intact: bool,
}

impl<'a, 'r> Fields<'a, 'r> {
    pub fn of(raw: &'a RawValue, at: &'r Pointer<'r>, report: Report<'r>) -> Option<Self> {
        match json::members(raw) {
            Some(members) => {
                let members = members.into_iter().map(|(key, raw)| (key, Some(raw))).collect();
                Some(Self { members, at, report, intact: true })
            }
            None => wrong(raw, at, report, "must be an object"),
        }
    }

    /// The value of `name`, which is left where it is.
    fn peek(&self, name: &str) -> Option<&'a RawValue> {
        self.members.iter().find(|(key, _)| key == name)?.1
    }

    /// The value of `name`, once; a second one is left over and found by [`Fields::finish`].
    pub fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.members.iter_mut().find(|(key, raw)| key == name && raw.is_some())?.1.take()
    }

    pub fn optional<T>(
        &mut self,
        name: &str,
        read: impl Fn(&RawValue, &Pointer, Report) -> Option<T>,
    ) -> Option<T> {
        let raw = self.take(name).filter(|raw| !json::is_null(raw))?;
        let read = read(raw, &self.at.key(name), self.report);
        self.intact &= read.is_some();
        read
    }

    pub fn required<T>(
        &mut self,
        name: &str,
        read: impl Fn(&RawValue, &Pointer, Report) -> Option<T>,
    ) -> Option<T> {
        let Some(raw) = self.take(name) else {
            (self.report)(self.at.key(name).to_string(), "is required".into());
            self.intact = false;
            return None;
        };
        let read = read(raw, &self.at.key(name), self.report);
        self.intact &= read.is_some();
        read
    }

    /// What no reader took: unknown keys, and known ones given twice, which are faults. Nothing
    /// when any fault was found.
    pub fn finish(mut self) -> Option<Extra> {
        let mut extra = Extra::new();
        for (key, raw) in &self.members {
            let Some(raw) = raw else { continue };
            let taken = self.members.iter().any(|(other, raw)| other == key && raw.is_none());
            if taken || extra.insert(key.to_string(), (*raw).to_owned()).is_some() {
                (self.report)(self.at.key(key).to_string(), "is given twice".into());
                self.intact = false;
            }
        }
        self.intact.then_some(extra)
    }

    /// Like [`Fields::finish`], where keys that are not known are faults, too.
    pub fn finish_known(self) -> Option<()> {
        let unknown = self.members.iter().find(|(_, raw)| raw.is_some());
        let Some((key, _)) = unknown else { return self.finish().map(drop) };
        let known = self.members.iter().any(|(other, raw)| other == key && raw.is_none());
        let fault = if known { "is given twice" } else { "is not known here" };
        (self.report)(self.at.key(key).to_string(), fault.into());
        None
    }
}
