//! A receiver of webhooks that answers by a script, and remembers what it got.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex};

use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;

use super::PATIENCE;

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Received {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    answers: VecDeque<(u16, String)>,
}

/// Listens on a port of its own until the test ends.
pub struct Receiver {
    port: u16,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl Receiver {
    /// Answers 200 to everything, until it is told otherwise.
    pub fn start() -> Self {
        let shared = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = shared.clone();
        std::thread::spawn(move || {
            let system = actix_web::rt::System::new();
            system.block_on(async move {
                let server = HttpServer::new(move || {
                    actix_web::App::new()
                        .app_data(web::Data::new(state.clone()))
                        .app_data(web::PayloadConfig::new(64 << 20))
                        .default_service(web::to(take))
                });
                let server = server.workers(1).disable_signals().listen(listener).expect("a port");
                server.run().await.expect("a server");
            });
        });
        Self { port, shared }
    }

    /// The URL of a hook here.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The next requests are answered with these codes.
    pub fn will_answer(&self, codes: &[u16]) {
        let said = |code: &u16| (*code, "from the receiver".to_owned());
        self.shared.0.lock().unwrap().answers.extend(codes.iter().map(said));
    }

    /// The request after those is answered with this.
    pub fn will_say(&self, code: u16, body: impl std::fmt::Display) {
        self.shared.0.lock().unwrap().answers.push_back((code, body.to_string()));
    }

    /// What came in so far.
    pub fn received(&self) -> Vec<Received> {
        self.shared.0.lock().unwrap().received.clone()
    }

    /// Waits until `count` requests have come in; all of them.
    pub fn wait_for(&self, count: usize) -> Vec<Received> {
        let (state, changed) = &*self.shared;
        let (state, _) = changed
            .wait_timeout_while(state.lock().unwrap(), PATIENCE, |state| {
                state.received.len() < count
            })
            .unwrap();
        let received = state.received.clone();
        assert!(received.len() >= count, "only {} of {count} requests came", received.len());
        received
    }
}

async fn take(
    request: HttpRequest,
    body: Bytes,
    shared: web::Data<Arc<(Mutex<State>, Condvar)>>,
) -> HttpResponse {
    let headers = request.headers().iter();
    let headers =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    let received = Received {
        path: request.path().to_owned(),
        headers: headers.collect(),
        body: String::from_utf8(body.to_vec()).expect("UTF-8"),
    };
    let (state, changed) = &***shared;
    let mut state = state.lock().unwrap();
    state.received.push(received);
    let answer = state.answers.pop_front();
    let (code, body) = answer.unwrap_or_else(|| (200, "from the receiver".to_owned()));
    changed.notify_all();
    HttpResponse::build(code.try_into().expect("a status code")).body(body)
}
