//! `lull check`: reads the whole store of a server that does not run, and says what is wrong with it.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use crate::store::{self, StoreError};

#[derive(Args, Debug)]
pub struct CheckArgs {
    /// Folder that the server keeps its state in
    #[arg(long, env = "LULL_DATA", value_name = "FOLDER", default_value = "./lull-data")]
    data: PathBuf,
}

/// Runs the command.
pub fn run(args: &CheckArgs) -> Result<(), CliError> {
    let folder = args.data.join("store");
    let report = store::check_folder(&folder).map_err(|error| match error {
        StoreError::InUse(_) => CliError::Argument(format!(
            "data: a server has {} open; stop it first",
            folder.display()
        )),
        error => CliError::Argument(format!("data: {error}")),
    })?;
    for fault in &report.faults {
        println!("{fault}");
    }
    let more = report.faults_count - report.faults.len() as u64;
    if more > 0 {
        println!("and {more} more");
    }
    println!(
        "read {} audits, {} windows, {} messages ({} owed), {} attempts, {} security events",
        report.audits, report.windows, report.messages, report.owed, report.attempts, report.events
    );
    match report.faults_count {
        0 => {
            println!("nothing is wrong");
            Ok(())
        }
        1 => Err(CliError::Argument("1 thing is wrong with the store".to_owned())),
        count => Err(CliError::Argument(format!("{count} things are wrong with the store"))),
    }
}
