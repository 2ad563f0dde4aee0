//! What is read without sled is what sled reads.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::scan::Message;
use super::*;
use crate::model::Id;
use crate::store::sum::Sum;
use crate::store::tree::{Tree, flush};
use crate::store::{Batch, Disk, StoreError, look};

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

/// What can be read of the files in `folder`, and whether all of it is known to be the newest.
fn read(folder: &Path) -> (Rows, bool, Salvage) {
    let (mut rows, mut is_new) = (Rows::new(), true);
    let salvage = Salvage::run(folder, Id::default(), |row| {
        is_new &= !row.may_be_old;
        let twice = rows.insert(row.key.to_vec(), row.value.to_vec());
        assert!(twice.is_none(), "a key is read once: {:?}", row.key);
        Ok(())
    });
    (rows, is_new, salvage.unwrap())
}

fn rows_of(database: &sled::Db) -> Rows {
    database.iter().flatten().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

/// A small generator, so that a store of many thousand steps is one number.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Puts, overwrites and removes rows in batches, some of them large, in few places and in many.
fn work(database: &sled::Db, random: &mut Random, batches: u64) {
    let spread = [40, 400, 6_000][random.below(3) as usize];
    for _ in 0..batches {
        let mut batch = sled::Batch::default();
        let sweep = random.below(20) == 0;
        let from = random.below(spread);
        for step in 0..random.below(60) {
            let number = if sweep { (from + step) % spread } else { random.below(spread) };
            let key = [b"prefix/".as_slice(), &number.to_be_bytes()].concat();
            let length = match random.below(200) {
                0 => 140_000 + random.below(100_000),
                1..10 => 7_000,
                _ => random.below(300),
            };
            match sweep || random.below(4) == 0 {
                true => batch.remove(key),
                false => batch.insert(key, vec![random.below(256) as u8; length as usize]),
            }
        }
        database.apply_batch(batch).unwrap();
        flush(database).unwrap();
    }
}

#[test]
fn what_is_read_of_a_whole_store_is_what_sled_reads_row_for_row() {
    let (mut segments, mut reused, mut blobs) = (0, 0, 0);
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let mut random = Random(seed);
        for round in 0..3 {
            look::until_let_go_of(folder.path()).unwrap();
            let database = Disk::database(folder.path()).unwrap();
            work(&database, &mut random, 60);
            let expected = rows_of(&database);
            drop(database);
            let (rows, is_new, salvage) = read(folder.path());
            assert!(rows == expected, "seed {seed}, round {round}: {} rows", rows.len());
            assert!(is_new && salvage.gaps.is_empty(), "seed {seed}, round {round}");
        }
        let log = Log::read(folder.path(), 0).unwrap();
        let newest = log.segments.last().map_or(0, |(lsn, _)| lsn / layout::SEGMENT as u64);
        segments += log.segments.len() as u64;
        reused += newest + 1 - log.segments.len() as u64;
        blobs += std::fs::read_dir(folder.path().join("blobs")).unwrap().count();
    }
    assert!(segments > 20 && reused > 20 && blobs > 6, "{segments}, {reused}, {blobs}");
}

#[test]
fn a_store_that_was_copied_while_it_was_written_to_is_read_as_sled_reads_it() {
    for seed in 100..106 {
        let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // Nothing is tidied up while files are copied.
        let config = Disk::config(folder.path()).flush_every_ms(None);
        let database = config.open().unwrap();
        let mut random = Random(seed);
        work(&database, &mut random, 40);
        let tree = Tree::new((*database).clone());
        let sum = Sum::read(&tree).unwrap();
        let mut batch = Batch::default();
        let sum = sum.after(&tree, &mut batch, None).unwrap();
        database.apply_batch(batch.to_sled()).unwrap();
        flush(&database).unwrap();
        // Not flushed: some of it may have reached the file, and some not.
        let mut batch = Batch::default();
        for _ in 0..200 {
            batch.insert(&random.below(400).to_be_bytes(), vec![1; 5_000]);
        }
        sum.after(&tree, &mut batch, None).unwrap();
        database.apply_batch(batch.to_sled()).unwrap();
        copy_files(folder.path(), copy.path());
        let (rows, _, _) = read(copy.path());
        let copied = Disk::database(copy.path()).unwrap();
        let expected = rows_of(&copied);
        assert!(rows == expected, "seed {seed}");
    }
}

#[test]
fn of_a_store_with_a_damaged_place_the_rest_is_read_and_nothing_is_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(7);
    let database = Disk::database(folder.path()).unwrap();
    for number in 0..3_000_u64 {
        database.insert(number.to_be_bytes(), vec![random.below(256) as u8; 100]).unwrap();
    }
    let expected = rows_of(&database);
    drop(database);
    let whole = std::fs::read(folder.path().join("db")).unwrap();
    // The newest of each page, and anything else.
    let pages: BTreeMap<u64, Message> = Log::read(folder.path(), 0)
        .unwrap()
        .messages
        .iter()
        .map(|found| (found.page, *found))
        .collect();
    let pages: Vec<Message> = pages.into_values().collect();
    let mut missed = 0;
    for round in 0..150 {
        let mut damaged = whole.clone();
        let page = pages[random.below(pages.len() as u64) as usize];
        let at = match round % 2 {
            0 => page.at + random.below(u64::from(page.bytes.max(1))),
            _ => random.below(whole.len() as u64),
        } as usize;
        damaged[at] ^= 1 << random.below(8);
        std::fs::write(folder.path().join("db"), damaged).unwrap();
        let (rows, is_new, _) = read(folder.path());
        assert!(rows.iter().all(|(key, value)| expected.get(key) == Some(value)), "byte {at}");
        assert!(rows.len() > 2_900, "byte {at}: {} rows", rows.len());
        missed += usize::from(!is_new);
    }
    assert!(missed > 0);
}

#[test]
fn whoever_reads_a_damaged_page_through_sled_gets_an_error_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(11);
    let database = Disk::database(folder.path()).unwrap();
    for number in 0..600_u64 {
        database.insert(number.to_be_bytes(), vec![random.below(256) as u8; 200]).unwrap();
    }
    let expected = rows_of(&database);
    drop(database);
    // Once more, for a snapshot: without one, sled passes over what it cannot read.
    look::until_let_go_of(folder.path()).unwrap();
    drop(Disk::database(folder.path()).unwrap());
    let pages: BTreeMap<u64, Message> = Log::read(folder.path(), 0)
        .unwrap()
        .messages
        .iter()
        .map(|found| (found.page, *found))
        .collect();
    let mut refused = 0;
    for page in pages.values().filter(|page| page.bytes > 100).take(25) {
        let damaged = tempfile::tempdir().unwrap();
        copy_files(folder.path(), damaged.path());
        let db = damaged.path().join("db");
        let mut bytes = std::fs::read(&db).unwrap();
        bytes[(page.at + random.below(u64::from(page.bytes))) as usize] ^= 1;
        std::fs::write(&db, bytes).unwrap();
        let opened = Disk::database(damaged.path());
        let read: Result<Rows, StoreError> = opened.and_then(|database| {
            let rows = Tree::new((*database).clone()).iter();
            rows.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
        });
        match read {
            Ok(rows) => assert!(rows == expected),
            Err(StoreError::Damaged(_)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 10, "{refused}");
}

fn copy_files(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_files(&entry.path(), &target);
        } else {
            // sled may have removed it by now.
            let _ = std::fs::copy(entry.path(), target);
        }
    }
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_is_read_to_its_end(bytes: Vec<u8>, at in 0..100_usize) {
        let _ = (layout::header(&bytes), layout::segment_header(&bytes));
        let _ = (page::Page::decode(&bytes), page::Link::decode(&bytes));
        let mut rest = bytes.get(at..).unwrap_or_default();
        while layout::number(&mut rest).is_some() {}
    }
}
