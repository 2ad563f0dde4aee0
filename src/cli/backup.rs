//! `lull backup`: a copy of a running server, in a folder that another can be started on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use awc::http::Method;
use bytesize::ByteSize;
use clap::Args;
use futures_util::StreamExt;

use super::CliError;
use super::remote::Remote;
use crate::clock::{Clock, SystemClock};
use crate::store::{self, BadBackup, Report, Restore};

/// How long the server may pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);

#[derive(Args, Debug)]
pub struct BackupArgs {
    #[command(flatten)]
    remote: Remote,
    /// Folder to make the copy in; has to be empty, or not there
    dir: PathBuf,
}

/// Runs the command.
pub async fn run(args: BackupArgs) -> Result<(), CliError> {
    let began = SystemClock.monotonic();
    make_private(&args.dir)?;
    // Under another name until it is whole, so that half a copy is never taken for one.
    let part = args.dir.join("store.part");
    let copied = copy(&args.remote, &part).await;
    let (report, bytes) = match copied {
        Ok(done) => done,
        Err(error) => {
            let _ = fs::remove_dir_all(&part);
            return Err(error);
        }
    };
    if report.faults_count > 0 {
        for fault in &report.faults {
            println!("{fault}");
        }
        return Err(CliError::Argument(format!(
            "the server's store has {} things wrong with it, and so has the copy, which is in {}; stop the \
             server and see `lull check`",
            report.faults_count,
            part.display()
        )));
    }
    fs::rename(&part, args.dir.join("store"))?;
    fs::File::open(&args.dir)?.sync_all()?;
    println!(
        "copied {} audits, {} windows, {} messages: {} in {:.1} s; nothing is wrong with the copy in {}",
        report.audits,
        report.windows,
        report.messages,
        ByteSize(bytes).display().iec(),
        (SystemClock.monotonic() - began).as_secs_f64(),
        args.dir.display()
    );
    Ok(())
}

/// A folder with nothing in it, which only its owner may look into.
pub(super) fn make_private(dir: &Path) -> Result<(), CliError> {
    let refused = |error: std::io::Error| {
        CliError::Argument(format!("DIR: cannot use {}: {error}", dir.display()))
    };
    // SAFETY: sets one number of the process, and cannot fail. What is copied holds secrets.
    unsafe { libc::umask(0o077) };
    fs::create_dir_all(dir).map_err(refused)?;
    if fs::read_dir(dir).map_err(refused)?.next().is_some() {
        return Err(CliError::Argument(format!(
            "DIR: {} is not empty; name a folder that is, or that is not there",
            dir.display()
        )));
    }
    Ok(())
}

/// Makes a store of what the server sends, and checks it; how many bytes came.
async fn copy(remote: &Remote, part: &Path) -> Result<(Report, u64), CliError> {
    let failed = |error: BadBackup| CliError::Argument(format!("backup: {error}"));
    let mut answer = remote.answer(Method::POST, "/backup", None).await?;
    let mut restore = Restore::begin(part).map_err(failed)?;
    let mut bytes = 0;
    loop {
        let next = tokio::time::timeout(PAUSE_MAX, answer.next()).await;
        match next.map_err(|_| failed(BadBackup::Cut))? {
            None => break,
            Some(Ok(chunk)) => {
                bytes += chunk.len() as u64;
                restore.take(&chunk).map_err(failed)?;
            }
            // The server has gone.
            Some(Err(_)) => return Err(failed(BadBackup::Cut)),
        }
    }
    restore.finish().map_err(failed)?;
    let report = store::check_folder(part);
    report.map(|report| (report, bytes)).map_err(|error| failed(error.into()))
}
