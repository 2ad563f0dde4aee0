//! When windows close, and what they come to (R1-R5, R10, R16, R17).

use std::collections::BTreeSet;

use super::collate::{self, time_of};
use super::{
    Audit, Closed, Expected, Hook, Message, Model, Objection, SLACK, State, Window, ensure,
};
use crate::testing::simulation::seen::{At, ClosedBy, Commit, Mark, Pair, Record, Source};

/// A collated message need not be found behind so many newer ones that are owed, those of the window's own
/// audits left aside: a bound on work (D8).
const LOOKED_AT: usize = 32;

/// What a window comes to for one integration.
enum Comes {
    /// A body, made of so many audits.
    To(serde_json::Value, usize),
    Nothing,
    Unseen,
}

impl Hook {
    /// Which of its record's windows it sees an audit in (R4): the one under the pair it had when the audit
    /// was accepted, or the server's if it brought none then.
    fn window_of(&self, place: u64, audit: &Audit) -> Option<Pair> {
        let earlier = self.earlier.iter().find(|(until, _)| place < *until);
        let overrides = earlier.map_or(self.spec.overrides(), |(_, overrides)| *overrides);
        let pair = overrides.of(audit.pairs[0]);
        audit.pairs[1..].contains(&pair).then_some(pair)
    }
}

impl Model {
    /// The pairs in use: the server's, and those of enabled integrations that wait at all.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        let server = self.server.expect("started");
        let mut pairs = vec![server];
        let of_audits = self.hooks.values().filter(|it| !it.spec.is_security());
        for hook in of_audits.filter(|it| it.spec.enabled() && !it.spec.is_live()) {
            let pair = hook.spec.overrides().of(server);
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs
    }

    /// An audit joins its record's windows, and restarts their quiet periods (R1).
    pub(super) fn joins(&mut self, at: At, place: u64, record: &Record, pairs: &[Pair]) {
        for (nth, pair) in pairs.iter().enumerate() {
            self.joins_one(at.mono, place, record, (nth > 0).then_some(*pair), *pair);
        }
    }

    fn joins_one(&mut self, at: u64, place: u64, record: &Record, own: Option<Pair>, pair: Pair) {
        let window = self.open.entry((record.clone(), own)).or_insert_with(|| Window {
            audits: Vec::new(),
            quiet_at: 0,
            cap_at: pair.max.map(|max| at + max),
        });
        if let Some((last, ..)) = window.audits.last() {
            self.overdue.remove(&(*last, record.clone(), own));
        }
        window.quiet_at = window.quiet_at.max(at + pair.quiet);
        window.audits.push((place, at, window.quiet_at));
    }

    /// What is left of deadlines at a start, which are wall-clock times (R5).
    pub(super) fn windows_go_on(&mut self, at: At) {
        self.overdue.clear();
        for ((record, own), window) in &mut self.open {
            let pair_of = |place: u64| own.unwrap_or_else(|| self.audits[&place].pairs[0]);
            let left = |place: u64, whole: u64| {
                let ends = time_of(place) + whole as i64;
                (ends - at.wall).clamp(0, whole as i64) as u64
            };
            let (first, last) = (window.audits[0].0, window.audits[window.audits.len() - 1].0);
            window.quiet_at = at.mono + left(last, pair_of(last).quiet);
            window.cap_at = pair_of(first).max.map(|max| at.mono + left(first, max));
            let quiet_at = window.quiet_at;
            window.audits.iter_mut().for_each(|audit| (audit.1, audit.2) = (0, quiet_at));
            if window.closes_at() == at.mono {
                self.overdue.insert((last, record.clone(), *own));
            }
        }
    }

    pub(super) fn nothing_is_overdue(&self, at: At) -> Result<(), Objection> {
        for (of, window) in &self.open {
            let late = at.mono.saturating_sub(window.closes_at());
            ensure!(late <= SLACK, "the window of {of:?} should have closed {late} ms ago");
        }
        Ok(())
    }

    /// A window has closed.
    pub(super) fn closed(&mut self, at: At, commit: Commit) -> Result<(), Objection> {
        ensure!(commit.marks.len() == 1, "one commit closes {} windows", commit.marks.len());
        ensure!(
            commit.accepted.is_empty() && commit.settled.is_empty(),
            "more than a window closed"
        );
        let mark = &commit.marks[0];
        self.may_close(at, mark)?;
        self.totals[2] += 1;
        let discarded = matches!(mark.by, ClosedBy::Discarded);
        let (record, own, places) = (mark.record.clone(), mark.own, mark.places.clone());
        self.marks.insert(mark.id, Closed { record, own, places, discarded });
        let (mut expected, mut nothing, mut superseded) = (Vec::new(), BTreeSet::new(), Vec::new());
        let hooks: Vec<u64> = if discarded { vec![] } else { self.hooks.keys().copied().collect() };
        for id in hooks {
            let hook = &self.hooks[&id];
            if !hook.spec.enabled() || hook.spec.is_live() || hook.spec.is_security() {
                continue;
            }
            let body = match self.comes_to(hook, mark.own, &mark.places) {
                Comes::Unseen => continue,
                Comes::To(_, 1) if hook.spec.is_all() => continue,
                Comes::To(body, _) => body,
                Comes::Nothing => {
                    nothing.insert(id);
                    continue;
                }
            };
            let made = commit.owed.iter().find(|row| row.hook == id);
            let takes_none_in = made.is_some_and(|row| row.earlier.is_empty());
            let older = self.absorbable(id, mark, at, takes_none_in);
            let windows = older.map_or(vec![], |older| self.messages[&older].windows.clone());
            let body = match older {
                None => Some(body),
                Some(older) => {
                    superseded.push(older);
                    self.with_older(&self.hooks[&id], &windows, mark)
                }
            };
            let windows: Vec<u64> = windows.into_iter().chain([mark.id]).collect();
            match body {
                None => drop(nothing.insert(id)),
                Some(body) => expected.push(Expected {
                    hook: id,
                    record: mark.record.clone(),
                    source: Source::Window(mark.id),
                    windows,
                    body,
                    asked: false,
                }),
            }
        }
        self.expect(at, &commit.owed, expected)?;
        self.gives_up(at, &commit.gone, &superseded, State::Superseded)?;
        let made = commit.owed.iter().map(|row| (row.hook, Some(row.id)));
        let addressed: BTreeSet<_> = made.chain(nothing.into_iter().map(|id| (id, None))).collect();
        let marked: BTreeSet<_> = mark.addressed.iter().copied().collect();
        ensure!(addressed == marked, "the mark says {marked:?}, and should say {addressed:?}");
        Ok(())
    }

    /// Whether it may close now, and takes its audits out of the open window.
    fn may_close(&mut self, at: At, mark: &Mark) -> Result<(), Objection> {
        let of = (mark.record.clone(), mark.own);
        let Some(window) = self.open.get_mut(&of) else {
            return Err(format!("{of:?} closed, which was not open"));
        };
        let open: Vec<u64> = window.audits.iter().map(|(place, ..)| *place).collect();
        let count = mark.places.len();
        ensure!(
            count > 0 && open.get(..count) == Some(&mark.places),
            "the window of {of:?} closed with {:?}, and should have {open:?}",
            mark.places
        );
        let cap_at = window.cap_at;
        let (last, _, quiet_at) = window.audits[count - 1];
        let deadline = cap_at.map_or(quiet_at, |cap_at| quiet_at.min(cap_at));
        // What is accepted as the deadline passes may be in the next one already (R1).
        let rest = window.audits.split_off(count);
        for (place, accepted, _) in &rest {
            ensure!(*accepted >= deadline, "the window of {of:?} closed without {place}");
        }
        let early = |deadline: u64| format!("{of:?} closed {} ms early", deadline - at.mono);
        match mark.by {
            ClosedBy::Quiet => ensure!(at.mono >= quiet_at, "{}", early(quiet_at)),
            ClosedBy::MaxWait => {
                let Some(cap_at) = cap_at else { return Err(format!("{of:?} has no max wait")) };
                ensure!(at.mono >= cap_at, "{}", early(cap_at));
            }
            ClosedBy::SendNow | ClosedBy::Discarded => self.asked_to_close(mark)?,
        }
        if !matches!(mark.by, ClosedBy::SendNow | ClosedBy::Discarded) {
            let late = at.mono - deadline;
            ensure!(late <= SLACK, "{of:?} closed {late} ms late");
            if self.overdue.contains(&(last, of.0.clone(), of.1)) {
                let oldest = self.overdue.first().map(|(place, ..)| *place);
                ensure!(oldest >= Some(last), "{of:?} closed before an older one, {oldest:?}");
            }
        }
        self.open.remove(&of);
        for (place, accepted, _) in rest {
            let (record, pair) = (&mark.record, of.1.unwrap_or(self.audits[&place].pairs[0]));
            self.joins_one(accepted, place, record, of.1, pair);
        }
        self.overdue.retain(|(_, record, own)| (record, own) != (&of.0, &of.1));
        Ok(())
    }

    fn seen_by<'a>(
        &'a self,
        hook: &Hook,
        own: Option<Pair>,
        places: impl Iterator<Item = &'a u64>,
    ) -> Vec<collate::Seen<'a>> {
        let mut seen = Vec::new();
        for place in places {
            let Some(audit) = self.audits.get(place) else { continue };
            if hook.window_of(*place, audit) == own
                && let Some(changes) = hook.spec.sees(&audit.said)
            {
                seen.push(collate::Seen { place: *place, said: &audit.said, changes });
            }
        }
        seen
    }

    fn comes_to(&self, hook: &Hook, own: Option<Pair>, places: &[u64]) -> Comes {
        let seen = self.seen_by(hook, own, places.iter());
        match collate::body(&seen, hook.spec.is_aha()) {
            Some(body) => Comes::To(body, seen.len()),
            None if seen.is_empty() => Comes::Unseen,
            None => Comes::Nothing,
        }
    }

    fn with_older(&self, hook: &Hook, windows: &[u64], mark: &Mark) -> Option<serde_json::Value> {
        let mut seen = Vec::new();
        for window in windows {
            if let Some(Closed { own, places, .. }) = self.marks.get(window) {
                seen.extend(self.seen_by(hook, *own, places.iter()));
            }
        }
        seen.extend(self.seen_by(hook, mark.own, mark.places.iter()));
        collate::body(&seen, hook.spec.is_aha())
    }

    /// The message that takes in what this window comes to (R17): the newest collated one of the record that
    /// is owed, unless it is in flight.
    fn absorbable(&mut self, hook: u64, mark: &Mark, at: At, takes_none_in: bool) -> Option<u64> {
        if !self.hooks[&hook].spec.collates_backlog() {
            return None;
        }
        let of_record = self.messages.iter().rev().filter(|(_, message)| {
            message.hook == hook && message.record == mark.record && message.state == State::Owed
        });
        let is_collated = |it: &Message| matches!(it.source, Source::Window(_));
        let mut newest = of_record.enumerate().filter(|(_, (_, it))| is_collated(it));
        let (newer, (id, older)) = newest.next()?;
        if newer > mark.places.len() + LOOKED_AT && takes_none_in {
            return None;
        }
        // One that the hook took before is owed once more by hand.
        if older.flying.is_some() || older.perhaps_flying || older.taken {
            return None;
        }
        if takes_none_in {
            // It may be on its way out at this very moment.
            self.must_go.push((*id, at.mono));
            return None;
        }
        Some(*id)
    }

    /// What an audit comes to at once, for whom (R16).
    pub(super) fn live(&self, place: u64) -> Vec<Expected> {
        let audit = &self.audits[&place];
        let mut expected = Vec::new();
        for (id, hook) in &self.hooks {
            let wants_it = hook.spec.is_live() || hook.spec.is_all();
            if !hook.spec.enabled() || !wants_it || hook.spec.is_security() {
                continue;
            }
            let Some(changes) = hook.spec.sees(&audit.said) else { continue };
            let seen = [collate::Seen { place, said: &audit.said, changes }];
            if let Some(body) = collate::body(&seen, hook.spec.is_aha()) {
                expected.push(Expected {
                    hook: *id,
                    record: audit.record.clone(),
                    source: Source::Audit(place),
                    windows: vec![],
                    body,
                    asked: false,
                });
            }
        }
        expected
    }

    /// What windows from `since` to `until` come to today (replay).
    pub(super) fn again(&self, hook: &Hook, id: u64, since: u64, until: u64) -> Vec<Expected> {
        let closed = self.marks.range(since..until).filter(|(_, closed)| !closed.discarded);
        let comes = closed.filter_map(|(mark, closed)| {
            match self.comes_to(hook, closed.own, &closed.places) {
                Comes::To(body, _) => Some(Expected {
                    hook: id,
                    record: closed.record.clone(),
                    source: Source::Window(*mark),
                    windows: vec![*mark],
                    body,
                    asked: true,
                }),
                _ => None,
            }
        });
        comes.collect()
    }
}

impl Window {
    fn closes_at(&self) -> u64 {
        self.cap_at.map_or(self.quiet_at, |cap_at| self.quiet_at.min(cap_at))
    }
}
