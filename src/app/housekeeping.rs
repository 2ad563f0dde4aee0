//! What is done every now and then: rates noted, uses of tokens kept, old history forgotten.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;

use crate::clock::Clock;
use crate::settings::Retention;
use crate::store::{Journal, Store, StoreError};
use crate::web::Api;

/// How often rates are noted.
const EVERY: Duration = Duration::from_secs(5);
/// After how many of these what is too old is forgotten.
const SWEEP_EVERY: u64 = 12;

/// Goes on until it is dropped.
pub async fn run(api: Data<Api>, retention: Retention) {
    let (store, journal, clock) = (&api.store, &api.journal, api.clock.as_ref());
    for round in 0_u64.. {
        api.rates.note(clock.monotonic(), store.totals());
        if round % SWEEP_EVERY == 0 {
            api.door.forget();
            if let Err(error) = keep_uses(store, journal).await
                && !error.is_of_the_disk()
            {
                log::warn!("when tokens were last used could not be written down: {error}");
            }
            if let Err(error) = prune(store, journal, clock, retention).await
                && !error.is_of_the_disk()
            {
                log::warn!("old history could not be forgotten: {error}");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}

async fn keep_uses(store: &Store, journal: &Journal) -> Result<(), StoreError> {
    let config = store.config();
    let uses = store.uses().take_unwritten(|token| config.token(token).is_some());
    if uses.is_empty() { Ok(()) } else { journal.note_uses(uses).await }
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
