//! Audits, messages, commits.

use std::time::Duration;

use prometheus::{Histogram, IntCounter, IntCounterVec};

use super::make::Make;

/// Why calls are refused, so that each is there before it happens: the last part of the problem's
/// type. Another one only comes in later.
const REASONS: [&str; 14] = [
    "bad-request",
    "disk-full",
    "forbidden",
    "internal",
    "invalid",
    "not-json",
    "overloaded",
    "store-unavailable",
    "too-large",
    "too-many-calls",
    "too-many-open-windows",
    "too-much-buffered",
    "unauthorized",
    "unsupported-media-type",
];

/// Commands in a commit: powers of two up to the most that one takes.
const COMMANDS: [f64; 12] =
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 2_048.0];
/// A commit ends with a sync, which takes a millisecond on a good disk, and ten on an old one.
const COMMIT_SECONDS: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// Audits that came in. Counted once a commit, since they come by the ten thousand a second.
pub struct Audits {
    /// Accepted.
    pub accepted: IntCounter,
    /// There already.
    pub duplicates: IntCounter,
    refused: IntCounterVec,
}

impl Audits {
    pub(super) fn new(make: &Make<'_>) -> Self {
        let refused = make.counters(
            "lull_audit_calls_refused_total",
            "Calls that post audits and were refused whole since the start of the server, by reason: \
             the last part of the problem's type.",
            &["reason"],
        );
        REASONS.iter().for_each(|reason| drop(refused.with_label_values(&[reason])));
        Self {
            accepted: make.counter(
                "lull_audits_accepted_total",
                "Audits accepted since the start of the server.",
            ),
            duplicates: make.counter(
                "lull_audits_duplicate_total",
                "Audits whose id was known already, and which changed nothing, since the start of \
                 the server.",
            ),
            refused,
        }
    }

    /// Counts a call that was refused. Reasons come from the code alone, so there are few.
    pub fn refused(&self, reason: &'static str) {
        self.refused.with_label_values(&[reason]).inc();
    }
}

/// Messages made and settled; counted once a commit.
pub struct Messages {
    /// Made.
    pub made: IntCounter,
    /// A hook took it.
    pub delivered: IntCounter,
    /// Out of attempts.
    pub failed: IntCounter,
    /// Taken in by a newer one.
    pub superseded: IntCounter,
    /// Given up.
    pub cancelled: IntCounter,
}

impl Messages {
    pub(super) fn new(make: &Make<'_>) -> Self {
        let settled = make.counters(
            "lull_messages_settled_total",
            "Messages that came to be owed no more since the start of the server, by outcome. One that \
             is redelivered settles once more.",
            &["outcome"],
        );
        let settled = |outcome| settled.with_label_values(&[outcome]);
        Self {
            made: make.counter(
                "lull_messages_made_total",
                "Messages made, each one audit to one integration, since the start of the server.",
            ),
            delivered: settled("delivered"),
            failed: settled("failed"),
            superseded: settled("superseded"),
            cancelled: settled("cancelled"),
        }
    }
}

/// Commits to the store.
pub struct Commits {
    commands: Histogram,
    seconds: Histogram,
    failed: IntCounter,
}

impl Commits {
    pub(super) fn new(make: &Make<'_>) -> Self {
        Self {
            commands: make.histogram(
                "lull_commit_commands",
                "Commands that shared a commit to the store.",
                &COMMANDS,
            ),
            seconds: make.histogram(
                "lull_commit_duration_seconds",
                "How long commits to the store took, synced to the disk, in seconds.",
                &COMMIT_SECONDS,
            ),
            failed: make.counter(
                "lull_commits_failed_total",
                "Commits that failed since the start of the server; nothing of them was kept.",
            ),
        }
    }

    /// Counts a commit of so many commands.
    pub fn done(&self, commands: usize, took: Duration) {
        self.commands.observe(commands as f64);
        self.seconds.observe(took.as_secs_f64());
    }

    /// Counts a commit that failed.
    pub fn failed(&self) {
        self.failed.inc();
    }
}
