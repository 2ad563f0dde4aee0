//! A window's audits to messages: for each integration what it may see, collated, in its format.
//! Pure, but for reading what is replayed.

use crate::collate::{Collated, Seen, collate};
use crate::filter::{Verdict, decide};
use crate::format;
use crate::model::{
    Audit, ClosedBy, ExternalId, Id, Integration, Mark, MessageDraft, RecordKey, User,
};
use crate::store::{Config, Replay, Store, StoreError};

/// How many names a message keeps for the log's lists, of fields and of contributors each.
const NAMES_KEPT: usize = 20;

/// What a window comes to.
#[derive(Debug, Default)]
pub struct Addressed {
    /// The messages, one an integration.
    pub messages: Vec<MessageDraft>,
    /// The integrations for which nothing changed in the end (R12).
    pub nothing_changed: Vec<Id>,
}

/// Addresses a window's audits (oldest first) to the enabled integrations of the account (R10).
pub fn address(config: &Config, record: &RecordKey, audits: &[Audit]) -> Addressed {
    let mut addressed = Addressed::default();
    for integration in config.of_account(record.account) {
        if !integration.spec.enabled {
            continue;
        }
        match address_to(integration, record, audits) {
            Comes::To(message) => addressed.messages.push(*message),
            Comes::ToNothing => addressed.nothing_changed.push(integration.id),
            Comes::Unseen => {}
        }
    }
    addressed
}

/// What a window's audits come to for one integration.
enum Comes {
    /// This message.
    To(Box<MessageDraft>),
    /// Nothing, since nothing changed in the end.
    ToNothing,
    /// Nothing, since it may see none of them.
    Unseen,
}

fn address_to(integration: &Integration, record: &RecordKey, audits: &[Audit]) -> Comes {
    let seen: Vec<Seen> = audits
        .iter()
        .filter_map(|audit| match decide(&integration.spec, audit) {
            Verdict::Sees(changes) => Some((audit, changes)),
            Verdict::Refused(_) => None,
        })
        .collect();
    match collate(&seen) {
        Some(collated) => Comes::To(Box::new(message(integration, record, &collated))),
        None if seen.is_empty() => Comes::Unseen,
        None => Comes::ToNothing,
    }
}

/// Windows that have closed, addressed again to one integration as it is now. Of windows whose oldest
/// audits are no longer kept, what is left.
pub fn replay(
    store: &Store,
    integration: &Integration,
    marks: Vec<(Id, Mark)>,
) -> Result<Vec<Replay>, StoreError> {
    let mut replays = Vec::new();
    for (window, mark) in marks {
        if matches!(mark.closed_by, ClosedBy::Discarded { .. }) {
            continue;
        }
        let audits = store.audits_left(&mark.places)?;
        if let (Comes::To(message), Some(oldest)) =
            (address_to(integration, &mark.record, &audits), audits.first())
        {
            replays.push(Replay { window, oldest: oldest.place, message: *message });
        }
    }
    Ok(replays)
}

fn message(integration: &Integration, record: &RecordKey, collated: &Collated) -> MessageDraft {
    let name_of = |user: &User| user.name.clone().unwrap_or_else(|| user.id.to_string());
    let fields = collated.changes.iter().map(|change| &change.field_name);
    MessageDraft {
        integration: integration.id,
        record: record.clone(),
        audit_id: collated.id.clone(),
        action: collated.action,
        description: collated.description.clone(),
        auditable_url: collated.auditable_url.clone(),
        audits: collated.origin.count as u32,
        fields: fields.take(NAMES_KEPT).map(ExternalId::to_string).collect(),
        contributors: collated.contributors.iter().take(NAMES_KEPT).map(name_of).collect(),
        body: format::body(integration.spec.format, collated),
    }
}
