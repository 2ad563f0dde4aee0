//! The audits of windows that close. Windows that were opened one after the other come to be due one after
//! the other, and their audits came together: so packs that were read last stay open for the next one.

use std::ops::Range;
use std::sync::Arc;

use super::{Store, StoreError, history, pack};
use crate::model::{Account, Audit, Id, WindowRule};

/// A pack, unpressed and taken apart.
pub struct OpenedPack {
    first: Id,
    rules: Arc<[WindowRule]>,
    bytes: Vec<u8>,
    /// The account of each audit, and where its text lies in the bytes.
    audits: Vec<(Account, Range<usize>)>,
}

impl Store {
    /// The audits at `places` (ascending) of an open window, each of which must be there: what is still
    /// to be sent is never forgotten, so a pack that was read before is as good as the one that is stored.
    pub fn audits_at(&self, places: &[Id]) -> Result<Vec<Audit>, StoreError> {
        let mut last: Option<Arc<OpenedPack>> = None;
        let audits = places.iter().map(|place| {
            let pack = match last.take().filter(|pack| pack.holds(*place)) {
                Some(pack) => Some(pack),
                None => self.opened(*place)?,
            };
            let pack = pack
                .filter(|pack| pack.holds(*place))
                .ok_or_else(|| StoreError::Damaged(format!("no audit at {place}")))?;
            last.insert(pack).audit(*place)
        });
        audits.collect()
    }

    /// The pack that begins at `place`, or last before it.
    fn opened(&self, place: Id) -> Result<Option<Arc<OpenedPack>>, StoreError> {
        if let Some(pack) = self.recent_packs.find(|pack| pack.holds(place)) {
            return Ok(Some(pack));
        }
        let Some((first, bytes)) = pack::find(self.tree(), place)? else { return Ok(None) };
        let opened = Arc::new(OpenedPack::of(first, bytes)?);
        // Nobody else comes for what is alone.
        if opened.audits.len() > 1 {
            self.recent_packs.keep(opened.clone());
        }
        Ok(Some(opened))
    }
}

impl OpenedPack {
    fn of(first: Id, bytes: Vec<u8>) -> Result<OpenedPack, StoreError> {
        let pack = pack::decode(first, &bytes)?;
        let begin = bytes.as_ptr() as usize;
        let lies = |text: &str| {
            let from = text.as_ptr() as usize - begin;
            from..from + text.len()
        };
        let audits = pack.audits.iter().map(|(account, text)| (*account, lies(text))).collect();
        Ok(OpenedPack { first, rules: pack.rules.into(), audits, bytes })
    }

    fn holds(&self, place: Id) -> bool {
        self.first <= place && self.at(place) < self.audits.len()
    }

    fn at(&self, place: Id) -> usize {
        (place.as_u64() - self.first.as_u64()) as usize
    }

    /// The audit at `place`, which it holds.
    fn audit(&self, place: Id) -> Result<Audit, StoreError> {
        let (account, lies) = &self.audits[self.at(place)];
        history::read(place, *account, self.rules.clone(), &self.bytes[lies.clone()])
    }
}
