//! What the server counts and measures, for Prometheus. Level 0: plain figures in one registry;
//! whoever does a thing bumps its figure, and `web` writes them all down.
//!
//! - `counts.rs`: audits, messages, commits
//! - `windows.rs`: windows, and how late they closed
//! - `attempts.rs`: attempts, and how long they took
//! - `now.rs`: what stands at the moment of a scrape, set by whoever is asked for it
//! - `make.rs`: making and registering
//!
//! Counters count from the start of the server, every one of them: Prometheus bridges restarts, and
//! two kinds of counters would be one too many. What is counted over restarts stands in `/stats`.
//!
//! Labels have few values, all known here or in the code that passes them, and never a name that
//! somebody chose: a label of records or integrations would make as many series as there are of
//! those.

mod attempts;
mod counts;
mod make;
mod now;
mod windows;

use prometheus::{Registry, TextEncoder};

pub use attempts::Attempts;
pub use counts::{Audits, Commits, Messages};
pub use now::Now;
pub use windows::Windows;

use crate::clock::Timestamp;
use make::Make;

/// Everything that is counted and measured; one for the whole server.
pub struct Metrics {
    /// Audits that came in.
    pub audits: Audits,
    /// Windows that closed.
    pub windows: Windows,
    /// Messages made and settled.
    pub messages: Messages,
    /// Requests to hooks.
    pub attempts: Attempts,
    /// Commits to the store.
    pub commits: Commits,
    /// What stands at the moment of a scrape.
    pub now: Now,
    registry: Registry,
}

impl Metrics {
    /// All at zero, for a server that started then.
    pub fn new(started: Timestamp) -> Metrics {
        let registry = Registry::new();
        let make = Make(&registry);
        let (audits, windows, messages) =
            (Audits::new(&make), Windows::new(&make), Messages::new(&make));
        let (attempts, commits) = (Attempts::new(&make), Commits::new(&make));
        let now = Now::new(&make, started);
        Metrics { audits, windows, messages, attempts, commits, now, registry }
    }

    /// All of it in Prometheus' text format, and the media type of that.
    pub fn text(&self) -> (&'static str, String) {
        let mut text = String::new();
        TextEncoder::new()
            .encode_utf8(&self.registry.gather(), &mut text)
            .expect("invariant: every registered metric can be written to memory");
        (prometheus::TEXT_FORMAT, text)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{AttemptOutcome, ClosedBy};

    fn metrics() -> Metrics {
        Metrics::new(Timestamp::from_unix_ms(1_772_440_000_500))
    }

    #[test]
    fn what_has_not_happened_is_there_as_zero() {
        let (media_type, text) = metrics().text();
        assert!(media_type.starts_with("text/plain; version=0.0.4"), "{media_type}");
        for line in [
            "lull_audits_accepted_total 0",
            "lull_audit_calls_refused_total{reason=\"invalid\"} 0",
            "lull_windows_closed_total{why=\"max_wait\"} 0",
            "lull_window_lateness_seconds_count 0",
            "lull_messages_settled_total{outcome=\"superseded\"} 0",
            "lull_attempts_total{code=\"5xx\",outcome=\"refused\"} 0",
            "lull_attempt_duration_seconds_count{outcome=\"unanswered\"} 0",
            "lull_integrations{status=\"failing\"} 0",
            "process_start_time_seconds 1772440000.5",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn attempts_are_told_apart_by_what_came_of_them() {
        let metrics = metrics();
        let answered = |code| AttemptOutcome::Answered {
            code,
            headers: Vec::new(),
            body: String::new(),
            body_cut: false,
        };
        for code in [200, 299, 101, 302, 404, 410, 503, 999] {
            metrics.attempts.made(&answered(code), Duration::from_millis(20));
        }
        let nobody = AttemptOutcome::Unanswered("nobody there".to_owned());
        metrics.attempts.made(&nobody, Duration::from_secs(15));
        let (_, text) = metrics.text();
        for line in [
            "lull_attempts_total{code=\"2xx\",outcome=\"delivered\"} 2",
            "lull_attempts_total{code=\"1xx\",outcome=\"refused\"} 1",
            "lull_attempts_total{code=\"3xx\",outcome=\"refused\"} 1",
            "lull_attempts_total{code=\"4xx\",outcome=\"refused\"} 2",
            "lull_attempts_total{code=\"5xx\",outcome=\"refused\"} 1",
            "lull_attempts_total{code=\"other\",outcome=\"refused\"} 1",
            "lull_attempts_total{code=\"none\",outcome=\"unanswered\"} 1",
            "lull_attempt_duration_seconds_bucket{outcome=\"refused\",le=\"0.025\"} 6",
            "lull_attempt_duration_seconds_sum{outcome=\"unanswered\"} 15",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }

    #[test]
    fn only_windows_that_had_to_wait_for_their_deadline_can_be_late() {
        let metrics = metrics();
        let late = Duration::from_millis(3);
        metrics.windows.closed(Windows::QUIET, late);
        metrics.windows.closed(Windows::why(&ClosedBy::MaxWait), late);
        metrics.windows.closed(Windows::why(&ClosedBy::SendNow("somebody".to_owned())), late);
        let (_, text) = metrics.text();
        for line in [
            "lull_windows_closed_total{why=\"quiet\"} 1",
            "lull_windows_closed_total{why=\"send_now\"} 1",
            "lull_window_lateness_seconds_count 2",
            "lull_window_lateness_seconds_bucket{le=\"0.005\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
        }
    }
}
