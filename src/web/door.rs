//! How often somebody may knock: failed attempts by address, calls by token.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::Problem;
use crate::model::Id;

/// Attempts with a wrong token that one address may make at once, and then a minute.
const FAILURES_A_MINUTE: NonZeroU32 = NonZeroU32::new(20).expect("not zero");

/// Failed attempts, from wherever, that are taken down at once, and then a minute.
const NOTES_A_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("not zero");

/// Counts what comes to the door.
pub struct Door {
    clock: DefaultClock,
    failures: DefaultKeyedRateLimiter<IpAddr>,
    notes: DefaultDirectRateLimiter,
    calls: Option<DefaultKeyedRateLimiter<Id>>,
}

impl Door {
    /// A door that lets each token make so many calls a second.
    pub fn new(calls_a_second: Option<NonZeroU32>) -> Self {
        Self {
            clock: DefaultClock::default(),
            failures: RateLimiter::keyed(Quota::per_minute(FAILURES_A_MINUTE)),
            notes: RateLimiter::direct(Quota::per_minute(NOTES_A_MINUTE)),
            calls: calls_a_second.map(|most| RateLimiter::keyed(Quota::per_second(most))),
        }
    }

    /// An attempt with a wrong token came from `address`. Refused otherwise when too many did: what
    /// opens the door is not held up by what others tried, so nobody can lock anybody out.
    pub fn failed(&self, address: IpAddr, problem: Problem) -> Problem {
        match self.failures.check_key(&network(address)) {
            Ok(()) => problem,
            Err(until) => {
                let wait = until.wait_time_from(self.clock.now()).as_secs() as u32 + 1;
                Problem::too_many(
                    "too many attempts with wrong tokens came from this address; wait, then use \
                     the right one",
                    wait,
                )
            }
        }
    }

    /// Whether one more failed attempt may be taken down now: they must not fill the disk.
    pub fn may_note(&self) -> bool {
        self.notes.check().is_ok()
    }

    /// Whether the token may make one more call now.
    pub fn may_call(&self, token: Id) -> Result<(), Problem> {
        let Some(calls) = &self.calls else { return Ok(()) };
        calls.check_key(&token).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now()).as_secs() as u32 + 1;
            let most = until.quota().burst_size();
            let detail =
                format!("the token may make {most} calls a second (rate_limit); slow down");
            Problem::too_many(detail, wait)
        })
    }

    /// Forgets whoever has not come for a while. To be called now and then.
    pub fn forget(&self) {
        self.failures.retain_recent();
        if let Some(calls) = &self.calls {
            calls.retain_recent();
        }
    }
}

/// The address as it is counted: whoever has one IPv6 address has its whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_fail_so_often_and_no_more_and_others_are_not_held_up() {
        let door = Door::new(None);
        let fails = |address: &str| {
            let problem = door.failed(address.parse().unwrap(), Problem::unauthorized("no"));
            problem.to_string().contains("too many")
        };
        for _ in 0..FAILURES_A_MINUTE.get() {
            assert!(!fails("2001:db8::1"));
        }
        assert!(fails("2001:db8::1") && fails("2001:db8::2"), "the same network");
        assert!(!fails("2001:db8:0:1::1") && !fails("192.0.2.1"));
    }

    #[test]
    fn a_token_may_call_so_often_a_second_and_no_more() {
        let door = Door::new(NonZeroU32::new(3));
        let (one, other) = (Id::from_u64(1), Id::from_u64(2));
        let made = (0..5).filter(|_| door.may_call(one).is_ok()).count();
        assert_eq!(made, 3);
        assert!(door.may_call(other).is_ok());
        assert!(door.may_call(one).unwrap_err().to_string().contains("rate_limit"));
    }
}
