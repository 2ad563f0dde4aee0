//! Damaged stores (D7): any byte of any file changed, files cut, missing or empty. Each is named by
//! `lull check`, or nothing of what was stored is touched by it; nothing panics, nothing is silent; and
//! `lull check --repair` saves what can be read, makes nothing up, and what it makes is whole.

mod harm;
mod rows;
mod store;

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::harness::{Options, Server, executable, run};
use harm::{Harm, Random};
use rows::Rows;
use store::Made;

/// Rounds, unless `LULL_DAMAGE_ROUNDS` says otherwise; `LULL_DAMAGE_SEED` is that of the first.
const ROUNDS: u64 = 12;
/// Servers are started in one of so many rounds, where there are few.
const STARTS_EVERY: u64 = 6;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn whatever_is_damaged_is_named_and_what_can_be_read_is_saved() {
    let rounds = number("LULL_DAMAGE_ROUNDS");
    let first = number("LULL_DAMAGE_SEED").unwrap_or(1);
    let made = [store::stopped(), store::killed()];
    let mut tally = Tally::default();
    for seed in first..first + rounds.unwrap_or(ROUNDS) {
        let mut random = Random::new(seed);
        let made = &made[random.below(2) as usize];
        let starts = rounds.is_some() || seed % STARTS_EVERY == 0;
        let round = std::panic::AssertUnwindSafe(|| round(made, &mut random, starts, &mut tally));
        if let Err(panicked) = std::panic::catch_unwind(round) {
            println!("again with LULL_DAMAGE_SEED={seed} LULL_DAMAGE_ROUNDS=1");
            std::panic::resume_unwind(panicked);
        }
    }
    println!("{tally:?}");
}

/// What came of the rounds.
#[derive(Debug, Default)]
struct Tally {
    harmless: u64,
    named: u64,
    refused_starts: u64,
    served: u64,
    rows: u64,
    rows_saved: u64,
    fewest_saved_percent: Option<u64>,
}

fn round(made: &Made, random: &mut Random, starts: bool, tally: &mut Tally) {
    let damaged = Folder::copy_of(&made.data);
    let harm = Harm::random(&damaged.store(), random);
    harm.does(&damaged.store());
    let is_named = check(&damaged, &harm, made, tally);
    if starts {
        start(&damaged, &harm, made, is_named, tally);
    }
    repair(&damaged, &harm, made, is_named, starts, tally);
}

/// A copy of a data folder.
struct Folder(tempfile::TempDir);

impl Folder {
    fn empty() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn copy_of(data: &Path) -> Folder {
        let folder = Folder::empty();
        store::copy(data, &folder.data());
        folder
    }

    fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    fn store(&self) -> PathBuf {
        self.data().join("store")
    }
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn check_of(data: &Path) -> Output {
    run(executable().arg("check").arg("--data").arg(data))
}

/// Either it is named, or all is there. Whether it is named.
fn check(damaged: &Folder, harm: &Harm, made: &Made, tally: &mut Tally) -> bool {
    let looked_at = Folder::copy_of(&damaged.data());
    let checked = check_of(&looked_at.data());
    let said = said(&checked);
    is_calm(&checked, harm);
    if checked.status.success() {
        assert!(Rows::read(&looked_at.store()) == made.rows, "silence: {harm:?}: {said}");
        assert!(said.contains("nothing is wrong"), "{said}");
        tally.harmless += 1;
    } else {
        let is_said =
            said.contains("the store is damaged") || said.contains("wrong with the store");
        assert!(is_said && said.contains("--repair"), "{harm:?}: {said}");
        tally.named += 1;
    }
    !checked.status.success()
}

/// Nothing panics, whatever is said.
fn is_calm(output: &Output, harm: &Harm) {
    let said = said(output);
    assert!(output.status.code().is_some_and(|code| code < 2), "{harm:?}: {output:?}");
    assert!(!said.contains("panicked"), "{harm:?}: {said}");
}

/// A start ends with a line that says why, or serves all that there was.
fn start(damaged: &Folder, harm: &Harm, made: &Made, is_named: bool, tally: &mut Tally) {
    let started = Folder::copy_of(&damaged.data());
    if is_named {
        let serve = ["serve", "--listen", "127.0.0.1:0", "--data"];
        let ended = run(executable().args(serve).arg(started.data()));
        let said = said(&ended);
        is_calm(&ended, harm);
        assert!(said.starts_with("lull: data: the store is damaged: "), "{harm:?}: {said}");
        assert!(said.lines().count() == 1 && said.contains("lull check"), "{harm:?}: {said}");
        tally.refused_starts += 1;
        return;
    }
    serves(&started, harm);
    let rows = Rows::read(&started.store());
    assert!(rows.holds_all_of(&made.rows), "silence of a start: {harm:?}");
    tally.served += 1;
}

/// A server starts on it, and goes.
fn serves(folder: &Folder, harm: &Harm) {
    let options = Options::quiet("1h").at(folder.data()).logging();
    let options = Server::start(options).kill();
    let log = std::fs::read_to_string(options.log()).expect("a log");
    assert!(!log.contains("panicked"), "{harm:?}: {log}");
}

fn repair(
    damaged: &Folder,
    harm: &Harm,
    made: &Made,
    is_named: bool,
    starts: bool,
    tally: &mut Tally,
) {
    let before = harm::contents(&damaged.store());
    let saved = Folder::empty();
    let command = ["check", "--data"];
    let repaired =
        run(executable().args(command).arg(damaged.data()).arg("--repair").arg(saved.data()));
    let words = said(&repaired);
    is_calm(&repaired, harm);
    assert!(repaired.status.success(), "{harm:?}: {words}");
    assert!(harm::contents(&damaged.store()) == before, "{harm:?}: the damaged store was changed");
    let list = std::fs::read_to_string(saved.data().join("not-recovered.txt")).expect("a list");
    let checked = check_of(&saved.data());
    assert!(checked.status.success(), "{harm:?}: {}{words}", said(&checked));
    let rows = Rows::read(&saved.store());
    rows.are_of(&made.rows, harm);
    let (there, all) = (rows.primary(), made.rows.primary());
    assert!(there == all || !list.trim().is_empty(), "{harm:?}: rows are gone, and nobody says so");
    if !is_named {
        assert!(rows.holds_all_of_what_is_kept(&made.rows), "{harm:?}: {list}");
    }
    let percent = there * 100 / all;
    if harm.is_small() {
        assert!(percent >= 50, "{harm:?}: {there} of {all} rows: {list}");
        let fewest = tally.fewest_saved_percent.unwrap_or(100);
        tally.fewest_saved_percent = Some(fewest.min(percent));
    }
    (tally.rows, tally.rows_saved) = (tally.rows + all, tally.rows_saved + there);
    if starts {
        serves(&saved, harm);
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    let made = store::small();
    for name in ["conf", "db", "synced"] {
        let folder = Folder::copy_of(&made.data);
        std::fs::remove_file(folder.store().join(name)).expect("removed");
        let checked = check_of(&folder.data());
        let said = said(&checked);
        assert!(!checked.status.success(), "{said}");
        assert!(said.contains(&format!("the file {name} is missing")), "{said}");
    }
}

/// Keeps a store that failed a test, to be looked at; says where.
fn kept(data: &Path) -> String {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kept-{}", std::process::id()));
    store::copy(data, &folder);
    format!("\nThe store is kept in {}", folder.display())
}

#[test]
fn a_store_that_is_whole_is_saved_row_for_row() {
    for made in [store::stopped(), store::killed()] {
        let saved = Folder::empty();
        let repaired = run(executable()
            .arg("check")
            .arg("--data")
            .arg(&made.data)
            .arg("--repair")
            .arg(saved.data()));
        let said = said(&repaired);
        let is_all = repaired.status.success() && said.contains("all of it could be read");
        assert!(is_all, "{said}{}", kept(&made.data));
        let rows = Rows::read(&saved.store());
        assert!(rows.holds_all_of_what_is_kept(&made.rows));
        assert_eq!(rows.primary(), made.rows.primary());
        // Into a folder that holds something nothing is written.
        let again = run(executable()
            .arg("check")
            .arg("--data")
            .arg(&made.data)
            .arg("--repair")
            .arg(saved.data()));
        assert!(!again.status.success());
        let owner = std::fs::metadata(saved.data().join("admin-token")).expect("the token's file");
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&owner.permissions()) & 0o777, 0o600);
    }
}
