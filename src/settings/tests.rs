//! Tests of settings.

use std::fs;
use std::num::NonZeroU32;

use super::*;

/// A file with this text, and the folder it is gone with.
fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lull.toml");
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn given(edit: impl FnOnce(&mut Given)) -> Given {
    let mut given = Given::default();
    edit(&mut given);
    given
}

#[test]
fn with_nothing_given_the_documented_defaults_hold() {
    let settings = Settings::resolve(Given::default()).unwrap();
    assert_eq!(settings.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(settings.data, PathBuf::from("lull-data"));
    assert_eq!(settings.window.quiet_period, Duration::from_secs(300));
    assert_eq!(settings.window.max_wait, None);
    assert_eq!(settings.retention.age, Duration::from_secs(30 * 86_400));
    assert_eq!(settings.retention.bytes, 10 << 30);
    assert_eq!(settings.limits, Limits::default());
    assert_eq!(settings.limits.request_rate, None);
    assert_eq!((settings.tls, settings.trusted_proxies), (None, vec![]));
}

#[test]
fn the_file_fills_what_the_flags_leave_open() {
    let (_folder, path) = file("quiet_period = \"7s\"\nmax_wait = \"1m\"\n");
    let settings = Settings::resolve(given(|given| {
        given.config = Some(path);
        given.quiet_period = Some("9s".to_owned());
    }))
    .unwrap();
    assert_eq!(settings.window.quiet_period, Duration::from_secs(9));
    assert_eq!(settings.window.max_wait, Some(Duration::from_secs(60)));
}

#[test]
fn a_bad_setting_is_one_line_that_names_it() {
    type Edit = fn(&mut Given);
    let cases: [(Edit, &str); 25] = [
        (|g| g.quiet_period = Some("5x".into()), "quiet_period"),
        (|g| g.quiet_period = Some("".into()), "quiet_period"),
        (|g| g.quiet_period = Some("1000000h".into()), "quiet_period"),
        (|g| g.max_wait = Some("5m".into()), "max_wait"),
        (|g| g.max_wait = Some("never".into()), "max_wait"),
        (|g| g.listen = Some("localhost".into()), "listen"),
        (|g| g.retention_size = Some("much".into()), "retention_size"),
        (|g| g.allow_nets = Some("127.0.0.0/8,10.1/16".into()), "allow_nets"),
        (|g| g.allow_nets = Some("10.0.0.0/33".into()), "allow_nets"),
        (|g| g.trusted_proxies = Some("proxy".into()), "trusted_proxies"),
        (|g| g.insecure_http = Some("maybe".into()), "insecure_http"),
        (|g| g.tls_cert = Some("/dev/null".into()), "tls_cert"),
        (|g| g.tls_key = Some("/dev/null".into()), "tls_key"),
        (|g| g.max_open_windows = Some("0".into()), "max_open_windows"),
        (|g| g.max_open_windows = Some("2 million".into()), "max_open_windows"),
        (|g| g.max_buffered = Some("4".into()), "max_buffered"),
        (|g| g.max_request_bytes = Some("15MiB".into()), "max_request_bytes"),
        (|g| g.max_body = Some("257MiB".into()), "max_body"),
        (|g| g.max_body = Some("2GiB".into()), "max_body"),
        (|g| g.max_audit = Some("17MiB".into()), "max_audit"),
        (|g| g.max_batch = Some("-1".into()), "max_batch"),
        (|g| g.max_connections = Some("1.5".into()), "max_connections"),
        (|g| g.rate_limit = Some("0".into()), "rate_limit"),
        (|g| g.rate_limit = Some("10/s".into()), "rate_limit"),
        (|g| g.config = Some("/no/such/file.toml".into()), "config"),
    ];
    for (edit, setting) in cases {
        let line = Settings::resolve(given(edit)).unwrap_err().to_string();
        assert!(line.starts_with(&format!("{setting}: ")), "{line}");
        assert_eq!(line.lines().count(), 1, "{line}");
    }
}

#[test]
fn a_key_of_the_file_that_is_no_setting_is_refused_with_its_line() {
    let (_folder, path) = file("listen = \"127.0.0.1:1\"\nquite_period = \"7s\"\n");
    let line = Settings::resolve(given(|g| g.config = Some(path))).unwrap_err().to_string();
    assert!(line.contains("line 2") && line.contains("quite_period"), "{line}");
}

#[test]
fn networks_are_listed_with_commas() {
    let given = given(|g| g.allow_nets = Some("127.0.0.0/8, fd00::/8,10.0.0.7".into()));
    let nets = Settings::resolve(given).unwrap().allow_nets;
    let nets: Vec<String> = nets.iter().map(IpNet::to_string).collect();
    assert_eq!(nets, ["127.0.0.0/8", "fd00::/8", "10.0.0.7/32"]);
}

#[test]
fn durations_survive_being_written_and_read() {
    for text in ["0s", "1500ms", "30s", "5m", "2h", "24h", "30d"] {
        assert_eq!(write_duration(parse_duration(text).unwrap()), text);
    }
    for text in ["", "5", "m", "5 m", "-5m", "5m30s", "1.5h", "5M"] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn values_of_the_file_are_texts_whole_numbers_or_yes_and_no() {
    let (_folder, path) = file(
        "listen = \"0.0.0.0:80\"\ninsecure_http = true\nmax_batch = 5\nmax_body = 2048\n\
         rate_limit = 7\nmax_open_windows = \"9\"\nmax_buffered = \"1MiB\"\n",
    );
    let settings = Settings::resolve(given(|given| given.config = Some(path))).unwrap();
    let limits = settings.limits;
    assert_eq!((limits.batch_audits, limits.body_bytes), (5, 2048));
    assert_eq!(limits.audit_bytes, 2048, "no audit is larger than a body");
    assert_eq!((limits.open_windows, limits.buffered_bytes), (9, 1 << 20));
    assert_eq!(limits.request_rate, NonZeroU32::new(7));
    let (_folder, path) = file("quiet_period = \"1s\"\nmax_batch = 1.5\n");
    let line = Settings::resolve(given(|g| g.config = Some(path))).unwrap_err().to_string();
    assert!(line.contains("line 2") && line.contains("a whole number"), "{line}");
}

#[test]
fn beyond_this_machine_only_with_tls_or_when_told_so() {
    let at = |address: &str| given(|given| given.listen = Some(address.to_owned()));
    for address in ["127.0.0.1:80", "127.8.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
        assert!(Settings::resolve(at(address)).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "10.0.0.1:80"] {
        let line = Settings::resolve(at(address)).unwrap_err().to_string();
        assert!(line.starts_with("listen: ") && line.lines().count() == 1, "{line}");
        assert!(line.contains("tls_cert and tls_key") && line.contains("insecure_http"), "{line}");
        let insecure = Given { insecure_http: Some("true".to_owned()), ..at(address) };
        assert!(Settings::resolve(insecure).is_ok(), "{address}");
    }
    let (_folder, path) = file("");
    let settings = Given { tls_cert: Some(path.clone()), tls_key: Some(path), ..at("[::]:443") };
    assert!(Settings::resolve(settings).unwrap().tls.is_some());
}

#[test]
fn certificate_and_key_come_together_and_can_be_read() {
    let (_folder, path) = file("");
    let resolve = |certificate: Option<&str>, key: Option<&str>| {
        let text = |path: Option<&str>| path.map(str::to_owned);
        let given = Given { tls_cert: text(certificate), tls_key: text(key), ..Given::default() };
        Settings::resolve(given).map(|settings| settings.tls).map_err(|bad| bad.to_string())
    };
    assert!(resolve(Some(&path), Some(&path)).unwrap().is_some());
    assert_eq!(resolve(Some(&path), None).unwrap_err(), "tls_cert: needs tls_key beside it");
    assert_eq!(resolve(None, Some(&path)).unwrap_err(), "tls_key: needs tls_cert beside it");
    let missing = resolve(Some(&path), Some("/no/such/key.pem")).unwrap_err();
    assert!(missing.starts_with("tls_key: cannot read /no/such/key.pem: "), "{missing}");
    let folder = resolve(Some("/"), Some(&path)).unwrap_err();
    assert!(folder.starts_with("tls_cert: \"/\" is not a file"), "{folder}");
}

#[test]
fn a_limit_that_leaves_no_room_for_another_blames_the_one_that_was_given() {
    let line = |edit: fn(&mut Given)| Settings::resolve(given(edit)).unwrap_err().to_string();
    let said = line(|g| g.max_body = Some("512MiB".into()));
    assert!(said.contains("more than max_request_bytes (256MiB)"), "{said}");
    let said = line(|g| g.max_request_bytes = Some("1MiB".into()));
    assert!(said.contains("one body of max_body (16MiB)"), "{said}");
    let both = given(|g| {
        g.max_body = Some("64KiB".into());
        g.max_request_bytes = Some("64KiB".into());
    });
    assert_eq!(Settings::resolve(both).unwrap().limits.audit_bytes, 64 << 10);
}

#[test]
fn sizes_are_written_in_the_largest_unit_that_divides_them() {
    for text in ["1KiB", "64KiB", "16MiB", "1025MiB", "4GiB"] {
        assert_eq!(write_size(text.parse::<bytesize::ByteSize>().unwrap().as_u64()), text);
    }
    assert_eq!((write_size(0), write_size(1025)), ("0 bytes".into(), "1025 bytes".into()));
}
