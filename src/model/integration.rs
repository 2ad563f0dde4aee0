//! An integration: one configured hook.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

use super::{Account, ExternalId, Id, Secret};
use crate::clock::Timestamp;

/// The most attempts one integration may have in flight at once, whatever it asks for.
pub const MAX_IN_FLIGHT_MAX: u32 = 4_096;

/// One configured hook: who it is, and what it asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Integration {
    /// Made by Lull.
    pub id: Id,
    /// The account it belongs to.
    pub account: Account,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// What its messages are signed with.
    pub secret: Secret,
    /// What it asked for.
    pub spec: IntegrationSpec,
}

/// What an integration asks for, as written by people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntegrationSpec {
    /// What people call it.
    pub name: ExternalId,
    /// What is sent.
    pub kind: Kind,
    /// The one workspace it sees; none for the whole account (R6).
    #[serde(default)]
    pub workspace_id: Option<ExternalId>,
    /// Where to: `http` or `https`.
    pub hook_url: String,
    /// Whether anything is addressed to it (R10).
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Alternatives; none means everything (R7).
    #[serde(default)]
    pub activities: Vec<Activity>,
    /// Only audits by these users; none means everybody's (R8).
    #[serde(default)]
    pub users: Vec<ExternalId>,
    /// When matching audits are sent (R16).
    #[serde(default)]
    pub collation: Collation,
    /// Whether what could not be delivered yet absorbs what comes after it (R17).
    #[serde(default = "yes")]
    pub collate_backlog: bool,
    /// Overrides the server's quiet period (R4).
    #[serde(default)]
    pub quiet_period: Option<String>,
    /// Overrides the server's max wait (R4).
    #[serde(default)]
    pub max_wait: Option<String>,
    /// How a message is written.
    #[serde(default)]
    pub format: Format,
    /// Headers to add to every request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Whether the hook's certificate must be good.
    #[serde(default = "yes")]
    pub validate_certificate: bool,
    /// A private certificate authority, PEM.
    #[serde(default)]
    pub ca_certificate: Option<String>,
    /// A client certificate and key, PEM.
    #[serde(default)]
    pub client_certificate: Option<String>,
    /// How long one attempt may take in all.
    #[serde(default = "fifteen_seconds", with = "crate::settings::duration_text")]
    pub timeout: Duration,
    /// The most attempts in flight at once.
    #[serde(default = "in_flight_default")]
    pub max_in_flight: u32,
    /// Requests a second.
    #[serde(default)]
    pub rate_limit: Option<u32>,
    /// Waits between attempts, in place of the server's.
    #[serde(default)]
    pub retry_schedule: Option<Vec<String>>,
}

/// What an integration sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Audits: who did what to which record.
    Activity,
}

/// When matching audits are sent (R16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collation {
    /// When the record has been left alone, as one.
    #[default]
    Collated,
}

/// How a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An audit as DESIGN.md section 3 shows it.
    #[default]
    Audit,
    /// What receivers of Aha!'s own audit webhook read.
    Aha,
    /// A message for an incoming webhook of Slack.
    Slack,
    /// An adaptive card for a workflow webhook of Microsoft Teams.
    Teams,
    /// A message for a webhook of a Google Chat space.
    GoogleChat,
    /// A message for a webhook of a Discord channel.
    Discord,
}

/// One row of an integration's filter. Within a row, all lists must agree (R7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Activity {
    /// Workspaces; none means all. Only at account level.
    pub workspaces: Vec<ExternalId>,
    /// Record types, compared without case; none means all (R9).
    pub record_types: Vec<ExternalId>,
    /// Whether the type of the associated record counts as well (R9).
    pub include_associated: bool,
    /// Fields to pass on; none means all.
    pub fields: Vec<ExternalId>,
    /// Fields never to pass on.
    pub exclude_fields: Vec<ExternalId>,
}

/// How deliveries to an integration have gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The last attempt that succeeded.
    pub last_delivery_at: Option<Timestamp>,
    /// The last attempt that failed.
    pub last_error_at: Option<Timestamp>,
    /// Since when messages have run out of attempts, with nothing delivered since.
    pub failing_since: Option<Timestamp>,
}

/// The state of an integration in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// Nothing is wrong.
    Ok,
    /// A message has run out of attempts and nothing was delivered since.
    Failing,
    /// It gets nothing.
    Disabled,
}

impl Integration {
    /// The state in one word, given how deliveries have gone.
    pub fn status(&self, health: &Health) -> IntegrationStatus {
        if !self.spec.enabled {
            IntegrationStatus::Disabled
        } else if health.failing_since.is_some() {
            IntegrationStatus::Failing
        } else {
            IntegrationStatus::Ok
        }
    }
}

const fn yes() -> bool {
    true
}

const fn fifteen_seconds() -> Duration {
    Duration::from_secs(15)
}

const fn in_flight_default() -> u32 {
    256
}
