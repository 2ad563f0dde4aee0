//! `cargo bench`: how fast the real executable is on this machine, over loopback.
//!
//! Every measure of every run starts the release executable on a fresh folder, loads it with a
//! generator that shares the machine's cores with it, and stops it. What is printed are medians and
//! ranges over the runs. Figures of different machines, or of a busy one, do not compare; what does
//! is the ratio to the rival that is measured in the same run.
//!
//! ```text
//! cargo bench                            everything, a few minutes
//! cargo bench -- singles deliveries      only these measures
//! cargo bench -- --quick                 small and once: whether it works, not how fast it is
//! cargo bench -- log --messages=10000000 the log, so many messages long
//! cargo bench -- --fill=folder           measures nothing; leaves a long log there, to look at
//! ```
//!
//! | file | owns |
//! | --- | --- |
//! | `plan` | the command line; how much, how long, how often |
//! | `measures/` | what is measured, a file each |
//! | `report` | figures, and the table of them |
//! | `server` | the executable: start, calls, memory, stop |
//! | `generator` | load: many connections, one outstanding request each |
//! | `filling` | a store full of messages |
//! | `story` | what those messages say |
//! | `request` | the bytes of requests, made beforehand |
//! | `receiver` | a hook that answers 200 at once |
//! | `http` | as much HTTP/1.1 as that takes |
//! | `clock` | the time |
//! | `failure` | why a run ended early |

mod clock;
mod failure;
mod filling;
mod generator;
mod http;
mod measures;
mod plan;
mod receiver;
mod report;
mod request;
mod server;
mod story;

use std::path::Path;
use std::process::ExitCode;

use failure::Failure;
use plan::{Plan, Wish};
use report::Report;

fn main() -> ExitCode {
    let plan = match Plan::of(std::env::args().skip(1)) {
        Ok(Wish::Measure(plan)) => plan,
        Ok(Wish::Fill(folder, messages)) => return fill(&folder, messages),
        Ok(Wish::Nothing) => {
            println!("nothing is measured; `cargo bench` does");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    let ended = measure(&plan, &mut report);
    print!("{report}");
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("failed: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn fill(folder: &Path, messages: u64) -> ExitCode {
    match filling::fill(folder, messages) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("failed: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what the plan asks for. Run by run, not measure by measure, so that a machine that is busy
/// for a while shows in the range of every figure instead of in the median of one.
fn measure(plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    for run in 1..=plan.runs {
        let runs_left = plan.runs - run;
        for measure in plan.measures.iter().filter(|measure| runs_left < measure.runs_max()) {
            eprintln!("run {run}: {}", measure.name());
            for figure in measure.take(plan)? {
                report.add(figure);
            }
        }
    }
    Ok(())
}
