//! One integration's deliveries: what is in flight, what comes next, one timer.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use actix_web::web::Bytes;
use tokio::sync::oneshot;

use super::schedule::{Schedule, Turn};
use super::{Posted, Request, Shared, Transport};
use crate::clock::Timestamp;
use crate::model::{Attempt, HIDDEN, Id, Integration, Owed, Partition, Trigger, looks_secret};
use crate::store::{Settle, StoreError};
use crate::{retry, sign};

/// How long to wait before a message is tried again whose attempt could not be written down.
const UNSETTLED_WAIT: Duration = Duration::from_secs(5);
/// The longest the timer sleeps: due times are of the wall clock, which may jump.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// What every request says it is from.
const USER_AGENT: &str = concat!("Lull/", env!("CARGO_PKG_VERSION"));

/// The actor of one integration.
pub struct DeliveryActor {
    integration: Arc<Integration>,
    shared: Arc<Shared>,
    transport: Rc<dyn Transport>,
    schedule: Schedule,
    /// When the one timer fires, and the timer.
    timer: Option<(Timestamp, SpawnHandle)>,
    /// Set when no new attempts are to begin any more.
    draining: bool,
    /// Told when nothing is in flight any more.
    drained: Option<oneshot::Sender<()>>,
}

/// These messages are owed to this integration, oldest first.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct OweHere(pub Vec<(Id, Owed)>);

/// The integration is another now.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Reconfigure(pub Arc<Integration>);

/// The integration is gone: begin nothing new.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Retire;

/// Begin nothing new; completes when nothing is in flight any more.
#[derive(Message)]
#[rtype(result = "oneshot::Receiver<()>")]
pub(super) struct DrainHere;

impl DeliveryActor {
    /// Starts an actor for `integration` on the current thread.
    pub(super) fn start(integration: Arc<Integration>, shared: Arc<Shared>) -> Addr<Self> {
        DeliveryActor::create(|ctx| {
            // Unbounded: these are hints, and each is smaller than the row it is about.
            ctx.set_mailbox_capacity(0);
            let transport = (shared.make_transport)(&integration);
            let schedule = Schedule::default();
            let (timer, draining, drained) = (None, false, None);
            Self { integration, shared, transport, schedule, timer, draining, drained }
        })
    }

    /// Begins what is due and has room, and sleeps until the next is due.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        if self.draining || !self.integration.spec.enabled {
            return;
        }
        let now = self.shared.clock.now();
        while self.schedule.in_flight() < self.integration.spec.max_in_flight as usize {
            match self.schedule.take_due(now) {
                Some(turn) => self.attempt(turn, ctx),
                None => return self.sleep(now, ctx),
            }
        }
    }

    fn sleep(&mut self, now: Timestamp, ctx: &mut Context<Self>) {
        let Some(due) = self.schedule.next_due() else { return };
        if let Some((at, timer)) = self.timer {
            if at <= due {
                return;
            }
            ctx.cancel_future(timer);
        }
        let wait = due.since(now).min(SLEEP_MAX);
        let timer = ctx.run_later(wait, |actor, ctx| {
            actor.timer = None;
            actor.pump(ctx);
        });
        self.timer = Some((now + wait, timer));
    }

    fn attempt(&mut self, turn: Turn, ctx: &mut Context<Self>) {
        let (integration, shared) = (self.integration.clone(), self.shared.clone());
        let transport = self.transport.clone();
        let attempt = attempt(turn, integration, shared, transport);
        ctx.spawn(attempt.into_actor(self).map(move |settled, actor, ctx| {
            actor.settled(turn.message, turn.partition, settled);
            actor.finish_draining();
            actor.pump(ctx);
        }));
    }

    fn settled(
        &mut self,
        message: Id,
        partition: Partition,
        settled: Result<Option<Owed>, StoreError>,
    ) {
        match settled {
            Ok(owed) => self.schedule.settled(partition, owed.as_ref()),
            Err(error) => {
                if !matches!(error, StoreError::Stopped) {
                    log::error!("an attempt of message {message} could not be settled: {error}");
                }
                let due = self.shared.clock.now() + UNSETTLED_WAIT;
                self.schedule.put_off(partition, due);
            }
        }
    }

    fn finish_draining(&mut self) {
        if self.schedule.in_flight() == 0
            && let Some(drained) = self.drained.take()
        {
            let _ = drained.send(());
        }
    }
}

/// Makes an attempt and settles it (D3); what is still owed.
async fn attempt(
    turn: Turn,
    integration: Arc<Integration>,
    shared: Arc<Shared>,
    transport: Rc<dyn Transport>,
) -> Result<Option<Owed>, StoreError> {
    let Some(entry) = shared.store.message(turn.message)? else { return Ok(None) };
    let at = shared.clock.now();
    let started = shared.clock.monotonic();
    let body = entry.message.draft.body;
    let headers = headers(&integration, turn.message, at, body.as_bytes());
    let request = Request {
        url: integration.spec.hook_url.clone(),
        headers: headers.clone(),
        body: Bytes::from(body),
        timeout: integration.spec.timeout,
    };
    let Posted { outcome, timing, note } = transport.post(request).await;
    let number = turn.attempts + 1;
    let total_ms = (shared.clock.monotonic() - started).as_millis() as u32;
    let next = retry::decide(&outcome, turn.message, number, shared.clock.now());
    log::debug!(
        "message {} to {}: attempt {number}, {next:?}",
        turn.message,
        integration.spec.name
    );
    let attempt = Attempt {
        number,
        at,
        trigger: Trigger::Scheduled,
        request_headers: redacted(headers),
        total_ms,
        timing,
        outcome,
        note,
    };
    let (message, partition) = (turn.message, turn.partition);
    let integration = integration.id;
    shared.journal.settle(Settle { message, integration, partition, attempt, next }).await
}

/// The headers of an attempt that is made `at`.
fn headers(
    integration: &Integration,
    message: Id,
    at: Timestamp,
    body: &[u8],
) -> Vec<(String, String)> {
    let id = message.to_string();
    let signature = sign::sign(&integration.secret, &id, at, body);
    let own = [
        ("content-type", "application/json".to_owned()),
        ("user-agent", USER_AGENT.to_owned()),
        ("webhook-id", id),
        ("webhook-timestamp", at.unix_seconds().to_string()),
        ("webhook-signature", signature),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    let added = integration.spec.headers.iter();
    own.chain(added.map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))).collect()
}

/// Hides the values of headers that look like credentials (section 7).
fn redacted(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    for (name, value) in &mut headers {
        if looks_secret(name) {
            *value = HIDDEN.to_owned();
        }
    }
    headers
}

impl Actor for DeliveryActor {
    type Context = Context<Self>;
}

impl Handler<OweHere> for DeliveryActor {
    type Result = ();

    fn handle(&mut self, OweHere(owed): OweHere, ctx: &mut Context<Self>) {
        for (message, owed) in &owed {
            self.schedule.add(*message, owed);
        }
        self.pump(ctx);
    }
}

impl Handler<Reconfigure> for DeliveryActor {
    type Result = ();

    fn handle(&mut self, Reconfigure(integration): Reconfigure, ctx: &mut Context<Self>) {
        self.transport = (self.shared.make_transport)(&integration);
        self.integration = integration;
        self.pump(ctx);
    }
}

impl Handler<Retire> for DeliveryActor {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        // Attempts in flight are dropped; what they were for has been given up.
        ctx.stop();
    }
}

impl Handler<DrainHere> for DeliveryActor {
    type Result = MessageResult<DrainHere>;

    fn handle(&mut self, _: DrainHere, _: &mut Context<Self>) -> Self::Result {
        let (drained, when) = oneshot::channel();
        (self.draining, self.drained) = (true, Some(drained));
        self.finish_draining();
        MessageResult(when)
    }
}
