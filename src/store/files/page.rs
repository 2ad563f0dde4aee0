//! What is in a page, and in a change of one. A page's keys lack what all of them begin with.

use super::layout::{bytes, number};

/// A page with rows.
#[derive(Debug)]
pub struct Leaf {
    /// Its first key, if there were one.
    pub lo: Vec<u8>,
    /// The first key behind it; empty for none.
    pub hi: Vec<u8>,
    /// The page behind it; 0 for none.
    pub next: u64,
    /// How much of `lo` all of its keys begin with.
    prefix: usize,
    /// In order.
    rows: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A page.
#[derive(Debug)]
pub enum Page {
    Leaf(Leaf),
    /// One that only leads to others.
    Index,
}

/// A change of a page.
#[derive(Debug)]
pub enum Link<'b> {
    Set(&'b [u8], &'b [u8]),
    Remove(&'b [u8]),
    /// One that changes no row.
    Other,
}

impl Page {
    pub fn decode(mut rest: &[u8]) -> Option<Page> {
        let rest = &mut rest;
        let (next, _merging) = (number(rest)?, number(rest)?);
        let [_is_merging, prefix] = *rest.split_off(..2)? else { return None };
        let (lo, hi) = (bytes(rest)?.to_vec(), bytes(rest)?.to_vec());
        let kind = *rest.split_off_first()?;
        let count = usize::try_from(number(rest)?).ok()?;
        match kind {
            0 => {}
            1 => return Some(Page::Index),
            _ => return None,
        }
        let mut keys = Vec::new();
        for _ in 0..count {
            keys.push(bytes(rest)?.to_vec());
        }
        let mut rows = Vec::new();
        for key in keys {
            rows.push((key, bytes(rest)?.to_vec()));
        }
        let prefix = usize::from(prefix);
        (prefix <= lo.len()).then_some(Page::Leaf(Leaf { lo, hi, next, prefix, rows }))
    }
}

impl<'b> Link<'b> {
    pub fn decode(mut rest: &'b [u8]) -> Option<Link<'b>> {
        let rest = &mut rest;
        Some(match *rest.split_off_first()? {
            0 => Link::Set(bytes(rest)?, bytes(rest)?),
            1 => Link::Remove(bytes(rest)?),
            2..=4 => Link::Other,
            _ => return None,
        })
    }
}

impl Leaf {
    pub fn apply(&mut self, link: &Link) {
        let (key, value) = match link {
            Link::Set(key, value) => (*key, Some(*value)),
            Link::Remove(key) => (*key, None),
            Link::Other => return,
        };
        let found = self.rows.binary_search_by(|(other, _)| other.as_slice().cmp(key));
        match (found, value) {
            (Ok(at), Some(value)) => self.rows[at].1 = value.to_vec(),
            (Ok(at), None) => drop(self.rows.remove(at)),
            (Err(at), Some(value)) => self.rows.insert(at, (key.to_vec(), value.to_vec())),
            (Err(_), None) => {}
        }
    }

    /// The rows from one key on and before another, empty for no end, with their whole keys.
    pub fn rows<'l>(
        &'l self,
        from: &'l [u8],
        end: &'l [u8],
    ) -> impl Iterator<Item = (Vec<u8>, &'l [u8])> {
        let prefix = &self.lo[..self.prefix];
        let whole = move |(key, value): &'l (Vec<u8>, Vec<u8>)| {
            ([prefix, key.as_slice()].concat(), value.as_slice())
        };
        self.rows.iter().map(whole).filter(move |(key, _)| {
            key.as_slice() >= from && (end.is_empty() || key.as_slice() < end)
        })
    }
}
