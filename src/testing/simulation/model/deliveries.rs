//! Attempts: when they may be made, and what follows from them (section 6).

use super::{Flight, Model, Objection, SLACK, State, ensure};
use crate::testing::simulation::seen::{Answer, At, Commit};

/// The longest that a due message waits after the wall clock has jumped.
const AFTER_JUMP: u64 = 61_000;
/// The longest wait that a hook may ask for.
const ASKED_MAX: i64 = 24 * 3_600_000;
/// After how long of nothing but failures a hook is disabled.
const FIVE_DAYS: i64 = 5 * 24 * 3_600_000;

impl Model {
    /// A hook got a request.
    pub(super) fn requested(
        &mut self,
        at: At,
        hook: u64,
        id: u64,
        body: &serde_json::Value,
    ) -> Result<(), Objection> {
        self.must_go.retain(|(message, _)| *message != id);
        self.is_spread(at, hook)?;
        let Some(message) = self.messages.get(&id) else {
            return Err(format!("a request with {id}, which is no message"));
        };
        ensure!(message.hook == hook, "message {id} went to {hook}");
        ensure!(
            message.state == State::Owed,
            "message {id} was sent, which is {:?}",
            message.state
        );
        ensure!(message.flying.is_none(), "message {id} was sent twice at a time");
        ensure!(
            *body == message.body,
            "message {id} was sent as\n{body}\nand is\n{}",
            message.body
        );
        let early = message.due - at.wall;
        ensure!(early <= message.early, "message {id} was sent {early} ms before it was due");
        let spec = &self.hooks.get(&hook).ok_or("a request to an integration that is gone")?.spec;
        // One that is on its way at that very moment cannot be called back.
        let enabled = spec.enabled() || self.hooks[&hook].disabled == at.mono;
        ensure!(enabled, "message {id} was sent to {hook}, which is disabled");
        let of_hook = self.messages.iter().filter(|(_, other)| other.hook == hook);
        let mut flying = 0;
        for (other_id, other) in of_hook {
            flying += usize::from(other.flying.is_some());
            if other.record != message.record || *other_id == id {
                continue;
            }
            ensure!(other.flying.is_none(), "{id} and {other_id} of one record are both in flight");
            // One that is owed again at this very moment comes too late.
            let before = other.state == State::Owed && *other_id < id && other.since < at.mono;
            ensure!(!before, "message {id} was sent before {other_id} of the same record");
        }
        // Of an integration that is changed at this very moment, the attempt may know either.
        let mut schedules = vec![spec.schedule()];
        let before = self.hooks[&hook].schedule_before.clone();
        let before = before.filter(|(moment, _)| *moment == at.mono);
        schedules.extend(before.into_iter().flat_map(|(_, before)| before));
        let has_room = flying < spec.max_in_flight() || schedules.len() > 1;
        ensure!(has_room, "{flying} in flight to {hook} already");
        let manual = message.asked;
        let message = self.messages.get_mut(&id).expect("found above");
        message.flying = Some(Flight { began: at, manual, answer: None, schedules });
        message.perhaps_flying = false;
        self.touch(hook, at);
        Ok(())
    }

    /// Requests are evenly spread, where so many a second are allowed. The limit begins anew when the
    /// integration is changed; one request at that very moment may be under the one before.
    fn is_spread(&mut self, at: At, hook: u64) -> Result<(), Objection> {
        let Some(hook) = self.hooks.get_mut(&hook) else { return Ok(()) };
        let changed = hook.schedule_before.as_ref().map(|(moment, _)| *moment);
        if let (Some(spread), Some(before)) = (hook.spec.spread(), hook.asked) {
            // Both moments are cut to the millisecond.
            let after = at.mono - before + 1;
            ensure!(after >= spread, "a request {after} ms after the last, and not {spread}");
        }
        hook.asked = (changed != Some(at.mono)).then_some(at.mono);
        Ok(())
    }

    /// Messages that were taken to be in flight did go at that moment.
    pub(super) fn nobody_waits(&self, at: At) -> Result<(), Objection> {
        match self.must_go.iter().find(|(_, moment)| *moment < at.mono) {
            Some((id, _)) => Err(format!("message {id} was neither taken in nor in flight")),
            None => Ok(()),
        }
    }

    /// An attempt was written down, and what follows from it (D3).
    pub(super) fn settled(&mut self, at: At, commit: Commit) -> Result<(), Objection> {
        ensure!(commit.settled.len() == 1, "{} attempts in one commit", commit.settled.len());
        let clean = commit.accepted.is_empty() && commit.owed.is_empty() && commit.gone.is_empty();
        ensure!(clean, "an attempt did more than that");
        let (row, attempt) = &commit.settled[0];
        let message = self.messages.get_mut(&row.id).ok_or("an attempt of no message")?;
        let flight = message.flying.take().ok_or("an attempt that was not made")?;
        let (answered, answer) = flight.answer.ok_or("an attempt without its answer")?;
        ensure!(answered.mono == at.mono, "an answer was written down later");
        let number = message.attempts + 1;
        ensure!(attempt.number == number, "attempt {} of {}, not {number}", attempt.number, row.id);
        ensure!(message.logged.insert(number), "attempt {number} of {} was there before", row.id);
        ensure!(attempt.at == flight.began.wall, "the attempt began at another time");
        ensure!(
            attempt.code == answer.code,
            "the hook answered {answer:?}, not {:?}",
            attempt.code
        );
        ensure!(attempt.manual == flight.manual, "whether {} was sent by hand", row.id);
        let good = answer.code.is_some_and(|code| (200..=299).contains(&code));
        let hook_id = message.hook;
        let was_owed = message.state == State::Owed;
        message.attempts = number;
        message.taken |= good;
        if was_owed {
            let next = |schedule: &Vec<u64>| match schedule.get(number as usize - 1) {
                _ if good => Ok((State::Delivered, message.due)),
                None => Ok((State::Failed, message.due)),
                Some(step) => {
                    let due = row.due.ok_or("a message that is to be retried is not owed")?;
                    retry_at(row.id, due - at.wall, *step as i64, &answer, at.wall)?;
                    Ok((State::Owed, due))
                }
            };
            let mut nexts: Vec<Result<_, Objection>> = flight.schedules.iter().map(next).collect();
            let fits = nexts.iter().position(|next| {
                next.as_ref().is_ok_and(|(state, _)| (*state == State::Owed) == row.due.is_some())
            });
            (message.state, message.due) = nexts.swap_remove(fits.unwrap_or(0))?;
            message.early = 0;
            message.asked &= message.state != State::Owed;
            match message.state {
                State::Delivered => self.totals[4] += 1,
                State::Failed => self.totals[5] += 1,
                _ => {}
            }
        }
        self.may_disable(at, &commit, hook_id, flight.began.wall, &answer, good)?;
        self.leaves(row);
        Ok(())
    }

    /// An integration is disabled by 410, and by five days of nothing but failures; never otherwise.
    fn may_disable(
        &mut self,
        at: At,
        commit: &Commit,
        hook_id: u64,
        began: i64,
        answer: &Answer,
        good: bool,
    ) -> Result<(), Objection> {
        let Some(hook) = self.hooks.get_mut(&hook_id) else {
            // It was deleted at this very moment.
            return Ok(());
        };
        hook.touched = at.mono;
        let failing_since = *hook.failing_since.get_or_insert(began);
        let disables = hook.spec.enabled()
            && (answer.code == Some(410) || !good && began - failing_since >= FIVE_DAYS);
        if good {
            hook.failing_since = None;
        }
        if disables {
            hook.spec.0["enabled"] = false.into();
            hook.disabled = at.mono;
        }
        ensure!(commit.hooks.is_some() == disables, "{hook_id} should be disabled: {disables}");
        if let Some(hooks) = &commit.hooks {
            self.are_configured(hooks)?;
        }
        Ok(())
    }

    /// What is due goes, if its hook has nothing else to do.
    pub(super) fn nobody_is_idle(&self, at: At) -> Result<(), Objection> {
        for (id, hook) in self.hooks.iter().filter(|(_, hook)| hook.spec.enabled()) {
            let mut of_hook = self.messages.iter().filter(|(_, message)| message.hook == *id);
            if of_hook.clone().any(|(_, message)| message.flying.is_some()) {
                continue;
            }
            let patience = if at.mono - self.jumped < AFTER_JUMP { AFTER_JUMP } else { SLACK };
            // A turn may have gone to one that was given up.
            let patience = patience + 2 * hook.spec.spread().unwrap_or(0);
            let idle = at.mono - hook.touched.max(self.jumped);
            let forgotten = of_hook.find(|(message_id, message)| {
                // Only the first of a record has to go.
                message.state == State::Owed
                    && at.wall - message.due > patience as i64
                    && self.is_first(**message_id)
            });
            if let Some((message, _)) = forgotten
                && idle > patience
            {
                return Err(format!("message {message} is due, and its hook idle for {idle} ms"));
            }
        }
        Ok(())
    }

    fn is_first(&self, id: u64) -> bool {
        let message = &self.messages[&id];
        self.messages.range(..id).all(|(_, other)| {
            other.hook != message.hook
                || other.record != message.record
                || other.state != State::Owed
        })
    }
}

/// Whether a wait is one that the schedule and the hook's wish allow.
fn retry_at(id: u64, wait: i64, step: i64, answer: &Answer, now: i64) -> Result<(), Objection> {
    let asked = answer.retry_after.as_deref().and_then(|after| asked_wait(after, now));
    let asked = asked.unwrap_or(0).clamp(0, ASKED_MAX);
    // A fifth to either side; both in whole milliseconds.
    let (low, high) = ((step * 8 / 10).max(asked), (step * 12 / 10).max(asked));
    ensure!(
        (low..=high).contains(&wait),
        "message {id} is tried again in {wait} ms, and should be in {low} to {high}"
    );
    Ok(())
}

fn asked_wait(after: &str, now: i64) -> Option<i64> {
    let after = after.trim();
    if !after.is_empty() && after.chars().all(|c| c.is_ascii_digit()) {
        return Some(after.parse::<i64>().unwrap_or(i64::MAX / 1_000).saturating_mul(1_000));
    }
    let date = httpdate::parse_http_date(after).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_millis() as i64 - now)
}
