//! `lull check`: reads the whole store of a server that does not run, and says what is wrong with it; with
//! `--repair`, makes a new one of what can be read.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;

use super::CliError;
use super::backup::make_private;
use crate::clock::{Clock, SystemClock};
use crate::store::{self, Report, StoreError};

/// The file that lists what could not be read.
const LOST: &str = "not-recovered.txt";
/// What somebody can do about a damaged store.
const WHAT_TO_DO: &str = "`lull check --repair DIR` makes a new store of all that can be read";
/// How much of that is printed.
const PRINTED_MAX: usize = 20;

#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Folder that the server keeps its state in
    #[arg(long, env = "LULL_DATA", value_name = "FOLDER", default_value = "./lull-data")]
    data: PathBuf,
    /// Make a new store in DIR of all that can be read, and list what cannot; DIR has to be empty, or not
    /// there, and the damaged store stays as it is
    #[arg(long, value_name = "DIR")]
    repair: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &CheckArgs) -> Result<(), CliError> {
    let folder = args.data.join("store");
    if let Some(dir) = &args.repair {
        return repair(&args.data, &folder, dir);
    }
    let report = match store::check_folder(&folder) {
        Ok(report) => report,
        Err(error) => {
            say_places(&folder, &error);
            return Err(refused(&folder, &error));
        }
    };
    for fault in &report.faults {
        println!("{fault}");
    }
    let more = report.faults_count - report.faults.len() as u64;
    if more > 0 {
        println!("and {more} more");
    }
    if report.is_unreadable {
        say_places(&folder, &StoreError::Damaged(String::new()));
    } else {
        println!("{}", read(&report));
    }
    match report.faults_count {
        0 => {
            println!("nothing is wrong");
            Ok(())
        }
        1 => Err(CliError::Argument(format!("1 thing is wrong with the store; {WHAT_TO_DO}"))),
        count => Err(CliError::Argument(format!(
            "{count} things are wrong with the store; {WHAT_TO_DO}"
        ))),
    }
}

fn read(report: &Report) -> String {
    let gaps = match report.gaps {
        0 => String::new(),
        gaps => format!("; {gaps} gaps in the list of security events, which a repair left"),
    };
    format!(
        "read {} audits, {} windows, {} messages ({} owed), {} attempts, {} security events{gaps}",
        report.audits, report.windows, report.messages, report.owed, report.attempts, report.events
    )
}

/// Says which places of its files cannot be read, of a store that is damaged.
fn say_places(folder: &Path, error: &StoreError) {
    if matches!(error, StoreError::Damaged(_)) {
        for place in store::unreadable_places(folder).into_iter().take(PRINTED_MAX) {
            println!("{place}");
        }
    }
}

fn refused(folder: &Path, error: &StoreError) -> CliError {
    CliError::Argument(match error {
        StoreError::InUse(_) => {
            format!("data: a server has {} open; stop it first", folder.display())
        }
        StoreError::Damaged(_) => format!("data: {error}; {WHAT_TO_DO}"),
        error => format!("data: {error}"),
    })
}

/// Makes a new store.
fn repair(data: &Path, folder: &Path, dir: &Path) -> Result<(), CliError> {
    if !folder.is_dir() {
        let there = format!("data: there is no store in {}", folder.display());
        return Err(CliError::Argument(there));
    }
    make_private(dir)?;
    // Under another name until it is whole, so that half of it is never taken for a store.
    let part = dir.join("store.part");
    let repaired = store::repair(folder, &part, SystemClock.now());
    let repaired = repaired.inspect_err(|_| drop(fs::remove_dir_all(&part)));
    let repaired = repaired.map_err(|error| match error {
        StoreError::InUse(_) => refused(folder, &error),
        error => CliError::Argument(format!("repair: {error}")),
    })?;
    let mut lines = repaired.lost.join("\n");
    lines.push('\n');
    fs::write(dir.join(LOST), lines)?;
    copy_token(data, dir)?;
    if repaired.report.faults_count > 0 {
        for fault in &repaired.report.faults {
            println!("{fault}");
        }
        let left = format!("the new store does not agree with itself: it is in {}", part.display());
        return Err(CliError::Argument(left));
    }
    fs::rename(&part, dir.join("store"))?;
    File::open(dir)?.sync_all()?;
    for line in repaired.lost.iter().take(PRINTED_MAX) {
        println!("{line}");
    }
    println!("{}", read(&repaired.report));
    let list = dir.join(LOST);
    match repaired.lost_count {
        0 => println!("all of it could be read: the new store is in {}", dir.display()),
        1 => println!("1 thing could not be read, see {}", list.display()),
        count => println!("{count} things could not be read, see {}", list.display()),
    }
    println!("start on it with --data {}", dir.display());
    Ok(())
}

/// The administrator's token goes with the store that knows it.
fn copy_token(data: &Path, dir: &Path) -> Result<(), CliError> {
    let (from, to) = (data.join("admin-token"), dir.join("admin-token"));
    if from.is_file() {
        fs::copy(from, &to)?;
        fs::set_permissions(&to, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}
