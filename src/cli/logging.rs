//! The server's log: one line an event, whatever somebody sent. What is logged may hold text from
//! callers and hooks; a line break in it must not begin a line of its own, nor anything reach a terminal
//! that it would act on.

use std::io::{self, Write};

use env_logger::fmt::Formatter;
use env_logger::{Builder, Env};
use log::{LevelFilter, Record};

/// Starts the log. `RUST_LOG` says what is in it; otherwise `levels` does.
pub fn start(levels: &str) {
    let named = std::env::var("RUST_LOG").is_ok_and(|named| named.contains("sled"));
    let mut builder = Builder::from_env(Env::default().default_filter_or(levels));
    if !named {
        // What it has to say of damage, and of a disk that fails, the store says once and in words.
        builder.filter_module("sled", LevelFilter::Off);
    }
    builder
        // What is wrong with a request, or with a hook's answer: strangers could fill the log with it. Who
        // sent it is told, and so is the attempt.
        .filter_module("actix_http::h1", LevelFilter::Off)
        .format(line)
        .init();
}

fn line(to: &mut Formatter, record: &Record) -> io::Result<()> {
    let (time, level, from) = (to.timestamp(), record.level(), record.target());
    let style = to.default_level_style(level);
    let said = visible(&record.args().to_string());
    writeln!(to, "[{time} {style}{level:<5}{style:#} {from}] {said}")
}

/// The text with everything that is not shown, but acted on, written out.
pub(crate) fn visible(text: &str) -> String {
    let acts = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{2028}' | '\u{2029}')
            || matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        match acts(letter) {
            true => visible.extend(letter.escape_unicode()),
            false => visible.push(letter),
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_sent_stays_on_its_line_and_moves_no_cursor() {
        let sent = "a\r\n[2026 ERROR lull] forged \u{1b}[2J\u{7f}\u{9b}\u{2028}\u{202E}é 👩‍🚀";
        let expected =
            r"a\u{d}\u{a}[2026 ERROR lull] forged \u{1b}[2J\u{7f}\u{9b}\u{2028}\u{202e}é 👩‍🚀";
        assert_eq!(visible(sent), expected);
    }
}
