//! What could not be delivered yet takes in what comes after it (R17): a hook that was down for a
//! day gets one audit a record, not a day of them.

use super::outcome::PREVIEWED_MAX;
use super::slots::View;
use crate::address::{Addressed, Comes, collated};
use crate::model::{Audit, Id, Integration, Mark, RecordKey, Source};
use crate::store::{Config, NewMessage, NothingChanged, Store, StoreError};

/// How far behind newer messages that are owed an older one is looked for, those of the window itself
/// left aside (D8).
const LOOKED_AT_MAX: usize = 32;

/// What a window comes to once the backlog is taken in. Older messages are in hand until this is
/// dropped.
pub struct Absorbed<'s> {
    pub messages: Vec<NewMessage>,
    pub nothing_changed: Vec<NothingChanged>,
    /// Audits of the backlog that were read.
    pub older_read: usize,
    /// There were more of them than [`Hold::Look`] reads.
    pub cut: bool,
    hold: Hold,
    in_hand: Vec<Id>,
    store: &'s Store,
}

/// Whether older messages are taken in hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// To be taken in for good: nobody else sends them meanwhile.
    Take,
    /// Only to see what would be taken in, and of that the newest [`PREVIEWED_MAX`] audits.
    Look,
}

/// An older message that is taken in: what it was made of.
struct Older {
    message: Id,
    windows: Vec<Id>,
    /// The oldest audit of those windows, seen or not.
    oldest: Id,
    audits: Vec<Audit>,
}

/// Takes in what is still owed of the record, where the integrations want that.
pub fn absorb<'s>(
    store: &'s Store,
    config: &Config,
    record: &RecordKey,
    view: &View,
    addressed: Addressed,
    hold: Hold,
) -> Result<Absorbed<'s>, StoreError> {
    let nothing_changed = addressed.nothing_changed.into_iter();
    let nothing_changed = nothing_changed
        .map(|integration| NothingChanged { integration, supersedes: None })
        .collect();
    let mut absorbed = Absorbed {
        messages: Vec::new(),
        nothing_changed,
        older_read: 0,
        cut: false,
        hold,
        in_hand: Vec::new(),
        store,
    };
    for draft in addressed.messages {
        let audits = view.of(draft.integration);
        let oldest = audits.first().map(|audit| audit.place).unwrap_or_default();
        let integration = config.integrations.get(&draft.integration);
        let older = match integration.filter(|found| found.spec.collate_backlog) {
            // Where audits are sent live as well, those of this window are owed in between, and those of
            // windows that came to no message besides.
            Some(integration) => {
                let newest = audits.len() + 1 + LOOKED_AT_MAX;
                absorbed.take_older(integration, record, newest)?
            }
            None => None,
        };
        let (Some(older), Some(integration)) = (older, integration) else {
            absorbed.messages.push(NewMessage { draft, oldest, supersedes: None });
            continue;
        };
        let oldest = oldest.min(older.oldest);
        let all: Vec<&Audit> = older.audits.iter().chain(audits.iter().copied()).collect();
        let supersedes = Some(older.message);
        match collated(integration, record, &all) {
            Comes::To { mut message, .. } => {
                message.earlier_windows = older.windows;
                absorbed.messages.push(NewMessage { draft: *message, oldest, supersedes });
            }
            Comes::ToNothing => {
                let integration = integration.id;
                absorbed.nothing_changed.push(NothingChanged { integration, supersedes });
            }
            // Cannot be: it sees some of the newer ones.
            Comes::Unseen => {
                absorbed.messages.push(NewMessage { draft, oldest, supersedes: None });
            }
        }
    }
    Ok(absorbed)
}

impl Absorbed<'_> {
    /// The last collated message of the record that is still owed, and in nobody's hand; among the
    /// newest few that are owed.
    fn take_older(
        &mut self,
        integration: &Integration,
        record: &RecordKey,
        newest: usize,
    ) -> Result<Option<Older>, StoreError> {
        let owed = self.store.newest_owed(integration.id, record.partition(), newest);
        let Some(id) = self.last_collated(&owed)? else { return Ok(None) };
        match self.hold {
            Hold::Take if self.store.in_hand().absorb(id) => self.in_hand.push(id),
            Hold::Look if self.store.in_hand().is_free(id) => {}
            _ => return Ok(None),
        }
        // Read again: it may have been settled before it was in hand.
        let Some(entry) = self.store.message(id)? else { return Ok(None) };
        let (Source::Window(window), draft) = (entry.message.source, entry.message.draft) else {
            return Ok(None);
        };
        // Another record of the same partition, or settled since.
        if draft.record != *record || !entry.status.is_owed() {
            return Ok(None);
        }
        // Owed once more, by hand: the hook knows its audits by this message.
        if self.store.attempts(id)?.iter().any(|attempt| attempt.outcome.is_success()) {
            return Ok(None);
        }
        let mut windows = draft.earlier_windows;
        windows.push(window);
        let mut marks = Vec::new();
        for window in &windows {
            marks.extend(self.store.mark(*window)?);
        }
        let places = marks.iter().flat_map(|mark| &mark.places);
        let oldest = places.min().copied().unwrap_or(id);
        let audits = self.audits_of(marks, integration)?;
        Ok(Some(Older { message: id, windows, oldest, audits }))
    }

    /// What the integration saw of these windows, oldest first.
    fn audits_of(
        &mut self,
        marks: Vec<Mark>,
        integration: &Integration,
    ) -> Result<Vec<Audit>, StoreError> {
        let count = marks.iter().map(|mark| mark.places.len()).sum::<usize>();
        let mut left_out = match self.hold {
            Hold::Take => 0,
            Hold::Look => count.saturating_sub(PREVIEWED_MAX),
        };
        self.older_read += count - left_out;
        self.cut |= left_out > 0;
        let mut audits = Vec::new();
        for mark in marks {
            let first = left_out.min(mark.places.len());
            left_out -= first;
            let left = self.store.audits_left(&mark.places[first..])?.into_iter();
            // Those that it saw in that window; others may have been in it as well (R4).
            audits.extend(left.filter(|audit| integration.slot_of(audit) == mark.slot));
        }
        Ok(audits)
    }

    /// The first of these messages that was made of a window.
    fn last_collated(&self, messages: &[Id]) -> Result<Option<Id>, StoreError> {
        for id in messages {
            let entry = self.store.message(*id)?;
            if entry.is_some_and(|entry| matches!(entry.message.source, Source::Window(_))) {
                return Ok(Some(*id));
            }
        }
        Ok(None)
    }
}

impl Drop for Absorbed<'_> {
    fn drop(&mut self) {
        for message in &self.in_hand {
            self.store.in_hand().release(*message);
        }
    }
}
