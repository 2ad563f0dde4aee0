//! The open windows of one shard's records. The only starter of record actors, and the only one that
//! talks to them, so that all that concerns a record passes through one mailbox in order.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use actix::prelude::*;
use ahash::HashMap;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::Shared;
use super::actor::{AreYouDue, CloseNow, Describe, Edit, RecordActor, Retire, WindowView};
use super::deadlines::Deadlines;
use super::window::Window;
use crate::clock::Monotonic;
use crate::model::{Account, ClosedBy, Id, RecordKey, Slot};
use crate::store::{Accepted, Closed, OpenWindow, StoreError};

/// The most windows that are asked in a row whether they are due.
const ASKED_AT_ONCE: usize = 1_024;

/// One shard's records with an open window.
pub struct Registry {
    shared: Arc<Shared>,
    windows: HashMap<Arc<WindowKey>, Entry>,
    /// Where its actors reach it. They share it: an address of one's own takes a hundred bytes.
    address: Weak<Addr<Registry>>,
    /// The slots beside the server's that are in use, and by how many windows.
    own_slots: BTreeMap<Slot, usize>,
    deadlines: Deadlines,
    /// When the one timer fires, and the timer.
    timer: Option<(Monotonic, SpawnHandle)>,
    /// Set while [`Due`] is in the mailbox, or waits to be.
    asking: bool,
}

/// Names one of a record's windows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct WindowKey {
    pub record: RecordKey,
    pub slot: Slot,
}

struct Entry {
    actor: Addr<RecordActor>,
    /// Edits sent to the actor.
    sent: u32,
    /// The first audit the actor was started with; the order of lists.
    opened: Id,
}

/// These audits were committed; each belongs to this shard.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Edits {
    /// The audits, in the order of their places.
    pub accepted: Vec<Accepted>,
    /// When they were accepted.
    pub at: Monotonic,
}

/// These windows were open when the server stopped.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Recover(pub Vec<OpenWindow>);

/// Ask this window at that moment whether it is due.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Ask {
    pub of: Arc<WindowKey>,
    pub at: Monotonic,
}

/// Ask the windows whose moment had come when the timer fired, then. Edits that were handed over before
/// that are in the mailbox before this.
#[derive(Message)]
#[rtype(result = "()")]
struct Due(Monotonic);

/// A record's actor has nothing left to do, having received so many edits.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Idle {
    pub of: Arc<WindowKey>,
    pub received: u32,
}

/// Close a record's windows now, by hand: send them, or discard them. None when it has none, or when
/// they are closing already.
#[derive(Message)]
#[rtype(result = "Option<Result<Closed, StoreError>>")]
pub struct CloseByHand {
    /// The record.
    pub record: RecordKey,
    /// Who asked, and for what.
    pub closed_by: ClosedBy,
}

/// Tell about a record's open windows: the server's first.
#[derive(Message)]
#[rtype(result = "Vec<WindowView>")]
pub struct WindowsOf(pub RecordKey);

/// Tell about open windows, the oldest first.
#[derive(Message)]
#[rtype(result = "Vec<(Id, WindowView)>")]
pub struct ListWindows {
    /// Only those of this account.
    pub account: Account,
    /// Only those opened after this.
    pub after: Id,
    /// At most so many.
    pub limit: usize,
}

impl Registry {
    /// Starts a shard in `arbiter`.
    pub fn start_in(arbiter: &ArbiterHandle, shared: Arc<Shared>) -> Addr<Registry> {
        Registry::start_in_arbiter(arbiter, |ctx| Registry::new(shared, ctx))
    }

    /// Starts a shard on the current thread.
    pub fn start_here(shared: Arc<Shared>) -> Addr<Registry> {
        Registry::create(|ctx| Registry::new(shared, ctx))
    }

    fn new(shared: Arc<Shared>, ctx: &mut Context<Registry>) -> Registry {
        // Unbounded: what may wait is bounded where audits come in.
        ctx.set_mailbox_capacity(0);
        Registry {
            shared,
            windows: HashMap::default(),
            address: Weak::new(),
            own_slots: BTreeMap::new(),
            deadlines: Deadlines::default(),
            timer: None,
            asking: false,
        }
    }

    /// Sleeps until the next window is to be asked.
    fn sleep(&mut self, ctx: &mut Context<Self>) {
        let Some(until) = self.deadlines.next().filter(|_| !self.asking) else { return };
        if let Some((at, timer)) = self.timer {
            if at <= until {
                return;
            }
            ctx.cancel_future(timer);
        }
        let wait = until.saturating_sub(self.shared.clock.monotonic());
        let timer = ctx.run_later(wait, |registry, ctx| {
            registry.timer = None;
            registry.ask(registry.shared.clock.monotonic(), ctx);
        });
        self.timer = Some((until, timer));
    }

    /// Asks the windows whose moment had come by then, behind all that is in the mailbox.
    fn ask(&mut self, by: Monotonic, ctx: &Context<Self>) {
        self.asking = true;
        // It takes this, as it is unbounded.
        let _ = ctx.address().try_send(Due(by));
    }

    /// Asks on once fewer windows are closing.
    fn ask_later(&self, by: Monotonic, ctx: &mut Context<Self>) {
        let turn = self.shared.closing.clone().acquire_owned();
        ctx.spawn(turn.into_actor(self).map(move |turn, registry, ctx| {
            drop(turn);
            registry.ask(by, ctx);
        }));
    }

    fn start_window(
        &mut self,
        of: WindowKey,
        opened: Id,
        window: Option<Window>,
        ctx: &Context<Self>,
    ) -> &mut Entry {
        if of.slot != Slot::SERVER {
            *self.own_slots.entry(of.slot.clone()).or_default() += 1;
        }
        let of = Arc::new(of);
        let actor = RecordActor::start(of.clone(), self.address(ctx), self.shared.clone(), window);
        self.windows.entry(of).insert_entry(Entry { actor, sent: 0, opened }).into_mut()
    }

    /// The address that its actors share; gone with the last of them, so that it keeps no registry alive.
    fn address(&mut self, ctx: &Context<Self>) -> Rc<Addr<Registry>> {
        self.address.upgrade().unwrap_or_else(|| {
            let address = Rc::new(ctx.address());
            self.address = Rc::downgrade(&address);
            address
        })
    }

    /// The actors of a record's windows: the server's first.
    fn actors_of(&self, record: &RecordKey) -> Vec<Addr<RecordActor>> {
        let slots = std::iter::once(&Slot::SERVER).chain(self.own_slots.keys());
        let keys = slots.map(|slot| WindowKey { record: record.clone(), slot: slot.clone() });
        keys.filter_map(|of| Some(self.windows.get(&of)?.actor.clone())).collect()
    }
}

impl Actor for Registry {
    type Context = Context<Self>;
}

impl Handler<Edits> for Registry {
    type Result = ();

    fn handle(&mut self, edits: Edits, ctx: &mut Context<Self>) {
        for Accepted { record, place, bytes, rules, .. } in edits.accepted {
            // The last of them gets the key itself; nearly always there is but one.
            let records = std::iter::repeat_n(record, rules.len());
            for (record, (slot, rule)) in records.zip(Slot::of_rules(&rules)) {
                let of = WindowKey { record, slot };
                let entry = match self.windows.contains_key(&of) {
                    true => self.windows.get_mut(&of).expect("invariant: just found"),
                    false => self.start_window(of, place, None, ctx),
                };
                entry.sent = entry.sent.wrapping_add(1);
                if entry.actor.try_send(Edit { place, bytes, rule, at: edits.at }).is_err() {
                    // Cannot happen: an actor stops only after it was taken out of the table. The
                    // audit is on disk, and its window opens again with the server.
                    log::error!("the actor of a window is gone; the window waits for a restart");
                    self.shared.gauges.arrived();
                }
            }
        }
    }
}

impl Handler<Recover> for Registry {
    type Result = ();

    fn handle(&mut self, Recover(mut open): Recover, ctx: &mut Context<Self>) {
        let (wall, now) = (self.shared.clock.now(), self.shared.clock.monotonic());
        let bytes = open.iter().map(|window| window.bytes).sum();
        self.shared.gauges.opened(open.len() as u64, bytes);
        // Overdue windows close oldest first (R5).
        open.sort_by_key(|window| window.places.last().copied());
        for window in open {
            let of = WindowKey { record: window.record.clone(), slot: window.slot.clone() };
            let opened = window.places[0];
            self.start_window(of, opened, Some(Window::recovered(window, wall, now)), ctx);
        }
    }
}

impl Handler<Ask> for Registry {
    type Result = ();

    fn handle(&mut self, Ask { of, at }: Ask, ctx: &mut Context<Self>) {
        self.deadlines.set(of, at);
        self.sleep(ctx);
    }
}

impl Handler<Due> for Registry {
    type Result = ();

    fn handle(&mut self, Due(by): Due, ctx: &mut Context<Self>) {
        for _ in 0..ASKED_AT_ONCE {
            if self.deadlines.next().is_none_or(|at| at > by) {
                self.asking = false;
                return self.sleep(ctx);
            }
            // Whoever has to wait for its turn does so here, where it takes the least memory.
            let Ok(turn) = self.shared.closing.clone().try_acquire_owned() else {
                return self.ask_later(by, ctx);
            };
            if let Some((of, at)) = self.deadlines.take_due(by)
                && let Some(entry) = self.windows.get(&of)
            {
                let _ = entry.actor.try_send(AreYouDue { at, turn });
            }
        }
        // Edits go in between.
        self.ask(by, ctx);
    }
}

impl Handler<Idle> for Registry {
    type Result = ();

    fn handle(&mut self, idle: Idle, _: &mut Context<Self>) {
        // An edit that is on its way keeps the actor.
        if self.windows.get(&idle.of).is_none_or(|entry| entry.sent != idle.received) {
            return;
        }
        if let Some(entry) = self.windows.remove(&idle.of) {
            let _ = entry.actor.try_send(Retire);
        }
        if let Some(count) = self.own_slots.get_mut(&idle.of.slot) {
            *count -= 1;
            if *count == 0 {
                self.own_slots.remove(&idle.of.slot);
            }
        }
    }
}

impl Handler<CloseByHand> for Registry {
    type Result = ResponseFuture<Option<Result<Closed, StoreError>>>;

    fn handle(&mut self, close: CloseByHand, _: &mut Context<Self>) -> Self::Result {
        let actors = self.actors_of(&close.record);
        Box::pin(async move {
            let mut all: Option<Closed> = None;
            for actor in actors {
                let closing = actor.send(CloseNow(close.closed_by.clone())).await.ok().flatten();
                let closed: oneshot::Receiver<_> = match closing {
                    Some(closed) => closed,
                    None => continue,
                };
                match closed.await.unwrap_or(Err(StoreError::Stopped)) {
                    Ok(closed) => all.get_or_insert_default().messages.extend(closed.messages),
                    Err(error) => return Some(Err(error)),
                }
            }
            all.map(Ok)
        })
    }
}

impl Handler<WindowsOf> for Registry {
    type Result = ResponseFuture<Vec<WindowView>>;

    fn handle(&mut self, WindowsOf(record): WindowsOf, _: &mut Context<Self>) -> Self::Result {
        let asked = self.actors_of(&record).into_iter().map(|actor| actor.send(Describe));
        let asked = join_all(asked.collect::<Vec<_>>());
        Box::pin(
            async move { asked.await.into_iter().filter_map(|view| view.ok().flatten()).collect() },
        )
    }
}

impl Handler<ListWindows> for Registry {
    type Result = ResponseFuture<Vec<(Id, WindowView)>>;

    fn handle(&mut self, list: ListWindows, _: &mut Context<Self>) -> Self::Result {
        let listed = self
            .windows
            .iter()
            .filter(|(of, entry)| of.record.account == list.account && entry.opened > list.after);
        let mut page: Vec<&Entry> = listed.map(|(_, entry)| entry).collect();
        if page.len() > list.limit {
            page.select_nth_unstable_by_key(list.limit, |entry| entry.opened);
            page.truncate(list.limit);
        }
        page.sort_unstable_by_key(|entry| Reverse(entry.opened));
        page.reverse();
        let asked = page.into_iter().map(|entry| {
            let (opened, actor) = (entry.opened, entry.actor.clone());
            async move { Some((opened, actor.send(Describe).await.ok().flatten()?)) }
        });
        let asked = join_all(asked.collect::<Vec<_>>());
        Box::pin(async move { asked.await.into_iter().flatten().collect() })
    }
}
