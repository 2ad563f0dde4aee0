//! Drives the core by a seed, life after life, with the model looking on.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::Figures;
use super::dice::Dice;
use super::hooks::Mood;
use super::life::{Crash, State, Watch};
use super::model::{Doing, Model};
use super::plan::{Planner, Step, server_pair};
use super::read;
use super::seen::{At, Pair, Seen};
use crate::clock::Timestamp;
use crate::delivery::Drain;
use crate::ingest::{self, Media};
use crate::model::{Account, By, ClosedBy, Id, Secret, WindowRule};
use crate::record::{self, CloseByHand};
use crate::settings::Limits;
use crate::store::{Configure, Disk, NewAudit, StoreError, check_folder};
use crate::testing::parts::Parts;
use crate::testing::world::TestClock;

/// When a run begins.
const BEGINNING: i64 = 1_772_440_000_000;
/// How many torn disks are tried at a crash.
const TORN: usize = 3;
/// How long to wait for sled's threads to let go of a folder, in real time.
const PATIENCE: Duration = Duration::from_millis(5);
/// How many lines of the trace are told when something is wrong.
const TOLD: usize = 60;

/// A run of one seed.
pub struct Run {
    seed: u64,
    dice: Dice,
    planner: Planner,
    model: Model,
    server: Pair,
    folder: TempDir,
    wall: i64,
    steps_left: u64,
    step: u64,
    ending: Option<VecDeque<Step>>,
    /// What is older than this was being pruned when the server stopped.
    pruning: Option<u64>,
    state: State,
    trace: Trace,
    pub figures: Figures,
}

/// What happened, in words: the last of it, and a number that stands for all of it.
#[derive(Default)]
pub struct Trace {
    /// `LULL_SIM_ALOUD`: everything is told as it happens.
    aloud: bool,
    last: VecDeque<String>,
    pub lines: u64,
    pub hash: u64,
}

impl Trace {
    fn line(&mut self, line: String) {
        self.lines += 1;
        self.hash = xxhash_rust::xxh3::xxh3_64_with_seed(line.as_bytes(), self.hash);
        if self.aloud {
            println!("{line}");
        }
        if self.last.len() == TOLD {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }
}

/// How a life ends.
enum End {
    Stopped,
    Crashed,
    Over,
}

/// A folder in memory, where there is one.
fn folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::Builder::new().prefix("lull-simulation").tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    folder.expect("a folder")
}

impl Run {
    pub fn new(seed: u64, steps: u64) -> Run {
        let mut dice = Dice::of(seed, &[1]);
        let server = server_pair(&mut dice);
        Run {
            seed,
            planner: Planner::new(Dice::of(seed, &[2]), server),
            dice,
            model: Model::default(),
            server,
            folder: folder(),
            wall: BEGINNING,
            steps_left: steps,
            step: 0,
            ending: None,
            pruning: None,
            state: State::default(),
            trace: Trace { aloud: super::asked("LULL_SIM_ALOUD").is_some(), ..Trace::default() },
            figures: Figures::default(),
        }
    }

    /// Runs to the end; or what is wrong, with the way there. The number stands for all that happened.
    pub fn run(mut self) -> Result<(Figures, u64), String> {
        loop {
            match self.live() {
                Ok(End::Over) => break,
                Ok(End::Stopped | End::Crashed) => {}
                Err(what) => return Err(self.told(&what)),
            }
        }
        match self.faults(self.folder.path().to_owned()) {
            Ok(()) => Ok((self.figures, self.trace.hash)),
            Err(what) => Err(self.told(&what)),
        }
    }

    fn told(&self, what: &str) -> String {
        let lines: Vec<&str> = self.trace.last.iter().map(String::as_str).collect();
        format!(
            "seed {} at step {}: {what}\n\nThe last of what happened:\n{}\n\n\
             Again: LULL_SIM_SEED={} cargo test --lib simulation\n",
            self.seed,
            self.step,
            lines.join("\n"),
            self.seed
        )
    }

    /// One life of the server, in a runtime of its own, so that nothing of it is left.
    fn live(&mut self) -> Result<End, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let local = tokio::task::LocalSet::new();
        let mut crash = None;
        let end = local.block_on(&runtime, self.life(&mut crash));
        let inside = runtime.enter();
        drop(local);
        drop(inside);
        drop(runtime);
        let end = end?;
        if let Some(crash) = crash {
            self.power_cut(crash)?;
        }
        let down_for = match self.dice.below(4) {
            0 => 0,
            1 => self.dice.range(0, 5_000),
            2 => self.dice.range(0, 3_600_000),
            _ => self.dice.range(0, 2 * 86_400_000),
        };
        self.wall += down_for as i64;
        self.figures.ms += down_for;
        if self.dice.percent(10) {
            self.wall += self.dice.range(0, 7_200_000) as i64 - 3_600_000;
            self.figures.jumps += 1;
        }
        if self.dice.percent(30) {
            self.server = server_pair(&mut self.dice);
            self.planner.restarts_with(self.server);
        }
        Ok(end)
    }

    async fn life(&mut self, crash: &mut Option<Crash>) -> Result<End, String> {
        let clock = TestClock::showing(self.wall);
        let state = std::mem::take(&mut self.state).reborn();
        let watch = Watch::new(self.seed, clock, self.folder.path().to_owned(), state);
        let began = watch.at();
        self.trace.line(format!("== started at {}, {:?}", time(self.wall), self.server));
        self.model.starts(began, self.server);
        let mut parts = watch.start().await;
        while let Err(StoreError::InUse(_)) = parts {
            std::thread::sleep(PATIENCE);
            parts = watch.start().await;
        }
        let parts = parts.map_err(|error| format!("no start: {error}"))?;
        // Whatever was closed as it started is seen only now, and is in what is left.
        self.look_on(&watch)?;
        if let Some(before) = self.pruning.take() {
            let left = read::left(&parts.store).map_err(|error| error.to_string())?;
            self.model.pruned(before, &left)?;
        }
        self.look(&parts)?;
        let end = loop {
            let Some(step) = self.next_step(&watch) else { break End::Over };
            self.step += 1;
            self.trace.line(format!("{} {}: {step:?}", self.step, time(watch.at().wall)));
            let dead = tokio::select! {
                biased;
                () = watch.dead.notified() => true,
                done = self.perform(&step, &parts, &watch) => { done?; watch.state().is_dead }
            };
            if dead {
                break End::Crashed;
            }
            self.look_on(&watch)?;
            if let Step::Stop = step {
                break End::Stopped;
            }
            self.model.rests(watch.at())?;
        };
        match end {
            End::Crashed => {
                self.figures.crashes += 1;
                let cut = watch.state().crash.take();
                self.lose(cut.as_ref(), &watch);
                *crash = cut;
                self.look_on(&watch)?;
            }
            End::Stopped => self.figures.restarts += 1,
            End::Over => {
                self.model.is_over()?;
                self.look(&parts)?;
            }
        }
        self.figures.ms += watch.at().mono - began.mono;
        self.figures.count(read::totals(&parts.store));
        self.wall = watch.at().wall;
        self.state = std::mem::take(&mut watch.state());
        Ok(end)
    }

    fn next_step(&mut self, watch: &Watch) -> Option<Step> {
        if self.steps_left > 0 {
            self.steps_left -= 1;
            return Some(self.planner.next(&self.model));
        }
        // In the end all hooks are good, and all that is owed gets there.
        watch.state().crash = None;
        let model = &self.model;
        let ending = self.ending.get_or_insert_with(|| {
            let moods = model.hooks.keys().map(|id| Step::Mood(*id, Mood::Good));
            let enabled = model.hooks.iter().map(|(id, hook)| {
                let mut spec = hook.spec();
                spec["enabled"] = true.into();
                Step::Do(Doing::Update(*id, spec))
            });
            let days = (0..8).map(|_| Step::Pass(86_400_000));
            moods.chain(enabled).chain(days).collect()
        });
        ending.pop_front()
    }

    /// Lets the model see what was seen.
    fn look_on(&mut self, watch: &Watch) -> Result<(), String> {
        let seen = std::mem::take(&mut watch.state().seen);
        for seen in seen {
            self.trace.line(in_words(&seen));
            self.figures.attempts += u64::from(matches!(seen, Seen::Request { .. }));
            self.model.sees(seen)?;
        }
        Ok(())
    }

    /// Compares all that is stored.
    fn look(&mut self, parts: &Parts) -> Result<(), String> {
        self.model.holds(&read::left(&parts.store).map_err(|error| error.to_string())?)
    }

    async fn perform(&mut self, step: &Step, parts: &Parts, watch: &Watch) -> Result<(), String> {
        match step {
            Step::Pass(ms) => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Step::Jump(ms) => {
                watch.clock.jump_ms(*ms);
                self.figures.jumps += 1;
                self.look_on(watch)?;
                self.model.jumps(watch.at());
            }
            Step::Mood(hook, mood) => drop(watch.state().moods.insert(*hook, *mood)),
            Step::Stop => parts.dispatcher.send(Drain).await.expect("a dispatcher"),
            Step::Crash(after) if watch.state().crash.is_none() => watch.arm(&parts.store, *after),
            Step::Crash(_) => {}
            Step::Look => {
                self.look_on(watch)?;
                self.look(parts)?;
            }
            Step::Do(Doing::Prune(age)) => self.prune(*age, parts, watch).await?,
            Step::Do(doing) => {
                self.look_on(watch)?;
                self.model.asks(doing.clone());
                let happened = self.ask(doing, parts, watch).await.map_err(|e| e.to_string())?;
                if !watch.state().is_dead {
                    self.look_on(watch)?;
                    self.model.answered(happened)?;
                }
            }
        }
        Ok(())
    }

    /// Asks the server for something; whether anything was done.
    async fn ask(
        &mut self,
        doing: &Doing,
        parts: &Parts,
        watch: &Watch,
    ) -> Result<bool, StoreError> {
        let journal = &parts.journal;
        let spec = |spec: &Value| Box::new(serde_json::from_value(spec.clone()).expect("a spec"));
        match doing {
            Doing::Post(audits) => self.post(audits, parts).await?,
            Doing::SendNow(record) | Doing::Discard(record) => {
                let by = "tester".to_owned();
                let closed_by = match doing {
                    Doing::SendNow(_) => ClosedBy::SendNow(by),
                    _ => ClosedBy::Discarded { by, reason: "noise".to_owned() },
                };
                let close = CloseByHand { record: read::key(record), closed_by };
                let closed = parts.registry.send(close).await.expect("a registry");
                return closed.transpose().map(|closed| closed.is_some());
            }
            Doing::Create(edit) => {
                let secret = self.secret();
                let change = Configure::CreateIntegration(Account::DEFAULT, spec(edit), secret);
                let changed = journal.configure(change, By::default()).await?;
                let _ = changed.expect("nothing refuses it");
            }
            Doing::Update(id, edit) => {
                let change = Configure::UpdateIntegration(Id::from_u64(*id), spec(edit), None);
                let changed = journal.configure(change, By::default()).await?;
                let _ = changed.expect("nothing refuses it");
            }
            Doing::Delete(id) => {
                let change = Configure::DeleteIntegration(Id::from_u64(*id), None);
                let changed = journal.configure(change, By::default()).await?;
                let _ = changed.expect("nothing refuses it");
            }
            Doing::Redeliver(ids) => {
                let ids = ids.iter().copied().map(Id::from_u64).collect();
                drop(journal.redeliver(ids, "tester").await?);
            }
            Doing::Cancel(id) => drop(journal.cancel(Id::from_u64(*id), "tester").await?),
            Doing::Replay(hook, since) => {
                let config = parts.store.config();
                let marks = read::marks(&parts.store, Id::from_u64(since - 1))?;
                let hook = &config.integrations[&Id::from_u64(*hook)];
                let replays = record::replay(&parts.store, hook, marks)?;
                if replays.is_empty() || watch.state().is_dead {
                    return Ok(false);
                }
                drop(journal.replay(replays, "tester").await?);
            }
            Doing::Prune(_) => unreachable!("done elsewhere"),
        }
        Ok(true)
    }

    async fn post(&self, audits: &[Value], parts: &Parts) -> Result<(), StoreError> {
        let body = serde_json::to_vec(audits).expect("JSON");
        let audits = ingest::audits(&body, Media::Json, &Limits::default()).expect("audits");
        let mut screen = parts.store.screen(Account::DEFAULT);
        let audits = audits.into_iter().map(|draft| NewAudit {
            record: draft.record(Account::DEFAULT),
            learned: screen.news(&draft),
            text: serde_json::to_string(&draft).expect("JSON"),
            id: draft.id,
        });
        let audits = audits.collect();
        parts.journal.append(audits, rule(self.server)).await.map(drop)
    }

    /// Forgets what is older than so many milliseconds, as the server does every now and then.
    async fn prune(&mut self, age: u64, parts: &Parts, watch: &Watch) -> Result<(), String> {
        self.look_on(watch)?;
        let now = watch.at().wall;
        let before = Id::at(Timestamp::from_unix_ms(now - age as i64)).as_u64();
        self.pruning = Some(before);
        self.model.asks(Doing::Prune(before));
        let mut happened = false;
        let (moment, age) = (Timestamp::from_unix_ms(now), Duration::from_millis(age));
        while let Some(prune) =
            parts.store.plan_prune(moment, age, u64::MAX).map_err(|error| error.to_string())?
        {
            parts.journal.prune(prune).await.map_err(|error| error.to_string())?;
            happened = true;
            if watch.state().is_dead {
                return Ok(());
            }
        }
        self.look_on(watch)?;
        self.model.answered(happened)?;
        self.pruning = None;
        let left = read::left(&parts.store).map_err(|error| error.to_string())?;
        self.model.pruned(before, &left)
    }

    fn secret(&mut self) -> Secret {
        use base64::Engine;
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.dice.next().to_le_bytes()).collect();
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!("whsec_{text}").parse().expect("a secret")
    }

    /// The commit that was under way is lost, or not.
    fn lose(&mut self, cut: Option<&Crash>, watch: &Watch) {
        let was_under_way = cut.is_some_and(|cut| cut.synced.1 != cut.written.1);
        let keeps = !was_under_way || self.dice.percent(50);
        self.trace.line(format!("== the power goes; under way {was_under_way}, kept {keeps}"));
        let mut state = watch.state();
        if !keeps {
            let last = state.seen.pop();
            assert!(matches!(last, Some(Seen::Commit { .. })), "a commit was under way");
        }
        state.keeps = keeps;
    }

    /// What the disk holds when the power is back: one of many, all of which must be whole.
    fn power_cut(&mut self, cut: Crash) -> Result<(), String> {
        let keeps = self.state.keeps;
        let ((synced, before), (written, after)) = (cut.synced, cut.written);
        self.figures.sectors += synced.differing(&written) as u64;
        let mut dice = Dice::of(self.seed, &[self.step, 3]);
        let (wanted, whole) = if keeps { (after, &written) } else { (before, &synced) };
        let mut chosen = None;
        for _ in 0..TORN {
            let torn = folder();
            synced.torn(&written, &mut dice).write(torn.path());
            self.figures.torn += 1;
            let disk = patiently(|| Disk::open(torn.path()))
                .map_err(|error| format!("a torn disk: {error}"))?;
            let found = disk.fingerprint();
            drop(disk);
            if found != before && found != after {
                let kept = torn.keep();
                return Err(format!("a torn disk holds something else: {}", kept.display()));
            }
            self.faults(torn.path().to_owned())?;
            if found == wanted {
                chosen = Some(torn);
            }
        }
        self.folder = match chosen {
            Some(torn) => torn,
            None => {
                let whole_again = folder();
                whole.write(whole_again.path());
                whole_again
            }
        };
        Ok(())
    }

    /// What `lull check` finds.
    fn faults(&self, folder: PathBuf) -> Result<(), String> {
        let report = patiently(|| check_folder(&folder));
        let report = report.map_err(|error| format!("no check: {error}"))?;
        match report.faults_count {
            0 => Ok(()),
            count => Err(format!("{count} faults: {:?}", report.faults)),
        }
    }
}

/// Opens a store that was open in this process a moment ago: sled's threads may hold its lock still.
fn patiently<T>(open: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 0..1_000 {
        match open() {
            Err(StoreError::InUse(_)) => std::thread::sleep(PATIENCE),
            opened => return opened,
        }
    }
    open()
}

fn rule(pair: Pair) -> WindowRule {
    WindowRule {
        quiet_period: Duration::from_millis(pair.quiet),
        max_wait: pair.max.map(Duration::from_millis),
    }
}

fn time(wall: i64) -> String {
    Timestamp::from_unix_ms(wall).to_string()
}

fn in_words(seen: &Seen) -> String {
    let at = |at: &At| time(at.wall);
    match seen {
        Seen::Request { at: when, hook, message, .. } => {
            format!("    {} request {message} to {hook}", at(when))
        }
        Seen::Answer { at: when, message, answer } => {
            format!(
                "    {} answer to {message}: {:?} {:?}",
                at(when),
                answer.code,
                answer.retry_after
            )
        }
        Seen::Commit { at: when, commit } => {
            let mut words = format!("    {} commit:", at(when));
            for (place, _) in &commit.accepted {
                words += &format!(" audit {place}");
            }
            for mark in &commit.marks {
                let (by, own, places) = (&mark.by, mark.own, &mark.places);
                words +=
                    &format!(" window {} {:?} {own:?} {by:?} {places:?}", mark.id, mark.record);
            }
            for row in &commit.owed {
                words += &format!(" owed {} to {} {:?}", row.id, row.hook, row.source);
            }
            for row in &commit.gone {
                words += &format!(" gone {} {}", row.id, row.status);
            }
            for (row, attempt) in &commit.settled {
                words += &format!(" attempt {} of {}: {}", attempt.number, row.id, row.status);
                if let Some(due) = row.due {
                    words += &format!(" until {}", time(due));
                }
            }
            if let Some(hooks) = &commit.hooks {
                let enabled = |spec: &Value| spec["enabled"] == Value::Bool(true);
                let hooks: Vec<_> = hooks.iter().map(|(id, spec)| (id, enabled(spec))).collect();
                words += &format!(" hooks {hooks:?}");
            }
            words
        }
    }
}
