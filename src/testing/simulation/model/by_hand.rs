//! What people and applications ask for, and what comes of it.

use serde_json::{Value, json};

use super::{Audit, Doing, Hook, Model, Objection, Spec, State, ensure};
use crate::testing::simulation::seen::{At, Commit, Mark};

impl Model {
    /// A commit that is neither a window's nor an attempt's must have been asked for.
    pub(super) fn by_hand(&mut self, at: At, commit: Commit) -> Result<(), Objection> {
        let Some(doing) = self.doing.clone() else {
            return Err(format!("a commit that nobody asked for: {commit:?}"));
        };
        self.done = true;
        let mut left = commit;
        match doing {
            Doing::AtOnce(all) => {
                // Audits are taken down first, so that their places follow each other.
                let (posts, others): (Vec<_>, Vec<_>) =
                    all.into_iter().partition(|doing| matches!(doing, Doing::Post(_)));
                for doing in posts.into_iter().chain(others) {
                    self.does(at, doing, &mut left)?;
                }
            }
            doing => self.does(at, doing, &mut left)?,
        }
        ensure!(left.accepted.is_empty(), "audits that were not posted: {:?}", left.accepted);
        ensure!(left.events.is_empty(), "events that were not posted: {:?}", left.events);
        ensure!(left.owed.is_empty(), "nobody asked for {:?}", left.owed);
        ensure!(left.gone.is_empty(), "nobody gave up {:?}", left.gone);
        match &left.hooks {
            Some(hooks) => self.are_configured(hooks),
            None => Ok(()),
        }
    }

    /// One of the things that were asked for has happened: takes what came of it out of the commit.
    fn does(&mut self, at: At, doing: Doing, left: &mut Commit) -> Result<(), Objection> {
        match doing {
            Doing::Post(audits) => self.posted(at, &audits, left),
            Doing::Secure(events) => self.secured(at, &events, left),
            Doing::Create(spec) => self.configured(at, left, None, Some(spec)),
            Doing::Update(id, spec) => self.configured(at, left, Some(id), Some(spec)),
            Doing::Delete(id) => {
                let owed =
                    |(_, it): &(&u64, &super::Message)| it.hook == id && it.state == State::Owed;
                let owed: Vec<u64> = self.messages.iter().filter(owed).map(|(id, _)| *id).collect();
                let gone = first(&mut left.gone, owed.len());
                self.gives_up(at, &gone, &owed, State::Cancelled)?;
                self.configured(at, left, Some(id), None)
            }
            Doing::Redeliver(ids) => self.redelivered(at, &ids, left),
            Doing::Cancel(id) => {
                let is_owed = self.messages.get(&id).is_some_and(|it| it.state == State::Owed);
                let ids: Vec<u64> = if is_owed { vec![id] } else { vec![] };
                let gone = first(&mut left.gone, ids.len());
                self.gives_up(at, &gone, &ids, State::Cancelled)
            }
            Doing::Replay(id, since) => {
                let hook = self.hooks.get(&id).ok_or("a replay for a hook that is gone")?;
                let expected = self.again(hook, id, since, u64::MAX);
                self.expect(at, &std::mem::take(&mut left.owed), expected)
            }
            // What is left is looked at when it is done.
            Doing::Prune(before) => {
                self.forgets = Some(before);
                Ok(())
            }
            Doing::SendNow(_) | Doing::Discard(_) => Err("a window closed without a mark".into()),
            Doing::AtOnce(_) => unreachable!("taken apart above"),
        }
    }

    pub(super) fn asked_to_close(&mut self, mark: &Mark) -> Result<(), Objection> {
        use crate::testing::simulation::seen::ClosedBy;
        let asked = match (&self.doing, &mark.by) {
            (Some(Doing::SendNow(record)), ClosedBy::SendNow)
            | (Some(Doing::Discard(record)), ClosedBy::Discarded) => *record == mark.record,
            _ => false,
        };
        ensure!(asked, "nobody asked to close {:?}", mark.record);
        self.done = true;
        Ok(())
    }

    /// Whether a record has a window that could be closed by hand.
    pub fn is_open(&self, record: &(String, String)) -> bool {
        self.open.keys().any(|(of, _)| of == record)
    }

    fn posted(&mut self, at: At, audits: &[Value], left: &mut Commit) -> Result<(), Objection> {
        let mut expected = Vec::new();
        let mut places = Vec::new();
        for audit in audits {
            let said = said(audit);
            let id = said["id"].as_str().map(str::to_owned);
            if id.as_ref().is_some_and(|id| self.known.contains_key(id)) {
                self.totals[1] += 1;
                continue;
            }
            let Some((place, kept)) = first(&mut left.accepted, 1).pop() else {
                return Err(format!("an audit is not there: {said}"));
            };
            ensure!(is_in(&said, &kept), "an audit is kept as\n{kept}\nand was\n{said}");
            let after_all = self.audits.last_key_value().is_none_or(|(last, _)| *last < place);
            ensure!(after_all, "the audit at {place} is not the last");
            self.totals[0] += 1;
            self.known.insert(id.unwrap_or_else(|| place.to_string()), place);
            let word = |key: &str| said[key].as_str().expect("a name").to_owned();
            let record = (word("auditable_type"), word("auditable_id"));
            let pairs = self.pairs();
            self.joins(at, place, &record, &pairs);
            self.audits.insert(place, Audit { record, said, pairs });
            places.push(place);
        }
        places.iter().for_each(|place| expected.extend(self.live(*place)));
        let rows = first(&mut left.owed, expected.len());
        self.expect(at, &rows, expected)
    }

    fn configured(
        &mut self,
        at: At,
        commit: &Commit,
        id: Option<u64>,
        spec: Option<Value>,
    ) -> Result<(), Objection> {
        let Some(hooks) = &commit.hooks else { return Err("nothing is configured".into()) };
        let last_place = self.audits.last_key_value().map_or(0, |(place, _)| *place);
        match (id, spec) {
            (Some(id), None) => drop(self.hooks.remove(&id)),
            (None, Some(spec)) => {
                let new = hooks.iter().find(|(id, _)| !self.hooks.contains_key(id));
                let (id, _) = new.ok_or("the new integration is not there")?;
                let (earlier, failing_since, touched) = (vec![], None, at.mono);
                let (asked, disabled, schedule_before, spec) = (None, 0, None, Spec(spec));
                let hook = Hook {
                    spec,
                    earlier,
                    failing_since,
                    touched,
                    asked,
                    disabled,
                    schedule_before,
                };
                self.hooks.insert(*id, hook);
            }
            (Some(id), Some(spec)) => {
                let hook = self.hooks.get_mut(&id).ok_or("a change of no integration")?;
                let spec = Spec(spec);
                if spec.overrides() != hook.spec.overrides() {
                    hook.earlier.push((last_place + 1, hook.spec.overrides()));
                }
                if spec.enabled() && !hook.spec.enabled() {
                    hook.failing_since = None;
                }
                if hook.spec.enabled() && !spec.enabled() {
                    hook.disabled = at.mono;
                }
                let mut before = hook.schedule_before.take().filter(|(then, _)| *then == at.mono);
                let (_, before) = before.get_or_insert((at.mono, Vec::new()));
                before.push(hook.spec.schedule());
                hook.schedule_before = Some((at.mono, std::mem::take(before)));
                (hook.spec, hook.touched, hook.asked) = (spec, at.mono, None);
            }
            (None, None) => {}
        }
        Ok(())
    }

    pub(super) fn are_configured(&self, hooks: &[(u64, Value)]) -> Result<(), Objection> {
        let enabled = |(id, spec): &(u64, Value)| (*id, spec["enabled"] == json!(true));
        let found: Vec<(u64, bool)> = hooks.iter().map(enabled).collect();
        let known: Vec<_> = self.hooks.iter().map(|(id, it)| (*id, it.spec.enabled())).collect();
        ensure!(found == known, "configured are {found:?}, and should be {known:?}");
        Ok(())
    }

    fn redelivered(&mut self, at: At, ids: &[u64], left: &mut Commit) -> Result<(), Objection> {
        // What was given up in the same commit will be there to be asked for again.
        let there = |id: &u64| {
            let message = self.messages.get(id);
            message.is_some_and(|it| self.hooks.contains_key(&it.hook))
                && !self.given_up.contains(id)
        };
        let expected: Vec<u64> = ids.iter().copied().filter(there).collect();
        for id in expected {
            let message = self.messages.get_mut(&id).expect("looked at above");
            let Some(row) = left.owed.first().filter(|row| row.id == id) else {
                let may_go = message.state != State::Owed && Some(id) < self.forgets;
                ensure!(may_go, "message {id} should be owed again");
                self.forgotten.push(id);
                continue;
            };
            self.again.insert(id);
            if message.state != State::Owed {
                message.since = at.mono;
            }
            (message.state, message.due, message.asked) = (State::Owed, at.wall, true);
            let hook = message.hook;
            self.rows.push(row.clone());
            left.owed.remove(0);
            self.touch(hook, at);
        }
        Ok(())
    }
}

/// Takes the first of these out, so many or all there are.
pub(super) fn first<T>(of: &mut Vec<T>, count: usize) -> Vec<T> {
    of.drain(..count.min(of.len())).collect()
}

/// What was said, with all ids as they are written: strings, and users not wrapped.
pub(super) fn said(audit: &Value) -> Value {
    let mut said = audit.clone();
    let text = |value: &mut Value| {
        if value.is_number() {
            *value = json!(value.to_string());
        }
    };
    for key in ["id", "auditable_id", "associated_id", "workspace_id"] {
        text(&mut said[key]);
    }
    if said["user"].is_object() {
        text(&mut said["user"]["id"]);
    }
    for one in said["contributors"].as_array_mut().into_iter().flatten() {
        if one["user"].is_object() {
            *one = one["user"].take();
        }
        text(&mut one["id"]);
    }
    said
}

/// Whether all that was said is in what is kept.
pub(super) fn is_in(said: &Value, kept: &Value) -> bool {
    match (said, kept) {
        (Value::Object(said), Value::Object(kept)) => said.iter().all(|(key, value)| {
            value.is_null() || kept.get(key).is_some_and(|kept| is_in(value, kept))
        }),
        (Value::Array(said), Value::Array(kept)) => {
            let each = said.iter().zip(kept).all(|(said, kept)| is_in(said, kept));
            said.is_empty() || said.len() == kept.len() && each
        }
        _ => said == kept,
    }
}
