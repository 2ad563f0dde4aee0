//! What people write: the words of Lull's own documents. A store presses what is alike, so what it is
//! loaded with must be no more alike than what people type.

use std::sync::LazyLock;

const DOCUMENTS: [&str; 4] = [
    include_str!("../../README.md"),
    include_str!("../../docs/reliability.md"),
    include_str!("../../docs/security.md"),
    include_str!("../../docs/security-events.md"),
];

/// All of it: letters, digits, dots and commas, with one space between words, as JSON and HTML have it.
static PROSE: LazyLock<String> = LazyLock::new(|| {
    let kept = |letter: char| letter.is_ascii_alphanumeric() || ".,'".contains(letter);
    let words = DOCUMENTS.iter().flat_map(|text| text.split(|letter| !kept(letter)));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
});

/// So many bytes of it, others for each number.
pub fn excerpt(number: u64, bytes: usize) -> &'static str {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
    let from = mixed as usize % (PROSE.len() - bytes);
    &PROSE[from..from + bytes]
}
