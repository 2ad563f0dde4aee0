//! A hook that answers 200 at once, and remembers which webhooks came.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::clock;
use crate::failure::Failure;
use crate::http::Connection;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
/// Connections it takes in its life; more than that is a fault of the sender.
const CONNECTIONS_MAX: usize = 100_000;

/// A receiver on a thread of its own. Ends when dropped.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    arrivals: Arc<Mutex<Arrivals>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What came.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    /// Requests.
    pub posts: u64,
    /// Their different `webhook-id`s.
    pub ids: HashSet<u64>,
    /// When the first came.
    first_at: Option<Instant>,
    /// When the last came.
    last_at: Option<Instant>,
}

impl Arrivals {
    fn note(&mut self, id: u64) {
        let now = clock::now();
        self.posts += 1;
        self.ids.insert(id);
        self.first_at.get_or_insert(now);
        self.last_at = Some(now);
    }

    /// From the first to the last.
    pub fn took(&self) -> Duration {
        match (self.first_at, self.last_at) {
            (Some(first), Some(last)) => last - first,
            _ => Duration::ZERO,
        }
    }
}

impl Receiver {
    /// Starts a receiver on a free port of the loopback.
    pub fn start() -> Result<Receiver, Failure> {
        let failed = "starting the receiver";
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(Failure::system(failed))?;
        let address = listener.local_addr().map_err(Failure::system(failed))?;
        let arrivals = Arc::new(Mutex::new(Arrivals::default()));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Failure::system(failed))?;
        let noted = arrivals.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, noted) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Receiver { address, arrivals, stop: Some(stop), thread: Some(thread) })
    }

    /// What has come so far.
    pub fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        lock(&self.arrivals)
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

async fn accept(listener: std::net::TcpListener, arrivals: Arc<Mutex<Arrivals>>) {
    let listener = TcpListener::from_std(listener).expect("a listener that does not block");
    for _ in 0..CONNECTIONS_MAX {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(answer(stream, arrivals.clone()));
            }
            Err(error) => return eprintln!("the receiver cannot accept: {error}"),
        }
    }
}

/// Answers every request of a connection until the other side closes it or the receiver ends.
async fn answer(stream: TcpStream, arrivals: Arc<Mutex<Arrivals>>) {
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream);
    loop {
        let id = match connection.receive().await {
            Ok(Some(request)) => request.header("webhook-id").and_then(|id| id.parse().ok()),
            Ok(None) => return,
            Err(error) => return eprintln!("the receiver cannot read a request: {error}"),
        };
        let Some(id) = id else {
            return eprintln!("the receiver got a request without a webhook-id that is a number");
        };
        lock(&arrivals).note(id);
        if connection.send(ANSWER).await.is_err() {
            return;
        }
    }
}

fn lock(arrivals: &Mutex<Arrivals>) -> MutexGuard<'_, Arrivals> {
    arrivals.lock().expect("no panic while it was held")
}
