//! The composition root: opens the store, recovers, starts the actors, listens; and stops all of it
//! in order. Level 5.
//!
//! Start: store → journal → records → deliveries → what was going on → administrator's token →
//! listen. Stop: no new connections → attempts in flight settle, up to a bound → the journal commits
//! what is waiting → threads end. Whatever does not settle in time is still in the store.

mod certificate;
mod first_start;
mod housekeeping;
mod listen;
pub mod reopen;
pub(crate) mod switchboard;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_web::dev::ServerHandle;
use actix_web::web;
use tokio::task::JoinHandle;

use crate::clock::{Clock, SystemClock};
use crate::delivery::{self, Dispatcher, Drain, Guard, HttpTransport, Shard, SystemResolver};
use crate::linked::Keeper;
use crate::metrics::Metrics;
use crate::record::{self, Gauges, Registry};
use crate::settings::Settings;
use crate::store::{Journal, JournalThread, Store, StoreError};
use crate::web::{Api, Complaints, Door, Rates};
pub use certificate::BadCertificate;
use certificate::Certificate;
use switchboard::{Lines, Switchboard};

/// How long attempts in flight may take to settle once the server is to stop.
const ATTEMPTS_END_WITHIN: Duration = Duration::from_secs(10);
/// How long calls may take to be answered once the store is to be opened again.
const ANSWERS_END_WITHIN: Duration = Duration::from_secs(1);
/// The most threads of a kind.
const THREADS_MAX: usize = 8;

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store cannot be used.
    #[error("data: {0}{what_to_do}", what_to_do = what_to_do(.0))]
    Store(#[from] StoreError),
    /// The administrator's token cannot be written.
    #[error("data: cannot write {path}: {source}")]
    Token {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The server's certificate cannot be used.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// The system refused a thread, a socket or random bytes.
    #[error("the system refused: {0}")]
    System(#[from] std::io::Error),
    /// An actor that was just started has gone.
    #[error("the server's own threads do not start")]
    Threads,
}

/// What somebody can do about it, where that is not plain.
fn what_to_do(error: &StoreError) -> &'static str {
    match error {
        StoreError::Damaged(_) => {
            "; `lull check` says more, and `lull check --repair DIR` makes a new store of what can be read"
        }
        _ => "",
    }
}

/// A server that is running.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The file with the administrator's token.
    pub token_file: PathBuf,
    /// That token, when this start made it.
    pub new_token: Option<String>,
    login_code: Option<String>,
    server: ServerHandle,
    certificate: Option<Arc<Certificate>>,
    dispatchers: Vec<Addr<Dispatcher>>,
    store: Arc<Store>,
    journal: JournalThread,
    housekeeping: JoinHandle<()>,
    arbiters: Vec<Arbiter>,
}

/// Starts a server that listens on `listener` and keeps its state as `settings` say.
pub async fn start(settings: &Settings, listener: TcpListener) -> Result<Running, StartError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let certificate = settings.tls.clone().map(Certificate::load).transpose()?;
    let folder = settings.data.join("store");
    let (store, writer, recovered) = Store::open(&folder, clock.now())?;
    let (switchboard, lines) = Switchboard::new(clock.clone());
    let metrics = Arc::new(Metrics::new(clock.now()));
    let (journal, journal_thread) =
        Journal::start(writer, clock.clone(), Box::new(switchboard), metrics.clone())?;
    let gauges = Arc::new(Gauges::default());
    let threads =
        std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX));

    let mut arbiters = Vec::new();
    let registries =
        start_registries(threads, &store, &journal, &clock, &gauges, &metrics, &mut arbiters);
    let guard = Guard::new(settings.allow_nets.clone());
    let dispatchers =
        start_dispatchers(threads, &store, &journal, &clock, &metrics, &guard, &mut arbiters);
    let arbiter = Arbiter::new();
    let keeper = Keeper::start_in(&arbiter.handle(), store.clone(), journal.clone(), clock.clone());
    arbiters.push(arbiter);
    let (windows, owed) = (recovered.windows.len(), recovered.owed.len());
    let wired = Lines {
        registries: registries.clone(),
        dispatchers: dispatchers.clone(),
        keeper,
        gauges: gauges.clone(),
    };
    let at = clock.monotonic();
    let connected = lines.connect(wired, store.config(), recovered, at).await;
    connected.map_err(|_| StartError::Threads)?;
    if windows + owed > 0 {
        log::info!("went on with {windows} open windows and {owed} messages owed");
    }

    let token_file = settings.data.join("admin-token");
    let new_token = first_start::make_admin_token(&store, &journal, &token_file).await?;
    let (login_code, new_code) = first_start::login_code(&store, &token_file, clock.now());
    let started = clock.monotonic();
    let rule = settings.window;
    let api = web::Data::new(Api {
        store: store.clone(),
        journal,
        clock,
        gauges,
        rates: Rates::default(),
        metrics,
        registries,
        dispatchers: dispatchers.clone(),
        rule,
        limits: settings.limits,
        held: Arc::default(),
        connections: Arc::default(),
        tls: certificate.is_some(),
        trusted_proxies: settings.trusted_proxies.clone(),
        guard,
        door: Door::new(settings.limits.request_rate),
        complaints: Complaints::default(),
        login_code,
        started,
    });
    let housekeeping = actix::spawn(housekeeping::run(api.clone(), settings.retention));
    let address = listener.local_addr()?;
    let server = listen::listen(listener, threads, certificate.as_ref(), api)?;
    Ok(Running {
        address,
        token_file,
        new_token,
        login_code: new_code,
        server,
        certificate,
        dispatchers,
        store,
        journal: journal_thread,
        housekeeping,
        arbiters,
    })
}

fn start_registries(
    threads: usize,
    store: &Arc<Store>,
    journal: &Journal,
    clock: &Arc<dyn Clock>,
    gauges: &Arc<Gauges>,
    metrics: &Arc<Metrics>,
    arbiters: &mut Vec<Arbiter>,
) -> Vec<Addr<Registry>> {
    let start = |_| {
        let arbiter = Arbiter::new();
        let shared = record::Shared::new(
            store.clone(),
            journal.clone(),
            clock.clone(),
            gauges.clone(),
            metrics.clone(),
        );
        let registry = Registry::start_in(&arbiter.handle(), shared);
        arbiters.push(arbiter);
        registry
    };
    (0..threads).map(start).collect()
}

fn start_dispatchers(
    threads: usize,
    store: &Arc<Store>,
    journal: &Journal,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
    guard: &Guard,
    arbiters: &mut Vec<Arbiter>,
) -> Vec<Addr<Dispatcher>> {
    let guard = guard.clone();
    let shared = Arc::new(delivery::Shared {
        store: store.clone(),
        journal: journal.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        make_transport: Box::new(move |integration| {
            let resolver = Rc::new(SystemResolver);
            Rc::new(HttpTransport::new(&integration.spec, guard.clone(), resolver))
        }),
    });
    let start = |index| {
        let arbiter = Arbiter::new();
        let shard = Shard { index, of: threads };
        let dispatcher = Dispatcher::start_in(&arbiter.handle(), shared.clone(), shard);
        arbiters.push(arbiter);
        dispatcher
    };
    (0..threads).map(start).collect()
}

impl Running {
    /// Stops in order.
    pub async fn stop(self) {
        self.server.stop(true).await;
        self.housekeeping.abort();
        let drained = self.dispatchers.iter().map(|dispatcher| dispatcher.send(Drain));
        let drained = futures_util::future::join_all(drained);
        if tokio::time::timeout(ATTEMPTS_END_WITHIN, drained).await.is_err() {
            log::warn!("some attempts were cut off; they will be made again at the next start");
        }
        self.journal.stop().await;
        for arbiter in self.arbiters {
            arbiter.stop();
            let joined = tokio::task::spawn_blocking(move || arbiter.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                log::error!("a thread did not end well");
            }
        }
    }

    /// Completes when a commit has failed half-way and the disk takes what is written again, or seems
    /// to: the store is to be opened again.
    pub async fn wants_reopening(&self, pause: Duration) {
        loop {
            tokio::time::sleep(pause).await;
            if !self.store.is_broken() && !self.journal.is_gone() {
                continue;
            }
            let store = self.store.clone();
            match tokio::task::spawn_blocking(move || store.probe()).await {
                Ok(Ok(())) => return,
                Ok(Err(error)) => log::debug!("the store cannot be opened again yet: {error}"),
                Err(_) => log::error!("probing the disk came to nothing"),
            }
        }
    }

    /// Ends what the next process takes over: answers what can be answered at once, and begins nothing
    /// new. Attempts in flight could not be written down; they are made again.
    pub async fn cut_short(self) {
        let _ = tokio::time::timeout(ANSWERS_END_WITHIN, self.server.stop(true)).await;
        self.housekeeping.abort();
    }

    /// Where it is.
    pub fn url(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// What opens the pages once, as the administrator; none when that token is revoked.
    pub fn login_link(&self) -> Option<String> {
        let code = self.login_code.as_ref()?;
        Some(format!("{}/#code={code}", self.url()))
    }

    /// Reads the server's certificate again; what came of it stands in the log.
    pub fn reload_certificate(&self) {
        match self.certificate.as_ref().map(|certificate| certificate.reload()) {
            Some(Ok(())) => log::info!("the certificate was read again, for new connections"),
            Some(Err(bad)) => log::error!("{bad}; the certificate stays as it was"),
            None => log::warn!("SIGHUP reads the certificate again; there is none (tls_cert)"),
        }
    }

    /// The administrator's token, from its file.
    pub fn admin_token(&self) -> std::io::Result<String> {
        read_token(&self.token_file)
    }
}

/// The token in a token file.
pub fn read_token(path: &Path) -> std::io::Result<String> {
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}
