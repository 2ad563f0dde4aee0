//! The whole core through simulated years, by a seed: without sockets, threads or real time, with receivers
//! that fail, clocks that jump, and disks that lose their power. After every step a naive model says what
//! must be so.
//!
//! - `plan/`: what happens next, by the `dice.rs`; `hooks.rs`: receivers that fail
//! - `run.rs`: drives the core through it; `life.rs`: from one start of it to its stop, looked at;
//!   `asking.rs`: what is asked of it meanwhile
//! - `power.rs`, `disk.rs`: a power cut, and what it leaves
//! - `seen.rs`, `read.rs`, `trace.rs`: what is seen of the core, as plain data and in words
//! - `model/`: what must be so
//!
//! `LULL_SIM_SEED=7 cargo test --lib simulation` runs one seed again, `LULL_SIM_SEEDS=1000` so many,
//! `LULL_SIM_MINUTES=60` as many as there is time for, from `LULL_SIM_FROM` on.

mod asking;
mod dice;
mod disk;
mod hooks;
mod life;
mod model;
mod plan;
mod power;
mod read;
mod run;
mod seen;
mod trace;

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use run::Run;

/// Seeds that are run where nothing else is asked for.
const SEEDS: u64 = 40;
/// Steps of a seed.
const STEPS: u64 = 250;

/// What was run through.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    seeds: u64,
    /// Simulated time.
    ms: u64,
    audits: u64,
    windows: u64,
    messages: u64,
    attempts: u64,
    crashes: u64,
    restarts: u64,
    jumps: u64,
    /// Disks that were torn, and sectors that were under way.
    torn: u64,
    sectors: u64,
}

impl Figures {
    /// Takes over what the store has counted.
    fn count(&mut self, totals: [u64; 8]) {
        let [audits, _, windows, messages, ..] = totals;
        (self.audits, self.windows, self.messages) = (audits, windows, messages);
    }

    fn add(&mut self, other: &Figures) {
        self.seeds += 1;
        self.ms += other.ms;
        self.audits += other.audits;
        self.windows += other.windows;
        self.messages += other.messages;
        self.attempts += other.attempts;
        self.crashes += other.crashes;
        self.restarts += other.restarts;
        self.jumps += other.jumps;
        self.torn += other.torn;
        self.sectors += other.sectors;
    }

    fn told(&self, took: Duration) -> String {
        let years = self.ms as f64 / 1_000.0 / 86_400.0 / 365.25;
        let an_hour = |count: f64| count * 3_600.0 / took.as_secs_f64().max(0.001);
        format!(
            "simulation: {} seeds in {:.1} s: {years:.2} years, {} audits, {} windows, {} messages, \
             {} attempts, {} crashes ({} torn disks, {} sectors under way), {} restarts, {} clock jumps; \
             an hour: {:.0} years, {:.0} windows, {:.0} crashes",
            self.seeds,
            took.as_secs_f64(),
            self.audits,
            self.windows,
            self.messages,
            self.attempts,
            self.crashes,
            self.torn,
            self.sectors,
            self.restarts,
            self.jumps,
            an_hour(years),
            an_hour(self.windows as f64),
            an_hour(self.crashes as f64),
        )
    }
}

/// A number from the environment.
fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs one seed; what is wrong, if anything is, also where the product itself gave up.
fn run(seed: u64, steps: u64) -> Result<(Figures, u64), String> {
    let run = AssertUnwindSafe(|| Run::new(seed, steps).run());
    std::panic::catch_unwind(run).unwrap_or_else(|panic| {
        let what = panic.downcast_ref::<String>().map(String::as_str);
        let what = what.or(panic.downcast_ref::<&str>().copied()).unwrap_or("?");
        Err(format!("seed {seed} panicked: {what}\nAgain: LULL_SIM_SEED={seed}"))
    })
}

/// Runs these seeds side by side, until all are run or `is_over`; what is wrong, by the seed.
fn run_all(
    seeds: Range<u64>,
    steps: u64,
    is_over: impl Fn() -> bool + Sync,
) -> (Figures, BTreeMap<u64, String>) {
    let next = AtomicU64::new(seeds.start);
    let done = Mutex::new((Figures::default(), BTreeMap::new()));
    let worker = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || is_over() {
                return;
            }
            let result = run(seed, steps);
            let mut done = done.lock().expect("nobody panics with it");
            match result {
                Ok((of_seed, _)) => done.0.add(&of_seed),
                Err(what) => drop(done.1.insert(seed, what)),
            }
        }
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(worker))));
    done.into_inner().expect("nobody panicked with it")
}

#[test]
#[allow(clippy::disallowed_methods)] // how long it takes is told, and decides nothing but when to stop
fn simulated_years_with_crashes_and_failing_hooks_agree_with_the_naive_model() {
    let began = std::time::Instant::now();
    let steps = asked("LULL_SIM_STEPS").unwrap_or(STEPS);
    let from = asked("LULL_SIM_FROM").unwrap_or(1);
    let minutes = asked("LULL_SIM_MINUTES").map(|minutes| Duration::from_secs(minutes * 60));
    let seeds = match (asked("LULL_SIM_SEED"), asked("LULL_SIM_SEEDS"), minutes) {
        (Some(seed), ..) => seed..seed + 1,
        (None, Some(seeds), _) => from..from + seeds,
        (None, None, Some(_)) => from..u64::MAX,
        (None, None, None) => from..from + SEEDS,
    };
    let is_over = || minutes.is_some_and(|minutes| began.elapsed() >= minutes);
    let (figures, failed) = run_all(seeds, steps, is_over);
    println!("{}", figures.told(began.elapsed()));
    let seeds: Vec<u64> = failed.keys().copied().collect();
    if let Some(first) = failed.values().next() {
        panic!("{} seeds failed: {seeds:?}\n{first}", seeds.len());
    }
}

#[test]
fn the_same_seed_runs_the_same_way_twice() {
    for seed in [3, 4] {
        let (one, other) = (run(seed, STEPS), run(seed, STEPS));
        let (one, other) = (one.map(|(_, trace)| trace), other.map(|(_, trace)| trace));
        assert_eq!(one, other, "seed {seed}");
    }
}
