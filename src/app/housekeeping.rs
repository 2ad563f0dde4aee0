//! What is done every now and then: rates noted, uses of tokens kept, old history forgotten.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Data;

use crate::clock::{Clock, Monotonic, Timestamp};
use crate::settings::Retention;
use crate::store::{Journal, Store, StoreError};
use crate::web::Api;

/// How often rates are noted.
const EVERY: Duration = Duration::from_secs(5);
/// After how many of these what is too old is forgotten.
const SWEEP_EVERY: u64 = 12;

/// By how much the wall clock may run ahead of the monotonic one before it is doubted.
const AHEAD_MAX: Duration = Duration::from_secs(3_600);
/// How long it is doubted: until somebody has had a day to notice.
const DOUBTED_FOR: Duration = Duration::from_secs(86_400);

/// Whether the wall clock can be believed when it says that history is old. One that jumps far ahead
/// while the server runs would have all of it forgotten within a minute, and nothing brings it back.
struct Doubt {
    /// The wall clock less the monotonic one, as last believed.
    believed: i64,
    /// Since when it has shown something else.
    since: Option<Monotonic>,
}

impl Doubt {
    fn offset(wall: Timestamp, now: Monotonic) -> i64 {
        wall.unix_ms() - now.as_millis() as i64
    }

    fn new(wall: Timestamp, now: Monotonic) -> Self {
        Self { believed: Self::offset(wall, now), since: None }
    }

    /// Whether what is too old by `wall` may be forgotten.
    fn may_forget(&mut self, wall: Timestamp, now: Monotonic) -> bool {
        let offset = Self::offset(wall, now);
        if offset - self.believed <= AHEAD_MAX.as_millis() as i64 {
            (self.believed, self.since) = (offset, None);
            return true;
        }
        if self.since.is_none() {
            log::warn!(
                "the clock jumped ahead to {wall}; nothing is forgotten as too old for a day, unless it \
                 jumps back (a restart believes it at once)"
            );
        }
        let since = *self.since.get_or_insert(now);
        if now - since >= DOUBTED_FOR {
            (self.believed, self.since) = (offset, None);
        }
        self.since.is_none()
    }
}

/// Goes on until it is dropped.
pub async fn run(api: Data<Api>, retention: Retention) {
    let (store, journal, clock) = (&api.store, &api.journal, api.clock.as_ref());
    let mut doubt = Doubt::new(clock.now(), clock.monotonic());
    for round in 0_u64.. {
        api.rates.note(clock.monotonic(), store.totals());
        if round % SWEEP_EVERY == 0 {
            api.door.forget();
            if let Err(error) = keep_uses(store, journal).await
                && !error.is_of_the_disk()
            {
                log::warn!("when tokens were last used could not be written down: {error}");
            }
            if doubt.may_forget(clock.now(), clock.monotonic())
                && let Err(error) = prune(store, journal, clock, retention).await
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_clock_that_jumps_ahead_by_a_year_is_doubted_for_a_day_and_one_that_jumps_back_is_not() {
        let begin = Timestamp::from_unix_ms(1_772_440_000_000);
        let at = |hours: u32| (begin + HOUR * hours, HOUR * hours);
        let mut doubt = Doubt::new(begin, Duration::ZERO);
        let mut asked = |years: i64, hours: u32| {
            let (wall, now) = at(hours);
            let jumped = years * 365 * 86_400_000;
            doubt.may_forget(Timestamp::from_unix_ms(wall.unix_ms() + jumped), now)
        };
        assert!(asked(0, 5));
        assert!(!asked(1, 6) && !asked(1, 29), "it may be wrong");
        assert!(asked(0, 30), "it was wrong");
        assert!(!asked(1, 31) && !asked(1, 54));
        assert!(asked(1, 55) && asked(1, 56), "nobody minded");
        assert!(asked(-1, 57));
    }
}
