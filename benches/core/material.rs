//! What is given to the functions: audits as applications post them, and what becomes of them.

use std::sync::Arc;

use lull::clock::Timestamp;
use lull::filter::{Verdict, decide};
use lull::ingest::{self, Media};
use lull::model::{
    Account, Audit, AuditDraft, Change, Id, Integration, IntegrationSpec, RecordKey, Secret,
};
use lull::settings::Limits;
use serde_json::json;

/// Seconds since the epoch of the first audit.
const BEGAN: u64 = 1_772_442_845;

/// An audit of about 600 bytes, of one of three users, with two changes; every second one moves the status on.
fn audit(number: usize) -> String {
    let user = ["Ada", "Grace", "Alan"][number % 3];
    let (from, to) = (number / 2, number / 2 + 1);
    let change = match number % 2 {
        0 => json!({"field_name": "Status", "value": format!("State {from} &rarr; State {to}")}),
        _ => json!({"field_name": "Name", "value": "Export", "old_value": "Exprot"}),
    };
    json!({
        "audit_action": "update", "auditable_type": "feature", "auditable_id": "1234567890",
        "workspace_id": "product",
        "user": {"id": user, "name": user, "email": format!("{user}@example.com")},
        "description": "updated feature Export",
        "auditable_url": "https://app.example.com/features/export",
        "changes": [
            change,
            {"field_name": "Description", "value": format!("<p>{}</p>", "asked for ".repeat(20))},
        ],
    })
    .to_string()
}

/// So many audits as a body, one a line.
pub fn body(audits: usize) -> &'static [u8] {
    let body: String = (0..audits).map(|number| audit(number) + "\n").collect();
    assert!(read(body.as_bytes(), Media::Ndjson).len() == audits);
    Box::leak(body.into_boxed_str()).as_bytes()
}

/// Reads a body.
pub fn read(body: &[u8], media: Media) -> Vec<AuditDraft> {
    ingest::audits(body, media, &Limits::default()).expect("audits as they are to be")
}

/// So many audits of a window.
pub fn window(audits: usize) -> &'static [Audit] {
    let said = read(body(audits), Media::Ndjson);
    let audit = |(number, said)| Audit {
        place: Id::from_u64((BEGAN + number as u64) << 32),
        account: Account::DEFAULT,
        rules: Arc::from([]),
        said,
    };
    Box::leak((0..).zip(said).map(|(number, said)| audit((number, said))).collect())
}

/// What an integration without a filter sees of them.
pub fn seen(audits: usize) -> &'static [(&'static Audit, Vec<&'static Change>)] {
    let spec = &integration(false).spec;
    let seen = window(audits).iter().filter_map(|audit| match decide(spec, audit) {
        Verdict::Sees(changes) => Some((audit, changes)),
        Verdict::Refused(_) => None,
    });
    Box::leak(seen.collect())
}

/// An integration; with rows that look for what comes last in them, or none.
pub fn integration(filtered: bool) -> &'static Integration {
    let rows = json!([
        {"record_types": ["idea", "release", "epic"], "fields": ["Name"]},
        {"workspaces": ["sales", "product"], "record_types": ["Feature"],
         "fields": ["Name", "Assigned to", "Due date", "Description"]},
    ]);
    let spec = json!({
        "name": "hook", "kind": "activity", "hook_url": "https://example.com/",
        "activities": if filtered { rows } else { json!([]) },
    });
    let spec: IntegrationSpec = serde_json::from_value(spec).expect("an integration");
    let at = Timestamp::from_unix_ms(BEGAN as i64 * 1_000);
    Box::leak(Box::new(Integration {
        id: Id::from_u64(1),
        account: Account::DEFAULT,
        created_at: at,
        updated_at: at,
        revision: Id::default(),
        secret: Secret::random().expect("random bytes"),
        old_secret: None,
        disabled_because: None,
        earlier_pairs: Vec::new(),
        spec,
    }))
}

/// The record of all these audits.
pub fn record() -> RecordKey {
    window(1)[0].said.record(Account::DEFAULT)
}

/// When it is sent.
pub fn now() -> Timestamp {
    Timestamp::from_unix_ms(BEGAN as i64 * 1_000 + 300_000)
}
