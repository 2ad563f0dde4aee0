//! SIGKILL at random moments loses and doubles nothing (D1-D4, R1, R16-R18), whatever is under way.
//!
//! A server is started, used in every way, and killed: a round. After a few rounds, a stretch, it is
//! left alone until nothing is owed any more, and everything that was answered in the stretch is
//! looked for. The first round of a stretch forgets most of what was checked before (retention).
//!
//! Rounds: `LULL_CRASH_ROUNDS` (20). The seed of the random moments is printed, and can be given as
//! `LULL_CRASH_SEED`; threads and disks still decide the rest.
//!
//! - `world.rs`: what was asked and what was answered
//! - `hooks.rs`: the receivers, with moods
//! - `setup.rs`: the integrations
//! - `posting.rs`, `records.rs`, `configuring.rs`, `by_hand.rs`: what is done, each in threads of its own
//! - `kept.rs`: what the server says it has
//! - `checking.rs`, `arrived.rs`: whether all of that agrees

mod arrived;
mod by_hand;
mod checking;
mod configuring;
mod hooks;
mod kept;
mod posting;
mod records;
mod setup;
mod world;

use std::time::Duration;

use crate::harness::{Client, Options, Server, executable, run};
use hooks::Hooks;
use kept::History;
use world::{Dice, World};

/// Connections that post at the same time.
const CONNECTIONS: u64 = 4;
/// Rounds of a stretch.
const STRETCH: u64 = 5;
/// What of the history is kept when it is forgotten.
const RETENTION: [&str; 2] = ["--retention-size", "1MiB"];

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
#[allow(clippy::disallowed_methods)] // a seed that differs from run to run
fn sigkill_at_random_moments_loses_and_doubles_nothing() {
    let since_epoch = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos() as u64;
    let (rounds, seed) =
        (number("LULL_CRASH_ROUNDS", 20), number("LULL_CRASH_SEED", since_epoch | 1));
    println!("{rounds} rounds, seed {seed}");
    let mut dice = Dice(seed | 1);
    let hooks = Hooks::start(dice.another());
    // Max wait closes windows of records that are edited all the time.
    let options = Options::quiet("200ms").with(&["--max-wait", "500ms"]).logging();
    let server = Server::start(options.clone());
    let world = World::new(&server.api, hooks);
    server.kill();
    let mut history = History::default();
    let mut round = 0;
    while round < rounds {
        let stretch = STRETCH.min(rounds - round);
        for of_stretch in 0..stretch {
            let forgets = of_stretch == 0 && round > 0;
            let how = Round { number: round, forgets, forgot: of_stretch == 1 && round > 1 };
            play(&how, &options, &world, &mut history, &mut dice);
            round += 1;
        }
        check(&options, &world, stretch == 1, &mut history);
    }
    println!("{rounds} rounds, seed {seed}: {}", world.tally());
    assert!(world.counted("acknowledged") > rounds * 5, "hardly anything was posted");
    assert!(rounds <= STRETCH || world.counted("pruned") > 0, "nothing was forgotten");
}

/// A round: from a start to a SIGKILL.
struct Round {
    number: u64,
    /// Whether the server forgets what is old.
    forgets: bool,
    /// Whether it did in the round before.
    forgot: bool,
}

fn play(round: &Round, options: &Options, world: &World, history: &mut History, dice: &mut Dice) {
    let more: &[&str] = if round.forgets { &RETENTION } else { &[] };
    let server = Server::start(options.clone().with(more));
    let api = server.api.clone();
    // While it forgets, what is there now may be gone a moment later.
    if !round.forgets {
        resumed(&api, world, history, round.forgot);
    }
    let live = Duration::from_millis(50 + dice.roll(1_000));
    std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let place = posting::Place { round: round.number, connection, forgets: round.forgets };
            let (api, dice) = (&api, dice.another());
            scope.spawn(move || posting::until_gone(api, world, place, dice));
        }
        let (one, other) = (dice.another(), dice.another());
        scope.spawn(|| records::put_until_gone(&api, world));
        scope.spawn(|| configuring::until_gone(&api, world, one));
        scope.spawn(|| by_hand::until_gone(&api, world, round.forgets, other));
        std::thread::sleep(live);
        server.kill();
    });
    check_store(options);
    world.count("rounds", 1);
}

/// A server that was killed is there again: what was answered is there, and what was not answered is
/// asked again.
fn resumed(api: &Client, world: &World, history: &mut History, forgot: bool) {
    if forgot {
        world.count("pruned", history.read_what_is_left(api));
        world.stretch.lock().unwrap().forgotten = kept::newest_message(api);
    }
    history.read_on(api);
    history.has_all(&world.acknowledged());
    configuring::check(api, world);
    records::check_kept(api, world);
    posting::repeat_what_was_not_answered(api, world);
}

/// Lets everything come to its end, and looks at all of it.
fn check(options: &Options, world: &World, forgot: bool, history: &mut History) {
    let server = Server::start(options.clone());
    let api = &server.api;
    world.hooks.calm(true);
    resumed(api, world, history, forgot);
    configuring::settle(api, world);
    server.settled();
    records::settle(api, world);
    server.settled();
    history.read_on(api);
    checking::check(api, world, history);
    check_store(&server.stop());
    world.hooks.calm(false);
}

/// Nothing that is stored contradicts anything else.
fn check_store(options: &Options) {
    let checked = run(executable().arg("check").arg("--data").arg(options.data()));
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
}
