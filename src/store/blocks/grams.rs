//! The letters that a block's records and descriptions are made of: every run of one to four bytes,
//! as bits of a table. A text that has a run whose bits are not all there is in none of them.

/// Bits of the table while a block fills, a power of two.
const BITS_MAX: usize = 1 << 16;
/// Bits of the smallest table.
const BITS_MIN: usize = 1 << 9;
/// A table is made smaller until so many of its bits are set, in percent.
const SET_PERCENT_MAX: usize = 22;
/// The longest run.
const RUN_MAX: usize = 4;
/// How many bits stand for a run of each length. Short runs are few, and searched for alone.
const BITS_OF_RUN: [u32; RUN_MAX + 1] = [0, 2, 3, 2, 1];

/// The table of a block that fills.
#[derive(Clone, Debug)]
pub struct Grams(Box<[u64]>);

impl Default for Grams {
    fn default() -> Self {
        Grams(vec![0; BITS_MAX / 64].into())
    }
}

impl Grams {
    /// Takes in a text.
    pub fn add(&mut self, text: &str) {
        for bit in bits(text.as_bytes()) {
            let bit = bit as usize & (BITS_MAX - 1);
            self.0[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// The table as it is kept: halves laid on each other as long as that leaves it sparse.
    pub fn encode(&self) -> Vec<u8> {
        let mut words = self.0.to_vec();
        while words.len() * 64 > BITS_MIN {
            let (low, high) = words.split_at(words.len() / 2);
            let half: Vec<u64> = low.iter().zip(high).map(|(low, high)| low | high).collect();
            let set: usize = half.iter().map(|word| word.count_ones() as usize).sum();
            if set * 100 > half.len() * 64 * SET_PERCENT_MAX {
                break;
            }
            words = half;
        }
        words.into_iter().flat_map(u64::to_le_bytes).collect()
    }
}

/// A text to look for in tables.
pub struct Probe(Vec<u32>);

impl Probe {
    pub fn new(text: &str) -> Self {
        let mut bits: Vec<u32> = bits(text.as_bytes()).collect();
        bits.sort_unstable();
        bits.dedup();
        Probe(bits)
    }

    /// Whether the text may be among those of this table, or of one that begins with this, which is more than
    /// half of it.
    pub fn may_be_in(&self, table: &[u8]) -> bool {
        let mask = table.len().next_power_of_two() * 8 - 1;
        let is_set = |bit: u32| {
            let bit = bit as usize & mask;
            table.get(bit / 8).is_none_or(|byte| byte & (1 << (bit % 8)) != 0)
        };
        self.0.iter().all(|bit| is_set(*bit))
    }
}

/// The bits that a text sets. Stored, so the function must never change.
fn bits(text: &[u8]) -> impl Iterator<Item = u32> {
    (1..=RUN_MAX).flat_map(move |length| {
        text.windows(length).flat_map(move |run| {
            let run = run.iter().fold(length as u64, |all, byte| all << 8 | u64::from(*byte));
            let mixed = (run ^ run >> 15).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (0..BITS_OF_RUN[length]).map(move |bit| (mixed >> (16 * bit)) as u32 & 0xFFFF)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_part_of_a_text_is_found(texts in prop::collection::vec(".{0,40}", 0..40), at: prop::sample::Index, from: prop::sample::Index) {
            let mut grams = Grams::default();
            texts.iter().for_each(|text| grams.add(text));
            let table = grams.encode();
            if !texts.is_empty() {
                let chars: Vec<char> = at.get(&texts).chars().collect();
                let part: String = chars[from.index(chars.len() + 1)..].iter().collect();
                let probe = Probe::new(&part);
                prop_assert!(probe.may_be_in(&table));
                prop_assert!(probe.may_be_in(&table[..table.len() * 7 / 8]));
            }
        }
    }

    #[test]
    fn what_is_not_there_is_hardly_ever_found_and_small_tables_are_small() {
        let mut grams = Grams::default();
        grams.add("updated feature app-42 export");
        let table = grams.encode();
        assert!(table.len() <= 128, "{}", table.len());
        assert!(Probe::new("feature app").may_be_in(&table));
        for text in ["feature-app", "exporting", "app-43", "zq", "~", "日本"] {
            assert!(!Probe::new(text).may_be_in(&table), "{text}");
            assert!(!Probe::new(text).may_be_in(&table[..table.len() * 7 / 8]), "{text}");
        }
    }
}
