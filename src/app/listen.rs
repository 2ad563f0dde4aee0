//! The web server: on plain connections, or on TLS.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_http::HttpService;
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::{AppConfig, ServerHandle};
use actix_web::rt::net::TcpStream;
use actix_web::{Error, HttpServer, web};

use super::certificate::Certificate;
use crate::web::{Api, app};

/// How long requests that are being answered may take once the server is to stop, in seconds.
const REQUESTS_END_WITHIN_S: u64 = 5;
/// How long a client may take to take part in the end of its connection.
const DISCONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Serves `api` on `listener`, by `threads` threads; by TLS when there is a certificate.
pub fn listen(
    listener: TcpListener,
    threads: usize,
    certificate: Option<&Arc<Certificate>>,
    api: web::Data<Api>,
) -> io::Result<ServerHandle> {
    // The bound is on each thread, so it is shared out; rounded down, not to exceed it.
    let threads = threads.min(api.limits.connections);
    let connections_each = api.limits.connections / threads;
    let server = match certificate {
        Some(certificate) => over_tls(listener, threads, connections_each, certificate, api)?,
        None => {
            let connections = api.connections.clone();
            HttpServer::new(move || app(api.clone()))
                .on_connect(move |_, extensions| {
                    extensions.insert(connections.opened());
                })
                .workers(threads)
                .max_connections(connections_each)
                .disable_signals()
                .shutdown_timeout(REQUESTS_END_WITHIN_S)
                .client_disconnect_timeout(DISCONNECT_WITHIN)
                .listen(listener)?
                .run()
        }
    };
    let handle = server.handle();
    actix::spawn(async move {
        if let Err(error) = server.await {
            log::error!("the web server ended: {error}");
        }
    });
    Ok(handle)
}

/// As [`HttpServer`] does it, but it would offer HTTP/2 as well; see [`Certificate::config`].
fn over_tls(
    listener: TcpListener,
    threads: usize,
    connections_each: usize,
    certificate: &Arc<Certificate>,
    api: web::Data<Api>,
) -> io::Result<Server> {
    let config = certificate.config();
    let serve = move || {
        let connections = api.connections.clone();
        let app = app(api.clone()).into_factory();
        let app = app.map_err(|error: Error| error.error_response());
        HttpService::build()
            .client_disconnect_timeout(DISCONNECT_WITHIN)
            .on_connect_ext(move |_: &TlsStream<TcpStream>, extensions| {
                extensions.insert(connections.opened());
            })
            .h1(map_config(app, |()| AppConfig::default()))
            .rustls_0_23(config.clone())
    };
    let server = Server::build()
        .workers(threads)
        .max_concurrent_connections(connections_each)
        .disable_signals()
        .shutdown_timeout(REQUESTS_END_WITHIN_S)
        .listen("lull", listener, serve)?
        .run();
    Ok(server)
}
