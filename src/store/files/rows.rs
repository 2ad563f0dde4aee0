//! The rows of the newest pages that can be read. Pages that were split, joined or freed are still about
//! in old segments, and must not bring their rows back: so the newest page counts that holds a key, and
//! older ones only for keys that no newer one holds.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use super::scan::{Hole, Log};
use super::versions::{Read, Reader, Version, end_of_log};
use crate::model::Id;
use crate::store::counters::Counters;
use crate::store::sum::Sum;
use crate::store::{StoreError, keys};

/// A row that was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Row<'r> {
    pub key: &'r [u8],
    pub value: &'r [u8],
    /// Whether there may be, or have been, something newer in its place.
    pub may_be_old: bool,
}

/// What was saved, beside the rows.
#[derive(Debug, Default)]
pub struct Salvage {
    /// Keys from the first on and before the second, empty for no end, of which nothing can be read.
    pub gaps: Vec<(Vec<u8>, Vec<u8>)>,
    /// Places of the file where nothing can be read.
    pub holes: Vec<Hole>,
}

impl Salvage {
    /// Hands every row that can be read in `folder` to `take`, each key once, in no order. What is up to
    /// `acknowledged` is not taken for a commit that was cut short, however much of it is gone.
    pub fn run(
        folder: &Path,
        acknowledged: Id,
        mut take: impl FnMut(Row) -> Result<(), StoreError>,
    ) -> Result<Salvage, StoreError> {
        let log = Log::read(folder, 0)?;
        if log.messages.is_empty() {
            return Ok(Salvage { gaps: Gaps::default().0.into_iter().collect(), holes: log.holes });
        }
        let reader = Reader::open(folder)?;
        let end = end_of_log(&log, &reader)?;
        let mut versions = Version::all(&log, end);
        // What comes to what was stored is all there was.
        if let Some(chain) = chain(&versions, &reader)?
            && is_all(acknowledged, |take| each_of(&chain, &reader, take))?
        {
            each_of(&chain, &reader, &mut take)?;
            return Ok(Salvage { gaps: Vec::new(), holes: log.holes });
        }
        if end != u64::MAX
            && !is_all(acknowledged, |take| each_row(&versions, &reader, take).map(drop))?
        {
            versions = Version::all(&log, u64::MAX);
        }
        let gaps = each_row(&versions, &reader, &mut take)?;
        Ok(Salvage { gaps: gaps.0.into_iter().collect(), holes: log.holes })
    }
}

fn each_row(
    versions: &[Version],
    reader: &Reader,
    take: &mut dyn FnMut(Row) -> Result<(), StoreError>,
) -> Result<Gaps, StoreError> {
    let mut gaps = Gaps::default();
    for version in versions {
        if gaps.0.is_empty() {
            break;
        }
        let Some(read) = version.read(reader)? else { continue };
        let may_be_old = !version.is_newest || read.is_broken;
        for (from, end) in gaps.fill(&read.leaf.lo, &read.leaf.hi) {
            for (key, value) in read.leaf.rows(&from, &end) {
                take(Row { key: &key, value, may_be_old })?;
            }
        }
    }
    Ok(gaps)
}

/// Hands every row of pages whose newest state can be read to `take`.
fn each_of(
    pages: &[&Version],
    reader: &Reader,
    take: &mut dyn FnMut(Row) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for page in pages {
        let Some(Read { leaf, .. }) = page.read(reader)? else { continue };
        for (key, value) in leaf.rows(&leaf.lo, &leaf.hi) {
            take(Row { key: &key, value, may_be_old: false })?;
        }
    }
    Ok(())
}

/// The pages from the first key to the last, each of which names the next; none where they do not lead there. A
/// page that nobody names is no part of the tree, however new: half of a split that a crash cut short.
fn chain<'v>(
    versions: &'v [Version],
    reader: &Reader,
) -> Result<Option<Vec<&'v Version>>, StoreError> {
    let mut pages = HashMap::new();
    for version in versions.iter().filter(|version| version.is_newest) {
        if let Some(Read { leaf, is_broken: false }) = version.read(reader)? {
            pages.insert(version.page(), (version, leaf.lo, leaf.hi, leaf.next));
        }
    }
    let mut firsts = pages.values().filter(|(_, lo, ..)| lo.is_empty());
    let (Some(mut page), None) = (firsts.next(), firsts.next()) else { return Ok(None) };
    let mut chain = vec![page.0];
    while !page.2.is_empty() {
        // Keys ascend, or it would not end where what a page says of its neighbours is damaged.
        let follows = |(_, lo, hi, _): &&(_, Vec<u8>, Vec<u8>, _)| {
            *lo == page.2 && (hi.is_empty() || hi > lo)
        };
        let Some(next) = pages.get(&page.3).filter(follows) else { return Ok(None) };
        page = next;
        chain.push(page.0);
    }
    Ok(Some(chain))
}

/// Whether these are all rows that were acknowledged: by what they come to, where that was kept.
fn is_all(
    acknowledged: Id,
    read: impl FnOnce(&mut dyn FnMut(Row) -> Result<(), StoreError>) -> Result<(), StoreError>,
) -> Result<bool, StoreError> {
    let (mut sum, mut stored, mut newest) = (Sum::default(), None, Id::default());
    read(&mut |row: Row| {
        sum.add(row.key, row.value);
        if row.key == keys::SUM {
            stored = Some(row.value.to_vec());
        }
        if row.key == keys::COUNTERS {
            newest = Counters::decode(row.value).unwrap_or_default().last_id;
        }
        Ok(())
    })?;
    // A store of an older version holds no sum: then everything counts that can be read.
    let is_whole = stored.is_some_and(|stored| sum.is(&stored));
    Ok(newest >= acknowledged && is_whole)
}

/// Keys of which no page was seen yet: where each stretch begins, and where it ends; empty for no end.
struct Gaps(BTreeMap<Vec<u8>, Vec<u8>>);

impl Default for Gaps {
    fn default() -> Self {
        Self(BTreeMap::from([(Vec::new(), Vec::new())]))
    }
}

impl Gaps {
    /// Fills what lies between `lo` and `hi`; which parts of it those were.
    fn fill(&mut self, lo: &[u8], hi: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let begins_before = |key: &[u8]| hi.is_empty() || key < hi;
        let ends_after = |end: &[u8], key: &[u8]| end.is_empty() || end > key;
        let touched: Vec<(Vec<u8>, Vec<u8>)> = self
            .0
            .iter()
            .filter(|(from, end)| begins_before(from) && ends_after(end, lo))
            .map(|(from, end)| (from.clone(), end.clone()))
            .collect();
        let mut filled = Vec::new();
        for (from, end) in touched {
            self.0.remove(&from);
            if from.as_slice() < lo {
                self.0.insert(from.clone(), lo.to_vec());
            }
            let is_cut = !hi.is_empty() && ends_after(&end, hi);
            if is_cut {
                self.0.insert(hi.to_vec(), end.clone());
            }
            filled.push((from.max(lo.to_vec()), if is_cut { hi.to_vec() } else { end }));
        }
        filled
    }
}
