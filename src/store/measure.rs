//! A commit, counted and measured. Once a commit, however many audits are in it.

use super::{Totals, Writer};
use crate::clock::{Clock, Monotonic};
use crate::metrics::Metrics;

/// A commit that is under way.
pub struct Measure {
    commands: usize,
    before: Totals,
    began: Monotonic,
}

impl Measure {
    pub fn begin(commands: usize, writer: &Writer, clock: &dyn Clock) -> Self {
        Self { commands, before: writer.totals(), began: clock.monotonic() }
    }

    /// It is on disk.
    pub fn done(self, writer: &Writer, clock: &dyn Clock, metrics: &Metrics) {
        let (before, after) = (self.before, writer.totals());
        metrics.commits.done(self.commands, clock.monotonic().saturating_sub(self.began));
        let messages = &metrics.messages;
        for (counter, before, after) in [
            (&metrics.audits.accepted, before.audits, after.audits),
            (&metrics.audits.duplicates, before.duplicates, after.duplicates),
            (&messages.made, before.messages, after.messages),
            (&messages.delivered, before.delivered, after.delivered),
            (&messages.failed, before.failed, after.failed),
            (&messages.superseded, before.superseded, after.superseded),
            (&messages.cancelled, before.cancelled, after.cancelled),
        ] {
            counter.inc_by(after.saturating_sub(before));
        }
    }
}
