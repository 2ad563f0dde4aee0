//! Drives the core by a seed, life after life, with the model looking on.

use std::collections::VecDeque;
use std::time::Duration;

use tempfile::TempDir;

use super::Figures;
use super::dice::Dice;
use super::hooks::Mood;
use super::life::{Crash, State, Watch};
use super::model::{Doing, Model};
use super::plan::{Planner, Step, server_pair};
use super::power::{PATIENCE, faults, folder};
use super::read;
use super::seen::{Pair, Seen};
use super::trace::{Trace, in_words, time};
use crate::delivery::Drain;
use crate::store::StoreError;
use crate::testing::parts::Parts;
use crate::testing::world::TestClock;

/// When a run begins.
const BEGINNING: i64 = 1_772_440_000_000;

/// One seed in so many is about security events.
const SEED_OF_EVENTS: u64 = 8;

/// A run of one seed.
pub struct Run {
    pub(super) seed: u64,
    pub(super) dice: Dice,
    planner: Planner,
    pub(super) model: Model,
    pub(super) server: Pair,
    pub(super) folder: TempDir,
    wall: i64,
    steps_left: u64,
    pub(super) step: u64,
    ending: Option<VecDeque<Step>>,
    /// What is older than this was being pruned when the server stopped.
    pub(super) pruning: Option<u64>,
    pub(super) state: State,
    pub(super) trace: Trace,
    pub figures: Figures,
}

/// How a life ends.
enum End {
    Stopped,
    Crashed,
    Over,
}

impl Run {
    pub fn new(seed: u64, steps: u64) -> Run {
        let mut dice = Dice::of(seed, &[1]);
        let server = server_pair(&mut dice);
        Run {
            seed,
            planner: Planner::new(
                Dice::of(seed, &[2]),
                server,
                seed.is_multiple_of(SEED_OF_EVENTS),
            ),
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
        match faults(self.folder.path()) {
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
        let mut state = std::mem::take(&mut self.state).reborn();
        if self.steps_left > 0 && self.dice.percent(15) {
            state.crash_at_start = Some(self.dice.below(3));
        }
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
        if !watch.state().is_dead {
            self.has_started(&parts, &watch)?;
        }
        let end = loop {
            if watch.state().is_dead {
                break End::Crashed;
            }
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

    /// What was closed as it started is seen, and all that is stored looked at.
    fn has_started(&mut self, parts: &Parts, watch: &Watch) -> Result<(), String> {
        self.look_on(watch)?;
        self.has_pruned(parts)?;
        self.look(parts)
    }

    /// Some of what may be forgotten has gone, if that was asked for.
    fn has_pruned(&mut self, parts: &Parts) -> Result<(), String> {
        let Some(before) = self.pruning.take() else { return Ok(()) };
        let left = read::left(&parts.store).map_err(|error| error.to_string())?;
        self.model.pruned(before, &left, false)
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
            // Attempts that are under way still fail, and may be the last that disables an integration.
            moods.chain([Step::Pass(600_000)]).chain(enabled).chain(days).collect()
        });
        ending.pop_front()
    }

    /// Lets the model see what was seen.
    pub(super) fn look_on(&mut self, watch: &Watch) -> Result<(), String> {
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
                self.model.jumps(watch.at(), *ms);
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
                let doing = self.at_this_moment(doing, watch.at().wall);
                self.model.asks(doing.clone());
                let happened = self.ask(&doing, parts, watch).await.map_err(|e| e.to_string())?;
                if !watch.state().is_dead {
                    self.look_on(watch)?;
                    self.model.answered(happened)?;
                    self.has_pruned(parts)?;
                }
            }
        }
        Ok(())
    }
}
