//! What stands at the moment of a scrape. The truth is elsewhere; these are set to it just before
//! they are written down.

use std::time::Duration;

use prometheus::{Gauge, IntGauge, Opts};

use super::make::Make;
use crate::clock::Timestamp;

/// What stands at the moment of a scrape.
pub struct Now {
    /// Windows that are open.
    pub open_windows: IntGauge,
    /// Accepted audits on their way to their windows.
    pub backlog_audits: IntGauge,
    /// Commands that wait for a commit.
    pub waiting_commands: IntGauge,
    /// Messages owed.
    pub owed: IntGauge,
    oldest_owed: Gauge,
    /// Integrations that deliver.
    pub integrations_ok: IntGauge,
    /// Integrations that fail.
    pub integrations_failing: IntGauge,
    /// Integrations that get nothing.
    pub integrations_disabled: IntGauge,
    /// Bytes the store takes on disk.
    pub disk_bytes: IntGauge,
    /// Bytes of history and log.
    pub kept_bytes: IntGauge,
    writable: IntGauge,
    /// None where the system does not tell.
    resident_bytes: Option<IntGauge>,
}

impl Now {
    pub(super) fn new(make: &Make<'_>, started: Timestamp) -> Self {
        let version = Opts::new("lull_build_info", "Always 1; the label is the version that runs.");
        let version = version.const_label("version", env!("CARGO_PKG_VERSION"));
        make.register(IntGauge::with_opts(version)).set(1);
        make.register(Gauge::new(
            "process_start_time_seconds",
            "When the server started, in seconds since the Unix epoch.",
        ))
        .set(started.unix_ms() as f64 / 1_000.0);
        let integrations = make.gauges(
            "lull_integrations",
            "Integrations by status: ok, failing (a message ran out of attempts and nothing was \
             delivered since), disabled.",
            "status",
        );
        let integrations = |status| integrations.with_label_values(&[status]);
        Self {
            open_windows: make.gauge("lull_windows_open", "Windows that are open now."),
            backlog_audits: make.gauge(
                "lull_backlog_audits",
                "Accepted audits that have not reached their windows yet.",
            ),
            waiting_commands: make.gauge(
                "lull_commit_waiting_commands",
                "Commands that wait for a commit to the store.",
            ),
            owed: make.gauge(
                "lull_outbox_messages",
                "Messages that are owed: first try or retry to come, or held while their integration \
                 is disabled.",
            ),
            oldest_owed: make.register(Gauge::new(
                "lull_outbox_oldest_age_seconds",
                "Age of the oldest message that is owed, in seconds; 0 when none is.",
            )),
            integrations_ok: integrations("ok"),
            integrations_failing: integrations("failing"),
            integrations_disabled: integrations("disabled"),
            disk_bytes: make.gauge("lull_store_disk_bytes", "Bytes that the store takes on disk."),
            kept_bytes: make.gauge(
                "lull_store_kept_bytes",
                "Bytes of history and log that are kept, which the retention is about.",
            ),
            writable: make.gauge(
                "lull_store_writable",
                "1 when the store can be written to, 0 when it cannot: disk full, or broken.",
            ),
            resident_bytes: resident_bytes().map(|_| {
                make.gauge("process_resident_memory_bytes", "Bytes of memory that are resident.")
            }),
        }
    }

    /// How long the oldest message has been owed.
    pub fn oldest_owed_for(&self, age: Option<Duration>) {
        self.oldest_owed.set(age.unwrap_or_default().as_secs_f64());
    }

    /// Whether the store can be written to.
    pub fn writable(&self, is_writable: bool) {
        self.writable.set(is_writable.into());
    }

    /// Asks the system how much memory the server takes.
    pub fn measure_memory(&self) {
        if let (Some(gauge), Some(bytes)) = (&self.resident_bytes, resident_bytes()) {
            gauge.set(bytes);
        }
    }
}

/// Bytes of this process that are resident, where the system tells. The collector that comes with the
/// library says a little more, but brings five more libraries along.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1_024)
}
