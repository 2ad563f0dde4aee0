//! The whole core, put together on the current thread: what a server has but for its edges.

use std::path::Path;
use std::sync::Arc;

use actix::Addr;

use crate::app::switchboard::{Lines, Switchboard};
use crate::clock::Clock;
use crate::delivery::{self, Dispatcher, MakeTransport, Shard};
use crate::linked::Keeper;
use crate::metrics::Metrics;
use crate::record::{self, Gauges, Registry};
use crate::store::{Journal, Listener, Store, StoreError};

/// The parts that tests talk to.
pub struct Parts {
    pub store: Arc<Store>,
    pub journal: Journal,
    pub metrics: Arc<Metrics>,
    pub registry: Addr<Registry>,
    pub dispatcher: Addr<Dispatcher>,
}

impl Parts {
    /// Opens the store in `folder` and starts everyone. `listen` may stand between the journal and those
    /// who hear of its commits.
    pub async fn assemble(
        folder: &Path,
        clock: Arc<dyn Clock>,
        make_transport: Box<MakeTransport>,
        listen: impl FnOnce(&Arc<Store>, Switchboard) -> Box<dyn Listener>,
    ) -> Result<Parts, StoreError> {
        let (store, writer, recovered) = Store::open(folder, clock.now())?;
        let (switchboard, lines) = Switchboard::new(clock.clone());
        let metrics = Arc::new(Metrics::new(clock.now()));
        let listener = listen(&store, switchboard);
        let journal = Journal::inline(writer, clock.clone(), listener, metrics.clone());
        let gauges = Arc::new(Gauges::default());
        let shared = record::Shared::new(
            store.clone(),
            journal.clone(),
            clock.clone(),
            gauges.clone(),
            metrics.clone(),
        );
        let registry = Registry::start_here(shared);
        let shared = delivery::Shared {
            store: store.clone(),
            journal: journal.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            make_transport,
        };
        let dispatcher = Dispatcher::start_here(Arc::new(shared), Shard { index: 0, of: 1 });
        let keeper = Keeper::start_here(store.clone(), journal.clone(), clock.clone());
        let (registries, dispatchers) = (vec![registry.clone()], vec![dispatcher.clone()]);
        let wired = Lines { registries, dispatchers, keeper, gauges };
        let at = clock.monotonic();
        lines.connect(wired, store.config(), recovered, at).await.expect("everyone there");
        Ok(Parts { store, journal, metrics, registry, dispatcher })
    }
}
