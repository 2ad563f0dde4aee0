//! What a power cut leaves of the store's folder: each sector that was written since the last sync is either
//! there or not, and so is each change of a file's length.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::dice::Dice;

/// What a disk writes whole.
const SECTOR: usize = 512;

/// All files of a folder.
#[derive(Clone, Default)]
pub struct Image(BTreeMap<PathBuf, Vec<u8>>);

impl Image {
    pub fn of(folder: &Path) -> Image {
        let mut image = Image::default();
        image.read(folder, Path::new(""));
        image
    }

    fn read(&mut self, root: &Path, under: &Path) {
        for entry in std::fs::read_dir(root.join(under)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = under.join(entry.file_name());
            match entry.file_type().expect("a type").is_dir() {
                true => self.read(root, &path),
                // sled takes files away while it tidies up.
                false => match std::fs::read(entry.path()) {
                    Ok(bytes) => drop(self.0.insert(path, bytes)),
                    Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
                },
            }
        }
    }

    pub fn write(&self, folder: &Path) {
        for (path, bytes) in &self.0 {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, bytes).expect("written");
        }
    }

    /// Sectors that differ.
    pub fn differing(&self, other: &Image) -> usize {
        let empty = Vec::new();
        let of = |image: &Image, path: &PathBuf| image.0.get(path).unwrap_or(&empty).clone();
        let paths: BTreeSet<&PathBuf> = self.0.keys().chain(other.0.keys()).collect();
        paths.into_iter().map(|path| differing(&of(self, path), &of(other, path)).len()).sum()
    }

    /// A disk that was at `self` when it was last synced, and lost its power on the way to `later`.
    pub fn torn(&self, later: &Image, dice: &mut Dice) -> Image {
        let mut torn = Image::default();
        let how = How::throw(dice);
        let paths: BTreeSet<&PathBuf> = self.0.keys().chain(later.0.keys()).collect();
        for path in paths {
            match (self.0.get(path), later.0.get(path)) {
                // Written once what it speaks of has been synced.
                (Some(before), _) if path == Path::new("synced") => {
                    drop(torn.0.insert(path.clone(), before.clone()));
                }
                (Some(before), Some(after)) => {
                    drop(torn.0.insert(path.clone(), how.mix(before, after, dice)));
                }
                (Some(one), None) | (None, Some(one)) if dice.percent(50) => {
                    drop(torn.0.insert(path.clone(), one.clone()));
                }
                _ => {}
            }
        }
        torn
    }
}

fn differing(before: &[u8], after: &[u8]) -> Vec<usize> {
    let sectors = before.len().max(after.len()).div_ceil(SECTOR);
    (0..sectors).filter(|at| sector(before, *at) != sector(after, *at)).collect()
}

fn sector(bytes: &[u8], at: usize) -> &[u8] {
    let from = (at * SECTOR).min(bytes.len());
    &bytes[from..(from + SECTOR).min(bytes.len())]
}

/// Which of the sectors arrive.
#[derive(Clone, Copy, Debug)]
enum How {
    /// Each by itself, so many times in a hundred.
    Each(u64),
    /// The first of them, up to some.
    First,
    /// The last of them, from some on.
    Last,
    /// All but one.
    AllButOne,
    /// One only.
    One,
}

impl How {
    fn throw(dice: &mut Dice) -> How {
        let percent = *dice.pick(&[5, 50, 95]);
        dice.weighed(&[
            (6, How::Each(percent)),
            (3, How::First),
            (3, How::Last),
            (2, How::AllButOne),
            (2, How::One),
        ])
    }

    fn mix(self, before: &[u8], after: &[u8], dice: &mut Dice) -> Vec<u8> {
        let changed = differing(before, after);
        let length = match dice.percent(70) {
            true => before.len().max(after.len()),
            false => before.len(),
        };
        let mut mixed = before.to_vec();
        mixed.resize(length, 0);
        let some = dice.below(changed.len() as u64 + 1) as usize;
        for (nth, at) in changed.iter().enumerate() {
            let arrives = match self {
                How::Each(percent) => dice.percent(percent),
                How::First => nth < some,
                How::Last => nth >= some,
                How::AllButOne => nth != some,
                How::One => nth == some,
            };
            let (from, new) = (at * SECTOR, sector(after, *at));
            if arrives && from < mixed.len() {
                let to = (from + new.len()).min(mixed.len());
                mixed[from..to].copy_from_slice(&new[..to - from]);
            }
        }
        mixed
    }
}
