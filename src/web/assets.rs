//! The web pages: what is in `static/`, embedded in the executable. They are the first client of the
//! API, so they need no token to be read; all that they show they ask for.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
};
use actix_web::middleware::Compress;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::Problem;
use super::access::API;

/// The files of the pages.
#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Where the pages are. Each is the same document, which sees from the address what to show.
const PAGES: [&str; 8] = [
    "/",
    "/messages/{id}",
    "/records",
    "/records/{type}/{id}",
    "/integrations",
    "/integrations/{id}",
    "/integrations/{id}/log",
    "/settings",
];

/// Nothing from elsewhere, nothing inline, and in nobody's frame.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'; object-src 'none'";

/// Mounts the pages and their files.
pub fn configure(app: &mut ServiceConfig) {
    for page in PAGES {
        app.service(
            web::resource(page)
                .wrap(Compress::default())
                .route(web::get().to(document))
                .default_service(web::to(super::no_such_method)),
        );
    }
    app.service(
        web::resource("/static/{path:.*}")
            .wrap(Compress::default())
            .route(web::get().to(file))
            .default_service(web::to(super::no_such_method)),
    );
}

async fn document(request: HttpRequest) -> HttpResponse {
    let file = Files::get("index.html").expect("invariant: embedded");
    answer(&request, &file, "text/html; charset=utf-8")
}

/// The page that says so, when somebody looks for a page that is not there.
pub fn not_found(request: &HttpRequest) -> Option<HttpResponse> {
    let accepted = request.headers().get(ACCEPT)?.to_str().ok()?;
    if !accepted.contains("text/html") || request.path().starts_with(API) {
        return None;
    }
    let file = Files::get("index.html").expect("invariant: embedded");
    let mut page = answer(request, &file, "text/html; charset=utf-8");
    *page.status_mut() = StatusCode::NOT_FOUND;
    Some(page)
}

async fn file(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = request.match_info().get("path").unwrap_or_default();
    let media_type = match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "text/html; charset=utf-8",
    };
    match Files::get(path) {
        Some(file) => Ok(answer(&request, &file, media_type)),
        None => Err(Problem::not_found(format!("there is nothing at {}", request.path()))),
    }
}

/// The file; or that it has not changed since the browser last had it. Asked for every time, so that
/// a newer Lull is never shown with older pages.
fn answer(request: &HttpRequest, file: &EmbeddedFile, media_type: &str) -> HttpResponse {
    let hash = file.metadata.sha256_hash();
    let etag = format!("W/\"{:016x}\"", u64::from_be_bytes(*hash.first_chunk().expect("32 bytes")));
    let known = request.headers().get(IF_NONE_MATCH);
    let is_known = known.is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((ETAG, etag))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"));
    match is_known {
        true => response.finish(),
        false => response.content_type(media_type).body(light(&file.data)),
    }
}

/// The text of a file without what is for those who read it where it is kept: indentation, and lines
/// that are a comment.
fn light(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let is_comment =
        |line: &str| line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/"));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_comment(line));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most bytes of all files together, as they are served.
    const WEIGHT_MAX: usize = 120_000;

    #[test]
    fn all_pages_together_are_light_and_mean_the_same_as_where_they_are_kept() {
        let mut weight = 0;
        for path in Files::iter() {
            let file = Files::get(&path).unwrap();
            weight += light(&file.data).len();
            let text = String::from_utf8(file.data.to_vec()).unwrap();
            // Text that spans lines would lose its indentation.
            for line in text.lines() {
                assert_eq!(line.matches('`').count() % 2, 0, "{path}: {line}");
            }
        }
        assert!(weight < WEIGHT_MAX, "{weight} bytes");
        assert_eq!(light(b"/** What. */\nf(\n  // Why.\n  `a  b`,\n);\n"), "f(\n`a  b`,\n);\n");
    }
}
