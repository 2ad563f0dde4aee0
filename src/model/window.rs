//! A window as the store knows it: which rules it runs under, and the mark that closes it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Id, RecordKey};

/// The pair of times a window runs under (R1, R3). Stored with every audit, so that a deadline
/// outlives a restart with other settings (R5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WindowRule {
    /// How long the record must be left alone.
    pub quiet_period: Duration,
    /// The longest a window may last, counted from its first audit.
    pub max_wait: Option<Duration>,
}

/// Which of a record's windows: the server's, or one under a pair that integrations brought (R4).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot(Option<Box<WindowRule>>);

impl Slot {
    /// The window under the server's own pair, whatever that is at the time.
    pub const SERVER: Slot = Slot(None);

    /// The window under this pair.
    pub fn own(rule: WindowRule) -> Self {
        Self(Some(Box::new(rule)))
    }

    /// The slots that an audit is in, which was accepted under these rules: the server's first, then
    /// those that integrations brought.
    pub fn of_rules(rules: &[WindowRule]) -> impl Iterator<Item = (Slot, WindowRule)> {
        rules
            .iter()
            .enumerate()
            .map(|(at, rule)| (if at == 0 { Slot::SERVER } else { Slot::own(*rule) }, *rule))
    }
}

/// Why a window closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClosedBy {
    /// The record was left alone for the quiet period.
    Quiet,
    /// The window lasted as long as it may.
    MaxWait,
    /// Somebody asked; the name of the token.
    SendNow(String),
    /// Somebody dropped it: the name of the token, and why.
    Discarded {
        /// The name of the token.
        by: String,
        /// Why, as they said.
        reason: String,
    },
}

/// What a window came to for one integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Addressed {
    /// This message.
    Message(Id),
    /// Every change was undone within the window (R12).
    NothingChanged,
}

/// Closes a window: names its audits one by one (R1), and what it came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The record.
    pub record: RecordKey,
    /// Which of its windows.
    pub slot: Slot,
    /// The rule the window ran under.
    pub rule: WindowRule,
    /// Why it closed.
    pub closed_by: ClosedBy,
    /// Its audits, oldest first.
    pub places: Vec<Id>,
    /// What it came to for each integration that saw any of it.
    pub addressed: Vec<(Id, Addressed)>,
}
