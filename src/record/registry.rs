//! The records of one shard. The only starter of record actors, and the only one that talks to them,
//! so that all that concerns a record passes through one mailbox in order.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use actix::prelude::*;
use futures_util::future::join_all;
use tokio::sync::oneshot;

use super::Shared;
use super::actor::{CloseNow, Describe, DueNow, Edit, RecordActor, Retire, WindowView};
use super::window::Window;
use crate::clock::Monotonic;
use crate::model::{ClosedBy, Id, RecordKey};
use crate::store::{Accepted, Closed, OpenWindow, StoreError};

/// One shard's records with an open window.
pub struct Registry {
    shared: Arc<Shared>,
    records: HashMap<Arc<RecordKey>, Entry>,
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

/// A record's deadline has passed, unless an edit is in the mailbox before this.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Due(pub Arc<RecordKey>);

/// A record's actor has nothing left to do, having received so many edits.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Idle {
    pub record: Arc<RecordKey>,
    pub received: u32,
}

/// Close a record's window now, by hand: send it, or discard it. None when it has none, or when it is closing already.
#[derive(Message)]
#[rtype(result = "Option<Result<Closed, StoreError>>")]
pub struct CloseByHand {
    /// The record.
    pub record: RecordKey,
    /// Who asked, and for what.
    pub closed_by: ClosedBy,
}

/// Tell about a record's open window.
#[derive(Message)]
#[rtype(result = "Option<WindowView>")]
pub struct WindowOf(pub RecordKey);

/// Tell about open windows, the oldest first.
#[derive(Message)]
#[rtype(result = "Vec<(Id, WindowView)>")]
pub struct ListWindows {
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
        Registry { shared, records: HashMap::new() }
    }

    fn start_record(
        &mut self,
        record: RecordKey,
        opened: Id,
        window: Option<Window>,
        ctx: &Context<Self>,
    ) -> &mut Entry {
        let record = Arc::new(record);
        let actor = RecordActor::start(record.clone(), ctx.address(), self.shared.clone(), window);
        self.records.entry(record).insert_entry(Entry { actor, sent: 0, opened }).into_mut()
    }
}

impl Actor for Registry {
    type Context = Context<Self>;
}

impl Handler<Edits> for Registry {
    type Result = ();

    fn handle(&mut self, edits: Edits, ctx: &mut Context<Self>) {
        let count = edits.accepted.len();
        for Accepted { record, place, rule, .. } in edits.accepted {
            let entry = match self.records.get_mut(&record) {
                Some(_) => self.records.get_mut(&record).expect("invariant: just found"),
                None => self.start_record(record, place, None, ctx),
            };
            entry.sent = entry.sent.wrapping_add(1);
            if entry.actor.try_send(Edit { place, rule, at: edits.at }).is_err() {
                // Cannot happen: an actor stops only after it was taken out of the table. The audit
                // is on disk, and its window opens again with the server.
                log::error!("the actor of a record is gone; its window waits for a restart");
            }
        }
        self.shared.gauges.arrived(count);
    }
}

impl Handler<Recover> for Registry {
    type Result = ();

    fn handle(&mut self, Recover(mut open): Recover, ctx: &mut Context<Self>) {
        let (wall, now) = (self.shared.clock.now(), self.shared.clock.monotonic());
        self.shared.gauges.opened(open.len() as i64);
        // Overdue windows close oldest first (R5).
        open.sort_by_key(|window| window.places.last().copied());
        for window in open {
            let (record, opened) = (window.record.clone(), window.places[0]);
            self.start_record(record, opened, Some(Window::recovered(window, wall, now)), ctx);
        }
    }
}

impl Handler<Due> for Registry {
    type Result = ();

    fn handle(&mut self, Due(record): Due, _: &mut Context<Self>) {
        if let Some(entry) = self.records.get(&record) {
            let _ = entry.actor.try_send(DueNow);
        }
    }
}

impl Handler<Idle> for Registry {
    type Result = ();

    fn handle(&mut self, idle: Idle, _: &mut Context<Self>) {
        // An edit that is on its way keeps the actor.
        if self.records.get(&idle.record).is_some_and(|entry| entry.sent == idle.received)
            && let Some(entry) = self.records.remove(&idle.record)
        {
            let _ = entry.actor.try_send(Retire);
        }
    }
}

impl Handler<CloseByHand> for Registry {
    type Result = ResponseFuture<Option<Result<Closed, StoreError>>>;

    fn handle(&mut self, close: CloseByHand, _: &mut Context<Self>) -> Self::Result {
        let actor = self.records.get(&close.record).map(|entry| entry.actor.clone());
        Box::pin(async move {
            let closed: oneshot::Receiver<_> =
                actor?.send(CloseNow(close.closed_by)).await.ok().flatten()?;
            Some(closed.await.unwrap_or(Err(StoreError::Stopped)))
        })
    }
}

impl Handler<WindowOf> for Registry {
    type Result = ResponseFuture<Option<WindowView>>;

    fn handle(&mut self, WindowOf(record): WindowOf, _: &mut Context<Self>) -> Self::Result {
        let actor = self.records.get(&record).map(|entry| entry.actor.clone());
        Box::pin(async move { actor?.send(Describe).await.ok().flatten() })
    }
}

impl Handler<ListWindows> for Registry {
    type Result = ResponseFuture<Vec<(Id, WindowView)>>;

    fn handle(&mut self, list: ListWindows, _: &mut Context<Self>) -> Self::Result {
        let opened_later = self.records.values().filter(|entry| entry.opened > list.after);
        let mut page: Vec<&Entry> = opened_later.collect();
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
