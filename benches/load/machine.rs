//! What it is measured on.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::clock;
use crate::failure::Failure;
use crate::server::fresh_folder;

/// How often a sync is timed.
const SYNCS: usize = 200;
/// What is written before each.
const SYNC_BYTES: usize = 4 << 10;
/// Processes that run or wait to run, beyond which figures are not worth much.
const LOAD_MAX: f64 = 0.5;

/// A machine.
pub struct Machine {
    cores: usize,
    processor: String,
    memory_gb: f64,
    kernel: String,
    file_system: String,
    /// A small write and its sync: the median.
    sync: Duration,
    /// Processes that ran or waited to run over the last minute.
    load: f64,
}

impl Machine {
    /// Looks at this one.
    pub fn look() -> Result<Machine, Failure> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key))?;
            Some(line.trim_start_matches([':', ' ', '\t']).trim().to_owned())
        };
        let memory = value(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kibibytes: f64 = memory.trim_end_matches(" kB").parse().unwrap_or_default();
        let folder = fresh_folder()?;
        let load = read("/proc/loadavg");
        Ok(Machine {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: value(&read("/proc/cpuinfo"), "model name").unwrap_or_default(),
            memory_gb: kibibytes * 1_024.0 / 1e9,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            file_system: file_system(&read("/proc/mounts"), folder.path()),
            sync: sync(folder.path()).map_err(Failure::system("timing the disk"))?,
            load: load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default(),
        })
    }

    /// What is to be said of a machine that does other things as well.
    pub fn busy(&self) -> Option<String> {
        (self.load > LOAD_MAX).then(|| {
            format!(
                "The machine was busy before it began (load average {:.1}): the figures say that the \
                 measures work, not how fast Lull is.",
                self.load
            )
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { cores, processor, memory_gb, kernel, file_system, sync, .. } = self;
        write!(
            f,
            "{cores} cores ({processor}) that also carry load and receiver, {memory_gb:.0} GB of \
             memory, Linux {kernel}, {file_system}, where a write of 4 KiB with its fdatasync takes \
             {:.2} ms",
            sync.as_secs_f64() * 1_000.0
        )
    }
}

/// The kind of file system that `folder` is on: the one whose place is the longest part of its path.
fn file_system(mounts: &str, folder: &Path) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let around = mounts.filter(|(place, _)| folder.starts_with(place));
    around.max_by_key(|(place, _)| place.len()).map_or("?", |(_, kind)| kind).to_owned()
}

/// How long a small write and its sync take, as every commit has one.
fn sync(folder: &Path) -> std::io::Result<Duration> {
    let mut file = File::create(folder.join("sync"))?;
    let mut took = Vec::new();
    for _ in 0..SYNCS {
        let begun = clock::now();
        file.write_all(&[1; SYNC_BYTES])?;
        file.sync_data()?;
        took.push(clock::now() - begun);
    }
    took.sort_unstable();
    Ok(took[SYNCS / 2])
}
