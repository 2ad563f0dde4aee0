//! Audits to messages: for each integration what it may see, collated, in its format. Level 1: pure.
//! `security.rs` does so for security events.

pub mod security;

use crate::collate::{Collated, Seen, collate};
use crate::filter::{Verdict, decide};
use crate::format;
use crate::model::{Audit, Collation, ExternalId, Id, Integration, MessageDraft, RecordKey, User};

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

/// Addresses a window to integrations, each with the audits (oldest first) that it sees in it: to
/// those that are enabled (R10) and get collated audits (R16).
pub fn window<'i>(
    of_each: impl Iterator<Item = (&'i Integration, &'i [&'i Audit])>,
    record: &RecordKey,
) -> Addressed {
    let mut addressed = Addressed::default();
    for (integration, audits) in of_each {
        if !integration.spec.enabled || integration.spec.collation == Collation::Live {
            continue;
        }
        match collated(integration, record, audits) {
            Comes::To { audits: 1, .. } if integration.spec.collation == Collation::All => {}
            Comes::To { message, .. } => addressed.messages.push(*message),
            Comes::ToNothing => addressed.nothing_changed.push(integration.id),
            Comes::Unseen => {}
        }
    }
    addressed
}

/// Addresses one audit, alone and at once, to those of `integrations` that are enabled and want that
/// (R16).
pub fn live<'i>(
    integrations: impl Iterator<Item = &'i Integration>,
    record: &RecordKey,
    audit: &Audit,
) -> Vec<MessageDraft> {
    let wanting = integrations.filter(|integration| wants_live(integration));
    let comes_to =
        wanting.filter_map(|integration| match collated(integration, record, &[audit]) {
            Comes::To { message, .. } => Some(*message),
            Comes::ToNothing | Comes::Unseen => None,
        });
    comes_to.collect()
}

/// Whether audits are to be sent to this integration at once.
pub fn wants_live(integration: &Integration) -> bool {
    let is_live = matches!(integration.spec.collation, Collation::Live | Collation::All);
    integration.spec.enabled && is_live
}

/// What audits come to for one integration.
pub enum Comes {
    /// A message.
    To {
        /// The message.
        message: Box<MessageDraft>,
        /// Of how many audits it was made.
        audits: usize,
    },
    /// Nothing, since nothing changed in the end.
    ToNothing,
    /// Nothing, since it may see none of them.
    Unseen,
}

/// What audits of a record, oldest first, come to for one integration, whatever its mode.
pub fn collated(integration: &Integration, record: &RecordKey, audits: &[&Audit]) -> Comes {
    let seen: Vec<Seen> = audits
        .iter()
        .copied()
        .filter_map(|audit| match decide(&integration.spec, audit) {
            Verdict::Sees(changes) => Some((audit, changes)),
            Verdict::Refused(_) => None,
        })
        .collect();
    match collate(&seen) {
        Some(collated) => Comes::To {
            message: Box::new(message(integration, record, &collated)),
            audits: seen.len(),
        },
        None if seen.is_empty() => Comes::Unseen,
        None => Comes::ToNothing,
    }
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
        earlier_windows: Vec::new(),
        audits: collated.origin.count as u32,
        fields: fields.take(NAMES_KEPT).map(ExternalId::to_string).collect(),
        contributors: collated.contributors.iter().take(NAMES_KEPT).map(name_of).collect(),
        body: format::body(integration.spec.format, collated),
    }
}
