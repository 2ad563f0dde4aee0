//! The command line; how much, how long, how often.

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
}

/// What the command line asks for.
pub enum Wish {
    /// To measure.
    Measure(Plan),
    /// Nothing: this is not `cargo bench` but a test run that includes benches.
    Nothing,
}

impl Plan {
    /// Reads the command line, without the program's name. The error is for people.
    pub fn of(arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
        let (mut is_bench, mut is_quick, mut measures) = (false, false, Vec::new());
        for argument in arguments {
            match (argument.as_str(), Measure::named(&argument)) {
                // Added by `cargo bench`, and only by that.
                ("--bench", _) => is_bench = true,
                ("--quick", _) => is_quick = true,
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
        let plan = if is_quick { Plan::quick } else { Plan::thorough };
        Ok(Wish::Measure(plan(measures)))
    }

    fn thorough(measures: Vec<Measure>) -> Plan {
        Plan {
            measures,
            runs: 3,
            warm_up: Duration::from_secs(1),
            load: Duration::from_secs(5),
            deliveries: 60_000,
            windows: [100_000, 1_000_000],
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
        }
    }
}

fn usage(unknown: &str) -> String {
    let names: Vec<&str> = Measure::ALL.iter().map(|measure| measure.name()).collect();
    format!("{unknown:?} is not a measure; usage: cargo bench -- [--quick] [{}]", names.join("|"))
}
