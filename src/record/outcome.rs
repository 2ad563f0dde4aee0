//! What a window comes to: when it closes, and, for people, if it closed now. One function for both,
//! so that what is promised is what is sent.

use super::actor::WindowView;
use super::backlog::{self, Absorbed, Hold};
use super::registry::WindowKey;
use super::slots;
use crate::address;
use crate::format;
use crate::model::{Audit, Id, MessageDraft};
use crate::store::{Config, Store, StoreError};

/// The most audits that are read to preview a window, and of each backlog that it would take in: the
/// newest (D8).
pub const PREVIEWED_MAX: usize = 10_000;

/// What an open window would come to now.
pub struct Preview {
    /// What would be sent.
    pub messages: Vec<Foreseen>,
    /// Only the newest audits were looked at.
    pub cut: bool,
    /// How many audits were weighed, for each integration again: what this cost.
    pub weighed: usize,
}

/// A message that would be made.
pub struct Foreseen {
    /// What it would be.
    pub draft: MessageDraft,
    /// The message that it would take in (R17).
    pub absorbs: Option<Id>,
}

/// What these audits (oldest first) of the window `of` come to, backlog included.
pub(super) fn comes_to<'s>(
    store: &'s Store,
    config: &Config,
    of: &WindowKey,
    audits: &[Audit],
    hold: Hold,
) -> Result<Absorbed<'s>, StoreError> {
    let view = slots::view(config, of, audits);
    let addressed = address::window(view.of_each(), &of.record);
    backlog::absorb(store, config, &of.record, &view, addressed, hold)
}

/// The newest audits of an open window, as many as a preview looks at.
pub fn audits_to_preview(store: &Store, window: &WindowView) -> Result<Vec<Audit>, StoreError> {
    let places = &window.places;
    store.audits_at(&places[places.len().saturating_sub(PREVIEWED_MAX)..])
}

/// What an open window with these audits would come to if it closed now. Takes nothing in hand, so
/// what it sees of the backlog may be on its way already when the window does close.
pub fn preview(
    store: &Store,
    config: &Config,
    window: &WindowView,
    audits: &[Audit],
) -> Result<Preview, StoreError> {
    let of = WindowKey { record: window.record.clone(), slot: window.slot.clone() };
    let mut absorbed = comes_to(store, config, &of, audits, Hold::Look)?;
    let mut messages = Vec::new();
    for message in std::mem::take(&mut absorbed.messages) {
        let (mut draft, absorbs) = (message.draft, message.supersedes);
        let to = config.integrations.get(&draft.integration);
        if let Some(to) = to.filter(|to| to.includes_record()) {
            let text = store.record_text_in(&draft.record, to.spec.workspace_id.as_ref())?;
            format::record::add_to_audit(&mut draft.body, text.as_deref());
        }
        messages.push(Foreseen { draft, absorbs });
    }
    let integrations = config.activities_of(of.record.account).count();
    Ok(Preview {
        messages,
        cut: absorbed.cut || audits.len() < window.places.len(),
        weighed: audits.len() * (1 + integrations) + absorbed.older_read,
    })
}
