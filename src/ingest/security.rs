//! One security event, field by field.

use std::net::IpAddr;

use serde_json::value::RawValue;

use super::fields::{self, Fields, Report, identifier, name, text, time, user, wrong};
use super::json::{self, Pointer};
use crate::model::{Extra, SEVERITY_MAX, SecurityDraft, Success, Target};

/// Reads a security event, out of its envelope `{"event":"security","security":{…}}` if it is in one.
pub fn unwrap_and_read(raw: &RawValue, report: Report) -> Option<SecurityDraft> {
    fields::unwrap_and_read(raw, "security", "action", report, read_fields)
}

fn read_fields(mut fields: Fields) -> Option<SecurityDraft> {
    let id = fields.optional("id", identifier);
    let action = fields.required("action", name);
    let created_at = fields.optional("created_at", time);
    let user = fields.optional("user", user);
    let ip = fields.optional("ip", address);
    let user_agent = fields.optional("user_agent", text);
    let target = fields.optional("target", target);
    let outcome = fields.optional("outcome", outcome);
    let severity = fields.optional("severity", severity);
    let description = fields.optional("description", text);
    let details = fields.optional("details", details);
    // What else there is to say has its place in the details.
    fields.finish_known()?;
    Some(SecurityDraft {
        id,
        action: action?,
        created_at,
        user,
        ip,
        user_agent,
        target,
        outcome: outcome.unwrap_or(Success::Success),
        severity,
        description,
        details: details.unwrap_or_default(),
    })
}

fn address(raw: &RawValue, at: &Pointer, report: Report) -> Option<String> {
    let text = json::string(raw);
    let address = text.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
    match address {
        Some(address) => Some(address.to_string()),
        None => wrong(raw, at, report, "must be an address like \"192.0.2.1\" or \"2001:db8::1\""),
    }
}

fn target(raw: &RawValue, at: &Pointer, report: Report) -> Option<Target> {
    let mut fields = Fields::of(raw, at, report)?;
    let target_type = fields.required("type", name);
    let id = fields.required("id", identifier);
    let name = fields.optional("name", text);
    fields.finish_known()?;
    Some(Target { target_type: target_type?, id: id?, name })
}

fn outcome(raw: &RawValue, at: &Pointer, report: Report) -> Option<Success> {
    match json::string(raw).as_deref() {
        Some("success") => Some(Success::Success),
        Some("failure") => Some(Success::Failure),
        _ => wrong(raw, at, report, "must be \"success\" or \"failure\""),
    }
}

fn severity(raw: &RawValue, at: &Pointer, report: Report) -> Option<u8> {
    // 5.0 is a whole number as well, as JSON goes.
    match raw.get().parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && (0.0..=SEVERITY_MAX.into()).contains(&number) => {
            Some(number as u8)
        }
        _ => wrong(raw, at, report, "must be a whole number from 0 to 10"),
    }
}

fn details(raw: &RawValue, at: &Pointer, report: Report) -> Option<Extra> {
    Fields::of(raw, at, report)?.finish()
}
