//! `lull serve`: the server until it is told to stop.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{CliError, open_files};
use crate::app::reopen::Reopened;
use crate::app::{self, Running, StartError};
use crate::settings::{Given, Settings, write_duration};
use crate::store::{StoreError, forget_cached};

/// Files beside connections: the store's, and connections to hooks.
const OTHER_FILES: u64 = 1_000;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1_024;

/// Serves until SIGTERM or SIGINT; SIGHUP reads the certificate again.
pub async fn run(given: Given) -> Result<(), CliError> {
    let settings = Settings::resolve(given)?;
    let (reopened, handed_on) = Reopened::take();
    let mut stop = StopSignal::new()?;
    let mut hang_up = signal(SignalKind::hangup())?;
    have_files_for(settings.limits.connections);
    // At a limit on the size of files a write is to fail, which is seen to, and not to end the process.
    let _unheeded = signal(SignalKind::from_raw(libc::SIGXFSZ))?;
    let listener = match handed_on {
        Some(listener) => listener,
        None => bind(settings.listen)?,
    };
    let running = match start(&settings, listener.try_clone()?, &reopened).await {
        Err(StartError::Store(error)) if reopened.is_again() && error.is_of_the_disk() => {
            log::error!("the store could not be opened again: {error}; trying once more");
            tokio::select! {
                _ = stop.wait() => return Ok(()),
                () = tokio::time::sleep(reopened.pause()) => return Err(reopened.exec(listener).into()),
            }
        }
        started => started?,
    };
    if reopened.is_again() {
        log::warn!(
            "the store was opened again: writing goes on, and all that was acknowledged is there"
        );
    } else {
        // Whoever started this may not be reading.
        let _ = writeln!(std::io::stdout(), "{}", greeting(&running, &settings));
    }
    let why = loop {
        tokio::select! {
            why = stop.wait() => break why,
            _ = hang_up.recv() => running.reload_certificate(),
            () = running.wants_reopening(reopened.pause()) => {
                log::info!("the disk takes what is written again: opening the store again");
                running.cut_short().await;
                return Err(reopened.exec(listener).into());
            }
        }
    };
    log::info!("stopping ({why}); again to stop at once");
    // Else connections would be taken by nobody until the end.
    drop(listener);
    tokio::select! {
        () = running.stop() => log::info!("stopped"),
        _ = stop.wait() => log::warn!("stopped at once; what was in flight goes on at the next start"),
    }
    Ok(())
}

/// Says so when there cannot be as many connections as there may be.
fn have_files_for(connections: usize) {
    let Some(files) = open_files::raise_limit() else { return };
    if files < connections as u64 + OTHER_FILES {
        log::warn!(
            "this process may open {files} files, too few for {connections} connections \
             (max_connections); raise the limit (ulimit -n) or lower that setting"
        );
    }
}

async fn start(
    settings: &Settings,
    listener: TcpListener,
    reopened: &Reopened,
) -> Result<Running, StartError> {
    if reopened.is_again() {
        forget_cached(&settings.data.join("store")).map_err(StoreError::from)?;
    }
    app::start(settings, listener).await
}

/// Listens on `address`.
pub fn bind(address: SocketAddr) -> Result<TcpListener, CliError> {
    let bound = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        Some(socket2::Protocol::TCP),
    )
    .and_then(|socket| {
        // So that a restart need not wait for the connections of the last run to time out.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    });
    bound.map_err(|source| CliError::Bind { address: address.to_string(), source })
}

/// What a newcomer needs.
fn greeting(running: &Running, settings: &Settings) -> String {
    let url = running.url();
    let token_file = running.token_file.display();
    let quiet = write_duration(settings.window.quiet_period);
    let token = match &running.new_token {
        Some(token) => format!("{token}  (shown this once; kept in {token_file})"),
        None => format!("in {token_file}"),
    };
    let link = match running.login_link() {
        Some(link) => format!("{link}  (works once, for an hour)"),
        None => "none: the token in that file is revoked".to_owned(),
    };
    format!(
        "Lull {version} listens on {url}
  data          {data}
  quiet period  {quiet}
  admin token   {token}
  log in        {link}

Post an edit:
  curl -H \"Authorization: Bearer $(cat {token_file})\" -H 'content-type: application/json' \\
    {url}/api/v1/audits -d '{{\"audit_action\":\"update\",\"auditable_type\":\"feature\",\
\"auditable_id\":\"42\",\"user\":{{\"id\":\"101\",\"name\":\"Ada\"}},\"changes\":[{{\"field_name\":\"Name\",\
\"value\":\"Export\"}}]}}'
",
        version = env!("CARGO_PKG_VERSION"),
        data = settings.data.display(),
    )
}

/// SIGTERM or SIGINT.
pub struct StopSignal {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignal {
    /// From here on the signals no longer end the process by themselves.
    pub fn new() -> std::io::Result<Self> {
        let (terminate, interrupt) = (SignalKind::terminate(), SignalKind::interrupt());
        Ok(Self { terminate: signal(terminate)?, interrupt: signal(interrupt)? })
    }

    /// Waits for either; which it was.
    pub async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
