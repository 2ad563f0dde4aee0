//! One audit, field by field. Every reader takes the value's text and its place, and either
//! returns what it read or reports a fault and returns nothing.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json::{self, Pointer};
use crate::clock::Timestamp;
use crate::model::{Action, AuditDraft, CHANGES_MAX, Change, ExternalId, Extra, User};

/// Takes a fault: its pointer, and what is wrong.
pub type Report<'r> = &'r mut dyn FnMut(String, String);

/// Reads an audit, out of its envelope `{"event":"audit","audit":{…}}` if it is in one.
pub fn unwrap_and_read(raw: &RawValue, report: Report) -> Option<AuditDraft> {
    let members = json::members(raw).unwrap_or_default();
    let find = |name| members.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let (Some(audit), None) = (find("audit"), find("auditable_type")) else {
        return read(raw, &Pointer::ROOT, report);
    };
    let event = find("event").and_then(json::string);
    if event.as_deref() != Some("audit") {
        report("/event".into(), "must be \"audit\" beside an \"audit\"".into());
        return None;
    }
    read(audit, &Pointer::ROOT.key("audit"), report)
}

/// Reads an audit that stands at `at`.
pub fn read(raw: &RawValue, at: &Pointer, report: Report) -> Option<AuditDraft> {
    let mut fields = Fields::of(raw, at, report)?;
    let id = fields.optional("id", identifier);
    let audit_action = fields.required("audit_action", action);
    let created_at = fields.optional("created_at", time);
    let interesting = fields.optional("interesting", boolean);
    let user = fields.optional("user", user);
    let contributors = fields.optional("contributors", contributors);
    let auditable_type = fields.required("auditable_type", name);
    let auditable_id = fields.required("auditable_id", identifier);
    let associated_type = fields.optional("associated_type", name);
    let associated_id = fields.optional("associated_id", identifier);
    let workspace_id = fields.optional("workspace_id", identifier);
    let description = fields.optional("description", text);
    let auditable_url = fields.optional("auditable_url", text);
    let changes = fields.optional("changes", changes);
    let extra = fields.finish()?;
    Some(AuditDraft {
        id,
        audit_action: audit_action?,
        created_at,
        interesting: interesting.unwrap_or(true),
        user,
        contributors: contributors.unwrap_or_default(),
        auditable_type: auditable_type?,
        auditable_id: auditable_id?,
        associated_type,
        associated_id,
        workspace_id,
        description,
        auditable_url,
        changes: changes.unwrap_or_default(),
        extra,
    })
}

fn action(raw: &RawValue, at: &Pointer, report: Report) -> Option<Action> {
    match json::string(raw).as_deref() {
        Some("create") => Some(Action::Create),
        Some("update") => Some(Action::Update),
        Some("destroy") => Some(Action::Destroy),
        _ => wrong(raw, at, report, "must be \"create\", \"update\" or \"destroy\""),
    }
}

fn name(raw: &RawValue, at: &Pointer, report: Report) -> Option<ExternalId> {
    match json::string(raw) {
        Some(text) => bounded(text, at, report),
        None => wrong(raw, at, report, "must be a string"),
    }
}

fn identifier(raw: &RawValue, at: &Pointer, report: Report) -> Option<ExternalId> {
    if json::is_integer(raw) {
        return bounded(raw.get().to_owned(), at, report);
    }
    match json::string(raw) {
        Some(text) => bounded(text, at, report),
        None => wrong(raw, at, report, "must be a string or an integer"),
    }
}

fn bounded(text: String, at: &Pointer, report: Report) -> Option<ExternalId> {
    ExternalId::new(text).map_err(|error| report(at.to_string(), error.to_string())).ok()
}

fn text(raw: &RawValue, at: &Pointer, report: Report) -> Option<String> {
    json::string(raw).or_else(|| wrong(raw, at, report, "must be a string"))
}

fn boolean(raw: &RawValue, at: &Pointer, report: Report) -> Option<bool> {
    match raw.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => wrong(raw, at, report, "must be true or false"),
    }
}

fn time(raw: &RawValue, at: &Pointer, report: Report) -> Option<Timestamp> {
    let Some(text) = json::string(raw) else {
        return wrong(raw, at, report, "must be a time like \"2026-03-02T09:14:05.120Z\"");
    };
    text.parse()
        .map_err(|error: crate::clock::BadTimestamp| report(at.to_string(), error.to_string()))
        .ok()
}

fn user(raw: &RawValue, at: &Pointer, report: Report) -> Option<User> {
    let mut fields = Fields::of(raw, at, report)?;
    let id = fields.required("id", identifier);
    let name = fields.optional("name", text);
    let email = fields.optional("email", text);
    let created_at = fields.optional("created_at", time);
    let updated_at = fields.optional("updated_at", time);
    let extra = fields.finish()?;
    Some(User { id: id?, name, email, created_at, updated_at, extra })
}

/// Users, flat or each wrapped as `{"user":{…}}`.
fn contributors(raw: &RawValue, at: &Pointer, report: Report) -> Option<Vec<User>> {
    list(raw, at, report, |raw, at, report| match json::members(raw).as_deref() {
        Some([(key, wrapped)]) if key == "user" => user(wrapped, &at.key("user"), report),
        _ => user(raw, at, report),
    })
}

fn changes(raw: &RawValue, at: &Pointer, report: Report) -> Option<Vec<Change>> {
    let changes = list(raw, at, report, change)?;
    if changes.len() > CHANGES_MAX {
        let count = changes.len();
        report(at.to_string(), format!("has {count} changes; an audit may have {CHANGES_MAX}"));
        return None;
    }
    Some(changes)
}

fn change(raw: &RawValue, at: &Pointer, report: Report) -> Option<Change> {
    let mut fields = Fields::of(raw, at, report)?;
    let field_name = fields.required("field_name", name);
    let value = fields.take("value").unwrap_or(RawValue::NULL).to_owned();
    let old_value = fields.take("old_value").map(RawValue::to_owned);
    let extra = fields.finish()?;
    Some(Change { field_name: field_name?, value, old_value, extra })
}

/// Every element read by `read`; nothing when one of them cannot be.
fn list<T>(
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

fn wrong<T>(raw: &RawValue, at: &Pointer, report: Report, must: &str) -> Option<T> {
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

/// The members of one object, taken out field by field; what is left over is unknown.
struct Fields<'a, 'r> {
    members: Vec<(Cow<'a, str>, Option<&'a RawValue>)>,
    at: &'r Pointer<'r>,
    report: Report<'r>,
    /// No fault was found so far.
    intact: bool,
}

impl<'a, 'r> Fields<'a, 'r> {
    fn of(raw: &'a RawValue, at: &'r Pointer<'r>, report: Report<'r>) -> Option<Self> {
        match json::members(raw) {
            Some(members) => {
                let members = members.into_iter().map(|(key, raw)| (key, Some(raw))).collect();
                Some(Self { members, at, report, intact: true })
            }
            None => wrong(raw, at, report, "must be an object"),
        }
    }

    /// The value of `name`, once; a second one is left over and found by [`Fields::rest`].
    fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.members.iter_mut().find(|(key, raw)| key == name && raw.is_some())?.1.take()
    }

    fn optional<T>(
        &mut self,
        name: &str,
        read: impl Fn(&RawValue, &Pointer, Report) -> Option<T>,
    ) -> Option<T> {
        let raw = self.take(name).filter(|raw| !json::is_null(raw))?;
        let read = read(raw, &self.at.key(name), self.report);
        self.intact &= read.is_some();
        read
    }

    fn required<T>(
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
    fn finish(mut self) -> Option<Extra> {
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
}
