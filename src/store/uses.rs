//! When tokens were last used. Noted in memory with every call, and written down now and then: what a
//! crash takes is a minute of it.

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicI64, Ordering};

use super::tree::Tree;
use super::{StoreError, keys};
use crate::clock::Timestamp;
use crate::model::Id;

/// When tokens were last used.
#[derive(Default)]
pub struct Uses(RwLock<HashMap<Id, Use>>);

#[derive(Default)]
struct Use {
    at_ms: AtomicI64,
    written_ms: AtomicI64,
}

impl Uses {
    pub(super) fn load(tree: &Tree) -> Result<Uses, StoreError> {
        let mut uses = HashMap::new();
        for row in tree.scan_prefix([keys::USES]) {
            let (key, value) = row?;
            let (Some(token), Some(bytes)) = (keys::id_of(&key), value.first_chunk()) else {
                return Err(StoreError::Damaged("when a token was last used".to_owned()));
            };
            let at_ms = i64::from_be_bytes(*bytes);
            uses.insert(token, Use { at_ms: at_ms.into(), written_ms: at_ms.into() });
        }
        Ok(Uses(RwLock::new(uses)))
    }

    /// The token is used now.
    pub fn note(&self, token: Id, now: Timestamp) {
        let noted = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(found) = noted.get(&token) {
            found.at_ms.store(now.unix_ms(), Ordering::Relaxed);
            return;
        }
        drop(noted);
        let mut noted = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        noted.entry(token).or_default().at_ms.store(now.unix_ms(), Ordering::Relaxed);
    }

    /// When the token was last used.
    pub fn of(&self, token: Id) -> Option<Timestamp> {
        let noted = self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let found = noted.get(&token)?.at_ms.load(Ordering::Relaxed);
        Some(Timestamp::from_unix_ms(found))
    }

    /// What has not been written down yet, of tokens that there are: the others are forgotten.
    pub fn take_unwritten(&self, is_token: impl Fn(Id) -> bool) -> Vec<(Id, Timestamp)> {
        let mut noted = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        noted.retain(|token, _| is_token(*token));
        let unwritten = noted.iter().filter_map(|(token, found)| {
            let at_ms = found.at_ms.load(Ordering::Relaxed);
            let written_ms = found.written_ms.swap(at_ms, Ordering::Relaxed);
            (written_ms != at_ms).then(|| (*token, Timestamp::from_unix_ms(at_ms)))
        });
        unwritten.collect()
    }
}
