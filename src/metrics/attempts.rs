//! Attempts, and how long they took.

use std::time::Duration;

use prometheus::{Histogram, IntCounter};

use super::make::Make;
use crate::model::AttemptOutcome;

/// From a hook next door to one that never answers.
const SECONDS: [f64; 13] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 30.0];

/// What came of attempts: the outcome, and the class of the status code.
const OUTCOMES: [(&str, &str); 7] = [
    ("delivered", "2xx"),
    ("refused", "1xx"),
    ("refused", "3xx"),
    ("refused", "4xx"),
    ("refused", "5xx"),
    ("refused", "other"),
    ("unanswered", "none"),
];

/// Requests to hooks for messages; samples that somebody asks for are none.
pub struct Attempts(Vec<(IntCounter, Histogram)>);

impl Attempts {
    pub(super) fn new(make: &Make<'_>) -> Self {
        let made = make.counters(
            "lull_attempts_total",
            "Attempts to deliver a message, each one HTTP request, since the start of the server, by \
             outcome and class of the status code.",
            &["outcome", "code"],
        );
        let seconds = make.histograms(
            "lull_attempt_duration_seconds",
            "How long attempts took from looking up the hook's name to the end of its answer, in \
             seconds, by outcome.",
            "outcome",
            &SECONDS,
        );
        let of = |(outcome, code)| {
            (made.with_label_values(&[outcome, code]), seconds.with_label_values(&[outcome]))
        };
        Self(OUTCOMES.map(of).into())
    }

    /// Counts an attempt.
    pub fn made(&self, outcome: &AttemptOutcome, took: Duration) {
        let at = match outcome.code() {
            Some(200..=299) => 0,
            Some(100..=199) => 1,
            Some(300..=399) => 2,
            Some(400..=499) => 3,
            Some(500..=599) => 4,
            Some(_) => 5,
            None => 6,
        };
        let (made, seconds) = &self.0[at];
        made.inc();
        seconds.observe(took.as_secs_f64());
    }
}
