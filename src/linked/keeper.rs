//! Keeps hooks current: one timer for all links, and what is due when an integration is enabled.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use super::deadlines::Deadlines;
use crate::clock::{Clock, Monotonic};
use crate::model::{Id, Integration, Kind};
use crate::store::{Config, Journal, LinkTimer, RecordCommand, Store, StoreError};

/// The most links that are sent in one commit: each may make a message of a megabyte.
const SENT_AT_ONCE: usize = 32;
/// How long to wait after a commit that failed.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The actor that keeps hooks current.
pub struct Keeper {
    store: Arc<Store>,
    journal: Journal,
    clock: Arc<dyn Clock>,
    deadlines: Deadlines,
    /// Integrations of kind `record`, as they were last heard of.
    integrations: HashMap<Id, Arc<Integration>>,
    /// When the one timer fires, and the timer.
    timer: Option<(Monotonic, SpawnHandle)>,
    /// Set while a commit is under way.
    sending: bool,
}

/// Something is to be sent for these links.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Changed {
    /// The links, and in what time.
    pub timers: Vec<LinkTimer>,
    /// From when on.
    pub at: Monotonic,
}

/// The configuration is another now.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Configured(pub Arc<Config>);

impl Keeper {
    /// Starts the keeper in `arbiter`.
    pub fn start_in(
        arbiter: &ArbiterHandle,
        store: Arc<Store>,
        journal: Journal,
        clock: Arc<dyn Clock>,
    ) -> Addr<Keeper> {
        Keeper::start_in_arbiter(arbiter, |ctx| Keeper::new(store, journal, clock, ctx))
    }

    /// Starts the keeper on the current thread.
    pub fn start_here(store: Arc<Store>, journal: Journal, clock: Arc<dyn Clock>) -> Addr<Keeper> {
        Keeper::create(|ctx| Keeper::new(store, journal, clock, ctx))
    }

    fn new(
        store: Arc<Store>,
        journal: Journal,
        clock: Arc<dyn Clock>,
        ctx: &mut Context<Keeper>,
    ) -> Keeper {
        // Unbounded: these are hints, and each is smaller than the row it is about.
        ctx.set_mailbox_capacity(0);
        let (deadlines, integrations) = (Deadlines::default(), HashMap::new());
        Keeper { store, journal, clock, deadlines, integrations, timer: None, sending: false }
    }

    /// Sends what is due, a commit at a time, and sleeps until the next is.
    fn pump(&mut self, ctx: &mut Context<Self>) {
        let Some(next) = self.deadlines.next().filter(|_| !self.sending) else { return };
        let now = self.clock.monotonic();
        if next > now {
            return self.sleep(now, next, ctx);
        }
        let due = self.deadlines.take_due(now, SENT_AT_ONCE);
        let (journal, command) = (self.journal.clone(), RecordCommand::Due(due.clone()));
        self.sending = true;
        let sent = async move { journal.record(command).await };
        ctx.spawn(sent.into_actor(self).map(move |sent, keeper, ctx| {
            keeper.sending = false;
            match sent {
                Ok(_) => {}
                // The server is going down; what is due is in the store.
                Err(StoreError::Stopped) => return ctx.stop(),
                Err(error) => {
                    log::debug!("{} changed records wait to be sent: {error}", due.len());
                    let at = keeper.clock.monotonic() + RETRY_AFTER;
                    due.into_iter().for_each(|due| keeper.deadlines.put_back(due, at));
                }
            }
            keeper.pump(ctx);
        }));
    }

    fn sleep(&mut self, now: Monotonic, until: Monotonic, ctx: &mut Context<Self>) {
        if let Some((at, timer)) = self.timer {
            if at <= until {
                return;
            }
            ctx.cancel_future(timer);
        }
        let timer = ctx.run_later(until.saturating_sub(now), |keeper, ctx| {
            keeper.timer = None;
            keeper.pump(ctx);
        });
        self.timer = Some((until, timer));
    }

    /// What had to wait for this integration, which is another now, is due.
    fn resume(&mut self, integration: &Integration) {
        let now = self.clock.monotonic();
        match self.store.due_links(integration.account, integration.id) {
            Ok(due) => due.into_iter().for_each(|due| self.deadlines.put_back(due, now)),
            // They go on with the next change, or the next start.
            Err(error) => log::error!("the links of {} cannot be read: {error}", integration.id),
        }
    }
}

impl Actor for Keeper {
    type Context = Context<Self>;
}

impl Handler<Changed> for Keeper {
    type Result = ();

    fn handle(&mut self, changed: Changed, ctx: &mut Context<Self>) {
        for LinkTimer { due, wait } in changed.timers {
            self.deadlines.set(due, changed.at.saturating_add(wait));
        }
        self.pump(ctx);
    }
}

impl Handler<Configured> for Keeper {
    type Result = ();

    fn handle(&mut self, Configured(config): Configured, ctx: &mut Context<Self>) {
        let of_kind = config.integrations.values().filter(|found| found.spec.kind == Kind::Record);
        let now: HashMap<Id, Arc<Integration>> =
            of_kind.map(|found| (found.id, found.clone())).collect();
        let before = std::mem::replace(&mut self.integrations, now.clone());
        for integration in now.values().filter(|found| found.spec.enabled) {
            let known = before.get(&integration.id);
            if known.is_none_or(|known| known.spec != integration.spec) {
                self.resume(integration);
            }
        }
        self.pump(ctx);
    }
}
