//! `cargo bench`: how fast the real executable is on this machine, over loopback.
//!
//! Every measure of every run starts the release executable on a fresh folder, loads it with a
//! generator that shares the machine's cores with it, and stops it. What is printed are medians and
//! ranges over the runs. Figures of different machines, or of a busy one, do not compare; what does
//! is the ratio to the rival that is measured in the same run.
//!
//! ```text
//! cargo bench                            everything, in less than 20 minutes
//! cargo bench -- --write=FILE            and writes it down as a page (docs/performance.md)
//! cargo bench -- singles deliveries      only these measures
//! cargo bench -- --quick                 small and once: whether it works, not how fast it is
//! cargo bench -- log --messages=10000000 the log, so many messages long
//! cargo bench -- growth --history=10000000 the same for the history
//! cargo bench -- --fill=folder           measures nothing; leaves a long log there, to look at
//! ```
//!
//! | file | owns |
//! | --- | --- |
//! | `plan` | the command line; how much, how long, how often |
//! | `measures/` | what is measured, a file each |
//! | `report`, `units` | figures, and the table of them |
//! | `machine` | what it is measured on |
//! | `page` | the page with the table and how it came about |
//! | `server`, `process` | the executable: start, calls, memory, processor, stop |
//! | `no_store` | what it is compared with |
//! | `generator`, `pace` | load: many connections, one outstanding request each; when they begin |
//! | `filling`, `story` | a store full of messages, and what they say |
//! | `past` | a store full of audits |
//! | `request`, `prose` | the bytes of requests, made beforehand; what they say |
//! | `receiver`, `arrivals` | hooks that answer 200, and what came to them, and when |
//! | `http` | as much HTTP/1.1 as that takes |
//! | `clock` | the time |
//! | `failure` | why a run ended early |

mod arrivals;
mod clock;
mod failure;
mod filling;
mod generator;
mod http;
mod machine;
mod measures;
mod no_store;
mod pace;
mod page;
mod past;
mod plan;
mod process;
mod prose;
mod receiver;
mod report;
mod request;
mod server;
mod story;
mod units;

use std::path::Path;
use std::process::ExitCode;

use failure::Failure;
use machine::Machine;
use plan::{Plan, Wish};
use report::Report;

/// As the executable has it, so that the rival has it as well.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let plan = match Plan::of(std::env::args().skip(1)) {
        Ok(Wish::Measure(plan)) => plan,
        Ok(Wish::Fill(folder, messages)) => return exit(filling::fill(&folder, messages)),
        Ok(Wish::BeRival) => return no_store::serve(),
        Ok(Wish::Nothing) => {
            println!("nothing is measured; `cargo bench` does");
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("{wrong}");
            return ExitCode::from(2);
        }
    };
    exit(run(&plan))
}

fn exit(ended: Result<(), Failure>) -> ExitCode {
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("failed: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Measures, and tells what came of it: also of a run that ended early, but no page is made of that.
fn run(plan: &Plan) -> Result<(), Failure> {
    let machine = Machine::look()?;
    if let Some(busy) = machine.busy() {
        eprintln!("{busy}");
    }
    let mut report = Report::default();
    let ended = measure(plan, &mut report);
    print!("\nLull {}, on {machine}\n\n{report}", env!("CARGO_PKG_VERSION"));
    ended?;
    match &plan.write {
        Some(file) => write(file, &page::text(&machine, plan, &report)),
        None => Ok(()),
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(file, text).map_err(Failure::system("writing the page"))
}

/// Runs what the plan asks for. Run by run, not measure by measure, so that a machine that is busy
/// for a while shows in the range of every figure instead of in the median of one. A measure that
/// cannot be taken does not keep others from being taken.
fn measure(plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let begun = clock::now();
    let mut ended = Ok(());
    for run in 1..=plan.runs {
        let runs_left = plan.runs - run;
        for (number, measure) in plan.measures.iter().enumerate() {
            if runs_left >= measure.runs_max {
                continue;
            }
            let seconds = (clock::now() - begun).as_secs();
            eprintln!("{seconds:4} s  run {run}: {}", measure.name);
            match (measure.take)(plan) {
                Ok(figures) => figures.into_iter().for_each(|figure| report.add(number, figure)),
                Err(failure) => {
                    eprintln!("        {} failed: {failure}", measure.name);
                    ended = Err(Failure::Wrong("not all of it could be measured".to_owned()));
                }
            }
        }
    }
    eprintln!("{:4} s  done", (clock::now() - begun).as_secs());
    ended
}
