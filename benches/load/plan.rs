//! The command line; how much, how long, how often.

use std::path::PathBuf;
use std::time::Duration;

use crate::measures::{self, Measure};
use crate::no_store;

/// What is to be measured, and how thoroughly.
pub struct Plan {
    /// What, in this order.
    pub measures: Vec<&'static Measure>,
    /// How often; a measure may bound that for itself.
    pub runs: u32,
    /// How long load runs before it counts.
    pub warm_up: Duration,
    /// How long load runs that counts.
    pub load: Duration,
    /// How long load runs that shows what is slow now and then.
    pub long_load: Duration,
    /// How long the whole path is to be kept up.
    pub sustained: Duration,
    /// How long the server is left alone.
    pub idle: Duration,
    /// Messages to deliver.
    pub deliveries: u64,
    /// Audits to keep on disk.
    pub kept: u64,
    /// Open windows at which memory is read, ascending.
    pub windows: [u64; 2],
    /// Windows that are due at once.
    pub due: u64,
    /// Windows that are due each second.
    pub due_rate: u64,
    /// Messages in a long log.
    pub messages: u64,
    /// Audits in a long history.
    pub history: u64,
    /// Where the table is written, beside the terminal.
    pub write: Option<PathBuf>,
}

/// What the command line asks for.
pub enum Wish {
    /// To measure.
    Measure(Plan),
    /// To leave a log of so many messages in a folder.
    Fill(PathBuf, u64),
    /// To be the server that a measure compares with.
    BeRival,
    /// Nothing: this is not `cargo bench` but a test run that includes benches.
    Nothing,
}

impl Plan {
    /// Reads the command line, without the program's name. The error is for people.
    pub fn of(arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
        let (mut is_bench, mut is_quick, mut measures) = (false, false, Vec::new());
        let (mut messages, mut history, mut folder, mut write) = (None, None, None, None);
        for argument in arguments {
            let (option, value) = argument.split_once('=').unwrap_or((&argument, ""));
            let count = || value.parse::<u64>().map_err(|_| usage(&argument));
            match (option, Measure::named(&argument)) {
                // Added by `cargo bench`, and only by that.
                ("--bench", _) => is_bench = true,
                ("--quick", _) => is_quick = true,
                ("--messages", _) => messages = Some(count()?),
                ("--history", _) => history = Some(count()?),
                ("--fill", _) => folder = Some(PathBuf::from(value)),
                ("--write", _) => write = Some(PathBuf::from(value)),
                (no_store::ARGUMENT, _) => return Ok(Wish::BeRival),
                (_, Some(measure)) => measures.push(measure),
                (_, None) => return Err(usage(&argument)),
            }
        }
        if !is_bench {
            return Ok(Wish::Nothing);
        }
        if measures.is_empty() {
            measures = measures::ALL.iter().collect();
        }
        let mut plan = if is_quick { Plan::quick(measures) } else { Plan::thorough(measures) };
        plan.messages = messages.unwrap_or(plan.messages);
        plan.history = history.unwrap_or(plan.history);
        plan.write = write;
        Ok(match folder {
            Some(folder) => Wish::Fill(folder, plan.messages),
            None => Wish::Measure(plan),
        })
    }

    fn thorough(measures: Vec<&'static Measure>) -> Plan {
        Plan {
            measures,
            runs: 3,
            warm_up: Duration::from_secs(1),
            load: Duration::from_secs(5),
            long_load: Duration::from_secs(15),
            sustained: Duration::from_secs(120),
            idle: Duration::from_secs(15),
            deliveries: 60_000,
            kept: 240_000,
            windows: [100_000, 1_000_000],
            due: 1_000_000,
            due_rate: 5_000,
            messages: 1_000_000,
            history: 1_000_000,
            write: None,
        }
    }

    fn quick(measures: Vec<&'static Measure>) -> Plan {
        Plan {
            measures,
            runs: 1,
            warm_up: Duration::from_millis(300),
            load: Duration::from_secs(1),
            long_load: Duration::from_secs(3),
            sustained: Duration::from_secs(6),
            idle: Duration::from_secs(2),
            deliveries: 5_000,
            kept: 20_000,
            windows: [10_000, 100_000],
            due: 50_000,
            due_rate: 500,
            messages: 50_000,
            history: 50_000,
            write: None,
        }
    }
}

fn usage(unknown: &str) -> String {
    let names: Vec<&str> = measures::ALL.iter().map(|measure| measure.name).collect();
    format!(
        "{unknown:?} is not a measure; usage: cargo bench --bench load -- [--quick] [--messages=N] \
         [--history=N] [--write=FILE] [--fill=FOLDER] [{}]",
        names.join("|")
    )
}
