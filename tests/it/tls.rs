//! Hooks over TLS: private authorities, client certificates, and words for everything that can be
//! wrong with a certificate.

use serde_json::{Value, json};

use crate::harness::tls::{Authority, Identity, receiver};
use crate::harness::{Options, Receiver, Server, first_attempt};

const LOCAL: &[&str] = &["127.0.0.1", "localhost"];

#[test]
fn certificates_are_verified_and_what_is_wrong_with_one_is_said() {
    let (ours, other) = (Authority::new("our authority"), Authority::new("another authority"));
    let good = receiver(&ours.sign(LOCAL, None), None);
    let self_signed = receiver(&Identity::self_signed(LOCAL), None);
    let expired = receiver(&ours.sign(LOCAL, Some(2021)), None);
    let elsewhere = receiver(&ours.sign(&["example.com"], None), None);
    let demanding = receiver(&ours.sign(LOCAL, None), Some(&ours));
    let plain = Receiver::start();
    let plain_port: u16 = plain.url("").rsplit(':').next().unwrap().parse().unwrap();

    let ca = json!({"ca_certificate": ours.pem});
    let client = |identity: &Identity| json!({"ca_certificate": ours.pem, "client_certificate": identity.pem()});
    let ours_as_client = ours.sign(&["lull"], None);
    // Name, port, what the integration asks for, and what is said; nothing when it is delivered.
    let cases: Vec<(&str, u16, Value, Option<&str>)> = vec![
        ("private authority", good, ca.clone(), None),
        ("authority not known", good, json!({}), Some("unknown issuer; set ca_certificate")),
        ("other authority", good, json!({"ca_certificate": other.pem}), Some("unknown issuer")),
        ("not validated", good, json!({"validate_certificate": false}), None),
        ("self-signed", self_signed, json!({}), Some("is self-signed")),
        ("self-signed, not validated", self_signed, json!({"validate_certificate": false}), None),
        ("expired", expired, ca.clone(), Some("expired on 2021-06-15")),
        ("expired, not validated", expired, json!({"validate_certificate": false}), None),
        ("for another host", elsewhere, ca.clone(), Some("is not for this host but for")),
        ("no client certificate", demanding, ca.clone(), Some("requires a client certificate")),
        ("client certificate", demanding, client(&ours_as_client), None),
        (
            "client certificate of another authority",
            demanding,
            client(&other.sign(&["lull"], None)),
            Some("refused the client certificate"),
        ),
        ("plain HTTP on a TLS URL", plain_port, json!({}), Some("does not speak TLS at all")),
    ];
    let mut server = Server::start(Options::quiet("0s"));
    server.may_owe();
    let integrations: Vec<String> = cases
        .iter()
        .map(|(_, port, edit, _)| {
            server.api.integration(&format!("https://127.0.0.1:{port}/"), edit.clone())
        })
        .collect();
    let over_tls = server.api.integration(&format!("http://127.0.0.1:{good}/"), json!({}));
    let by_name = server.api.integration(&format!("https://localhost:{good}/"), ca);
    server.api.post("/audits", &audit(), 202);

    for ((name, _, _, expected), integration) in cases.iter().zip(&integrations) {
        let attempt = first_attempt(&server.api, integration);
        let error = attempt["error"].as_str();
        match expected {
            None => {
                assert_eq!(attempt["response"]["code"], 200, "{name}: {attempt:#}");
                assert!(attempt["timing"]["tls_ms"].is_u64(), "{name}: {attempt:#}");
            }
            Some(expected) => {
                let error = error.unwrap_or_else(|| panic!("{name}: {attempt:#}"));
                assert!(error.contains(expected), "{name}: {error}");
                assert!(error.contains("127.0.0.1:"), "{name}: {error}");
            }
        }
    }
    let attempt = first_attempt(&server.api, &over_tls);
    let error = attempt["error"].as_str().unwrap_or_else(|| panic!("{attempt:#}"));
    assert!(error.contains("URL should be https"), "{error}");
    assert_eq!(first_attempt(&server.api, &by_name)["response"]["code"], 200);
}

#[test]
fn certificates_that_cannot_be_used_are_refused_and_keys_are_never_shown() {
    let server = Server::quiet("1h");
    let authority = Authority::new("our authority");
    let identity = authority.sign(&["lull"], None);
    let certificate = identity.pem().split("-----BEGIN PRIVATE").next().unwrap().to_owned();
    let other_key = authority.sign(&["lull"], None).pem();
    let other_key = &other_key[other_key.find("-----BEGIN PRIVATE").unwrap()..];
    for (edit, pointer, message) in [
        (json!({"ca_certificate": "x"}), "/ca_certificate", "not PEM"),
        (json!({"ca_certificate": ""}), "/ca_certificate", "not PEM"),
        (json!({"ca_certificate": "x".repeat(70_000)}), "/ca_certificate", "at most 65536"),
        (json!({"client_certificate": "x"}), "/client_certificate", "not PEM"),
        (json!({"client_certificate": certificate}), "/client_certificate", "no private key"),
        (
            json!({"client_certificate": format!("{certificate}{other_key}")}),
            "/client_certificate",
            "not the certificate's",
        ),
    ] {
        let mut spec =
            json!({"name": "hook", "kind": "activity", "hook_url": "https://example.com/"});
        for (key, value) in edit.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let problem = server.api.post("/integrations", &spec, 422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert!(problem["errors"][0]["message"].as_str().unwrap().contains(message), "{problem}");
    }

    let edit = json!({"client_certificate": identity.pem(), "ca_certificate": authority.pem});
    let id = server.api.integration("https://example.com/", edit);
    let path = format!("/integrations/{id}");
    let shown = server.api.get(&path, 200);
    assert_eq!(shown["client_certificate"], "(hidden)");
    assert_eq!(shown["ca_certificate"], authority.pem);
    // What was shown can be sent back, and changes nothing.
    let patched = server.api.patch(&path, &json!({"client_certificate": "(hidden)"}), 200);
    assert_eq!(patched["client_certificate"], "(hidden)");
    let gone = server.api.patch(&path, &json!({"client_certificate": null}), 200);
    assert_eq!(gone["client_certificate"], Value::Null);
    server.api.patch(&path, &json!({"client_certificate": "(hidden)"}), 422);
}

#[test]
fn a_hook_that_points_inside_is_refused_on_saving_and_on_connecting() {
    let mut options = Options::quiet("0s");
    options.allow_nets = Some("127.0.0.2/32".to_owned());
    let mut server = Server::start(options);
    server.may_owe();
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::1]:9/",
        "http://169.254.169.254/latest/meta-data",
    ] {
        let spec = json!({"name": "hook", "kind": "activity", "hook_url": url});
        let problem = server.api.post("/integrations", &spec, 422);
        assert_eq!(problem["errors"][0]["pointer"], "/hook_url", "{url}: {problem}");
        let message = problem["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("--allow-nets"), "{url}: {message}");
    }
    let id = server.api.integration("http://127.0.0.2:9/", json!({}));
    let path = format!("/integrations/{id}");
    server.api.patch(&path, &json!({"hook_url": "http://10.0.0.1/"}), 422);

    let inside = Receiver::start();
    let url = inside.url("/").replace("127.0.0.1", "localhost");
    let by_name = server.api.integration(&url, json!({}));
    server.api.post("/audits", &audit(), 202);
    let attempt = first_attempt(&server.api, &by_name);
    let error = attempt["error"].as_str().unwrap();
    assert!(error.contains("localhost") && error.contains("a loopback address"), "{error}");
    assert!(inside.received().is_empty(), "nothing has come");
    let attempt = first_attempt(&server.api, &id);
    assert_eq!(attempt["error"], "connection refused by 127.0.0.2:9");
}

fn audit() -> Value {
    json!({"audit_action": "update", "auditable_type": "feature", "auditable_id": "42",
           "changes": [{"field_name": "Name", "value": "Export"}]})
}
