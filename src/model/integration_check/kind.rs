//! What only integrations of one kind can ask for, and what each kind needs.

use std::time::Duration;

use super::LISTED_MAX;
use crate::model::integration::{Collation, Format, IntegrationSpec, Kind};
use crate::model::{BATCH_EVENTS_MAX, SEVERITY_MAX};

/// The longest that events may wait for others.
const BATCH_WAIT_MAX: Duration = Duration::from_secs(300);

type Fault<'f> = &'f mut dyn FnMut(&str, String);

/// Checks all of it.
pub fn check(spec: &IntegrationSpec, fault: Fault) {
    check_owners(spec, fault);
    match spec.kind {
        Kind::Activity => {}
        Kind::Security => check_security(spec, fault),
        Kind::Record => check_record(spec, fault),
    }
    check_events(spec, fault);
    if spec.include_record && spec.format != Format::Audit {
        fault("/include_record", "is for the format audit; leave it out".into());
    }
    if spec.gzip && !spec.format.can_gzip() {
        fault("/gzip", "is for the formats ecs_bulk, splunk_hec and datadog".into());
    }
}

/// What other kinds have no use for.
fn check_owners(spec: &IntegrationSpec, fault: Fault) {
    let mut only_for = |kind: Kind, name: &str, pointer: &str, asked: bool| {
        if spec.kind != kind && asked {
            fault(pointer, format!("is for integrations of the kind {name}; leave it out"));
        }
    };
    only_for(Kind::Security, "security", "/actions", !spec.actions.is_empty());
    only_for(Kind::Security, "security", "/outcome", spec.outcome.is_some());
    only_for(Kind::Security, "security", "/min_severity", spec.min_severity > 0);
    only_for(Kind::Security, "security", "/batch", spec.batch.is_some());
    only_for(Kind::Activity, "activity", "/collation", spec.collation != Collation::Collated);
    only_for(Kind::Activity, "activity", "/collate_backlog", !spec.collate_backlog);
    only_for(Kind::Activity, "activity", "/include_record", spec.include_record);
}

fn check_security(spec: &IntegrationSpec, fault: Fault) {
    if spec.workspace_id.is_some() {
        fault("/workspace_id", "is not for security events, which are of the account".into());
    }
    if !spec.activities.is_empty() {
        fault("/activities", "is for audits; choose security events by actions".into());
    }
    if !(spec.format.is_siem() || spec.format == Format::Audit) {
        fault("/format", "is for people; choose audit, or a format that SIEMs take".into());
    }
    if spec.quiet_period.is_some() || spec.max_wait.is_some() {
        fault("/quiet_period", "is not for security events, which are sent at once".into());
    }
}

/// Kind `record` is about whole records of one workspace.
fn check_record(spec: &IntegrationSpec, fault: Fault) {
    if spec.workspace_id.is_none() {
        fault("/workspace_id", "is missing; kind record is for one workspace, so name it".into());
    }
    if spec.format != Format::Audit {
        fault("/format", "must be audit (or left out); kind record has a body of its own".into());
    }
    if !spec.users.is_empty() {
        fault("/users", "must be left out; kind record has no users".into());
    }
    for (row, activity) in spec.activities.iter().enumerate() {
        for (list, is_set) in [
            ("fields", !activity.fields.is_empty()),
            ("exclude_fields", !activity.exclude_fields.is_empty()),
            ("include_associated", activity.include_associated),
        ] {
            if is_set {
                let wrong =
                    "must be left out; kind record sends whole records (record_types says which)";
                fault(&format!("/activities/{row}/{list}"), wrong.to_owned());
            }
        }
    }
}

/// Which events, and how many at a time.
fn check_events(spec: &IntegrationSpec, fault: Fault) {
    if spec.min_severity > SEVERITY_MAX {
        fault("/min_severity", format!("must be from 0 to {SEVERITY_MAX}"));
    }
    if spec.actions.len() > LISTED_MAX {
        fault("/actions", format!("lists {} actions; at most {LISTED_MAX}", spec.actions.len()));
    }
    let Some(batch) = spec.batch else { return };
    if !spec.format.takes_batches() {
        let formats = "ecs_bulk, splunk_hec, datadog, cef and syslog";
        fault("/batch", format!("is for formats that take many events at once: {formats}"));
    }
    if !(1..=BATCH_EVENTS_MAX).contains(&batch.max_events) {
        fault("/batch/max_events", format!("must be from 1 to {BATCH_EVENTS_MAX}"));
    }
    if !(Duration::from_millis(100)..=BATCH_WAIT_MAX).contains(&batch.max_wait) {
        fault("/batch/max_wait", "must be from 100ms to 5m".into());
    }
}
