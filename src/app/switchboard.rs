//! Passes on what was committed: audits to the shard of their record, messages to the shard of their
//! integration. Runs on the journal's thread.

use std::sync::{Arc, OnceLock};

use actix::{Addr, MailboxError};

use crate::clock::{Clock, Monotonic};
use crate::delivery::{Configured, Dispatcher, GiveUp, Owe, Shard, Wait};
use crate::linked::{self, Keeper};
use crate::model::{Id, Owed};
use crate::record::{Edits, Gauges, Recover, Registry};
use crate::store::{Accepted, Config, Event, Listener, Recovered};

/// Where everyone is.
pub struct Lines {
    pub registries: Vec<Addr<Registry>>,
    pub dispatchers: Vec<Addr<Dispatcher>>,
    pub keeper: Addr<Keeper>,
    pub gauges: Arc<Gauges>,
}

/// The journal's listener. Made before those it calls, which need the journal; until they are
/// connected, nothing may be committed that concerns them.
pub struct Switchboard {
    clock: Arc<dyn Clock>,
    lines: Arc<OnceLock<Lines>>,
}

/// Connects a switchboard.
pub struct Connector(Arc<OnceLock<Lines>>);

impl Switchboard {
    pub fn new(clock: Arc<dyn Clock>) -> (Switchboard, Connector) {
        let lines = Arc::new(OnceLock::new());
        (Switchboard { clock, lines: lines.clone() }, Connector(lines))
    }
}

impl Connector {
    /// Connects everyone, and hands them what was going on. Returns when every shard has taken its
    /// part, and so has set up its mailbox for all that follows.
    ///
    /// The order matters. Windows that are overdue close as soon as they are handed over, so by then
    /// the dispatchers must hear of new messages; and they must have had the older ones first.
    pub async fn connect(
        self,
        lines: Lines,
        config: Arc<Config>,
        recovered: Recovered,
        at: Monotonic,
    ) -> Result<(), MailboxError> {
        for dispatcher in &lines.dispatchers {
            dispatcher.send(Configured(config.clone())).await?;
        }
        for (dispatcher, owed) in lines.dispatchers.iter().zip(lines.by_dispatcher(recovered.owed))
        {
            dispatcher.send(Owe(owed)).await?;
        }
        for (integration, due) in recovered.waiting {
            let index = Shard::index_of(integration, lines.dispatchers.len());
            lines.dispatchers[index].send(Wait(integration, due)).await?;
        }
        let (registries, keeper) = (lines.registries.clone(), lines.keeper.clone());
        let connected = self.0.set(lines);
        debug_assert!(connected.is_ok(), "a connector connects once");
        let mut open = vec![Vec::new(); registries.len()];
        for window in recovered.windows {
            open[window.record.partition().shard(registries.len())].push(window);
        }
        for (registry, windows) in registries.iter().zip(open) {
            registry.send(Recover(windows)).await?;
        }
        keeper.send(linked::Changed { timers: recovered.links, at }).await?;
        keeper.send(linked::Configured(config)).await
    }
}

impl Lines {
    /// Messages owed, by the dispatcher of their integration.
    fn by_dispatcher(&self, owed: Vec<(Id, Owed)>) -> Vec<Vec<(Id, Owed)>> {
        let mut parts = vec![Vec::new(); self.dispatchers.len()];
        for (message, owed) in owed {
            let index = Shard::index_of(owed.integration, self.dispatchers.len());
            parts[index].push((message, owed));
        }
        parts
    }

    fn by_registry(&self, accepted: Vec<Accepted>) -> Vec<Vec<Accepted>> {
        let mut parts = vec![Vec::new(); self.registries.len()];
        for audit in accepted {
            parts[audit.partition.shard(self.registries.len())].push(audit);
        }
        parts
    }
}

impl Listener for Switchboard {
    fn committed(&mut self, events: Vec<Event>) {
        let Some(lines) = self.lines.get() else { return };
        // A send fails only while the server goes down; the store knows what to go on with.
        for event in events {
            match event {
                Event::Accepted(accepted) => {
                    let at = self.clock.monotonic();
                    lines.gauges.handed_over(&accepted);
                    let parts = lines.by_registry(accepted);
                    for (registry, accepted) in lines.registries.iter().zip(parts) {
                        if !accepted.is_empty() {
                            let _ = registry.try_send(Edits { accepted, at });
                        }
                    }
                }
                Event::Owed(owed) => {
                    for (dispatcher, owed) in
                        lines.dispatchers.iter().zip(lines.by_dispatcher(owed))
                    {
                        if !owed.is_empty() {
                            let _ = dispatcher.try_send(Owe(owed));
                        }
                    }
                }
                Event::Gone(gone) => {
                    for gone in gone {
                        let index = Shard::index_of(gone.integration, lines.dispatchers.len());
                        let _ = lines.dispatchers[index].try_send(GiveUp(gone));
                    }
                }
                Event::Waiting(waits) => {
                    for (integration, due) in waits {
                        let index = Shard::index_of(integration, lines.dispatchers.len());
                        let _ = lines.dispatchers[index].try_send(Wait(integration, due));
                    }
                }
                Event::Configured(config) => {
                    for dispatcher in &lines.dispatchers {
                        let _ = dispatcher.try_send(Configured(config.clone()));
                    }
                    let _ = lines.keeper.try_send(linked::Configured(config));
                }
                Event::Linked(timers) => {
                    let at = self.clock.monotonic();
                    let _ = lines.keeper.try_send(linked::Changed { timers, at });
                }
            }
        }
    }
}
