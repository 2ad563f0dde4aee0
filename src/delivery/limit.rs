//! `rate_limit`: so many requests a second to a hook, evenly spread.

use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::Shared;
use crate::clock::Clock;
use crate::model::Integration;

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// The limit of one integration.
pub struct RateLimit(Limiter);

/// The server's clock, as the library wants it.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl GovernorClock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}

impl RateLimit {
    /// The limit that the integration asks for, if it does.
    pub fn of(integration: &Integration, shared: &Shared) -> Option<Self> {
        // A burst of one spreads the requests evenly.
        let one = std::num::NonZeroU32::MIN;
        let quota = Quota::per_second(integration.spec.rate_limit?).allow_burst(one);
        Some(Self(RateLimiter::direct_with_clock(quota, Ticks(shared.clock.clone()))))
    }

    /// Takes a request out of the limit; when there is none left, how long until there is.
    pub fn take(&self) -> Option<Duration> {
        let now = self.0.clock().now();
        let wait = self.0.check().err()?.wait_time_from(now);
        // Timers count milliseconds; one that is a moment early would only wait again.
        Some(wait.saturating_add(Duration::from_millis(1)))
    }
}
