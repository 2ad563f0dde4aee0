//! Connecting to a hook: its name is resolved once, every address is guarded, and exactly those
//! addresses are connected to; so a name cannot say one thing to the guard and another to the socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use actix_service::Service;
use actix_tls::connect::{ConnectError, ConnectInfo, Connection};
use awc::http::Uri;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use tokio::net::TcpStream;

use super::guard::{Guard, Refused};
use super::progress::{Progress, Stage};
use super::stream::HookStream;
use crate::clock::{Clock, SystemClock};

/// How long resolving and connecting may take together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a TLS handshake may take after that.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// The most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 8;

/// Looks up names. A trait, so that a test can decide where a name leads.
pub trait Resolve {
    /// The addresses of `host`.
    fn resolve(&self, host: &str) -> LocalBoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, host: &str) -> LocalBoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let host = host.to_owned();
        async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        }
        .boxed_local()
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Unconnected {
    /// The name cannot be resolved.
    #[error("the name {host} cannot be resolved ({source})")]
    Unresolved {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// The name leads nowhere.
    #[error("the name {0} has no address")]
    NoAddress(String),
    /// Every address is one where hooks may not be.
    #[error("not connected: {}{refused}", named(.host))]
    Refused {
        /// The name, when it is one.
        host: Option<String>,
        /// The first address.
        refused: Refused,
    },
    /// The last address that was tried refused.
    #[error("connection refused by {0}")]
    ConnectionRefused(SocketAddr),
    /// The last address that was tried did not react.
    #[error("{peer} did not take the connection within {within:.1?}")]
    TimedOut {
        /// The address.
        peer: SocketAddr,
        /// Its share of the time.
        within: Duration,
    },
    /// The last address that was tried cannot be reached.
    #[error("no connection to {peer} ({source})")]
    Unreachable {
        /// The address.
        peer: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Nothing came of it in time.
    #[error("the name {0} was not resolved within {CONNECT_TIMEOUT:?}")]
    NotResolvedInTime(String),
}

fn named(host: &Option<String>) -> String {
    host.as_ref()
        .map_or(String::new(), |host| format!("{host} leads to an address that is closed: "))
}

/// Makes the connections of one integration.
#[derive(Clone)]
pub struct HookConnector {
    guard: Guard,
    resolver: Rc<dyn Resolve>,
}

impl HookConnector {
    /// A connector that connects to what `guard` lets it.
    pub fn new(guard: Guard, resolver: Rc<dyn Resolve>) -> Self {
        Self { guard, resolver }
    }

    async fn connect(self, host: String, port: u16) -> Result<TcpStream, Unconnected> {
        let deadline = SystemClock.monotonic() + CONNECT_TIMEOUT;
        Progress::reach(Stage::Resolving);
        let addresses = tokio::time::timeout(CONNECT_TIMEOUT, self.addresses(&host))
            .await
            .map_err(|_| Unconnected::NotResolvedInTime(host.clone()))??;
        Progress::reach(Stage::Connecting);
        let mut last = Unconnected::NoAddress(host);
        for (tried, address) in addresses.iter().enumerate() {
            // What is left of the time is shared out, so that a silent address leaves some to others.
            let left = deadline.saturating_sub(SystemClock.monotonic());
            let share = left / (addresses.len() - tried) as u32;
            match connect_to(SocketAddr::new(*address, port), share).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// The addresses of `host` that may be connected to; at least one.
    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Unconnected> {
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        let found = match literal {
            Some(address) => vec![address],
            None => self
                .resolver
                .resolve(host)
                .await
                .map_err(|source| Unconnected::Unresolved { host: host.to_owned(), source })?,
        };
        let mut open = Vec::new();
        let mut first_refused = None;
        for address in found {
            match self.guard.check(address) {
                Ok(()) if !open.contains(&address) => open.push(address),
                Ok(()) => {}
                Err(refused) => first_refused = first_refused.or(Some(refused)),
            }
        }
        open.truncate(ADDRESSES_MAX);
        match first_refused {
            _ if !open.is_empty() => Ok(open),
            Some(refused) => {
                let host = literal.is_none().then(|| host.to_owned());
                Err(Unconnected::Refused { host, refused })
            }
            None => Err(Unconnected::NoAddress(host.to_owned())),
        }
    }
}

async fn connect_to(peer: SocketAddr, within: Duration) -> Result<TcpStream, Unconnected> {
    Progress::note(|progress| progress.peer.set(Some(peer)));
    match tokio::time::timeout(within, TcpStream::connect(peer)).await {
        Ok(Ok(stream)) => {
            // A request is written in one go; waiting for more of it would only delay it.
            let _ = stream.set_nodelay(true);
            Ok(stream)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(Unconnected::ConnectionRefused(peer))
        }
        Ok(Err(source)) => Err(Unconnected::Unreachable { peer, source }),
        Err(_) => Err(Unconnected::TimedOut { peer, within }),
    }
}

impl Service<ConnectInfo<Uri>> for HookConnector {
    type Response = Connection<Uri, HookStream>;
    type Error = ConnectError;
    type Future = LocalBoxFuture<'static, Result<Self::Response, ConnectError>>;

    actix_service::always_ready!();

    fn call(&self, info: ConnectInfo<Uri>) -> Self::Future {
        let (connector, uri) = (self.clone(), info.request().clone());
        let (host, port) = (info.hostname().to_owned(), info.port());
        async move {
            let stream = connector.connect(host, port).await;
            // The one variant that carries any error; `words` takes it out again.
            let stream = stream.map_err(|error| ConnectError::Resolver(Box::new(error)))?;
            Progress::reach(Stage::Securing);
            Ok(Connection::new(uri, HookStream::new(stream)))
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;

    /// Gives one answer after the other.
    struct Scripted(RefCell<VecDeque<Vec<&'static str>>>);

    impl Resolve for Scripted {
        fn resolve(&self, _: &str) -> LocalBoxFuture<'static, io::Result<Vec<IpAddr>>> {
            let answer = self.0.borrow_mut().pop_front().expect("asked once too often");
            let answer = answer.iter().map(|address| address.parse().unwrap()).collect();
            async move { Ok(answer) }.boxed_local()
        }
    }

    fn connector(nets: &[&str], answers: &[&[&'static str]]) -> HookConnector {
        let nets = nets.iter().map(|net| net.parse().unwrap()).collect();
        let answers = answers.iter().map(|answer| answer.to_vec()).collect();
        HookConnector::new(Guard::new(nets), Rc::new(Scripted(RefCell::new(answers))))
    }

    /// A listener, and whether anybody has connected to it.
    fn listener(address: &str) -> (std::net::TcpListener, u16) {
        let listener = std::net::TcpListener::bind((address, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[actix::test]
    async fn a_name_that_leads_elsewhere_later_is_not_followed_there() {
        // 127.0.0.2 stands for a public address: it is the only one that is open.
        let (public, port) = listener("127.0.0.2");
        let private = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        private.set_nonblocking(true).unwrap();
        let connector = connector(&["127.0.0.2/32"], &[&["127.0.0.2"], &["127.0.0.1"]]);

        // One resolution a connection, and the connection goes where that led.
        let stream = connector.clone().connect("hook.test".to_owned(), port).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().ip().to_string(), "127.0.0.2");
        assert!(public.accept().is_ok());
        let error = connector.connect("hook.test".to_owned(), port).await.unwrap_err();
        assert!(error.to_string().contains("closed: 127.0.0.1 is a loopback"), "{error}");
        assert!(private.accept().is_err(), "nobody has come");
    }

    #[actix::test]
    async fn refused_addresses_of_a_name_are_left_out() {
        let (public, port) = listener("127.0.0.2");
        let private = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
        private.set_nonblocking(true).unwrap();
        let connector = connector(&["127.0.0.2/32"], &[&["127.0.0.1", "::1", "127.0.0.2"]]);
        connector.connect("hook.test".to_owned(), port).await.unwrap();
        assert!(public.accept().is_ok());
        assert!(private.accept().is_err(), "nobody has come");
    }

    #[actix::test]
    async fn the_next_address_is_tried_when_one_refuses() {
        let (_open, port) = listener("127.0.0.2");
        let connector = connector(&["127.0.0.0/8"], &[&["127.0.0.3", "127.0.0.2"]]);
        let stream = connector.connect("hook.test".to_owned(), port).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().ip().to_string(), "127.0.0.2");
    }

    #[actix::test]
    async fn addresses_are_guarded_whether_written_or_looked_up() {
        for host in ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
            let error = connector(&[], &[]).connect(host.to_owned(), 9).await.unwrap_err();
            assert!(matches!(error, Unconnected::Refused { host: None, .. }), "{error}");
        }
        for answer in ["10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1"] {
            let connector = connector(&[], &[&[answer]]);
            let error = connector.connect("a.test".to_owned(), 9).await.unwrap_err();
            assert!(matches!(error, Unconnected::Refused { host: Some(_), .. }), "{error}");
        }
        let error = connector(&[], &[&[]]).connect("a.test".to_owned(), 9).await.unwrap_err();
        assert_eq!(error.to_string(), "the name a.test has no address");
    }

    /// Says nothing.
    struct Silent;

    impl Resolve for Silent {
        fn resolve(&self, _: &str) -> LocalBoxFuture<'static, io::Result<Vec<IpAddr>>> {
            std::future::pending().boxed_local()
        }
    }

    #[actix::test]
    async fn what_does_not_react_is_given_up_after_five_seconds_and_said_by_name() {
        use socket2::{Domain, Socket, Type};
        tokio::time::pause();
        let silent = HookConnector::new(Guard::default(), Rc::new(Silent));
        let error = silent.connect("a.test".to_owned(), 9).await.unwrap_err();
        assert_eq!(error.to_string(), "the name a.test was not resolved within 5s");

        // A listener whose queue of connections is full.
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let full = socket();
        full.bind(&SocketAddr::from(([127, 0, 0, 2], 0)).into()).unwrap();
        full.listen(0).unwrap();
        let address = full.local_addr().unwrap();
        let waiting: Vec<Socket> = (0..4).map(|_| socket()).collect();
        for socket in &waiting {
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address);
        }
        let peer = address.as_socket().unwrap();
        let connector = connector(&["127.0.0.2/32"], &[&["127.0.0.2"]]);
        let error = connector.connect("a.test".to_owned(), peer.port()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{peer} did not take the connection within 5.0s"));
    }
}
