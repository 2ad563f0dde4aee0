//! Instructions that the pure core takes, counted by valgrind: the same however busy the machine is, so
//! that a regression shows without noise.
//!
//! ```text
//! cargo bench --bench core                                       counts, and what changed since the last time
//! IAI_CALLGRIND_SAVE_BASELINE=main cargo bench --bench core      keeps the counts under a name
//! IAI_CALLGRIND_BASELINE=main cargo bench --bench core           compares with them
//! ```
//!
//! Needs `valgrind` and `cargo install iai-callgrind-runner --version =0.16.1`; without them it says so and
//! counts nothing. `material` has what is given to the functions. All of them have run once before they
//! are counted, so that what is only done once (tables, the allocator's first pages) is not.

mod counted;
mod material;

use std::process::{Command, ExitCode, Stdio};

/// Counts, or is counted. The macro looks for this bench by the file it stands in, so it stands here.
mod runner {
    use iai_callgrind::{Callgrind, LibraryBenchmarkConfig};

    use crate::counted::pure;

    iai_callgrind::main!(
        config = LibraryBenchmarkConfig::default()
            // Instructions alone: what caches do is the machine's affair.
            .tool(Callgrind::with_args(["--cache-sim=no"]));
        library_benchmark_groups = pure
    );

    pub fn run() {
        main();
    }
}

/// What iai-callgrind runs this program with when it is to be measured.
const RUN: &str = "--iai-run";
/// Its other half.
const RUNNER: &str = match option_env!("IAI_CALLGRIND_RUNNER") {
    Some(path) => path,
    None => "iai-callgrind-runner",
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == RUN) {
        runner::run();
        return ExitCode::SUCCESS;
    }
    // Anything else is meant for the other bench, or this is a test run that includes benches.
    if arguments != ["--bench"] {
        println!("nothing is counted; `cargo bench --bench core` does");
        return ExitCode::SUCCESS;
    }
    for program in [RUNNER, "valgrind"] {
        if !is_there(program) {
            println!("nothing is counted: there is no {program}; see benches/core/main.rs");
            return ExitCode::SUCCESS;
        }
    }
    runner::run();
    ExitCode::SUCCESS
}

fn is_there(program: &str) -> bool {
    let mut command = Command::new(program);
    let started = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    started.is_ok()
}
