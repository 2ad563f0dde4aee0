//! What is too old to keep (R18). Worked out beside the writer, which only forgets what it is told.
//!
//! Oldest first, and never an audit of an open window or of a message still owed, nor that window's
//! mark. What is kept is counted in bytes of history and log before they are pressed, not of the disk: sled gives
//! space back to itself, not to the disk, so a limit on the disk could never be met again once passed.

use std::collections::HashSet;
use std::time::Duration;

use super::tree::Tree;
use super::{Prune, Store, StoreError, bundle, keys, pack};
use crate::clock::Timestamp;
use crate::model::{Id, Mark, Source};

/// The most rows of each kind that are forgotten in one commit.
const ROWS_MAX: usize = 1_024;

impl Store {
    /// What to forget next, when what is older than `age` or more than `bytes_max` is not to be
    /// kept; none when all may stay.
    pub fn plan_prune(
        &self,
        now: Timestamp,
        age: Duration,
        bytes_max: u64,
    ) -> Result<Option<Prune>, StoreError> {
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let mut before = Id::at(Timestamp::from_unix_ms(now.unix_ms().saturating_sub(age_ms)));
        if self.kept_bytes() > bytes_max {
            before = before.max(self.oldest_rows_end()?);
        }
        let answers = self.old_answers(now, ROWS_MAX)?;
        let events = self.old_events(before, ROWS_MAX)?;
        if answers.is_empty() && events.is_empty() && !self.has_rows_before(before)? {
            return Ok(None);
        }
        let guarded = self.guarded(before)?;
        let prune = Prune {
            before,
            packs: self.old_packs(before, &guarded)?,
            marks: self.old_rows(keys::MARKS, self.closed_before(before), |id| {
                Ok(!guarded.marks.contains(&id))
            })?,
            messages: self.old_rows(keys::MESSAGES, before, |id| Ok(self.owed(id)?.is_none()))?,
            events,
            answers,
        };
        let nothing = Prune { before, ..Prune::default() };
        Ok(if prune == nothing { None } else { Some(prune) })
    }

    /// Up to where the oldest rows of the history go, as many as are forgotten at a time.
    fn oldest_rows_end(&self) -> Result<Id, StoreError> {
        let mut end = Id::default();
        for pack in pack::scan(self.tree(), Id::default())?.take(ROWS_MAX) {
            end = pack?.0.plus(1);
        }
        if end == Id::default() {
            // Where no audits are, it is security events that fill it.
            let events = self.old_events(Id::from_u64(u64::MAX), ROWS_MAX)?;
            end = events.iter().map(|(_, place)| place.plus(1)).max().unwrap_or(end);
        }
        Ok(end)
    }

    fn has_rows_before(&self, before: Id) -> Result<bool, StoreError> {
        for kind in [keys::AUDITS, keys::MARKS, keys::MESSAGES] {
            let range = keys::by_id(kind, Id::default())..keys::by_id(kind, before);
            if self.tree().range(range).next().transpose()?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Up to where nothing is open. A record may have several windows (R4): an audit that one of them has
    /// closed may be in another that is open, and without the mark it would be open in both again.
    fn closed_before(&self, before: Id) -> Id {
        before.min(self.tally().counters.low_water)
    }

    /// What must stay although it is older than `before`.
    fn guarded(&self, before: Id) -> Result<Guarded, StoreError> {
        let mut guarded = Guarded::default();
        for (message, owed) in self.outbox()? {
            if owed.oldest >= before {
                continue;
            }
            let Some(entry) = self.message(message)? else { continue };
            match entry.message.source {
                Source::Audit(place) => drop(guarded.places.insert(place)),
                // They hold all that they need.
                Source::Events(_) | Source::Link(_) => {}
                Source::Window(window) => {
                    let earlier = entry.message.draft.earlier_windows;
                    for window in earlier.into_iter().chain([window]) {
                        if guarded.marks.insert(window)
                            && let Some(Mark { places, .. }) = self.mark(window)?
                        {
                            guarded.places.extend(places);
                        }
                    }
                }
            }
        }
        Ok(guarded)
    }

    fn old_packs(&self, before: Id, guarded: &Guarded) -> Result<Vec<Id>, StoreError> {
        let closed_before = self.closed_before(before);
        let mut packs = Vec::new();
        for pack in pack::scan(self.tree(), Id::default())? {
            let (first, bytes) = pack?;
            let count = pack::decode(first, &bytes)?.audits.len() as u64;
            let end = first.plus(count);
            if end > closed_before || packs.len() == ROWS_MAX {
                break;
            }
            if (0..count).all(|at| !guarded.places.contains(&first.plus(at))) {
                packs.push(first);
            }
        }
        Ok(packs)
    }

    /// The first ids of the oldest rows of `kind` of which all that they hold is before `before` and `may_go`:
    /// what was written together goes together.
    fn old_rows(
        &self,
        kind: u8,
        before: Id,
        may_go: impl Fn(Id) -> Result<bool, StoreError>,
    ) -> Result<Vec<Id>, StoreError> {
        let (mut firsts, mut entries) = (Vec::new(), 0);
        for row in bundle::rows(self.tree(), kind, Id::default(), before)? {
            let row = row?;
            if entries >= ROWS_MAX {
                break;
            }
            let mut all_may = true;
            for id in row.ids() {
                all_may = all_may && id < before && may_go(id)?;
            }
            if all_may {
                firsts.push(row.first());
                entries += row.len();
            }
        }
        Ok(firsts)
    }
}

/// What is older than this may have been forgotten.
pub(super) fn forgotten(tree: &Tree) -> Result<Id, StoreError> {
    let before = tree.get(keys::FORGOTTEN)?;
    Ok(before.and_then(|bytes| keys::last_id(&bytes)).unwrap_or_default())
}

/// What must stay for the sake of messages still owed.
#[derive(Default)]
struct Guarded {
    marks: HashSet<Id>,
    places: HashSet<Id>,
}
