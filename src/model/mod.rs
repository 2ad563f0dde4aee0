//! What Lull talks about, as validated plain data. Level 0: no clock, no store, no socket.
//!
//! A value of these types is right by construction; who reads from outside (`ingest`, `web`) turns
//! what is wrong into an error there.

mod account;
mod audit;
mod id;
mod integration;
mod integration_check;
mod linked;
mod message;
mod record;
mod schema;
mod secret;
mod security;
mod token;
mod window;

pub use account::{AccountInfo, BadSlug, Slug, Workspace};
pub use audit::{Action, Audit, AuditDraft, CHANGES_MAX, Change, Extra, NAME_CHARS_MAX, User};
pub use id::{BadId, BadName, ExternalId, Id};
pub use integration::{
    Activity, Batch, Collation, DisabledBecause, EarlierPair, Format, Health, Integration,
    IntegrationSpec, IntegrationStatus, Kind, MAX_IN_FLIGHT_MAX, Notice, OldSecret, RetrySchedule,
    SCHEDULE,
};
pub use integration_check::{
    ACTIVITIES_MAX, BATCH_EVENTS_MAX, HEADER_BYTES_MAX, HEADERS_MAX, LISTED_MAX, RATE_LIMIT_MAX,
    URL_BYTES_MAX, check, check_change,
};
pub use linked::{
    CHAIN_MAX, FullRecord, IntegrationField, Link, LinkState, Pending, Quiet, RECORD_BYTES_MAX,
    Stage, fields_of,
};
pub use message::{
    Attempt, AttemptOutcome, CodeClass, Delivery, Message, MessageDraft, Owed, Parts, Settled,
    Source, Status, Timing, Trigger, is_success,
};
pub use record::{Account, Partition, RecordKey};
pub use schema::DurationText;
pub use secret::{BadSecret, HIDDEN, Secret, looks_secret};
pub use security::{
    By, ChainHash, Chained, SEVERITY_MAX, SecurityDraft, SecurityEvent, Success, Target,
};
pub use token::{KeyHash, Role, Session, Token, TokenWish, WORKSPACES_MAX, random_key, token_text};
pub use window::{Addressed, ClosedBy, Mark, Slot, WindowRule};
