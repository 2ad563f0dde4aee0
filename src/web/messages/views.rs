//! Messages and attempts, as answers show them.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::delivery;
use crate::model::{
    Action, Attempt, AttemptOutcome, Delivery, ExternalId, Id, Kind, Source, Status, Timing,
    Trigger,
};
use crate::store::{Config, Entry};
use crate::web::RecordName;
use crate::web::closed::ClosedWindow;

/// A message, as lists show it.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageSummary)]
pub struct Summary {
    id: Id,
    /// What it is about: edits, security events, or a whole record.
    kind: Kind,
    integration: IntegrationName,
    status: Status,
    record: RecordName,
    audit_id: ExternalId,
    audit_action: Action,
    description: Option<String>,
    auditable_url: Option<String>,
    /// How many audits were collated, or events are in it.
    audits: u32,
    /// The first few.
    fields: Vec<String>,
    /// The first few.
    contributors: Vec<String>,
    created_at: Timestamp,
    /// How many were made.
    attempts: u32,
    /// How many there may be, by the integration's schedule; none when the integration is gone.
    attempts_max: Option<u32>,
    /// The status code of the last answer.
    last_code: Option<u16>,
    /// When the next attempt is due.
    next_attempt_at: Option<Timestamp>,
    /// When it was done with.
    settled_at: Option<Timestamp>,
    /// Who gave it up, when somebody did.
    settled_by: Option<Box<str>>,
}

/// How answers name an integration.
#[derive(Serialize, ToSchema)]
pub struct IntegrationName {
    id: Id,
    /// None when the integration is gone.
    name: Option<ExternalId>,
}

/// One message, whole.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
pub struct Whole {
    #[serde(flatten)]
    pub summary: Summary,
    /// Exactly as it is sent.
    pub body: String,
    /// Every attempt, oldest first.
    pub attempts_made: Vec<AttemptView>,
    /// The window whose closing addressed it; null of one that was sent live (R16).
    pub window: Option<ClosedWindow>,
}

/// One HTTP request to a hook, and what came of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView {
    number: u32,
    at: Timestamp,
    trigger: Trigger,
    /// Who asked for a manual one.
    asked_by: Option<Box<str>>,
    timing: TimingView,
    request_headers: Vec<(String, String)>,
    /// None when no answer came.
    response: Option<ResponseView>,
    /// Why no answer came.
    error: Option<String>,
    /// Why the answer that came is no delivery.
    reason: Option<String>,
    /// What else there is to say of the answer.
    note: Option<String>,
}

/// How long an attempt took, in milliseconds.
#[derive(Serialize, ToSchema)]
#[schema(as = AttemptTiming)]
struct TimingView {
    #[serde(flatten)]
    parts: Timing,
    total_ms: u32,
}

/// What a hook answered.
#[derive(Serialize, ToSchema)]
#[schema(as = HookResponse)]
struct ResponseView {
    code: u16,
    headers: Vec<(String, String)>,
    /// Its beginning, as text: up to 16 KiB.
    body: String,
    /// Whether there was more.
    body_cut: bool,
}

impl IntegrationName {
    pub fn of(id: Id, config: &Config) -> Self {
        let name = config.integrations.get(&id).map(|found| found.spec.name.clone());
        Self { id, name }
    }
}

impl Summary {
    pub fn of(entry: &Entry, config: &Config) -> Self {
        let draft = &entry.message.draft;
        let (attempts, last_code, next_attempt_at, settled) = match &entry.delivery {
            Delivery::Owed(owed) => {
                let due = Some(owed.due).filter(|_| entry.status == Status::Pending);
                (owed.attempts, owed.last_code, due, None)
            }
            Delivery::Settled(settled) => {
                (settled.attempts, settled.last_code, None, Some(settled))
            }
        };
        let attempts_max = config.integrations.get(&draft.integration);
        let attempts_max = attempts_max.map(|found| found.retry_schedule().len() as u32 + 1);
        let settled_at = settled.map(|settled| settled.at);
        let settled_by = settled.and_then(|settled| settled.by.clone());
        Self {
            id: entry.message.id,
            kind: match entry.message.source {
                Source::Window(_) | Source::Audit(_) => Kind::Activity,
                Source::Events(_) => Kind::Security,
                Source::Link(_) => Kind::Record,
            },
            integration: IntegrationName::of(draft.integration, config),
            status: entry.status,
            record: RecordName::of(&draft.record),
            audit_id: draft.audit_id.clone(),
            audit_action: draft.action,
            description: draft.description.clone(),
            auditable_url: draft.auditable_url.clone(),
            audits: draft.audits,
            fields: draft.fields.clone(),
            contributors: draft.contributors.clone(),
            created_at: entry.message.id.time(),
            attempts,
            attempts_max,
            last_code,
            next_attempt_at,
            settled_at,
            settled_by,
        }
    }
}

impl AttemptView {
    pub fn of(attempt: Attempt) -> Self {
        let (response, error, reason) = match attempt.outcome {
            AttemptOutcome::Answered { code, headers, body, body_cut } => {
                let reason = delivery::reason(code, &headers);
                (Some(ResponseView { code, headers, body, body_cut }), None, reason)
            }
            AttemptOutcome::Unanswered(why) => (None, Some(why), None),
        };
        Self {
            number: attempt.number,
            at: attempt.at,
            trigger: attempt.trigger,
            asked_by: attempt.asked_by,
            timing: TimingView { parts: attempt.timing, total_ms: attempt.total_ms },
            request_headers: attempt.request_headers,
            response,
            error,
            reason,
            note: attempt.note,
        }
    }
}
