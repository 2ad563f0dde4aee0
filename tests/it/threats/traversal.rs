use super::raw;
use crate::harness::Server;

#[test]
fn there_is_no_way_out_of_the_pages() {
    let server = Server::quiet("1s");
    for path in [
        "/static/../Cargo.toml",
        "/static/../../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/..%5c..%5cetc%5cpasswd",
        "/static//etc/passwd",
        "/static/%2Fetc%2Fpasswd",
        "/static/index.html%00.js",
        "/static/....//....//etc/passwd",
        "/../lull-data/admin-token",
        "/lull-data/admin-token",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: lull\r\nconnection: close\r\n\r\n");
        let answer = raw(&server, request.as_bytes());
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(status == "404" || status == "400", "{path}: {answer}");
        for inside in ["root:", "[package]", server.api.token().as_str()] {
            assert!(!answer.contains(inside), "{path}: {answer}");
        }
    }
}
