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
//! - `copies.rs`: backups meanwhile
//! - `kept.rs`: what the server says it has
//! - `checking.rs`, `arrived.rs`: whether all of that agrees

mod arrived;
mod by_hand;
mod checking;
mod configuring;
mod copies;
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
pub use world::Dice;
use world::World;

/// Connections that post at the same time.
const CONNECTIONS: u64 = 4;
/// Rounds of a stretch.
const STRETCH: u64 = 5;
/// What of the history is kept when it is forgotten.
const RETENTION: [&str; 2] = ["--retention-size", "1MiB"];

#[test]
fn sigkill_at_random_moments_loses_and_doubles_nothing() {
    let (rounds, mut dice) = (number("LULL_CRASH_ROUNDS", 20), Dice::of_seed());
    let options = options();
    println!("{}", run_rounds(rounds, &options, &mut dice, &mut |server| drop(server.kill())));
}

/// A number that the environment gives.
pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// How a server is started that is used by [`run_rounds`].
pub fn options() -> Options {
    // Max wait closes windows of records that are edited all the time.
    Options::quiet("200ms").with(&["--max-wait", "500ms"]).logging()
}

/// Uses a server for so many rounds, each of which comes to this end, and looks that nothing is lost or
/// doubled; what there was, in words.
pub fn run_rounds(
    rounds: u64,
    options: &Options,
    dice: &mut Dice,
    end: &mut dyn FnMut(Server),
) -> String {
    let hooks = Hooks::start(dice.another());
    let server = Server::start(options.clone());
    let world = World::new(&server.api, hooks);
    end(server);
    let mut history = History::default();
    let mut round = 0;
    while round < rounds {
        let stretch = STRETCH.min(rounds - round);
        for of_stretch in 0..stretch {
            let forgets = of_stretch == 0 && round > 0;
            let how = Round { number: round, forgets, forgot: of_stretch == 1 && round > 1 };
            play(&how, options, &world, &mut history, dice, end);
            round += 1;
        }
        check(options, &world, stretch == 1, &mut history);
        println!("{}", world.tally());
    }
    assert!(world.counted("acknowledged") > rounds * 5, "hardly anything was posted");
    // A busy machine does little in a round.
    if rounds > 2 * STRETCH {
        assert!(world.counted("pruned") > 0, "nothing was forgotten");
        assert!(world.counted("backups") > 0, "no backup was taken");
    }
    world.tally()
}

/// A round: from a start to an end.
struct Round {
    number: u64,
    /// Whether the server forgets what is old.
    forgets: bool,
    /// Whether it did in the round before.
    forgot: bool,
}

fn play(
    round: &Round,
    options: &Options,
    world: &World,
    history: &mut History,
    dice: &mut Dice,
    end: &mut dyn FnMut(Server),
) {
    let more: &[&str] = if round.forgets { &RETENTION } else { &[] };
    let server = Server::start(options.clone().with(more));
    let (url, api) = (server.url.clone(), server.api.clone());
    // While it forgets, what is there now may be gone a moment later.
    if !round.forgets {
        resumed(&api, world, history, round.forgot);
    }
    // Forgetting takes its time, most of all on a machine that has much else to do.
    let at_least = if round.forgets { 1_000 } else { 50 };
    let live = Duration::from_millis(at_least + dice.roll(1_000));
    std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let place = posting::Place { round: round.number, connection, forgets: round.forgets };
            let (api, dice) = (&api, dice.another());
            scope.spawn(move || posting::until_gone(api, world, place, dice));
        }
        let (one, other, third) = (dice.another(), dice.another(), dice.another());
        scope.spawn(|| records::put_until_gone(&api, world));
        scope.spawn(|| configuring::until_gone(&api, world, one));
        scope.spawn(|| by_hand::until_gone(&api, world, round.forgets, other));
        scope.spawn(|| copies::until_gone((&url, &api), world, round.forgets, third));
        std::thread::sleep(live);
        end(server);
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
    history.begins_as(&world.copies());
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
    posting::settle(world);
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
