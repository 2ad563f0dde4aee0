//! The server behind its own certificate, and who it listens to without one.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::tls::{Authority, Identity};
use crate::harness::{Options, Server, eventually, executable, run};

/// Asks for `/healthz` with a client that we did not write, which trusts this authority.
fn ask(url: &str, authority: &Path, more: &[&str]) -> Output {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "20", "--cacert"]).arg(authority);
    run(curl.args(more).arg(format!("{url}/healthz")))
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a path").to_owned()
    }

    fn write(&self, identity: &Identity) {
        std::fs::write(self.path("cert.pem"), identity.certificate()).expect("written");
        std::fs::write(self.path("key.pem"), identity.key()).expect("written");
    }

    fn server(&self) -> Server {
        let (cert, key) = (self.path("cert.pem"), self.path("key.pem"));
        let mut server =
            Server::start(Options::quiet("1s").with(&["--tls-cert", &cert, "--tls-key", &key]));
        // Asking it is left to clients that speak TLS.
        server.may_owe();
        server
    }
}

#[test]
fn the_server_speaks_tls_and_shows_a_new_certificate_when_it_is_told_to() {
    let (old, new, files) = (Authority::new("old"), Authority::new("new"), Files::new());
    let [old_pem, new_pem] = [("old.pem", &old), ("new.pem", &new)].map(|(name, authority)| {
        std::fs::write(files.path(name), &authority.pem).expect("written");
        files.path(name)
    });
    let [old_pem, new_pem] = [Path::new(&old_pem), Path::new(&new_pem)];
    files.write(&old.sign(&["127.0.0.1"], None));
    let server = files.server();
    assert!(server.url.starts_with("https://"), "{}", server.url);
    assert!(server.greeting.contains("https://127.0.0.1"), "{}", server.greeting);
    for version in [&[][..], &["--tls-max", "1.2"], &["--tlsv1.3"]] {
        let answer = ask(&server.url, old_pem, version);
        assert_eq!(answer.stdout, br#"{"status":"ok"}"#, "{answer:?}");
    }
    let plain = server.url.replace("https://", "http://");
    assert!(!ask(&plain, old_pem, &[]).status.success(), "in the clear there is no answer");
    assert!(!ask(&server.url, new_pem, &[]).status.success());

    files.write(&new.sign(&["127.0.0.1"], None));
    server.signal(libc::SIGHUP);
    eventually("the new certificate", || {
        ask(&server.url, new_pem, &[]).status.success().then_some(())
    });

    // One that cannot be used changes nothing.
    std::fs::write(files.path("key.pem"), "not a key").expect("written");
    server.signal(libc::SIGHUP);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(ask(&server.url, new_pem, &[]).status.success(), "the last good one stays");
}

#[test]
fn a_cookie_is_sent_by_tls_only() {
    let (authority, files) = (Authority::new("mine"), Files::new());
    files.write(&authority.sign(&["127.0.0.1"], None));
    std::fs::write(files.path("ca.pem"), &authority.pem).expect("written");
    let server = files.server();
    let body = format!("{{\"token\":\"{}\"}}", server.api.token());
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--include", "--cacert", &files.path("ca.pem")])
        .args(["-H", "content-type: application/json", "-d", &body])
        .arg(format!("{}/api/v1/session", server.url));
    let answer = String::from_utf8(run(&mut curl).stdout).expect("text");
    let cookie = answer.lines().find(|line| line.starts_with("set-cookie")).expect("a cookie");
    assert!(cookie.contains("; Secure"), "{cookie}");
}

#[test]
fn beyond_this_machine_it_listens_only_with_tls_or_when_it_is_told_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = |more: &[&str]| {
        let mut command = executable();
        command.arg("--data").arg(folder.path()).args(more);
        let output = run(&mut command);
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).expect("text")
    };
    let said = refused(&["--listen", "0.0.0.0:0"]);
    assert!(said.contains("listen: ") && said.contains("tls_cert"), "{said}");
    assert!(said.contains("insecure"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let said = refused(&["--tls-cert", "/no/such/file.pem"]);
    assert!(said.contains("tls_key"), "{said}");
    let said = refused(&["--tls-cert", "/no/such/file.pem", "--tls-key", "/no/such/key.pem"]);
    assert!(said.contains("tls_cert: ") && said.contains("/no/such/file.pem"), "{said}");
}
