//! Text that cannot be made smaller by pressing it.

/// So many letters that look random, the same for the same seed.
pub fn noise(seed: u64, letters: usize) -> String {
    let mut state = seed;
    let mut text = String::with_capacity(letters);
    while text.len() < letters {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        // Digits and letters as names have them: none that JSON escapes.
        let letter = |at| char::from_digit((mixed >> (at * 5)) as u32 & 31, 32).unwrap_or('_');
        text.extend((0..(letters - text.len()).min(12)).map(letter));
    }
    text
}
