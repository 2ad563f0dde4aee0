//! Audits and an integration's filter, decided by the product and by R6 to R9 written down once more, on
//! the JSON as it was posted: the same audits match, with the same changes.

use lull::filter::{Reason, Verdict, decide};
use lull::model::{Activity, IntegrationSpec};
use serde_json::Value;

use crate::window;

pub fn check(data: &[u8]) {
    let Some(window) = window::read(data) else { return };
    for (audit, posted) in window.audits.iter().zip(&window.posted) {
        let expected = expected(&window.spec, posted);
        match decide(&window.spec, audit) {
            Verdict::Refused(reason) => {
                assert_eq!(expected, None, "{reason:?} {posted}");
                let hidden_by_workspace = reason == Reason::Workspace;
                assert!(!hidden_by_workspace || window.spec.workspace_id.is_some());
            }
            Verdict::Sees(changes) => {
                let seen = changes.iter().map(|change| change.field_name.as_str());
                let seen: Vec<String> = seen.map(str::to_owned).collect();
                assert_eq!(Some(seen), expected, "{posted}");
            }
        }
        // Another alternative never hides anything.
        let mut wider = window.spec.clone();
        let none = serde_json::from_str::<Activity>("{}").expect("everything");
        if !wider.activities.is_empty() {
            wider.activities.push(none);
        }
        let sees = |spec| matches!(decide(spec, audit), Verdict::Sees(_));
        assert!(sees(&wider) || !sees(&window.spec));
    }
}

/// The names of the changes that match, in order; none when the audit does not.
fn expected(spec: &IntegrationSpec, audit: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let workspace = text(&audit["workspace_id"]);
    if let Some(own) = &spec.workspace_id
        && workspace.as_deref() != Some(own.as_str())
    {
        return None;
    }
    let user = text(&audit["user"]["id"]);
    let is = |wanted: &str, found: &Option<String>| found.as_deref() == Some(wanted);
    if !spec.users.is_empty() && !spec.users.iter().any(|wanted| is(wanted.as_str(), &user)) {
        return None;
    }
    let changes = audit["changes"].as_array().cloned().unwrap_or_default();
    let fields = changes.iter().filter_map(|change| text(&change["field_name"]));
    let fields: Vec<String> = fields.collect();
    if spec.activities.is_empty() {
        return Some(fields);
    }
    let types = [&audit["auditable_type"], &audit["associated_type"]].map(|kind| {
        text(kind).map(|kind| kind.to_lowercase())
    });
    let fits = |row: &&Activity| {
        let in_workspace = spec.workspace_id.is_some()
            || row.workspaces.is_empty()
            || row.workspaces.iter().any(|wanted| is(wanted.as_str(), &workspace));
        let looked_at = if row.include_associated { &types[..] } else { &types[..1] };
        let of_type = row.record_types.is_empty()
            || row.record_types.iter().any(|wanted| {
                looked_at.iter().any(|kind| is(&wanted.as_str().to_lowercase(), kind))
            });
        let about = match fields.is_empty() {
            true => row.fields.is_empty(),
            false => fields.iter().any(|field| passes(row, field)),
        };
        in_workspace && of_type && about
    };
    let rows: Vec<&Activity> = spec.activities.iter().filter(fits).collect();
    let kept = fields.iter().filter(|field| rows.iter().any(|row| passes(row, field)));
    (!rows.is_empty()).then(|| kept.cloned().collect())
}

fn passes(row: &Activity, field: &str) -> bool {
    (row.fields.is_empty() || row.fields.iter().any(|wanted| wanted.as_str() == field))
        && row.exclude_fields.iter().all(|noise| noise.as_str() != field)
}
