//! One open window of a record: its audits' places, its deadline.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::backlog::Hold;
use super::registry::{Ask, Idle, Registry, WindowKey};
use super::window::Window;
use super::{Shared, outcome};
use crate::clock::{Monotonic, Timestamp};
use crate::metrics::Windows;
use crate::model::{ClosedBy, Id, RecordKey, Slot, WindowRule};
use crate::store::{Close, Closed, StoreError};

/// How long to wait before closing a window again after its commit failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The actor of one of a record's windows. Stops when its window has closed and nothing has opened
/// the next.
pub struct RecordActor {
    of: Arc<WindowKey>,
    registry: Rc<Addr<Registry>>,
    shared: Arc<Shared>,
    window: Option<Window>,
    /// Set while a window is being closed: by then its audits are out of `window`.
    closing: bool,
    /// When the registry will ask whether the window is due. It is asked once at a time: an edit only
    /// moves the deadline, and when it is asked too early it asks to be asked again.
    asked_at: Option<Monotonic>,
    /// Edits received so far; tells the registry whether one is still on its way.
    received: u32,
}

/// An audit of this record was accepted.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Edit {
    pub place: Id,
    /// How large it is.
    pub bytes: u32,
    pub rule: WindowRule,
    pub at: Monotonic,
}

/// Close the window if it is due. Every edit that was handed over before this has arrived.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct AreYouDue {
    /// The moment that was asked for.
    pub at: Monotonic,
    /// Leave to close it.
    pub turn: OwnedSemaphorePermit,
}

/// The registry has let go of this actor.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Retire;

/// Close the window now, whatever its deadline: send it, or discard it.
#[derive(Message)]
#[rtype(result = "Option<oneshot::Receiver<Result<Closed, StoreError>>>")]
pub(super) struct CloseNow(pub ClosedBy);

/// Tell about the open window, if there is one.
#[derive(Message)]
#[rtype(result = "Option<WindowView>")]
pub(super) struct Describe;

/// An open window, for people.
#[derive(Clone, Debug)]
pub struct WindowView {
    /// The record.
    pub record: RecordKey,
    /// Which of its windows.
    pub slot: Slot,
    /// How long it must be left alone.
    pub quiet_period: Duration,
    /// The places of its audits, oldest first.
    pub places: Vec<Id>,
    /// When it closes if nothing more happens.
    pub closes_at: Timestamp,
    /// When it closes at the latest, where there is such a time.
    pub cap_at: Option<Timestamp>,
}

impl RecordActor {
    /// Starts an actor on the current thread, which must be the registry's.
    pub(super) fn start(
        of: Arc<WindowKey>,
        registry: Rc<Addr<Registry>>,
        shared: Arc<Shared>,
        window: Option<Window>,
    ) -> Addr<RecordActor> {
        RecordActor::create(|ctx| {
            // Unbounded: what may wait is bounded where audits come in.
            ctx.set_mailbox_capacity(0);
            let (closing, asked_at, received) = (false, None, 0);
            RecordActor { of, registry, shared, window, closing, asked_at, received }
        })
    }

    /// Has the registry ask when the window is due, unless it will.
    fn wait(&mut self) {
        let Some(window) = self.window.as_ref().filter(|_| self.asked_at.is_none()) else { return };
        let at = window.closes_at();
        self.asked_at = Some(at);
        // Fails only when the server is going down.
        let _ = self.registry.try_send(Ask { of: self.of.clone(), at });
    }

    /// Closes the window in one commit (D2).
    fn close(
        &mut self,
        window: Window,
        closed_by: ClosedBy,
        turn: Option<OwnedSemaphorePermit>,
        reply: Option<oneshot::Sender<Result<Closed, StoreError>>>,
        ctx: &mut Context<Self>,
    ) {
        self.closing = true;
        let (shared, of) = (self.shared.clone(), self.of.clone());
        let late = self.shared.clock.monotonic().saturating_sub(window.closes_at());
        let (kept, why) = (window.clone(), Windows::why(&closed_by));
        let work = async move {
            let _turn = match turn {
                None => shared.closing.clone().acquire_owned().await.ok(),
                turn => turn,
            };
            // Not all that work, second by second, for windows that could not be closed.
            shared.store.was_writable()?;
            let WindowKey { record, slot } = of.as_ref();
            let audits = match closed_by {
                ClosedBy::Discarded { .. } => Vec::new(),
                _ => shared.store.audits_at(&window.places)?,
            };
            loop {
                let config = shared.store.config();
                let mut absorbed =
                    outcome::comes_to(&shared.store, &config, &of, &audits, Hold::Take)?;
                let close = Close {
                    record: record.clone(),
                    slot: slot.clone(),
                    rule: window.rule,
                    closed_by: closed_by.clone(),
                    places: window.places.clone(),
                    messages: std::mem::take(&mut absorbed.messages),
                    nothing_changed: std::mem::take(&mut absorbed.nothing_changed),
                };
                // Else there is one message less to take in.
                if let Some(closed) = shared.journal.close(close).await? {
                    return Ok(closed);
                }
            }
        };
        ctx.spawn(work.into_actor(self).map(move |closed, actor, ctx| {
            if closed.is_ok() {
                actor.shared.gauges.closed_late_by(late);
                actor.shared.metrics.windows.closed(why, late);
            }
            actor.closed(closed, kept, reply, ctx);
        }));
    }

    fn closed(
        &mut self,
        closed: Result<Closed, StoreError>,
        window: Window,
        reply: Option<oneshot::Sender<Result<Closed, StoreError>>>,
        ctx: &mut Context<Self>,
    ) {
        self.closing = false;
        match &closed {
            Ok(_) => self.shared.gauges.closed(window.bytes),
            // The server is going down; the window is in the store, and opens again with it.
            Err(StoreError::Stopped) => return ctx.stop(),
            Err(error) => {
                // The journal's log says so once for all that it concerns.
                log::debug!("the window of {} waits to be closed: {error}", self.of.record);
                let retry_at = self.shared.clock.monotonic() + RETRY_AFTER;
                self.reopen(window, retry_at);
            }
        }
        if let Some(reply) = reply {
            let _ = reply.send(closed);
        }
        match self.window {
            Some(_) => self.wait(),
            None => {
                let idle = Idle { of: self.of.clone(), received: self.received };
                let _ = self.registry.try_send(idle);
            }
        }
    }

    /// Nothing was committed, so these audits are still in an open window: put them back.
    fn reopen(&mut self, closing: Window, retry_at: Monotonic) {
        let window = match &mut self.window {
            Some(next) => {
                // Two windows are one again.
                self.shared.gauges.closed(0);
                next.take_back(closing.places, closing.bytes);
                next
            }
            None => self.window.insert(closing),
        };
        window.put_off(retry_at);
    }
}

impl Actor for RecordActor {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.wait();
    }
}

impl Handler<Edit> for RecordActor {
    type Result = ();

    fn handle(&mut self, edit: Edit, ctx: &mut Context<Self>) {
        self.received = self.received.wrapping_add(1);
        let Edit { place, bytes, rule, at } = edit;
        // However long the window has waited for its turn: it was over before this (R1).
        let over = self.window.as_ref().filter(|window| !self.closing && window.closes_at() < at);
        if let Some(closed_by) = over.and_then(|window| window.due(at))
            && let Some(over) = self.window.take()
        {
            self.close(over, closed_by, None, None, ctx);
        }
        match &mut self.window {
            Some(window) => window.add(place, bytes, rule, at),
            None => {
                self.shared.gauges.opened(1, 0);
                self.window = Some(Window::open(place, bytes, rule, at));
            }
        }
        self.shared.gauges.arrived();
        self.wait();
    }
}

impl Handler<AreYouDue> for RecordActor {
    type Result = ();

    fn handle(&mut self, AreYouDue { at, turn }: AreYouDue, ctx: &mut Context<Self>) {
        // One that is left over from a window before was asked for by another actor.
        if self.asked_at != Some(at) {
            return;
        }
        self.asked_at = None;
        // One window of a record closes after the other; `closed` waits again.
        if self.closing {
            return;
        }
        let now = self.shared.clock.monotonic();
        match self.window.as_ref().and_then(|window| window.due(now)) {
            Some(closed_by) => {
                if let Some(window) = self.window.take() {
                    self.close(window, closed_by, Some(turn), None, ctx);
                }
            }
            None => self.wait(),
        }
    }
}

impl Handler<CloseNow> for RecordActor {
    type Result = Option<oneshot::Receiver<Result<Closed, StoreError>>>;

    fn handle(&mut self, CloseNow(closed_by): CloseNow, ctx: &mut Context<Self>) -> Self::Result {
        if self.closing {
            return None;
        }
        let window = self.window.take()?;
        let (reply, closed) = oneshot::channel();
        self.close(window, closed_by, None, Some(reply), ctx);
        Some(closed)
    }
}

impl Handler<Describe> for RecordActor {
    type Result = Option<WindowView>;

    fn handle(&mut self, _: Describe, _: &mut Context<Self>) -> Self::Result {
        let window = self.window.as_ref()?;
        let at = |moment: Monotonic| self.shared.clock.wall_at(moment);
        Some(WindowView {
            record: self.of.record.clone(),
            slot: self.of.slot.clone(),
            quiet_period: window.rule.quiet_period,
            places: window.places.clone(),
            closes_at: at(window.closes_at()),
            cap_at: window.cap_at().map(at),
        })
    }
}

impl Handler<Retire> for RecordActor {
    type Result = ();

    fn handle(&mut self, _: Retire, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
