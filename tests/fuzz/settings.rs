//! Settings as a file has them, durations and sizes among them: what is accepted is within its bounds
//! and reads the same again; what is not is named in one line.

use lull::settings::{Given, PERIOD_MAX, Settings, parse_duration, write_duration};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for word in text.split(|c: char| c.is_whitespace() || "\"'=".contains(c)) {
        is_a_duration_or_not(word);
    }
    let given = match toml::from_str::<Given>(&text) {
        Ok(given) => given,
        Err(error) => return assert!(!error.message().is_empty()),
    };
    // What names files of this machine is tried by other tests.
    let given = Given { tls_cert: None, tls_key: None, ..given };
    match Settings::resolve(given) {
        Ok(settings) => {
            assert!(settings.window.quiet_period <= PERIOD_MAX);
            let max_wait = settings.window.max_wait;
            assert!(max_wait.is_none_or(|max| max > settings.window.quiet_period), "R3");
            assert!(settings.retention.bytes >= 1 << 20 && settings.limits.batch_audits > 0);
            let open = settings.listen.ip().to_canonical().is_loopback();
            assert!(open || text.contains("insecure_http"), "{settings:?}");
        }
        Err(bad) => {
            let told = bad.to_string();
            assert!(!told.is_empty() && !told.contains('\n'), "{told:?}");
        }
    }
}

fn is_a_duration_or_not(word: &str) {
    let Some(duration) = parse_duration(word) else { return };
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{word}");
    let number: u128 = digits.parse().expect("digits");
    let unit = match &word[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        other => panic!("{other} is no unit"),
    };
    assert_eq!(duration.as_millis(), number * unit, "{word}");
    let written = write_duration(duration);
    assert!(written.len() > 16 || parse_duration(&written) == Some(duration), "{word} {written}");
}
