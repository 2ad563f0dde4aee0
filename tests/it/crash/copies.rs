//! Backups of a server that is used in every way, and killed meanwhile: a copy is whole, or there is
//! none; and a whole one has what was acknowledged before it, and nothing that was not there.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use lull::clock::{Clock, SystemClock};
use lull::model::{Account, Id};
use lull::store::{AuditFilter, Store};

use super::world::{Dice, World};
use crate::backup::{backup, said};
use crate::harness::Client;

/// Takes one copy after the other until the server is gone.
pub fn until_gone(server: (&str, &Client), world: &World, forgets: bool, mut dice: Dice) {
    let (url, api) = server;
    loop {
        std::thread::sleep(Duration::from_millis(dice.roll(400)));
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("copy");
        let acknowledged = world.acknowledged();
        let taken = backup(url, &api.token(), &dir);
        if !taken.status.success() {
            assert!(!dir.join("store").exists(), "half a copy: {}", said(&taken));
            // Nothing but its end keeps a server from being copied.
            let gone = api.call("GET", "/stats", &[], b"").is_none();
            assert!(gone, "{}", said(&taken));
            return world.count("backups cut short", 1);
        }
        assert!(said(&taken).contains("nothing is wrong with the copy"), "{}", said(&taken));
        world.count("backups", 1);
        if !forgets {
            keep(world, &acknowledged, audits(&dir.join("store")));
        }
    }
}

/// Looks into a copy, which is compared with the server's history when that is read next.
fn keep(world: &World, acknowledged: &HashSet<String>, copied: Vec<String>) {
    let in_copy: HashSet<&String> = copied.iter().collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !in_copy.contains(id)).collect();
    assert!(lost.is_empty(), "acknowledged, and not in the copy: {lost:?}");
    world.stretch.lock().unwrap().copies.push(copied);
}

/// All audits of a store, in their order.
fn audits(folder: &Path) -> Vec<String> {
    let (store, ..) = Store::open(folder, SystemClock.now()).expect("a store");
    let mut filter =
        AuditFilter { after: Some(Id::default()), ..AuditFilter::all(Account::DEFAULT, 1_000) };
    let mut ids = Vec::new();
    while filter.after.is_some() {
        let page = store.history(&filter, &[]).expect("a page");
        ids.extend(page.items.iter().map(|audit| audit.id().as_str().to_owned()));
        filter.after = page.next;
    }
    ids
}
