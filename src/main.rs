//! The executable: parse the command line, run it, exit code.

use std::process::ExitCode;

use clap::Parser;
use lull::cli::Cli;

/// Gives memory back to the system when a million actors stop; the system's allocator keeps it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = env_logger::Env::default().default_filter_or(cli.default_log_level());
    env_logger::Builder::from_env(filter)
        // Its one error is about hooks that answer with endless headers; the attempt says so.
        .filter_module("actix_http::h1::decoder", log::LevelFilter::Off)
        .init();
    match actix::System::new().block_on(cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lull: {error}");
            ExitCode::FAILURE
        }
    }
}
