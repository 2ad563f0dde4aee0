//! What several formats say of an event: how grave it is, whom it is about, in a sentence.

use std::net::IpAddr;

use super::known;
use crate::model::{SecurityEvent, Success, User};

/// How grave an event is, in five steps, which every format has a word or a number for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grave {
    /// From 0.
    Informational,
    /// From 2.
    Low,
    /// From 4.
    Medium,
    /// From 7.
    High,
    /// From 9.
    Critical,
}

impl Grave {
    /// The step that a severity from 0 to 10 is in: ArcSight's four bands, and what is below them.
    pub fn of(event: &SecurityEvent) -> Self {
        match event.severity {
            0..=1 => Self::Informational,
            2..=3 => Self::Low,
            4..=6 => Self::Medium,
            7..=8 => Self::High,
            _ => Self::Critical,
        }
    }
}

/// In one word.
pub fn outcome(event: &SecurityEvent) -> &'static str {
    match event.outcome {
        Success::Success => "success",
        Success::Failure => "failure",
    }
}

/// The address, where it is one; some applications write a name or a port there.
pub fn ip(event: &SecurityEvent) -> Option<IpAddr> {
    let address: IpAddr = event.ip.as_deref()?.trim().parse().ok()?;
    Some(address.to_canonical())
}

/// What people call a user.
pub fn user_name(user: &User) -> &str {
    user.name.as_deref().or(user.email.as_deref()).unwrap_or(user.id.as_str())
}

/// What the event is called: the few words for a known action, the action itself for another.
pub fn title(event: &SecurityEvent) -> &str {
    known::find(event.action.as_str()).map_or(event.action.as_str(), |known| known.name)
}

/// A sentence for people: the event's own, else what is known.
pub fn sentence(event: &SecurityEvent) -> String {
    if let Some(description) = event.description.as_ref().filter(|text| !text.trim().is_empty()) {
        return description.clone();
    }
    let mut text = title(event).to_owned();
    if let Some(target) = &event.target {
        let name = target.name.as_deref().unwrap_or(target.id.as_str());
        text.push_str(&format!(": {} {name}", target.target_type));
    }
    if let Some(user) = &event.user {
        text.push_str(&format!(" by {}", user_name(user)));
    }
    text
}

/// The same on one line: what ends a line somewhere, and every other control character, becomes a
/// space.
pub fn one_line(text: &str) -> String {
    let harmless = |c: char| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }
    };
    text.chars().map(harmless).collect()
}

/// At most so many characters, and where there were more, how many.
pub fn cut(text: &str, chars_max: usize) -> String {
    if text.len() <= chars_max {
        return text.to_owned();
    }
    let chars = text.chars().count();
    if chars <= chars_max {
        return text.to_owned();
    }
    let note = format!("… ({chars} characters in all)");
    let room = chars_max.saturating_sub(note.chars().count());
    text.chars().take(room).chain(note.chars()).take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_how_long_it_was() {
        assert_eq!(cut("éé", 2), "éé");
        assert_eq!(
            cut(&"é".repeat(100), 40),
            format!("{}… (100 characters in all)", "é".repeat(15))
        );
        assert_eq!(cut(&"é".repeat(100), 3), "… (");
    }

    #[test]
    fn nothing_ends_a_line() {
        assert_eq!(one_line("a\r\n\u{b}\u{85}\u{2028}\u{2029}\u{0}é|="), "a       é|=");
    }
}
