//! Which owed messages are in somebody's hand: an attempt is under way, or a newer message is taking
//! them in (R17). In memory only; what may have been in flight when the server stopped is taken to
//! be in flight until it has been tried again.

use std::sync::{Mutex, MutexGuard};

use ahash::HashMap;

use crate::model::Id;

/// The messages in hand.
#[derive(Default)]
pub struct InHand(Mutex<HashMap<Id, Hand>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// An attempt is under way.
    Attempt,
    /// A newer message is taking it in.
    Absorption,
}

impl InHand {
    /// Takes a message for an attempt, unless it is being absorbed.
    pub fn attempt(&self, message: Id) -> bool {
        let mut in_hand = self.lock();
        let free = in_hand.get(&message) != Some(&Hand::Absorption);
        if free {
            in_hand.insert(message, Hand::Attempt);
        }
        free
    }

    /// Takes a message to be absorbed, unless it is in any hand.
    pub fn absorb(&self, message: Id) -> bool {
        let mut in_hand = self.lock();
        let free = !in_hand.contains_key(&message);
        if free {
            in_hand.insert(message, Hand::Absorption);
        }
        free
    }

    /// Whether a message could be absorbed now.
    pub fn is_free(&self, message: Id) -> bool {
        !self.lock().contains_key(&message)
    }

    /// Puts a message back.
    pub fn release(&self, message: Id) {
        self.lock().remove(&message);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Hand>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_in_one_hand_at_a_time() {
        let (in_hand, message) = (InHand::default(), Id::from_u64(1));
        assert!(in_hand.is_free(message), "and stays so");
        assert!(in_hand.attempt(message) && !in_hand.absorb(message));
        assert!(!in_hand.is_free(message));
        in_hand.release(message);
        assert!(in_hand.absorb(message) && !in_hand.absorb(message) && !in_hand.attempt(message));
        in_hand.release(message);
        assert!(in_hand.attempt(message) && in_hand.attempt(message), "recovered, then tried");
    }
}
