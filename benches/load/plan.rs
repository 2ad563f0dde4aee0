//! The command line; how much, how long, how often.

use std::path::PathBuf;
use std::time::Duration;

use crate::measures::Measure;

/// What is to be measured, and how thoroughly.
pub struct Plan {
    /// What, in this order.
    pub measures: Vec<Measure>,
    /// How often; a measure may bound that for itself.
    pub runs: u32,
    /// How long load runs before it counts.
    pub warm_up: Duration,
    /// How long load runs that counts.
    pub load: Duration,
    /// Messages to deliver.
    pub deliveries: u64,
    /// Open windows at which memory is read, ascending.
    pub windows: [u64; 2],
    /// Messages in a long log.
    pub messages: u64,
}

/// What the command line asks for.
pub enum Wish {
    /// To measure.
    Measure(Plan),
    /// To leave a log of so many messages in a folder.
    Fill(PathBuf, u64),
    /// Nothing: this is not `cargo bench` but a test run that includes benches.
    Nothing,
}

impl Plan {
    /// Reads the command line, without the program's name. The error is for people.
    pub fn of(arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
        let (mut is_bench, mut is_quick, mut measures) = (false, false, Vec::new());
        let (mut messages, mut folder) = (None, None);
        for argument in arguments {
            let (option, value) = argument.split_once('=').unwrap_or((&argument, ""));
            match (option, Measure::named(&argument)) {
                // Added by `cargo bench`, and only by that.
                ("--bench", _) => is_bench = true,
                ("--quick", _) => is_quick = true,
                ("--messages", _) => {
                    messages = Some(value.parse().map_err(|_| usage(&argument))?);
                }
                ("--fill", _) => folder = Some(PathBuf::from(value)),
                (_, Some(measure)) if !measures.contains(&measure) => measures.push(measure),
                (_, Some(_)) => {}
                (_, None) => return Err(usage(&argument)),
            }
        }
        if !is_bench {
            return Ok(Wish::Nothing);
        }
        if measures.is_empty() {
            measures = Measure::ALL.to_vec();
        }
        let mut plan = if is_quick { Plan::quick(measures) } else { Plan::thorough(measures) };
        plan.messages = messages.unwrap_or(plan.messages);
        Ok(match folder {
            Some(folder) => Wish::Fill(folder, plan.messages),
            None => Wish::Measure(plan),
        })
    }

    fn thorough(measures: Vec<Measure>) -> Plan {
        Plan {
            measures,
            runs: 3,
            warm_up: Duration::from_secs(1),
            load: Duration::from_secs(5),
            deliveries: 60_000,
            windows: [100_000, 1_000_000],
            messages: 1_000_000,
        }
    }

    fn quick(measures: Vec<Measure>) -> Plan {
        Plan {
            measures,
            runs: 1,
            warm_up: Duration::from_millis(300),
            load: Duration::from_secs(1),
            deliveries: 5_000,
            windows: [10_000, 100_000],
            messages: 50_000,
        }
    }
}

fn usage(unknown: &str) -> String {
    let names: Vec<&str> = Measure::ALL.iter().map(|measure| measure.name()).collect();
    format!(
        "{unknown:?} is not a measure; usage: cargo bench -- [--quick] [--messages=N] [--fill=FOLDER] [{}]",
        names.join("|")
    )
}
