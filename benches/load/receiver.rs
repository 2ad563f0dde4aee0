//! Hooks that answer 200, at once or after a while, and remember which webhooks came.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::arrivals::{Arrivals, Times};
use crate::failure::Failure;
use crate::http::{Connection, Message};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// Connections it takes in its life; more than that is a fault of the sender.
const CONNECTIONS_MAX: usize = 100_000;
/// What has this header is answered slowly.
pub const SLOW_HEADER: &str = "x-slow";
/// How long that takes.
const SLOW: Duration = Duration::from_secs(5);

/// A receiver on a thread of its own. Ends when dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Shared,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Default)]
struct Shared {
    arrivals: Arc<Mutex<Arrivals>>,
    through: Arc<AtomicU64>,
}

impl Receiver {
    /// Starts a receiver on a free port of the loopback.
    pub fn start() -> Result<Receiver, Failure> {
        let failed = "starting the receiver";
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(Failure::system(failed))?;
        let address = listener.local_addr().map_err(Failure::system(failed))?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::system(failed))?;
        let shared = Shared::default();
        let for_all = shared.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, for_all) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Receiver { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// A hook that answers at once; or after five seconds what has the header [`SLOW_HEADER`], which is not
    /// counted.
    pub fn hook(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What has come that was answered at once so far.
    pub fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        lock(&self.shared.arrivals)
    }

    /// Counts what has come that was answered at once.
    pub fn through(&self) -> Arc<AtomicU64> {
        self.shared.through.clone()
    }

    /// From now on measures how late messages are that come after this quiet period.
    pub fn time(&self, quiet_period: Duration) {
        self.arrivals().times = Some(Times::new(quiet_period));
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(Err(_)) = self.thread.take().map(JoinHandle::join) {
            eprintln!("the receiver panicked");
        }
    }
}

async fn accept(listener: std::net::TcpListener, shared: Shared) {
    let listener = TcpListener::from_std(listener).expect("a listener that does not block");
    for _ in 0..CONNECTIONS_MAX {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, shared.clone()));
            }
            Err(error) => return eprintln!("the receiver cannot accept: {error}"),
        }
    }
}

/// Answers every request of a connection until the other side closes it or the receiver ends.
async fn answer(stream: TcpStream, shared: Shared) {
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream);
    loop {
        let is_slow = match connection.receive().await {
            Ok(Some(request)) if request.header(SLOW_HEADER).is_some() => true,
            Ok(Some(request)) => match take(&request, &shared) {
                Some(()) => false,
                None => return eprintln!("a request came without a webhook-id that is a number"),
            },
            // A sender that is killed does not say goodbye.
            Ok(None) | Err(_) => return,
        };
        if is_slow {
            tokio::time::sleep(SLOW).await;
        }
        if connection.send(ANSWER).await.is_err() {
            return;
        }
    }
}

fn take(request: &Message, shared: &Shared) -> Option<()> {
    let id = request.header("webhook-id").and_then(|id| id.parse().ok())?;
    lock(&shared.arrivals).note(id, request.body);
    shared.through.fetch_add(1, Relaxed);
    Some(())
}

fn lock(arrivals: &Mutex<Arrivals>) -> MutexGuard<'_, Arrivals> {
    arrivals.lock().expect("no panic while it was held")
}
