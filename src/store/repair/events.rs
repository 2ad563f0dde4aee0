//! Security events. Where some are missing their chain is broken, and stays so: whoever goes along it is to
//! see that. It is written down where, so that the gap is not taken for a new one.

use std::collections::BTreeMap;

use super::rows::decode;
use super::{Mend, entry};
use crate::model::{Account, ChainHash, ExternalId, Id};
use crate::store::events::{self, Head, Waiting};
use crate::store::value::encode;
use crate::store::{StoreError, keys};

impl Mend {
    pub(super) fn events(&mut self) -> Result<(), StoreError> {
        let mut ends: BTreeMap<Account, (Id, ChainHash)> = BTreeMap::new();
        self.each(&keys::EVENTS, 13, true, |mend, key, bytes| {
            let place = keys::place_of_event(key).unwrap_or_default();
            let account = keys::account_of_event(key);
            let row = events::decode(place, &bytes)?;
            if events::link(row.previous, &row.text) != row.hash {
                return Err(StoreError::Damaged(format!("the security event {place} was changed")));
            }
            let event = events::event_of(place, &row.text)?;
            if event.id != ExternalId::from(place) {
                let key = keys::event_id(account, &event.id);
                mend.batch.insert(key, &place.as_u64().to_be_bytes());
            }
            if let Some((earlier, hash)) = ends.insert(account, (place, row.hash))
                && hash != row.previous
            {
                mend.gap(account, earlier, &format!("between {earlier} and {place}"));
            }
            mend.see(place);
            mend.kept_bytes += (key.len() + bytes.len()) as u64;
            mend.wrote(32)
        })?;
        self.heads(&ends)?;
        self.waiting(&ends)
    }

    fn gap(&mut self, account: Account, after: Id, between: &str) {
        entry(&mut self.batch, &keys::gap(account, after));
        self.lose(format!("security events {between}: the chain shows that some are missing"));
    }

    /// The ends of the lists, which stand by themselves.
    fn heads(&mut self, ends: &BTreeMap<Account, (Id, ChainHash)>) -> Result<(), StoreError> {
        let mut heads: BTreeMap<Account, Head> = BTreeMap::new();
        self.each(b"x", 5, false, |mend, key, bytes| {
            let head: Head = decode(&bytes)?;
            mend.see(head.last);
            heads.insert(keys::account_of_event(key), head);
            Ok(())
        })?;
        for (account, (last, hash)) in ends {
            let head = heads.get(account).copied();
            let is_end = head.is_some_and(|head| (head.last, head.hash) == (*last, *hash));
            if is_end {
                continue;
            }
            // The next event follows what the end says, where that can be read: so the gap stays to be seen.
            let told = head.filter(|head| head.last > *last);
            let head = told.unwrap_or(Head { last: *last, hash: *hash });
            self.batch.insert(&keys::event_head(*account), encode(&head));
            self.gap(*account, *last, &format!("after {last}"));
        }
        self.commit()
    }

    /// Events wait that are there.
    fn waiting(&mut self, ends: &BTreeMap<Account, (Id, ChainHash)>) -> Result<(), StoreError> {
        let tree = self.tree();
        self.each(&[keys::WAITING_EVENTS], 9, false, |mend, key, bytes| {
            let mut waiting: Waiting = decode(&bytes)?;
            let before = waiting.places.len();
            let mut there = Vec::new();
            for place in waiting.places {
                for account in ends.keys() {
                    if tree.contains_key(keys::event(*account, place))? {
                        there.push(place);
                        break;
                    }
                }
            }
            waiting.places = there;
            match waiting.places.len() {
                0 => mend.batch.remove(key),
                left if left < before => mend.batch.insert(key, encode(&waiting)),
                _ => {}
            }
            Ok(())
        })
    }
}
