//! A window as text: on the first line what an integration asks for, as a merge patch of the least there
//! is; on each other line an audit, as a merge patch of another. What is not JSON is passed over, so that
//! nearly every text is a window.

use lull::filter::{Verdict, decide};
use lull::ingest;
use lull::model::{Account, Audit, Change, Id, IntegrationSpec};
use serde_json::{Value, json};

pub struct Window {
    pub spec: IntegrationSpec,
    /// As the application posted them.
    pub posted: Vec<Value>,
    /// The same, accepted.
    pub audits: Vec<Audit>,
}

/// Reads a window.
pub fn read(data: &[u8]) -> Option<Window> {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.lines().map(serde_json::from_str::<Value>);
    let least = json!({"name": "hook", "kind": "activity", "hook_url": "https://example.com/"});
    let spec = patched(least, lines.next()?.ok()?);
    let spec = serde_json::from_value(spec).ok()?;
    let least = json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": 42});
    let posted = lines.map_while(Result::ok).map(|line| patched(least.clone(), line));
    let (mut kept, mut audits) = (Vec::new(), Vec::new());
    for audit in posted {
        if let Ok(said) = ingest::kept(audit.to_string().as_bytes()) {
            let place = Id::from_u64((1_772_442_845 + audits.len() as u64) << 32);
            audits.push(Audit { place, account: Account::DEFAULT, rules: [].into(), said });
            kept.push(audit);
        }
    }
    Some(Window { spec, posted: kept, audits })
}

impl Window {
    /// What the integration sees of each audit.
    pub fn seen(&self) -> Vec<(&Audit, Vec<&Change>)> {
        let seen = self.audits.iter().filter_map(|audit| match decide(&self.spec, audit) {
            Verdict::Sees(changes) => Some((audit, changes)),
            Verdict::Refused(_) => None,
        });
        seen.collect()
    }
}

fn patched(mut least: Value, patch: Value) -> Value {
    if patch.is_object() {
        json_patch::merge(&mut least, &patch);
    }
    least
}
