//! Whatever happens, a hook ends up with what is.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// Something that happens. Records are numbered; each but the first has the one before it as parent.
#[derive(Clone, Debug)]
enum Step {
    /// The record, its name, and whether it has its parent.
    Put(usize, u32, bool),
    Remove(usize),
    Send(usize),
    Pass(Duration),
    Fail,
    Disable,
    Enable,
    Crash,
}

const RECORDS: [&str; 4] = ["product/P", "release/R", "feature/1", "feature/2"];
/// The parents of those.
const PARENTS: [Option<usize>; 4] = [None, Some(0), Some(1), Some(1)];

fn step() -> impl Strategy<Value = Step> {
    let record = 0..RECORDS.len();
    let pause = prop::sample::select(vec![0, 5, 30, 1_000, 11_000, 60_000, 400_000]);
    prop_oneof![
        5 => (record.clone(), 0..4u32, prop::bool::weighted(0.8))
            .prop_map(|(record, name, child)| Step::Put(record, name, child)),
        1 => record.clone().prop_map(Step::Remove),
        3 => record.prop_map(Step::Send),
        5 => pause.prop_map(|ms| Step::Pass(Duration::from_millis(ms))),
        1 => Just(Step::Fail),
        1 => Just(Step::Disable),
        1 => Just(Step::Enable),
        1 => Just(Step::Crash),
    ]
}

/// A receiver that keeps what it is told, and knows each message by its id.
#[derive(Default)]
struct Hook {
    records: BTreeMap<String, Value>,
    done: BTreeSet<String>,
    /// Records that it was told to make, whatever it answered.
    heard: BTreeSet<String>,
    /// Whether a child without its parent is wrong: no parent was removed so far.
    ordered: bool,
    wrong: Vec<String>,
}

impl Hook {
    fn take(&mut self, world: &World, read: usize, failing: &[usize]) -> usize {
        let requests = world.requests();
        for (at, (_, request)) in requests.iter().enumerate().skip(read) {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let id = request.headers.iter().find(|(name, _)| name == "webhook-id").unwrap();
            self.told(&body, &id.1, !failing.contains(&at));
        }
        requests.len()
    }

    fn told(&mut self, body: &Value, id: &str, takes: bool) {
        let (action, member) = body["event"].as_str().unwrap().split_once('_').unwrap();
        let record = &body[member];
        let name = record["record"].as_str().unwrap().to_owned();
        if action == "create" {
            self.heard.insert(name.clone());
            let parent = record["parent"].as_str();
            if self.ordered && parent.is_some_and(|parent| !self.records.contains_key(parent)) {
                self.wrong.push(format!("{name} before {parent:?}"));
            }
        }
        if !takes || !self.done.insert(id.to_owned()) {
            return;
        }
        match action {
            "create" if self.records.contains_key(&name) => {
                self.wrong.push(format!("{name} made twice"))
            }
            "update" if !self.records.contains_key(&name) => {
                self.wrong.push(format!("{name} updated, unmade"))
            }
            "destroy" if !self.heard.contains(&name) => {
                self.wrong.push(format!("{name} destroyed, unheard of"))
            }
            "destroy" => drop(self.records.remove(&name)),
            _ => drop(self.records.insert(name, record["name"].clone())),
        }
    }
}

/// A world whose hook fails now and then.
struct Play {
    world: World,
    hook: Arc<Integration>,
    told: Hook,
    /// How many requests of this world were looked at, and which of all were to fail.
    read: usize,
    failing: Vec<usize>,
    fails_left: usize,
}

impl Play {
    async fn begin() -> Play {
        let world = World::quiet(SECOND * 10).await;
        let hook = world.record_hook(json!({})).await;
        let told = Hook { ordered: true, ..Hook::default() };
        Play { world, hook, told, read: 0, failing: Vec::new(), fails_left: 5 }
    }

    async fn go(mut self, step: Step) -> Play {
        match step {
            Step::Put(record, name, child) => {
                let mut text = json!({"name": name, "record": RECORDS[record]});
                if let Some(parent) = PARENTS[record].filter(|_| child) {
                    text["parent"] = json!(RECORDS[parent]);
                }
                self.world.put(RECORDS[record], text).await;
            }
            Step::Remove(record) => {
                self.read = self.told.take(&self.world, self.read, &self.failing);
                self.told.ordered = false;
                let remove = RecordCommand::Remove(key(RECORDS[record]));
                let _ = self.world.do_with(remove).await;
            }
            Step::Send(record) => drop(self.world.send_to(RECORDS[record], &self.hook).await),
            Step::Pass(time) => self.world.pass(time).await,
            Step::Fail if self.fails_left > 0 => {
                self.fails_left -= 1;
                let next = self.world.requests().len();
                let next = self.failing.last().map_or(next, |last| next.max(last + 1));
                self.failing.push(next);
                self.world.will_answer(&[500]);
            }
            Step::Fail => {}
            Step::Disable | Step::Enable => {
                let enabled = matches!(step, Step::Enable);
                self.world.reconfigure(self.hook.id, json!({"enabled": enabled})).await;
            }
            Step::Crash => {
                self.read = self.told.take(&self.world, self.read, &self.failing);
                (self.read, self.failing) = (0, Vec::new());
                self.world = self.world.crash(SECOND).await;
            }
        }
        self
    }

    async fn end(mut self) -> Result<(), TestCaseError> {
        self.world.hooks_are_back();
        let requests = self.world.requests().len();
        self.failing.retain(|at| *at < requests);
        self.world.reconfigure(self.hook.id, json!({"enabled": true})).await;
        self.world.pass(Duration::from_secs(86_400)).await;
        self.told.take(&self.world, self.read, &self.failing);
        prop_assert!(self.told.wrong.is_empty(), "{:?}", self.told.wrong);
        let mut expected = BTreeMap::new();
        for name in RECORDS {
            let Some(kept) = self.world.kept(name) else { continue };
            prop_assert!(!kept.removed, "{name} is still being removed");
            let Some(link) = kept.links.first() else { continue };
            prop_assert_eq!(link.state(false), LinkState::Linked, "{}", name);
            let text = self.world.store.record_text(&kept.key).unwrap().unwrap();
            let text: Value = serde_json::from_str(&text).unwrap();
            expected.insert(name.to_owned(), text["name"].clone());
        }
        prop_assert_eq!(&self.told.records, &expected);
        prop_assert_eq!(self.world.store.outbox().unwrap(), []);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is put, removed, sent and switched off when, with a hook that fails now and then and
    /// crashes in between: nothing is made twice, or changed before it is made, or made before its
    /// parent; and in the end the hook has what is.
    #[test]
    fn a_hook_ends_up_with_what_is(steps in prop::collection::vec(step(), 1..40)) {
        actix::System::new().block_on(async {
            let mut play = Play::begin().await;
            for step in steps {
                play = play.go(step).await;
            }
            play.end().await
        })?;
    }
}
