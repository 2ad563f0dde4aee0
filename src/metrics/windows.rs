//! Windows, and how late they closed.

use std::time::Duration;

use prometheus::{Histogram, IntCounter};

use super::make::Make;
use crate::model::ClosedBy;

/// From the resolution of timers to a server that cannot keep up.
const LATENESS_SECONDS: [f64; 14] =
    [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// Windows that closed.
pub struct Windows {
    closed: [IntCounter; 4],
    lateness: Histogram,
}

/// Why a window closed, without who asked.
#[derive(Clone, Copy, Debug)]
pub struct Why(usize);

const WHYS: [&str; 4] = ["quiet", "max_wait", "send_now", "discarded"];

impl Windows {
    /// The quiet period was over.
    pub const QUIET: Why = Why(0);
    const MAX_WAIT: Why = Why(1);
    const SEND_NOW: Why = Why(2);
    const DISCARDED: Why = Why(3);

    pub(super) fn new(make: &Make<'_>) -> Self {
        let closed = make.counters(
            "lull_windows_closed_total",
            "Windows closed since the start of the server, by why they closed.",
            &["why"],
        );
        Self {
            closed: WHYS.map(|why| closed.with_label_values(&[why])),
            lateness: make.histogram(
                "lull_window_lateness_seconds",
                "How long after its deadline (quiet period or max wait) a window began to close, in \
                 seconds; not counting the time that the server was down.",
                &LATENESS_SECONDS,
            ),
        }
    }

    /// Why it closed, in a word.
    pub fn why(closed_by: &ClosedBy) -> Why {
        match closed_by {
            ClosedBy::Quiet => Self::QUIET,
            ClosedBy::MaxWait => Self::MAX_WAIT,
            ClosedBy::SendNow(_) => Self::SEND_NOW,
            ClosedBy::Discarded { .. } => Self::DISCARDED,
        }
    }

    /// Counts a window that closed, so long after its deadline. One that was closed by hand had not
    /// come to it: it cannot be late.
    pub fn closed(&self, Why(why): Why, late: Duration) {
        self.closed[why].inc();
        if why <= Self::MAX_WAIT.0 {
            self.lateness.observe(late.as_secs_f64());
        }
    }
}
