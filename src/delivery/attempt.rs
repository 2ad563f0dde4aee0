//! One attempt of a message: what is sent, what is made of the answer, what is written down (D3).

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::jump::Seen;
use super::receipt;
use super::schedule::Turn;
use super::{Posted, Request, Shared, TestHook, Transport, wire};
use crate::clock::{Clock, Timestamp};
use crate::format::siem;
use crate::model::{Attempt, Delivery, Id, Integration, Message, Owed, Parts, Trigger};
use crate::retry::{self, Next};
use crate::store::{Entry, Settle, Settlement, Store, StoreError};

/// Keeps a message in hand as long as its attempt lives, also when that is dropped.
struct Held {
    store: Arc<Store>,
    message: Id,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.store.in_hand().release(self.message);
    }
}

/// An attempt that was made.
pub struct Made {
    /// The status that was answered, if there was an answer, and how long that took; none when there was
    /// nothing to send.
    pub exchange: Option<(Option<u16>, Duration)>,
    /// What the clocks showed when it was decided how to go on.
    pub decided: Seen,
    /// What came of writing it down.
    pub settled: Result<Settlement, StoreError>,
}

impl Made {
    /// There was nothing to send.
    fn nothing(settled: Result<Settlement, StoreError>, clock: &dyn Clock) -> Self {
        Self { exchange: None, decided: Seen::now(clock), settled }
    }
}

/// Makes an attempt and settles it.
pub async fn make(
    turn: Turn,
    integration: Arc<Integration>,
    shared: Arc<Shared>,
    transport: Rc<dyn Transport>,
) -> Made {
    let _held = Held { store: shared.store.clone(), message: turn.message };
    let (message, owed, parts) = match read(&shared.store, turn.message) {
        Ok(Some(read)) => read,
        Ok(None) => return Made::nothing(Ok(Settlement::default()), &*shared.clock),
        Err(error) => return Made::nothing(Err(error), &*shared.clock),
    };
    let has_parts = message.events() > 1;
    let (count, body) = match &parts {
        None => (message.events(), message.draft.body),
        Some(parts) => {
            let items = parts.to_send();
            (items.len() as u32, siem::only(integration.spec.format, &message.draft.body, items))
        }
    };
    let (at, started) = (shared.clock.now(), shared.clock.monotonic());
    let request = Rc::new(wire::request(&integration, turn.message, at, body));
    let mut posted = transport.post(request.clone()).await;
    let receipt = receipt::read(&integration, &posted, count);
    let acknowledged = receipt::wait_for(&integration, &posted, &request, transport.as_ref()).await;
    let took = shared.clock.monotonic() - started;
    shared.metrics.attempts.made(&posted.outcome, took);
    let number = turn.attempts + 1;
    let decided = Seen::now(&*shared.clock);
    let (now, schedule) = (decided.showed(), integration.retry_schedule());
    let next = match (&receipt, &acknowledged) {
        (None, Ok(())) => retry::decide(&posted.outcome, turn.message, number, now, schedule),
        (None, Err(_)) => retry::again(&posted.outcome, turn.message, number, now, schedule),
        (Some(receipt), _) => match (receipt.again.is_empty(), receipt.refused.is_empty()) {
            (true, true) => Next::Delivered,
            (true, false) => Next::Failed,
            _ => retry::again(&posted.outcome, turn.message, number, now, schedule),
        },
    };
    let (next, parts) = left(next, parts, receipt.as_ref());
    let said = receipt.and_then(|receipt| receipt.note).or(acknowledged.err());
    posted.note = posted.note.or(said);
    log::debug!(
        "message {} to {}: attempt {number}, {next:?}",
        turn.message,
        integration.spec.name.escaped()
    );
    let code = posted.outcome.code();
    let settle = Settle {
        message: turn.message,
        integration: integration.id,
        partition: turn.partition,
        attempt: written(number, at, owed.asked_by, took, request, posted),
        next,
        parts: parts.filter(|_| has_parts),
    };
    Made { exchange: Some((code, took)), decided, settled: shared.journal.settle(settle).await }
}

/// The message, what is owed of it, and which parts; none when it is owed no more.
fn read(store: &Store, id: Id) -> Result<Option<(Message, Owed, Option<Parts>)>, StoreError> {
    let Some(Entry { message, delivery, .. }) = store.message(id)? else { return Ok(None) };
    // Given up since it was taken out of the schedule, if it is not owed.
    let Delivery::Owed(owed) = delivery else { return Ok(None) };
    let parts = if message.events() > 1 { store.parts(id)? } else { None };
    Ok(Some((message, owed, parts)))
}

/// What is left of a message of many events, where there is anything to say of it: when some were
/// refused, it has failed in the end.
fn left(
    next: Next,
    before: Option<Parts>,
    receipt: Option<&siem::Verdict>,
) -> (Next, Option<Parts>) {
    let Some(receipt) = receipt else {
        // All that was sent was taken; what was refused earlier was not sent.
        return match (next, before) {
            (Next::Delivered, Some(parts)) if parts.holds_back() => {
                (Next::Failed, Some(Parts { again: Vec::new(), ..parts }))
            }
            (Next::Delivered, Some(_)) => (next, Some(Parts::default())),
            (_, before) => (next, before),
        };
    };
    let parts = Parts::after(before, &receipt.again, &receipt.refused);
    let next = match next {
        Next::Delivered if !parts.refused.is_empty() => Next::Failed,
        next => next,
    };
    (next, Some(parts))
}

/// Posts a sample, of which nothing is written down.
pub async fn sample(
    test: TestHook,
    integration: Arc<Integration>,
    shared: Arc<Shared>,
    transport: Rc<dyn Transport>,
) -> Attempt {
    let (at, started) = (shared.clock.now(), shared.clock.monotonic());
    let request = Rc::new(wire::request(&integration, Id::at(at), at, test.body));
    let posted = transport.post(request.clone()).await;
    let took = shared.clock.monotonic() - started;
    written(1, at, Some(test.by.into()), took, request, posted)
}

fn written(
    number: u32,
    at: Timestamp,
    asked_by: Option<Box<str>>,
    took: Duration,
    request: Rc<Request>,
    posted: Posted,
) -> Attempt {
    let Posted { outcome, timing, note } = posted;
    Attempt {
        number,
        at,
        trigger: if asked_by.is_some() { Trigger::Manual } else { Trigger::Scheduled },
        asked_by,
        request_headers: wire::redacted(Rc::unwrap_or_clone(request).headers),
        total_ms: took.as_millis() as u32,
        timing,
        outcome: wire::cut(outcome),
        note,
    }
}
