//! The integrations: one of each way to be told.

use std::collections::HashMap;

use serde_json::json;

use super::configuring;
use super::hooks::Hooks;
use super::world::Posted;
use crate::harness::Client;

/// Told of all, collated.
pub const ONE: &str = "/one";
/// The same under its own pair of times, without collation of what waits; fails often.
pub const TWO: &str = "/two";
/// Told of each audit at once.
pub const LIVE: &str = "/live";
/// Both.
pub const ALL: &str = "/all";
/// Told, collated, of what two users did.
pub const SOME: &str = "/some";
/// Is changed all the time.
pub const STEERED: &str = "/steered";
/// Told of full records.
pub const RECORDS: &str = "/records";
/// Told of each security event alone.
pub const SIEM: &str = "/siem";
/// Told of many at once.
pub const BATCHES: &str = "/batches";

/// The users whose audits `SOME` is told of.
const SOME_USERS: [u64; 2] = [0, 1];

/// Whether the hook is to be told of this audit.
pub fn wants(hook: &str, posted: Posted) -> bool {
    hook != SOME || SOME_USERS.contains(&posted.user)
}

/// The ids of the integrations, by their hooks.
pub struct Integrations(HashMap<&'static str, String>);

impl Integrations {
    pub fn id(&self, hook: &str) -> &str {
        &self.0[hook]
    }
}

/// Makes them; also the secret of `STEERED`.
pub fn make(api: &Client, hooks: &Hooks) -> (Integrations, String) {
    let pair = json!({"quiet_period": "300ms", "max_wait": "800ms", "collate_backlog": false,
                      "retry_schedule": ["1s"]});
    let users = SOME_USERS.map(|user| user.to_string());
    let security = json!({"kind": "security", "actions": ["posted"]});
    let mut batches = json!({"format": "datadog", "batch": {"max_events": 5, "max_wait": "1s"}});
    json_patch::merge(&mut batches, &security);
    let edits = [
        (ONE, json!({})),
        (TWO, pair),
        (LIVE, json!({"collation": "live"})),
        (ALL, json!({"collation": "all"})),
        (SOME, json!({"users": users})),
        (STEERED, json!({"name": configuring::steered_name(0)})),
        (RECORDS, json!({"kind": "record", "workspace_id": "ws1"})),
        (SIEM, security),
        (BATCHES, batches),
    ];
    let (mut ids, mut steered) = (HashMap::new(), String::new());
    for (hook, edit) in edits {
        // Enough tries that a hook in a bad mood hears of everything in the end.
        let mut spec = json!({"name": hook, "kind": "activity", "hook_url": hooks.url(hook),
            "timeout": "1s", "max_in_flight": 64, "retry_schedule": vec!["1s"; 12]});
        json_patch::merge(&mut spec, &edit);
        let made = api.post("/integrations", &spec, 201);
        let text = |key: &str| made[key].as_str().expect("text").to_owned();
        ids.insert(hook, text("id"));
        if hook == STEERED {
            steered = text("secret");
        }
    }
    (Integrations(ids), steered)
}
