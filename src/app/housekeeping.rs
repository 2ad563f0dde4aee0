//! What is done every now and then: rates noted, old history forgotten.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::settings::Retention;
use crate::store::{Journal, Store, StoreError};
use crate::web::Rates;

/// How often rates are noted.
const EVERY: Duration = Duration::from_secs(5);
/// After how many of these what is too old is forgotten.
const PRUNE_EVERY: u64 = 12;

/// Goes on until it is dropped.
pub async fn run(
    store: Arc<Store>,
    journal: Journal,
    clock: Arc<dyn Clock>,
    rates: Arc<Rates>,
    retention: Retention,
) {
    for round in 0_u64.. {
        rates.note(clock.monotonic(), store.totals());
        if round % PRUNE_EVERY == 0
            && let Err(error) = prune(&store, &journal, clock.as_ref(), retention).await
        {
            log::warn!("old history could not be forgotten: {error}");
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Forgets what is too old, a commit at a time so that others come in between (R18).
async fn prune(
    store: &Arc<Store>,
    journal: &Journal,
    clock: &dyn Clock,
    retention: Retention,
) -> Result<(), StoreError> {
    loop {
        let (store, now) = (store.clone(), clock.now());
        let plan = tokio::task::spawn_blocking(move || {
            store.plan_prune(now, retention.age, retention.bytes)
        });
        match plan.await.map_err(|_| StoreError::Stopped)?? {
            Some(prune) => journal.prune(prune).await?,
            None => return Ok(()),
        }
    }
}
