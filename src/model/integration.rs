//! An integration: one configured hook.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use utoipa::ToSchema;

use super::{Account, Audit, DurationText, ExternalId, Id, Secret, Slot, Success, WindowRule};
use crate::clock::Timestamp;
use crate::settings::{parse_duration, write_duration};

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
    /// Another with every change: what two people who change it at once are told apart by.
    #[serde(default)]
    pub revision: Id,
    /// What its messages are signed with.
    pub secret: Secret,
    /// What they are signed with as well, for a while after a rotation.
    #[serde(default)]
    pub old_secret: Option<OldSecret>,
    /// Why Lull itself disabled it, if it did; forgotten when it is enabled again.
    #[serde(default)]
    pub disabled_because: Option<DisabledBecause>,
    /// The pairs it had before, oldest first; the newest of them.
    #[serde(default)]
    pub earlier_pairs: Vec<EarlierPair>,
    /// What it asked for.
    pub spec: IntegrationSpec,
}

/// A secret that was replaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OldSecret {
    /// The secret.
    pub secret: Secret,
    /// Until when messages are signed with it, too.
    pub until: Timestamp,
}

/// Why Lull disabled an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledBecause {
    /// The hook answered 410.
    Gone,
    /// Nothing but failures for five days.
    Failing,
}

/// What an integration overrides of the server's quiet period and max wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The quiet period.
    #[serde(default, with = "crate::settings::optional_duration")]
    pub quiet_period: Option<Duration>,
    /// Max wait.
    #[serde(default)]
    pub max_wait: Option<MaxWait>,
}

/// A pair that an integration had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierPair {
    /// For audits before this place.
    pub until: Id,
    /// The pair.
    pub pair: Pair,
}

/// What an integration asks for, as written by people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewIntegration)]
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
    #[serde(default, with = "crate::settings::optional_duration")]
    #[schema(value_type = Option<DurationText>)]
    pub quiet_period: Option<Duration>,
    /// Overrides the server's max wait (R4).
    #[serde(default)]
    pub max_wait: Option<MaxWait>,
    /// How a message is written.
    #[serde(default)]
    pub format: Format,
    /// Kind `security`: only these actions; `login.*` means all that begin so, none means all.
    #[serde(default)]
    pub actions: Vec<ExternalId>,
    /// Kind `security`: only what ended so.
    #[serde(default)]
    pub outcome: Option<Success>,
    /// Kind `security`: only what is at least so grave, from 0 to 10.
    #[serde(default)]
    pub min_severity: u8,
    /// Kind `security`, formats that take many events at once: how many wait for each other.
    #[serde(default)]
    pub batch: Option<Batch>,
    /// Whether bodies are sent compressed, by gzip: formats `ecs_bulk`, `splunk_hec` and `datadog`.
    #[serde(default)]
    pub gzip: bool,
    /// Kind `activity`, format `audit`: whether the record goes with the changes, as `record`.
    #[serde(default)]
    pub include_record: bool,
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
    #[schema(value_type = DurationText)]
    pub timeout: Duration,
    /// The most attempts in flight at once.
    #[serde(default = "in_flight_default")]
    pub max_in_flight: u32,
    /// Requests a second, evenly spread.
    #[serde(default)]
    #[schema(value_type = Option<u32>)]
    pub rate_limit: Option<NonZeroU32>,
    /// Waits between attempts, in place of [`SCHEDULE`].
    #[serde(default)]
    pub retry_schedule: Option<RetrySchedule>,
}

/// The waits after the first try, the second, and so on; then the message has failed.
pub const SCHEDULE: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    Duration::from_secs(10 * 3600),
    Duration::from_secs(10 * 3600),
];

/// Waits between attempts, written `["5s", "5m"]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetrySchedule(#[serde(with = "crate::settings::duration_list")] pub Vec<Duration>);

/// The longest a window may last, as an integration asks: written `off`, or like `30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxWait {
    /// As long as it takes.
    Off,
    /// So long.
    After(Duration),
}

impl Serialize for MaxWait {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            MaxWait::Off => to.serialize_str("off"),
            MaxWait::After(wait) => to.serialize_str(&write_duration(*wait)),
        }
    }
}

impl<'de> Deserialize<'de> for MaxWait {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        match (text.as_str(), parse_duration(&text)) {
            ("off", _) => Ok(MaxWait::Off),
            (_, Some(wait)) => Ok(MaxWait::After(wait)),
            _ => Err(D::Error::custom(format!(
                "{text:?} is neither off nor a duration; write it like 30s, 5m or 2h"
            ))),
        }
    }
}

/// What an integration sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Audits: who did what to which record.
    Activity,
    /// Security events, each at once. At account level only.
    Security,
    /// The full record, when it is sent to the hook and with every change from then on. At workspace
    /// level only.
    Record,
}

/// When matching audits are sent (R16).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Collation {
    /// When the record has been left alone, as one.
    #[default]
    Collated,
    /// Each at once, alone, in order.
    Live,
    /// Each at once, and the collated one when a window of two or more closes.
    All,
}

/// How a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Lull's own: what is sent with every key, as the README shows it.
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
    /// The Open Cybersecurity Schema Framework.
    Ocsf,
    /// The Elastic Common Schema, one document.
    Ecs,
    /// The Elastic Common Schema, as NDJSON for `_bulk`.
    EcsBulk,
    /// ArcSight's Common Event Format, one line an event.
    Cef,
    /// Events for Splunk's HTTP Event Collector.
    SplunkHec,
    /// Logs for Datadog's intake.
    Datadog,
    /// A line of RFC 5424.
    Syslog,
}

impl Format {
    /// Whether it is one that SIEMs take.
    pub fn is_siem(self) -> bool {
        use Format::{Cef, Datadog, Ecs, EcsBulk, Ocsf, SplunkHec, Syslog};
        matches!(self, Ocsf | Ecs | EcsBulk | Cef | SplunkHec | Datadog | Syslog)
    }

    /// Whether one body may hold several events.
    pub fn takes_batches(self) -> bool {
        use Format::{Cef, Datadog, EcsBulk, SplunkHec, Syslog};
        matches!(self, EcsBulk | Cef | SplunkHec | Datadog | Syslog)
    }

    /// Whether those who read it take bodies that are compressed by gzip.
    pub fn can_gzip(self) -> bool {
        matches!(self, Format::EcsBulk | Format::SplunkHec | Format::Datadog)
    }
}

/// How many events go in one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// So many make a message full.
    pub max_events: u32,
    /// The longest the first of them waits for others.
    #[serde(with = "crate::settings::duration_text")]
    #[schema(value_type = DurationText)]
    pub max_wait: Duration,
}

/// One row of an integration's filter. Within a row, all lists must agree (R7).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// The first attempt that failed since then.
    pub failed_since: Option<Timestamp>,
    /// Since when messages have run out of attempts, with nothing delivered since.
    pub failing_since: Option<Timestamp>,
    /// Whether the last warning before disabling has been given.
    pub warned: bool,
}

/// What people should know of an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A message has run out of attempts, the first since something was delivered.
    Failing,
    /// In a day it will be disabled.
    DisabledSoon,
    /// It was disabled.
    Disabled(DisabledBecause),
}

/// The state of an integration in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationStatus {
    /// Nothing is wrong.
    Ok,
    /// A message has run out of attempts and nothing was delivered since.
    Failing,
    /// It gets nothing.
    Disabled,
}

impl IntegrationSpec {
    /// What it overrides of the server's quiet period and max wait (R4).
    pub fn pair(&self) -> Pair {
        Pair { quiet_period: self.quiet_period, max_wait: self.max_wait }
    }
}

impl Pair {
    /// The rule that this makes of the server's.
    pub fn rule(self, server: WindowRule) -> WindowRule {
        WindowRule {
            quiet_period: self.quiet_period.unwrap_or(server.quiet_period),
            max_wait: match self.max_wait {
                None => server.max_wait,
                Some(MaxWait::Off) => None,
                Some(MaxWait::After(wait)) => Some(wait),
            },
        }
    }
}

impl Integration {
    /// The secrets that a message sent at `now` is signed with.
    pub fn secrets(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let old = self.old_secret.as_ref().filter(|old| now < old.until);
        std::iter::once(&self.secret).chain(old.map(|old| &old.secret))
    }

    /// Whether the record is sent beside the changes.
    pub fn includes_record(&self) -> bool {
        self.spec.kind == Kind::Activity && self.spec.include_record
    }

    /// Which of the record's windows it sees an audit in (R4): the one under the pair that it had as
    /// the audit was accepted; the server's, when it brought none then. Never another later on, so
    /// that a change of the pair loses and doubles nothing.
    pub fn slot_of(&self, audit: &Audit) -> Slot {
        let earlier = self.earlier_pairs.iter().find(|earlier| audit.place < earlier.until);
        let pair = earlier.map_or(self.spec.pair(), |earlier| earlier.pair);
        let Some((server, own)) = audit.rules.split_first() else { return Slot::SERVER };
        let rule = pair.rule(*server);
        if own.contains(&rule) { Slot::own(rule) } else { Slot::SERVER }
    }

    /// The waits between the attempts of a message.
    pub fn retry_schedule(&self) -> &[Duration] {
        self.spec.retry_schedule.as_ref().map_or(&SCHEDULE, |schedule| &schedule.0)
    }

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
