//! One integration's deliveries: what is in flight, what comes next, one timer.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::attempt;
use super::jump::{JUMP_MIN, Seen};
use super::limit::RateLimit;
use super::pace::Pace;
use super::schedule::{Schedule, Turn};
use super::{GiveUp, Shared, TestHook, Transport};
use crate::clock::Timestamp;
use crate::model::{Attempt, DisabledBecause, Id, Integration, Notice, Owed, Partition};
use crate::retry;
use crate::store::{Settlement, StoreError};

/// How long to wait before a message is tried again whose attempt could not be written down.
const UNSETTLED_WAIT: Duration = Duration::from_secs(5);
/// How long to wait before asking again whether attempts can be written down.
const UNWRITABLE_WAIT: Duration = Duration::from_secs(1);
/// How long to wait for a message to be absorbed, or not.
const ABSORPTION_TAKES: Duration = Duration::from_millis(50);
/// The longest the timer sleeps: due times are of the wall clock, which may jump.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The actor of one integration.
pub struct DeliveryActor {
    integration: Arc<Integration>,
    shared: Arc<Shared>,
    transport: Rc<dyn Transport>,
    schedule: Schedule,
    pace: Pace,
    /// Set when the integration asked for a limit of requests a second.
    limit: Option<RateLimit>,
    /// What the clocks last showed.
    seen: Option<Seen>,
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

/// Security events wait to be sent to this integration together, until then.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct SendBatchAt(pub Timestamp);

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
            let pace = Pace::new(integration.spec.max_in_flight);
            let limit = RateLimit::of(&integration, &shared);
            let (seen, timer, draining, drained) = (None, None, false, None);
            Self {
                integration,
                shared,
                transport,
                schedule,
                pace,
                limit,
                seen,
                timer,
                draining,
                drained,
            }
        })
    }

    /// Begins what is due and has room, and sleeps until the next is due.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        let now = self.shared.clock.now();
        // Also of a disabled one: what it is owed is due by the clock as well.
        self.notice_jump();
        if self.draining || !self.integration.spec.enabled {
            return;
        }
        while self.schedule.in_flight() < self.pace.limit() {
            let Some(due) = self.schedule.next_due() else { return };
            if due > now {
                return self.sleep(now, due, ctx);
            }
            if let Some(wait) = self.limit.as_ref().and_then(RateLimit::take) {
                return self.sleep(now, now + wait, ctx);
            }
            // What cannot be written down would have to be sent again and again.
            if self.shared.store.writable().is_err() {
                return self.sleep(now, now + UNWRITABLE_WAIT, ctx);
            }
            let Some(turn) = self.schedule.take_due(now) else { return };
            if self.shared.store.in_hand().attempt(turn.message) {
                self.attempt(turn, ctx);
            } else {
                // A newer message is taking it in; it is gone in a moment, or free again.
                self.schedule.put_off(turn.partition, now + ABSORPTION_TAKES);
            }
        }
    }

    /// Before anything that is due by the clock as it is now comes among what was due before.
    fn keep_time(&mut self) {
        if self.seen.is_some() {
            self.notice_jump();
        }
    }

    /// When the clock was put back, all is due as much earlier, and each wait is as long as it was to be.
    /// Over a restart nobody knows how long that was: then nothing waits longer than the schedule says,
    /// from now on, whatever the hook asked for. When the clock jumps forward, what is due by then goes,
    /// at the hook's pace: the machine may just have slept.
    fn notice_jump(&mut self) {
        let clock = &*self.shared.clock;
        let (now, seen) = (clock.now(), Seen::now(clock));
        match self.seen.replace(seen) {
            Some(then) => {
                if let Some(back) = then.put_back(&seen) {
                    self.schedule.sooner(back);
                }
            }
            // What is owed was due by the clock of the last commit.
            None if self.shared.store.last_written_at().since(now) > JUMP_MIN => {
                let steps = self.integration.retry_schedule();
                self.schedule.not_after(|attempts| {
                    now + retry::longest_wait(attempts, steps).max(UNSETTLED_WAIT)
                });
            }
            None => {}
        }
    }

    /// Goes on at `until`, or at once if that has passed; unless the timer fires earlier anyway.
    fn sleep(&mut self, now: Timestamp, until: Timestamp, ctx: &mut Context<Self>) {
        if let Some((at, timer)) = self.timer {
            if at <= until {
                return;
            }
            ctx.cancel_future(timer);
        }
        let wait = until.since(now).min(SLEEP_MAX);
        let timer = ctx.run_later(wait, |actor, ctx| {
            actor.timer = None;
            actor.pump(ctx);
        });
        self.timer = Some((now + wait, timer));
    }

    fn attempt(&mut self, turn: Turn, ctx: &mut Context<Self>) {
        let (integration, shared) = (self.integration.clone(), self.shared.clone());
        let transport = self.transport.clone();
        let began = self.pace.begin();
        let attempt = attempt::make(turn, integration, shared, transport);
        ctx.spawn(attempt.into_actor(self).map(move |made, actor, ctx| {
            if let Some((code, took)) = made.exchange {
                actor.pace.ended(began, took, code, actor.schedule.in_flight());
            }
            actor.keep_time();
            let settled = made.settled.map(|settled| actor.by_the_clock_now(settled, made.decided));
            actor.settled(turn.message, turn.partition, settled);
            actor.finish_draining();
            actor.pump(ctx);
        }));
    }

    /// When the clock was put back since it was decided when a message is due, that is as much earlier.
    fn by_the_clock_now(&self, settled: Settlement, decided: Seen) -> Settlement {
        let back = self.seen.and_then(|now| decided.put_back(&now)).unwrap_or_default();
        let owed = settled.owed.map(|owed| Owed { due: owed.due - back, ..owed });
        Settlement { owed, ..settled }
    }

    fn settled(
        &mut self,
        message: Id,
        partition: Partition,
        settled: Result<Settlement, StoreError>,
    ) {
        match settled {
            Ok(settlement) => {
                self.schedule.settled(partition, settlement.owed.as_ref());
                settlement.notices.iter().for_each(|notice| self.tell(*notice));
            }
            Err(error) => {
                if !matches!(error, StoreError::Stopped) && !error.is_of_the_disk() {
                    log::error!("an attempt of message {message} could not be settled: {error}");
                }
                let due = self.shared.clock.now() + UNSETTLED_WAIT;
                self.schedule.put_off(partition, due);
            }
        }
    }

    /// What is owed of a message that was said to be. When somebody asked for it while it was in flight, the
    /// answer may have been written down since, and come here first.
    fn still(&self, message: Id, owed: Owed) -> Option<Owed> {
        if owed.asked_by.is_none() {
            return Some(owed);
        }
        self.shared.store.owed(message).unwrap_or(Some(owed))
    }

    fn tell(&self, notice: Notice) {
        let (id, name) = (self.integration.id, self.integration.spec.name.escaped());
        let what = match notice {
            Notice::Failing => "is failing: a message has run out of attempts",
            Notice::DisabledSoon => "has failed for four days; in a day it will be disabled",
            Notice::Disabled(DisabledBecause::Gone) => "was disabled: its hook answered 410, gone",
            Notice::Disabled(DisabledBecause::Failing) => {
                "was disabled: nothing but failures for five days"
            }
        };
        log::warn!("integration {id} ({name}) {what}");
    }

    fn finish_draining(&mut self) {
        if self.schedule.in_flight() == 0
            && let Some(drained) = self.drained.take()
        {
            let _ = drained.send(());
        }
    }
}

impl Actor for DeliveryActor {
    type Context = Context<Self>;
}

impl Handler<OweHere> for DeliveryActor {
    type Result = ();

    fn handle(&mut self, OweHere(owed): OweHere, ctx: &mut Context<Self>) {
        self.keep_time();
        for (message, owed) in owed {
            if let Some(owed) = self.still(message, owed) {
                self.schedule.add(message, &owed);
            }
        }
        self.pump(ctx);
    }
}

impl Handler<GiveUp> for DeliveryActor {
    type Result = ();

    fn handle(&mut self, GiveUp(gone): GiveUp, ctx: &mut Context<Self>) {
        self.schedule.forget(gone.message, gone.partition);
        self.pump(ctx);
    }
}

impl Handler<TestHook> for DeliveryActor {
    type Result = ResponseFuture<Option<Attempt>>;

    fn handle(&mut self, test: TestHook, _: &mut Context<Self>) -> Self::Result {
        let (integration, shared) = (self.integration.clone(), self.shared.clone());
        let transport = self.transport.clone();
        Box::pin(async move { Some(attempt::sample(test, integration, shared, transport).await) })
    }
}

impl Handler<SendBatchAt> for DeliveryActor {
    type Result = ();

    fn handle(&mut self, SendBatchAt(due): SendBatchAt, ctx: &mut Context<Self>) {
        let now = self.shared.clock.now();
        // When the clock jumped back, it is no longer from now than the longest wait there is.
        let longest = self.integration.spec.batch.map_or(Duration::ZERO, |batch| batch.max_wait);
        let due = due.min(now + longest.max(UNSETTLED_WAIT));
        let wait = due.since(now).min(SLEEP_MAX);
        ctx.run_later(wait, move |actor, ctx| {
            if actor.shared.clock.now() < due {
                return ctx.notify(SendBatchAt(due));
            }
            let (shared, integration) = (actor.shared.clone(), actor.integration.id);
            let sent = async move { shared.journal.send_batch(integration).await };
            ctx.spawn(sent.into_actor(actor).map(move |sent, actor, ctx| {
                if let Err(error) = sent
                    && !matches!(error, StoreError::Stopped)
                {
                    if !error.is_of_the_disk() {
                        log::error!("what waits for integration {integration} stays: {error}");
                    }
                    ctx.notify(SendBatchAt(actor.shared.clock.now() + UNSETTLED_WAIT));
                }
            }));
        });
    }
}

impl Handler<Reconfigure> for DeliveryActor {
    type Result = ();

    fn handle(&mut self, Reconfigure(integration): Reconfigure, ctx: &mut Context<Self>) {
        if integration.spec != self.integration.spec {
            self.transport = (self.shared.make_transport)(&integration);
            self.pace.allow(integration.spec.max_in_flight);
            self.limit = RateLimit::of(&integration, &self.shared);
        }
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
