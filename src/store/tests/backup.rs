//! A backup that is taken while there are commits: what a new store made of it holds.

use super::*;
use crate::store::{Backup, BadBackup, Restore};

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn rows(tree: &Tree) -> Rows {
    tree.iter().map(|row| row.unwrap()).map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
}

async fn filled() -> Opened {
    let opened = Opened::fresh();
    for record in 0..40 {
        let mut audit = edit(&format!("a{record}"), &record.to_string(), "u");
        audit["description"] = json!(noise(record, 20_000));
        opened.append(&[audit]).await;
    }
    opened
}

/// The rows of a new store made of these bytes.
fn restored(chunks: &[Vec<u8>]) -> Result<Rows, BadBackup> {
    let folder = tempfile::tempdir().unwrap();
    let mut restore = Restore::begin(folder.path())?;
    for chunk in chunks {
        // As unevenly as it may come.
        for piece in chunk.chunks(10_007) {
            restore.take(piece)?;
        }
    }
    restore.finish()?;
    let opened = Store::open(folder.path(), Timestamp::default());
    let (store, _, _) = opened.expect("it can be opened at once");
    Ok(rows(store.tree()))
}

#[actix::test]
async fn a_backup_is_the_store_between_two_commits_whatever_is_committed_meanwhile() {
    let opened = filled().await;
    let mut backup = Backup::begin(opened.store.clone(), Duration::ZERO).unwrap();
    let (mut chunks, mut commits) = (Vec::new(), 0);
    let mut last = rows(opened.store.tree());
    while let Some(chunk) = backup.next_chunk(Duration::ZERO) {
        chunks.push(chunk);
        // Rows are added, changed and removed behind the reader and before it; after the last of them
        // has been read, nothing counts any more.
        if opened.store.disk.tap().is_open() {
            let appended = opened.append(&[edit(&format!("b{commits}"), "7", "u")]).await;
            let hook = opened.integration().await;
            opened.close("7", &appended.ids, &[hook.id], "{}").await;
            let delete = Configure::DeleteIntegration(hook.id, None);
            opened.journal.configure(delete, Default::default()).await.unwrap().unwrap();
            commits += 4;
            last = rows(opened.store.tree());
        }
    }
    assert!(chunks.len() > 4 && commits > 8, "{} chunks, {commits} commits", chunks.len());
    assert!(restored(&chunks).unwrap() == last, "another store came of it");
}

#[actix::test]
async fn a_backup_that_was_cut_or_garbled_makes_no_store() {
    let opened = filled().await;
    let mut backup = Backup::begin(opened.store.clone(), Duration::ZERO).unwrap();
    let mut whole = Vec::new();
    while let Some(chunk) = backup.next_chunk(Duration::ZERO) {
        whole.extend(chunk);
    }
    assert!(restored(std::slice::from_ref(&whole)).unwrap() == rows(opened.store.tree()));
    for length in [0, 1, 15, 16, 20, whole.len() / 2, whole.len() - 37, whole.len() - 1] {
        let cut = restored(&[whole[..length].to_vec()]);
        assert!(matches!(cut, Err(BadBackup::Cut)), "{length}: {:?}", cut.err());
    }
    for at in (0..whole.len()).step_by(whole.len() / 100).chain([8, 12, 16, 17]) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        assert!(restored(&[flipped]).is_err(), "the byte {at} was flipped");
    }
    // Another's rows in good frames, and more after its end.
    let twice = [&whole[..], &whole[16..]].concat();
    assert!(matches!(restored(&[twice]), Err(BadBackup::Garbled)));
}

#[actix::test]
async fn there_is_one_backup_at_a_time_until_nobody_reads_it_or_it_ends() {
    let opened = filled().await;
    let begin = |second| Backup::begin(opened.store.clone(), Duration::from_secs(second));
    let mut first = begin(0).unwrap();
    first.next_chunk(Duration::from_secs(30)).unwrap();
    assert!(begin(89).is_none());
    let mut second = begin(91).expect("nobody read on for a minute");
    let said = first.next_chunk(Duration::from_secs(92)).unwrap();
    assert!(String::from_utf8_lossy(&said).contains("another backup took its place"));
    assert!(first.next_chunk(Duration::from_secs(92)).is_none());
    drop(first);
    second.next_chunk(Duration::from_secs(92)).unwrap();
    assert!(begin(93).is_none(), "the first one's end is not the second's");
    drop(second);
    assert!(begin(93).is_some() && !opened.store.disk.tap().is_open());
}
