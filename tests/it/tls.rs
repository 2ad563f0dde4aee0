//! Hooks over TLS: private authorities, client certificates, and words for everything that can be
//! wrong with a certificate.

use serde_json::{Value, json};

use crate::harness::tls::{Authority, Identity, receiver, receiver_speaking};
use crate::harness::{Options, Receiver, Server, first_attempt};

const LOCAL: &[&str] = &["127.0.0.1", "localhost"];

/// A hook: what it is, its port, what the integration asks for besides, and what is said of the
/// attempt; nothing when it is delivered.
type Case<'a> = (&'a str, u16, Value, Option<&'a str>);

/// Makes an integration of each, and looks at the first attempt.
fn check(cases: &[Case<'_>]) {
    let mut server = Server::start(Options::quiet("0s"));
    server.may_owe();
    let make = |(_, port, edit, _): &Case| {
        server.api.integration(&format!("https://127.0.0.1:{port}/"), edit.clone())
    };
    let integrations: Vec<String> = cases.iter().map(make).collect();
    server.api.post("/audits", &audit(), 202);
    for ((name, _, _, expected), integration) in cases.iter().zip(&integrations) {
        let attempt = first_attempt(&server.api, integration);
        let error = attempt["error"].as_str();
        match expected {
            None => {
                assert_eq!(attempt["response"]["code"], 200, "{name}: {attempt:#}");
                let timing = &attempt["timing"];
                for part in ["resolve_ms", "connect_ms", "tls_ms", "wait_ms", "total_ms"] {
                    assert!(timing[part].is_u64(), "{name}, {part}: {attempt:#}");
                }
            }
            Some(expected) => {
                let error = error.unwrap_or_else(|| panic!("{name}: {attempt:#}"));
                assert!(error.contains(expected), "{name}: {error}");
                assert!(error.contains("127.0.0.1:"), "{name}: {error}");
            }
        }
    }
}

#[test]
fn certificates_are_verified_and_what_is_wrong_with_one_is_said() {
    let (ours, other) = (Authority::new("our authority"), Authority::new("another authority"));
    let renewed = Authority::new("our authority");
    let good = receiver(&ours.sign(LOCAL, None), None);
    let self_signed = receiver(&Identity::self_signed(LOCAL), None);
    let expired = receiver(&ours.sign(LOCAL, Some((2020, 2021))), None);
    let early = receiver(&ours.sign(LOCAL, Some((2098, 2099))), None);
    let elsewhere = receiver(&ours.sign(&["example.com"], None), None);
    let nowhere = receiver(&ours.sign(&[], None), None);
    let plain = Receiver::start();
    let plain_port: u16 = plain.url("").rsplit(':').next().unwrap().parse().unwrap();

    let ca = || json!({"ca_certificate": ours.pem});
    let unverified = || json!({"validate_certificate": false});
    check(&[
        ("private authority", good, ca(), None),
        ("authority not known", good, json!({}), Some("unknown issuer; set ca_certificate")),
        ("other authority", good, json!({"ca_certificate": other.pem}), Some("unknown issuer")),
        (
            "authority made anew",
            good,
            json!({"ca_certificate": renewed.pem}),
            Some("set ca_certificate to the new one"),
        ),
        ("not validated", good, unverified(), None),
        ("self-signed", self_signed, json!({}), Some("is self-signed")),
        ("self-signed, not validated", self_signed, unverified(), None),
        ("expired", expired, ca(), Some("expired on 2021-06-15")),
        ("expired, not validated", expired, unverified(), None),
        ("not valid yet", early, ca(), Some("is valid only from 2098-06-15")),
        ("for another host", elsewhere, ca(), Some("is not for this host but for")),
        ("for no host", nowhere, ca(), Some("names no host; make it with")),
        ("plain HTTP on a TLS URL", plain_port, json!({}), Some("does not speak TLS at all")),
    ]);
}

#[test]
fn a_hook_that_asks_for_a_client_certificate_gets_the_integrations() {
    let (ours, other) = (Authority::new("our authority"), Authority::new("another authority"));
    let client = |identity: &Identity| json!({"ca_certificate": ours.pem, "client_certificate": identity.pem()});
    let (good, bad) = (client(&ours.sign(&["lull"], None)), client(&other.sign(&["lull"], None)));
    let mut cases: Vec<Case> = Vec::new();
    for version in rustls::ALL_VERSIONS {
        let port = receiver_speaking(&[version], &ours.sign(LOCAL, None), Some(&ours));
        cases.extend([
            (
                "none",
                port,
                json!({"ca_certificate": ours.pem}),
                Some("requires a client certificate"),
            ),
            ("its own", port, good.clone(), None),
            ("of another authority", port, bad.clone(), Some("refused the client certificate")),
        ]);
    }
    check(&cases);
}

#[test]
fn a_hook_that_speaks_no_newer_tls_than_1_2_is_reached() {
    let ours = Authority::new("our authority");
    let expired = ours.sign(LOCAL, Some((2020, 2021)));
    let old = |identity: &Identity| receiver_speaking(&[&rustls::version::TLS12], identity, None);
    let ca = || json!({"ca_certificate": ours.pem});
    check(&[
        ("TLS 1.2", old(&ours.sign(LOCAL, None)), ca(), None),
        ("TLS 1.2, expired", old(&expired), ca(), Some("expired on 2021-06-15")),
        ("TLS 1.2, not known", old(&ours.sign(LOCAL, None)), json!({}), Some("unknown issuer")),
    ]);
}

/// What people do with a receiver of their own: make a self-signed certificate, and hand it over.
#[test]
fn a_self_signed_certificate_in_ca_certificate_is_accepted_for_its_hosts_and_its_time() {
    let of = |identity: &Identity| json!({"ca_certificate": identity.certificate()});
    let bare = Identity::self_signed(LOCAL);
    let authority = Identity::self_signed_authority(LOCAL, None);
    let successor = Identity::self_signed_authority(LOCAL, None);
    let expired = Identity::self_signed_authority(LOCAL, Some((2020, 2021)));
    let elsewhere = Identity::self_signed_authority(&["example.com"], None);
    let bare_elsewhere = Identity::self_signed(&["example.com"]);
    let both = format!("{}{}", successor.certificate(), authority.certificate());
    let port = |identity| receiver(identity, None);
    let old = receiver_speaking(&[&rustls::version::TLS12], &authority, None);
    check(&[
        ("bare", port(&bare), of(&bare), None),
        ("an authority's", port(&authority), of(&authority), None),
        ("over TLS 1.2", old, of(&authority), None),
        ("one of several", port(&authority), json!({"ca_certificate": both}), None),
        ("not given", port(&authority), json!({}), Some("set that to it, or validate_certificate")),
        ("another", port(&authority), of(&successor), Some("is self-signed, and not in")),
        ("another bare one", port(&bare), of(&authority), Some("is self-signed, and not in")),
        ("expired", port(&expired), of(&expired), Some("expired on 2021-06-15")),
        ("for another host", port(&elsewhere), of(&elsewhere), Some("not for this host but for")),
        ("bare, elsewhere", port(&bare_elsewhere), of(&bare_elsewhere), Some("but for")),
    ]);
}

#[test]
fn a_hook_is_reached_by_name_and_told_when_its_url_should_be_https() {
    let ours = Authority::new("our authority");
    let good = receiver(&ours.sign(LOCAL, None), None);
    let mut server = Server::start(Options::quiet("0s"));
    server.may_owe();
    let over_tls = server.api.integration(&format!("http://127.0.0.1:{good}/"), json!({}));
    let ca = json!({"ca_certificate": ours.pem});
    let by_name = server.api.integration(&format!("https://localhost:{good}/"), ca);
    server.api.post("/audits", &audit(), 202);
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
