//! The executable: parse the command line, run it, exit code.

use std::process::ExitCode;

use clap::Parser;
use lull::cli::Cli;

/// Gives memory back to the system when a million actors stop; the system's allocator keeps it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.start_log();
    match actix::System::new().block_on(cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lull: {error}");
            ExitCode::FAILURE
        }
    }
}
