//! As many of the fields as there is room for, and a note on the rest. Pure.

use super::brief::Field;

/// How many characters of a value are tried, when a line is too long with more of them.
const VALUE_CHARS: [usize; 3] = [300, 100, 20];

/// How much room there is for fields, as the chat counts it.
pub struct Room {
    /// For all lines together.
    pub total: usize,
    /// For one line.
    pub line: usize,
    /// The size of a line, with what stands between two lines.
    pub size: fn(&str) -> usize,
}

/// The lines for `fields`, each written by `write`, within `room`. When some had to be left out, the
/// last line says how many.
pub fn lines(fields: &[Field], room: &Room, write: impl Fn(&Field) -> String) -> Vec<String> {
    let mut lines = Vec::new();
    let mut left = room.total.saturating_sub((room.size)(&note(fields.len())));
    for field in fields {
        let written = VALUE_CHARS.iter().map(|chars| write(&field.shortened(*chars)));
        let fits = |line: &String| (room.size)(line) <= room.line.min(left);
        let Some(line) = written.into_iter().find(fits) else { break };
        left -= (room.size)(&line);
        lines.push(line);
    }
    match fields.len() - lines.len() {
        0 => {}
        more => lines.push(note(more)),
    }
    lines
}

fn note(more: usize) -> String {
    format!("… and {more} more field{}", if more == 1 { "" } else { "s" })
}

/// The length in UTF-16 code units, which is never less than in characters, and a line break.
pub fn utf16_line(text: &str) -> usize {
    text.encode_utf16().count() + 1
}

/// Markdown as Discord and Teams read it, so that `text` shows as it is.
pub fn escape_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    // Whether only digits have come in this line: `1.` would begin a list there.
    let mut at_start = true;
    for character in text.chars() {
        let marks_inside = r"\*_~`|[]<>&".contains(character);
        let marks_at_start = at_start && "#-+.=".contains(character);
        if marks_inside || marks_at_start {
            out.push('\\');
        }
        out.push(character);
        at_start = character == '\n' || (at_start && character.is_ascii_digit());
    }
    out
}

/// A field as `**Name:** old → new`, in markdown.
pub fn markdown_line(field: &Field) -> String {
    let (name, new) = (escape_markdown(&field.name), escape_markdown(&field.new));
    match &field.old {
        Some(old) => format!("**{name}:** {} → {new}", escape_markdown(old)),
        None => format!("**{name}:** {new}"),
    }
}
