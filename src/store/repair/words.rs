//! What each kind of row is called, for people.

use crate::store::files::Salvage;
use crate::store::keys;

use super::Mend;
use super::rows::Taken;

/// Kinds of rows that nothing else can be made of, in the order of their keys.
pub const KINDS: [(u8, &str); 21] = [
    (keys::SETTLED, "how messages were settled"),
    (keys::UNTRIED, "what is owed, and was never tried"),
    (keys::AUDITS, "audits"),
    (keys::WAITING_EVENTS, "security events that wait to be sent together"),
    (b'c', "settings: integrations, tokens, sessions, accounts, workspaces"),
    (b'e', "security events"),
    (keys::MESSAGES, "messages"),
    (keys::HEALTH, "how deliveries to integrations have gone"),
    (keys::ANSWERS, "answers to calls that are to happen once"),
    (keys::LEARNED, "what audits taught"),
    (b'm', "counters"),
    (keys::OUTBOX, "what is owed"),
    (keys::PARTS, "which events of messages are left"),
    (b'q', "what was counted hour by hour"),
    (keys::SETTLED_ALONE, "how messages were settled"),
    (b't', "attempts"),
    (keys::USES, "when tokens were last used"),
    (b'v', "texts of full records"),
    (keys::MARKS, "closed windows"),
    (b'x', "ends of the lists of security events"),
    (keys::FULL_RECORDS, "full records and their links"),
];

/// What a kind is called.
pub fn name(kind: u8) -> &'static str {
    KINDS.iter().find(|(known, _)| *known == kind).map_or("rows", |(_, name)| name)
}

/// What a stretch of keys is about.
fn stretch(from: &[u8], end: &[u8]) -> String {
    let touched = KINDS.iter().filter(|(kind, _)| {
        (end.is_empty() || [*kind].as_slice() < end) && [kind + 1].as_slice() > from
    });
    let names: Vec<&str> = touched.map(|(_, name)| *name).collect();
    let id = |key: &[u8]| keys::id_of(key.get(..9)?).filter(|_| names.len() == 1);
    match (names.as_slice(), id(from), id(end)) {
        ([], ..) => "an index, which is made anew".to_owned(),
        ([name], Some(first), Some(last)) => format!("{name} from {first} up to {last}"),
        ([name], Some(first), None) => format!("{name} from {first} on"),
        ([name], None, Some(last)) => format!("{name} up to {last}"),
        (names, ..) => format!("some of: {}", names.join("; ")),
    }
}

impl Mend {
    /// Says what could not be read at all.
    pub(super) fn tell(&mut self, salvage: &Salvage, taken: &Taken) {
        // What is left of the last use of a segment is none of these.
        for hole in salvage.holes.iter().filter(|hole| hole.is_within) {
            self.lose(hole.to_string());
        }
        for (from, end) in &salvage.gaps {
            let what = stretch(from, end);
            self.lose(format!("a page cannot be read that held {what}"));
        }
        for (kind, count) in &taken.old {
            self.lose(format!(
                "{count} rows are of an older state of their page, and newer ones may be missing: {}",
                name(*kind)
            ));
        }
        if taken.strange > 0 {
            self.lose(format!("{} rows make no sense", taken.strange));
        }
    }
}
