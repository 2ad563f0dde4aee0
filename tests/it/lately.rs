//! How deliveries went lately: hour by hour, and to one integration.

use serde_json::json;

use crate::harness::{Client, Receiver, Server, eventually};

#[test]
fn the_last_day_is_told_hour_by_hour_and_an_integration_by_its_newest_messages() {
    let (good, server) = (Receiver::start(), Server::quiet("0s"));
    let hook = server.api.integration(&good.url("/good"), json!({}));
    let dead = server.api.integration(
        "http://127.0.0.1:9/",
        json!({"retry_schedule": ["1s"], "users": ["nobody", "101"], "activities": [{"record_types": ["idea"]}]}),
    );
    let audit = |kind: &str, record: u32| json!({"audit_action": "update", "auditable_type": kind, "auditable_id": record, "user": {"id": "101"}});
    for record in 0..4 {
        server.api.post("/audits", &audit("feature", record), 202);
    }
    server.api.post("/audits", &audit("idea", 1), 202);
    let of = |api: &Client, id: &str| api.get(&format!("/integrations/{id}/stats"), 200);
    eventually("all is settled", || {
        (of(&server.api, &dead)["last"] == json!(["failed"])).then_some(())
    });
    server.settled();

    let hours = server.api.get("/stats/hours", 200)["items"].clone();
    let hours = hours.as_array().expect("a list");
    let sum = |key: &str| hours.iter().filter_map(|hour| hour[key].as_u64()).sum::<u64>();
    // The hour may have changed meanwhile; the day has not.
    assert_eq!((hours.len(), sum("delivered"), sum("failed")), (24, 5, 1));

    let good = of(&server.api, &hook);
    assert_eq!((&good["messages"], &good["success_rate"]), (&json!(5), &json!(1.0)));
    assert_eq!(good["last"], json!(vec!["delivered"; 5]));
    assert!(good["p95_ms"].as_u64() >= good["p50_ms"].as_u64() && good["last_error"].is_null());
    let bad = of(&server.api, &dead);
    assert_eq!((&bad["success_rate"], &bad["p50_ms"]), (&json!(0.0), &json!(null)));
    assert!(bad["last_error"].as_str().expect("why").contains("connection refused"), "{bad}");

    // Counted over a restart, and for nobody else.
    let server = Server::start(server.kill());
    let again = server.api.get("/stats/hours", 200)["items"].clone();
    let delivered = |items: &serde_json::Value| {
        let hours = items.as_array().expect("a list").iter();
        hours.filter_map(|hour| hour["delivered"].as_u64()).sum::<u64>()
    };
    assert_eq!(delivered(&again), 5);
    let other = server.api.post("/accounts", &json!({"id": "other"}), 201);
    let other = server.api.with_token(other["token"].as_str());
    assert_eq!(delivered(&other.get("/stats/hours", 200)["items"]), 0);
}
