//! Hands what is owed to the actor of its integration. The only starter of delivery actors.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix::prelude::*;

use super::Shared;
use super::actor::{DeliveryActor, DrainHere, OweHere, Reconfigure, Retire, SendBatchAt};
use crate::clock::Timestamp;
use crate::model::{Attempt, Id, Integration, Owed};
use crate::store::{Config, Gone};

/// The actors of one shard's integrations.
pub struct Dispatcher {
    shared: Arc<Shared>,
    shard: Shard,
    /// In an order, so that the same commands are always followed by the same messages.
    hooks: BTreeMap<Id, Hook>,
}

/// Which integrations a dispatcher is for.
#[derive(Clone, Copy, Debug)]
pub struct Shard {
    /// From 0.
    pub index: usize,
    /// How many there are.
    pub of: usize,
}

impl Shard {
    /// The index of the shard that an integration is on, of so many.
    pub fn index_of(integration: Id, shards: usize) -> usize {
        (integration.as_u64() % shards as u64) as usize
    }

    fn has(self, integration: Id) -> bool {
        Shard::index_of(integration, self.of) == self.index
    }
}

struct Hook {
    integration: Arc<Integration>,
    actor: Addr<DeliveryActor>,
}

/// The configuration is another now. Of all shards; each takes what is its own.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Configured(pub Arc<Config>);

/// These messages are owed, oldest first; all to integrations of this shard.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Owe(pub Vec<(Id, Owed)>);

/// This message, to an integration of this shard, is owed no more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct GiveUp(pub Gone);

/// Security events wait to be sent together to this integration of this shard, until then.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Wait(pub Id, pub Timestamp);

/// Send a signed sample to this integration now. The attempt, unless there is no such integration.
#[derive(Message)]
#[rtype(result = "Option<Attempt>")]
pub struct TestHook {
    /// The integration.
    pub integration: Id,
    /// The body of the sample.
    pub body: String,
    /// The name of the token that asks.
    pub by: String,
}

/// Begin no new attempts; completes when none is in flight any more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Drain;

impl Dispatcher {
    /// Starts a dispatcher in `arbiter`, where its actors will run as well.
    pub fn start_in(
        arbiter: &ArbiterHandle,
        shared: Arc<Shared>,
        shard: Shard,
    ) -> Addr<Dispatcher> {
        Dispatcher::start_in_arbiter(arbiter, move |ctx| Dispatcher::new(shared, shard, ctx))
    }

    /// Starts a dispatcher on the current thread.
    pub fn start_here(shared: Arc<Shared>, shard: Shard) -> Addr<Dispatcher> {
        Dispatcher::create(|ctx| Dispatcher::new(shared, shard, ctx))
    }

    fn new(shared: Arc<Shared>, shard: Shard, ctx: &mut Context<Dispatcher>) -> Dispatcher {
        // Unbounded: these are hints, and each is smaller than the row it is about.
        ctx.set_mailbox_capacity(0);
        Dispatcher { shared, shard, hooks: BTreeMap::new() }
    }
}

impl Actor for Dispatcher {
    type Context = Context<Self>;
}

impl Handler<Configured> for Dispatcher {
    type Result = ();

    fn handle(&mut self, Configured(config): Configured, _: &mut Context<Self>) {
        let gone: Vec<Id> =
            self.hooks.keys().filter(|id| !config.integrations.contains_key(id)).copied().collect();
        for hook in gone.iter().filter_map(|id| self.hooks.remove(id)) {
            let _ = hook.actor.try_send(Retire);
        }
        for (id, integration) in &config.integrations {
            if !self.shard.has(*id) {
                continue;
            }
            match self.hooks.get_mut(id) {
                Some(hook) if Arc::ptr_eq(&hook.integration, integration) => {}
                Some(hook) => {
                    hook.integration = integration.clone();
                    let _ = hook.actor.try_send(Reconfigure(integration.clone()));
                }
                None => {
                    let actor = DeliveryActor::start(integration.clone(), self.shared.clone());
                    self.hooks.insert(*id, Hook { integration: integration.clone(), actor });
                }
            }
        }
    }
}

impl Handler<Owe> for Dispatcher {
    type Result = ();

    fn handle(&mut self, Owe(owed): Owe, _: &mut Context<Self>) {
        let mut of_hook: BTreeMap<Id, Vec<(Id, Owed)>> = BTreeMap::new();
        for (message, owed) in owed {
            of_hook.entry(owed.integration).or_default().push((message, owed));
        }
        for (integration, owed) in of_hook {
            // An integration that is gone has had its messages cancelled.
            if let Some(hook) = self.hooks.get(&integration) {
                let _ = hook.actor.try_send(OweHere(owed));
            }
        }
    }
}

impl Handler<GiveUp> for Dispatcher {
    type Result = ();

    fn handle(&mut self, GiveUp(gone): GiveUp, _: &mut Context<Self>) {
        if let Some(hook) = self.hooks.get(&gone.integration) {
            let _ = hook.actor.try_send(GiveUp(gone));
        }
    }
}

impl Handler<Wait> for Dispatcher {
    type Result = ();

    fn handle(&mut self, Wait(integration, due): Wait, _: &mut Context<Self>) {
        if let Some(hook) = self.hooks.get(&integration) {
            let _ = hook.actor.try_send(SendBatchAt(due));
        }
    }
}

impl Handler<TestHook> for Dispatcher {
    type Result = ResponseFuture<Option<Attempt>>;

    fn handle(&mut self, test: TestHook, _: &mut Context<Self>) -> Self::Result {
        let actor = self.hooks.get(&test.integration).map(|hook| hook.actor.clone());
        Box::pin(async move { actor?.send(test).await.ok().flatten() })
    }
}

impl Handler<Drain> for Dispatcher {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Context<Self>) -> Self::Result {
        let asked: Vec<_> = self.hooks.values().map(|hook| hook.actor.send(DrainHere)).collect();
        Box::pin(async move {
            let drained = futures_util::future::join_all(asked).await;
            futures_util::future::join_all(drained.into_iter().flatten()).await;
        })
    }
}
