//! What was asked of the server, and what it answered.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Mutex;

use crate::harness::{Answer, Client};

use super::configuring::Configured;
use super::hooks::Hooks;
use super::posting::Call;
use super::records;
use super::setup::{self, Integrations};

/// A small generator of numbers that look random (xorshift).
pub struct Dice(pub u64);

impl Dice {
    /// Of a seed that is printed: `LULL_CRASH_SEED`, or another each time.
    #[allow(clippy::disallowed_methods)] // a seed that differs from run to run
    pub fn of_seed() -> Self {
        let since_epoch = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos() as u64;
        let seed = super::number("LULL_CRASH_SEED", since_epoch) | 1;
        println!("seed {seed}");
        Self(seed)
    }

    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Whether one of so many came up.
    pub fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    /// For another thread.
    pub fn another(&mut self) -> Dice {
        Dice(self.roll(u64::MAX) | 1)
    }
}

/// An audit that was posted.
#[derive(Clone, Copy, Debug)]
pub struct Posted {
    pub record: u64,
    pub user: u64,
    /// Whether it was posted while the server forgot what was old: it may be forgotten itself, but
    /// not before it was sent.
    pub forgettable: bool,
}

/// What happened in this stretch.
#[derive(Default)]
pub struct Stretch {
    /// The audits that were posted, answered or not.
    pub posted: HashMap<String, Posted>,
    /// Those of them that were acknowledged.
    pub acknowledged: HashSet<String>,
    /// The security events that were acknowledged, and whether they may be forgotten.
    pub events: HashMap<String, bool>,
    /// Calls that were not answered.
    pub unanswered: Vec<Call>,
    /// Windows that were discarded, as was answered.
    pub discarded: u64,
    /// What was in each backup that was taken since the history was read last.
    pub copies: Vec<Vec<String>>,
    /// Up to which message some may have been forgotten.
    pub forgotten: u64,
}

/// Everything that is known on this side.
pub struct World {
    pub hooks: Hooks,
    pub integrations: Integrations,
    pub stretch: Mutex<Stretch>,
    pub configured: Mutex<Configured>,
    /// The newest text of each full record: its number as answered, and as asked.
    pub records: Mutex<HashMap<u64, (u64, u64)>>,
    /// The message that told the hook of each full record first.
    pub created: Mutex<HashMap<String, String>>,
    /// The newest message and security event of the stretches before.
    pub before: Mutex<(u64, u64)>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
}

impl World {
    /// A server that is used for the first time.
    pub fn new(api: &Client, hooks: Hooks) -> Self {
        let (integrations, secret) = setup::make(api, &hooks);
        let configured = Configured::with_secret(secret);
        let world = Self {
            hooks,
            integrations,
            stretch: Mutex::default(),
            configured: Mutex::new(configured),
            records: Mutex::default(),
            created: Mutex::default(),
            before: Mutex::default(),
            counts: Mutex::default(),
        };
        records::link(api, &world);
        world
    }

    pub fn count(&self, what: &'static str, more: u64) {
        *self.counts.lock().unwrap().entry(what).or_default() += more;
    }

    pub fn counted(&self, what: &'static str) -> u64 {
        self.counts.lock().unwrap().get(what).copied().unwrap_or_default()
    }

    /// All that was counted, in words.
    pub fn tally(&self) -> String {
        let counts = self.counts.lock().unwrap();
        let counts: Vec<String> =
            counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
        counts.join(", ")
    }

    /// The audits that were acknowledged in this stretch, and cannot have been forgotten.
    pub fn acknowledged(&self) -> HashSet<String> {
        let stretch = self.stretch.lock().unwrap();
        let stays = |id: &&String| !stretch.posted[*id].forgettable;
        stretch.acknowledged.iter().filter(stays).cloned().collect()
    }

    /// What was in each backup since this was asked last.
    pub fn copies(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.stretch.lock().unwrap().copies)
    }
}

/// Calls, with JSON if there is any; the answer, which must have one of these statuses. None when the
/// server is gone.
pub fn ask(
    api: &Client,
    method: &str,
    path: &str,
    body: Option<serde_json::Value>,
    statuses: &[u16],
) -> Option<Answer> {
    let headers = [("content-type", "application/json")];
    let headers = if body.is_some() { &headers[..] } else { &[] };
    let bytes = body.map_or(Vec::new(), |body| body.to_string().into_bytes());
    let answer = api.call(method, path, headers, &bytes)?;
    assert!(statuses.contains(&answer.status), "{method} {path}: {answer:?}");
    Some(answer)
}
