//! The process of a server: start, memory, processor, signals, end.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::clock;
use crate::failure::Failure;

/// How long a start may take, recovery included.
pub const START_MAX: Duration = Duration::from_secs(300);
/// How long an orderly stop may take.
const STOP_MAX: Duration = Duration::from_secs(120);
/// How often it is looked whether it has stopped.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// A process. Killed when dropped, unless it has ended.
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Does nothing to one that has ended and was waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts a command that prints, first of all, a line that ends with its URL; its address in that.
    pub fn start(command: &mut Command) -> Result<(Process, SocketAddr), Failure> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(Failure::system("starting a server"))?;
        let output = child.stdout.take().expect("invariant: it was piped");
        let process = Process(child);
        let (sender, line) = mpsc::channel();
        std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = String::new();
            let read = output.read_line(&mut line).map(|_| line);
            let _ = sender.send(read);
            // The rest is read and forgotten: a pipe that nobody reads would hold the server up once it
            // is full.
            let _ = std::io::copy(&mut output, &mut std::io::sink());
        });
        let line = line
            .recv_timeout(START_MAX)
            .map_err(|_| Failure::Late { what: "starting a server", time_max: START_MAX })?
            .map_err(Failure::system("reading what a server prints"))?;
        let address = line.rsplit_once("http://").and_then(|(_, text)| text.trim().parse().ok());
        let address = address.ok_or_else(|| Failure::Wrong(format!("it began with {line:?}")))?;
        Ok((process, address))
    }

    /// Bytes of its memory that are resident (`VmRSS`), or the most that were so far (`VmHWM`).
    pub fn memory_bytes(&self, which: &str) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(self.file("status"))
            .map_err(Failure::system("reading a server's memory"))?;
        let kibibytes = status.lines().find_map(|line| {
            line.strip_prefix(which)?.strip_prefix(':')?.trim().strip_suffix(" kB")?.parse().ok()
        });
        let unknown = || Failure::Wrong("the system does not tell a process's memory".to_owned());
        kibibytes.map(|kibibytes: u64| kibibytes << 10).ok_or_else(unknown)
    }

    /// How long its threads have run on a processor, in all. The system's usual count is in hundredths of
    /// a second, too coarse for one that idles.
    pub fn processor_time(&self) -> Result<Duration, Failure> {
        let unknown = "reading a server's processor time";
        let mut nanos = 0;
        for task in std::fs::read_dir(self.file("task")).map_err(Failure::system(unknown))? {
            let file = task.map_err(Failure::system(unknown))?.path().join("schedstat");
            // A thread that ended meanwhile is no loss.
            let text = std::fs::read_to_string(file).unwrap_or_default();
            nanos += text.split(' ').next().and_then(|ran| ran.parse().ok()).unwrap_or(0);
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: libc::c_int) -> Result<(), Failure> {
        // SAFETY: kill has no preconditions. The process is a child that nobody has waited for, so
        // its number is still its own.
        if unsafe { libc::kill(self.0.id() as libc::pid_t, signal) } != 0 {
            return Err(Failure::system("signalling a server")(std::io::Error::last_os_error()));
        }
        Ok(())
    }

    /// Asks it to stop, and waits until it has; how long that took.
    pub fn stop(mut self) -> Result<Duration, Failure> {
        let begun = clock::now();
        self.signal(libc::SIGTERM)?;
        let status = clock::poll(POLL_EVERY, STOP_MAX, || self.0.try_wait())
            .map_err(Failure::system("waiting for a server to stop"))?;
        match status {
            Some(status) if status.success() => Ok(clock::now() - begun),
            Some(status) => Err(Failure::Wrong(format!("the server ended with {status}"))),
            None => Err(Failure::Late { what: "stopping a server", time_max: STOP_MAX }),
        }
    }

    fn file(&self, name: &str) -> String {
        format!("/proc/{}/{name}", self.0.id())
    }
}
