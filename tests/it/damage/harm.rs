//! What is done to a store.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes that a disk reads as zeros at a time.
const BLOCK: usize = 4_096;

/// Numbers by a seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        random.below(2);
        random
    }

    pub fn below(&mut self, end: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// What is done to one file.
#[derive(Debug)]
pub struct Harm {
    file: PathBuf,
    how: How,
}

#[derive(Debug)]
enum How {
    /// One bit of this byte is another.
    Flip(u64, u8),
    /// The file ends here.
    Cut(u64),
    /// A block of it is zeros.
    Zero(u64),
    Remove,
}

impl Harm {
    pub fn random(store: &Path, random: &mut Random) -> Harm {
        let mut files: Vec<PathBuf> = contents(store).into_keys().collect();
        files.sort();
        let other = files[random.below(files.len() as u64) as usize].clone();
        let file = if random.below(10) < 7 { PathBuf::from("db") } else { other };
        let length = fs::metadata(store.join(&file)).expect("a file").len();
        let how = match random.below(20) {
            0..12 => How::Flip(random.below(length), 1 << random.below(8)),
            12..15 => How::Cut(random.below(length)),
            15..18 => How::Zero(random.below(length) / BLOCK as u64 * BLOCK as u64),
            18 => How::Cut(0),
            _ => How::Remove,
        };
        Harm { file, how }
    }

    pub fn does(&self, store: &Path) {
        let path = store.join(&self.file);
        let mut bytes = fs::read(&path).expect("a file");
        match self.how {
            How::Flip(at, bit) => {
                if let Some(byte) = bytes.get_mut(at as usize) {
                    *byte ^= bit;
                }
            }
            How::Cut(at) => bytes.truncate(at as usize),
            How::Zero(at) => {
                let end = bytes.len().min(at as usize + BLOCK);
                bytes[at as usize..end].fill(0);
            }
            How::Remove => return fs::remove_file(path).expect("removed"),
        }
        fs::write(path, bytes).expect("written");
    }

    /// Whether it is about so little that nearly everything can still be there.
    pub fn is_small(&self) -> bool {
        let is_db = self.file == Path::new("db");
        !is_db || matches!(self.how, How::Flip(..) | How::Zero(..))
    }
}

/// Every file of a folder, by its path in it.
pub fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("within").to_owned();
                found.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    found
}
