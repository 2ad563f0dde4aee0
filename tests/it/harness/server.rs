//! The real executable, on a free port and a fresh folder.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::{Client, PATIENCE, eventually};

/// How a server is started.
#[derive(Clone)]
pub struct Options {
    pub quiet_period: String,
    /// Networks that hooks may be in; the receivers of tests are on this machine.
    pub allow_nets: Option<String>,
    pub more: Vec<String>,
    /// Variables of its environment.
    pub env: Vec<(String, String)>,
    /// Whether all that it logs goes to a file.
    pub logs: bool,
    /// Another data folder than a fresh one.
    pub place: Option<PathBuf>,
    /// Kept from one server to the next, for restarts.
    pub folder: Arc<TempDir>,
}

impl Options {
    /// A fresh folder, and this quiet period.
    pub fn quiet(quiet_period: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let quiet_period = quiet_period.to_owned();
        Self {
            quiet_period,
            allow_nets: Some("127.0.0.0/8".to_owned()),
            more: Vec::new(),
            env: Vec::new(),
            logs: false,
            place: None,
            folder,
        }
    }

    /// With these arguments as well.
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.more.extend(arguments.iter().map(|argument| argument.to_string()));
        self
    }

    /// With this variable in its environment.
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With all that it logs in a file.
    pub fn logging(self) -> Self {
        Self { logs: true, ..self }
    }

    /// That file.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub fn data(&self) -> PathBuf {
        self.place.clone().unwrap_or_else(|| self.folder.path().join("lull-data"))
    }

    /// On this data folder.
    pub fn at(self, data: PathBuf) -> Self {
        Self { place: Some(data), ..self }
    }
}

/// The executable, with an environment that says nothing of Lull. `LULL_TEST_EXECUTABLE` names another
/// build of it, for long runs.
pub fn executable() -> Command {
    let other = std::env::var_os("LULL_TEST_EXECUTABLE");
    let mut command = Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_lull").into()));
    command.env("RUST_LOG", "warn");
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LULL_")) {
        command.env_remove(name);
    }
    command
}

/// Runs the executable to its end, which must come in time.
pub fn run(command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the executable");
    let id = child.id();
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(child.wait_with_output()));
    match ended.recv_timeout(PATIENCE) {
        Ok(output) => output.expect("its output"),
        Err(_) => {
            // SAFETY: a child of ours, which is still being waited for.
            unsafe { libc::kill(id as i32, libc::SIGKILL) };
            panic!("{command:?} did not end");
        }
    }
}

/// A server that is running. When it is dropped, nothing may be owed any more, and it must stop
/// cleanly.
pub struct Server {
    pub options: Options,
    pub api: Client,
    /// Where it is: scheme, address and port.
    pub url: String,
    /// What it printed when it started.
    pub greeting: String,
    child: Option<Child>,
    /// Held open, so that it can go on writing.
    _stdout: BufReader<ChildStdout>,
    may_owe: bool,
}

impl Server {
    pub fn start(options: Options) -> Self {
        let mut command = executable();
        if options.logs {
            let log = std::fs::File::create(options.log()).expect("a file");
            command.env("RUST_LOG", "info,actix_server=warn,lull=debug").stderr(log);
        }
        let env = options.env.iter().map(|(name, value)| (name, value));
        let mut child = command
            .envs(env)
            .args(["--listen", "127.0.0.1:0", "--quiet-period", &options.quiet_period])
            .args(options.allow_nets.iter().flat_map(|nets| ["--allow-nets", nets]))
            .arg("--data")
            .arg(options.data())
            .args(&options.more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut greeting = String::new();
        // The greeting ends with the command that posts an edit.
        for line in stdout.by_ref().lines().map_while(Result::ok) {
            greeting.push_str(&line);
            greeting.push('\n');
            if line.contains("/api/v1/audits") {
                break;
            }
        }
        let url = greeting.lines().next().and_then(|line| line.split(" listens on ").nth(1));
        let url = url.unwrap_or_else(|| panic!("no address in {greeting:?}")).to_owned();
        let token = read_token(&options.data());
        let api = Client::new(url.clone(), Some(token));
        let child = Some(child);
        Self { options, api, url, greeting, child, _stdout: stdout, may_owe: false }
    }

    /// A server with this quiet period on a fresh folder.
    pub fn quiet(quiet_period: &str) -> Self {
        Self::start(Options::quiet(quiet_period))
    }

    /// It is alright when something is still owed at the end of this test.
    pub fn may_owe(&mut self) {
        self.may_owe = true;
    }

    /// The process.
    pub fn process(&self) -> u32 {
        self.child.as_ref().expect("running").id()
    }

    /// Bytes of its memory that are resident.
    pub fn resident_bytes(&self) -> u64 {
        let id = self.process();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        kibibytes.expect("its memory") << 10
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        let id = self.child.as_ref().expect("running").id();
        // SAFETY: the process is a child of ours that has not been waited for.
        assert_eq!(unsafe { libc::kill(id as i32, signal) }, 0, "a running server");
    }

    /// Stops it in its tracks: from here on no thread of it does anything.
    pub fn freeze(&self) {
        self.signal(libc::SIGSTOP);
        let id = self.child.as_ref().expect("running").id() as i32;
        let mut status = 0;
        // SAFETY: a child of ours; it is told when all its threads have stopped, and is not reaped.
        let told = unsafe { libc::waitpid(id, &mut status, libc::WUNTRACED) };
        assert!(told == id && libc::WIFSTOPPED(status), "{told}: {status}");
    }

    /// Ends the process at once, as a power cut would; how to start again.
    pub fn kill(mut self) -> Options {
        let mut child = self.child.take().expect("running");
        child.kill().expect("running");
        child.wait().expect("a status");
        self.options.clone()
    }

    /// Stops it in order; how to start again.
    pub fn stop(mut self) -> Options {
        let child = self.child.take().expect("running");
        terminate(child);
        self.options.clone()
    }

    fn owed(&self) -> u64 {
        let stats = self.api.get("/stats", 200);
        stats["messages"]["owed"].as_u64().expect("a number")
    }

    /// Waits until nothing is on its way to a window, none is open, and nothing is owed.
    pub fn settled(&self) {
        eventually("everything settled", || {
            let stats = self.api.get("/stats", 200);
            // An audit may have been answered before its window has opened.
            let buffered = &stats["limits"]["buffered_bytes"]["now"];
            let open = &stats["windows"]["open"];
            (buffered == 0 && open == 0 && stats["messages"]["owed"] == 0).then_some(())
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if std::thread::panicking() {
            let _ = child.kill();
            let _ = child.wait();
            return;
        }
        let mut owed = if self.may_owe { 0 } else { self.owed() };
        // What was delivered a moment ago may not be counted yet.
        for _ in 0..50 {
            if owed == 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
            owed = self.owed();
        }
        terminate(child);
        assert_eq!(owed, 0, "left owed at the end of the test");
    }
}

fn terminate(mut child: Child) {
    // SAFETY: the process is a child of ours that has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGTERM) };
    let status = eventually("the server stops", || child.try_wait().expect("a child"));
    assert!(status.success(), "stopped with {status}");
}

fn read_token(data: &Path) -> String {
    let file = data.join("admin-token");
    std::fs::read_to_string(&file).expect("the token's file").trim().to_owned()
}
