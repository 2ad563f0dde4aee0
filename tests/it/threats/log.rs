use serde_json::json;

use super::raw;
use crate::harness::{Options, Receiver, Server, eventually};

/// A line of its own, cursor movements, and text that is read from right to left.
const FORGED: &str = "x\r\n[2026-01-01T00:00:00Z ERROR lull] forged\u{1b}[2J\u{9b}1A\u{202E}end";

#[test]
fn nothing_that_is_sent_begins_a_line_of_the_log_or_reaches_a_terminal() {
    let receiver = Receiver::start();
    let mut server = Server::start(Options::quiet("0s").logging());
    server.may_owe();
    let api = &server.api;
    let hook = api.integration(&receiver.url("/"), json!({"name": FORGED, "collation": "live"}));
    api.post("/tokens", &json!({"name": FORGED, "roles": ["viewer"]}), 201);
    api.post("/workspaces", &json!({"id": FORGED, "name": FORGED}), 201);
    receiver.will_say(500, FORGED);
    let audit = json!({"audit_action": "update", "auditable_type": FORGED, "auditable_id": FORGED,
                       "user": {"id": FORGED, "name": FORGED}, "description": FORGED});
    api.post("/audits", &audit, 202);
    eventually("an attempt", || {
        let messages = api.get(&format!("/messages?integration={hook}&code=500"), 200);
        (!messages["items"].as_array()?.is_empty()).then_some(())
    });
    // Refusals repeat what was sent.
    api.post("/audits", &json!({"audit_action": FORGED, FORGED: FORGED}), 422);
    api.post("/integrations", &json!({"name": FORGED, "kind": FORGED, FORGED: 1}), 422);
    api.post("/accounts", &json!({"id": FORGED}), 422);
    for path in ["/messages?status=x%0Aforged%1B[31m", "/x%0Aforged", "/integrations/x%0Aforged%1B"]
    {
        let answer = api.call("GET", path, &[("user-agent", "x\tforged")], b"").expect("an answer");
        assert!(answer.status >= 400, "{answer:?}");
    }
    // What is no request at all is not worth a line.
    for garbage in
        ["GET / HTTP/1.1\r\nx y: z\r\n\r\n", "\u{1b}[2J\r\n\r\n", "GET /\u{7f} HTTP/9\r\n\r\n"]
    {
        assert!(!raw(&server, garbage.as_bytes()).contains("200 OK"));
    }
    let log = eventually("the log", || {
        let log = std::fs::read_to_string(server.options.log()).expect("the log");
        log.contains("forged").then_some(log)
    });
    for line in log.lines() {
        assert!(line.starts_with("[2") && line.contains(" lull"), "not a line of Lull's: {line:?}");
        assert!(!line.chars().any(char::is_control) && !line.contains('\u{202E}'), "{line:?}");
    }
}
