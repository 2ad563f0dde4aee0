//! The rival of audits posted: a server of the same HTTP library with as many threads, which
//! reads each body with Lull's own `ingest` and answers what Lull would, but keeps nothing: no store, no
//! token, no window. What Lull does beyond it is what being durable costs.

use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use actix_web::web::{self, Bytes, PayloadConfig};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer};
use lull::ingest::{self, Media};
use lull::settings::Limits;
use serde_json::json;

use crate::failure::Failure;
use crate::process::Process;

/// The argument that makes this program that server, in a process of its own as Lull is.
pub const ARGUMENT: &str = "--no-store";
/// As Lull does it.
const THREADS_MAX: usize = 8;

/// Starts it.
pub fn start() -> Result<(Process, SocketAddr), Failure> {
    let program = std::env::current_exe().map_err(Failure::system("finding this program"))?;
    Process::start(Command::new(program).env_clear().arg(ARGUMENT))
}

/// Is it, until somebody ends the process.
pub fn serve() -> ExitCode {
    match actix_web::rt::System::new().block_on(run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> std::io::Result<()> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    let app = || {
        let body = PayloadConfig::new(Limits::default().body_bytes);
        App::new().app_data(body).route("/api/v1/audits", web::post().to(answer))
    };
    let server = HttpServer::new(app).workers(threads).bind(("127.0.0.1", 0))?;
    println!("parses and answers on http://{}", server.addrs()[0]);
    server.run().await
}

async fn answer(request: HttpRequest, body: Bytes) -> HttpResponse {
    static LAST_ID: AtomicU64 = AtomicU64::new(1 << 62);
    let is_json = request.content_type() == "application/json";
    let media = if is_json { Media::Json } else { Media::Ndjson };
    match ingest::audits(&body, media, &Limits::default()) {
        Ok(audits) => {
            let ids: Vec<String> =
                audits.iter().map(|_| LAST_ID.fetch_add(1, Relaxed).to_string()).collect();
            let answer = json!({"accepted": ids.len(), "ids": ids, "duplicates": []});
            HttpResponse::Accepted().json(answer)
        }
        Err(refused) => HttpResponse::UnprocessableEntity().body(refused.to_string()),
    }
}
