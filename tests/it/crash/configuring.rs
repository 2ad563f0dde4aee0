//! Configuration: one integration is changed all the time, others come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::hooks::Arrival;
use super::setup;
use super::world::{Dice, World, ask};
use crate::harness::{Client, eventually};

/// The most integrations that come and go at a time.
const PASSING_MAX: usize = 3;
const PASSING: &str = "passing-";

/// How things are configured, as far as was answered.
#[derive(Default)]
pub struct Configured {
    /// The number in the steered integration's name: as answered, and as asked.
    name: (u64, u64),
    /// Whether it is enabled; none when the answer to a change of that was lost.
    enabled: Option<bool>,
    /// The newest secret that was answered, while it is sure to sign still.
    secret: Option<String>,
    /// Rotations since, whose answers were lost.
    rotations_lost: u32,
    /// Those that come and go, by id; whether their deletion was asked for.
    passing: BTreeMap<String, bool>,
    /// Those whose deletion was answered.
    deleted: BTreeSet<String>,
    /// The number of the next.
    next: u64,
}

impl Configured {
    pub fn with_secret(secret: String) -> Self {
        Self { secret: Some(secret), ..Self::default() }
    }

    /// One of those that come and go, by chance.
    pub fn passing(&self, dice: &mut Dice) -> Option<String> {
        let there: Vec<&String> =
            self.passing.iter().filter(|(_, deleting)| !**deleting).map(|(id, _)| id).collect();
        let at = dice.roll(there.len().max(1) as u64) as usize;
        there.get(at).map(|id| id.to_string())
    }
}

pub fn steered_name(number: u64) -> String {
    format!("steered-{number}")
}

/// Changes things until the server is gone.
pub fn until_gone(api: &Client, world: &World, mut dice: Dice) {
    loop {
        std::thread::sleep(Duration::from_millis(10 + dice.roll(80)));
        let done = match dice.roll(6) {
            0 | 1 => rename(api, world),
            2 => enable(api, world, dice.one_in(2)),
            3 => rotate(api, world),
            4 => create(api, world),
            _ => delete(api, world, &mut dice),
        };
        if done.is_none() {
            return;
        }
        world.count("configuration changes", 1);
    }
}

fn steered(world: &World) -> String {
    format!("/integrations/{}", world.integrations.id(setup::STEERED))
}

fn rename(api: &Client, world: &World) -> Option<()> {
    let number = {
        let mut configured = world.configured.lock().unwrap();
        configured.name.1 += 1;
        configured.name.1
    };
    let patch = json!({"name": steered_name(number)});
    ask(api, "PATCH", &steered(world), Some(patch), &[200])?;
    world.configured.lock().unwrap().name.0 = number;
    Some(())
}

fn enable(api: &Client, world: &World, enabled: bool) -> Option<()> {
    world.configured.lock().unwrap().enabled = None;
    ask(api, "PATCH", &steered(world), Some(json!({"enabled": enabled})), &[200])?;
    world.configured.lock().unwrap().enabled = Some(enabled);
    Some(())
}

fn rotate(api: &Client, world: &World) -> Option<()> {
    let path = format!("{}/rotate-secret", steered(world));
    {
        let mut configured = world.configured.lock().unwrap();
        configured.rotations_lost += 1;
        // The one before the last signs still, the one before that does not.
        if configured.rotations_lost > 1 {
            configured.secret = None;
        }
    }
    let answer = ask(api, "POST", &path, None, &[200])?;
    let secret = answer.json()["secret"].as_str().expect("a secret").to_owned();
    let mut configured = world.configured.lock().unwrap();
    (configured.secret, configured.rotations_lost) = (Some(secret), 0);
    Some(())
}

fn create(api: &Client, world: &World) -> Option<()> {
    let number = {
        let mut configured = world.configured.lock().unwrap();
        if configured.passing.len() >= PASSING_MAX {
            return Some(());
        }
        configured.next += 1;
        configured.next
    };
    let url = world.hooks.url(&format!("/{PASSING}{number}"));
    let spec = json!({"name": format!("{PASSING}{number}"), "kind": "activity", "hook_url": url,
                      "timeout": "1s", "retry_schedule": ["1s", "1s", "1s"]});
    let answer = ask(api, "POST", "/integrations", Some(spec), &[201])?;
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    world.configured.lock().unwrap().passing.insert(id, false);
    Some(())
}

fn delete(api: &Client, world: &World, dice: &mut Dice) -> Option<()> {
    let Some(id) = world.configured.lock().unwrap().passing(dice) else { return Some(()) };
    world.configured.lock().unwrap().passing.insert(id.clone(), true);
    ask(api, "DELETE", &format!("/integrations/{id}"), None, &[204])?;
    let mut configured = world.configured.lock().unwrap();
    configured.passing.remove(&id);
    configured.deleted.insert(id);
    Some(())
}

/// Every change that was answered is there. What of the others came through is as it is.
pub fn check(api: &Client, world: &World) {
    let mut configured = world.configured.lock().unwrap();
    let found = api.get(&steered(world), 200);
    let number = found["name"].as_str().and_then(|name| name.strip_prefix("steered-"));
    let number: u64 = number.expect("a name of ours").parse().expect("a number");
    let (answered, asked) = configured.name;
    assert!((answered..=asked).contains(&number), "{answered} was answered, {number} is there");
    if let Some(enabled) = configured.enabled {
        assert_eq!(found["enabled"], enabled, "{found}");
    }
    let all = api.all("/integrations", "after");
    let there: BTreeSet<String> = all
        .iter()
        .filter(|found| found["name"].as_str().expect("a name").starts_with(PASSING))
        .map(|found| found["id"].as_str().expect("an id").to_owned())
        .collect();
    for (id, deleting) in &configured.passing {
        assert!(*deleting || there.contains(id), "the integration {id} is lost");
    }
    let deleted = there.intersection(&configured.deleted).next();
    assert_eq!(deleted, None, "was deleted");
    configured.passing = there.into_iter().map(|id| (id, false)).collect();
}

/// Enables what may be disabled, so that all that is held goes on; and what it is sent is signed with
/// the newest secret that was answered.
pub fn settle(api: &Client, world: &World) {
    enable(api, world, true).expect("an answer");
    let Some(secret) = world.configured.lock().unwrap().secret.clone() else { return };
    let before = world.hooks.arrivals().len();
    // On a busy machine an answer may come too late.
    eventually("an answer to the test", || {
        let attempt = api.post(&format!("{}/test", steered(world)), &json!({}), 200);
        attempt["response"]["code"].as_u64().filter(|code| code / 100 == 2)
    });
    let arrivals = world.hooks.arrivals();
    let is_test = |got: &&Arrival| got.body.contains("lull/test");
    let arrival = arrivals[before..].iter().rev().find(is_test).expect("the test came");
    assert_eq!(arrival.path, setup::STEERED);
    let webhook = standardwebhooks::Webhook::new(&secret).expect("a secret");
    let mut headers = http::HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, arrival.header(name).parse().expect("a header"));
    }
    webhook.verify(arrival.body.as_bytes(), &headers).expect("signed with the newest secret");
}
