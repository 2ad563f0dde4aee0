//! What happened, in words.

use std::collections::VecDeque;

use serde_json::Value;

use super::seen::{At, Commit, Seen};
use crate::clock::Timestamp;

/// How many lines of the trace are told when something is wrong.
const TOLD: usize = 60;

/// What happened, in words: the last of it, and a number that stands for all of it.
#[derive(Default)]
pub struct Trace {
    /// `LULL_SIM_ALOUD`: everything is told as it happens.
    pub aloud: bool,
    pub last: VecDeque<String>,
    pub lines: u64,
    pub hash: u64,
}

impl Trace {
    pub fn line(&mut self, line: String) {
        self.lines += 1;
        self.hash = xxhash_rust::xxh3::xxh3_64_with_seed(line.as_bytes(), self.hash);
        if self.aloud {
            println!("{line}");
        }
        if self.last.len() == TOLD {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }
}

pub fn time(wall: i64) -> String {
    Timestamp::from_unix_ms(wall).to_string()
}

pub fn in_words(seen: &Seen) -> String {
    let at = |at: &At| time(at.wall);
    match seen {
        Seen::Request { at: when, hook, message, .. } => {
            format!("    {} request {message} to {hook}", at(when))
        }
        Seen::Answer { at: when, message, answer } => {
            format!(
                "    {} answer to {message}: {:?} {:?}",
                at(when),
                answer.code,
                answer.retry_after
            )
        }
        Seen::Commit { at: when, commit } => {
            format!("    {} commit:{}", at(when), of_commit(commit))
        }
    }
}

fn of_commit(commit: &Commit) -> String {
    let mut words = String::new();
    for (place, _) in &commit.accepted {
        words += &format!(" audit {place}");
    }
    for (place, _) in &commit.events {
        words += &format!(" event {place}");
    }
    for mark in &commit.marks {
        let (by, own, places) = (&mark.by, mark.own, &mark.places);
        words += &format!(" window {} {:?} {own:?} {by:?} {places:?}", mark.id, mark.record);
    }
    for row in &commit.owed {
        words += &format!(" owed {} to {} {:?}", row.id, row.hook, row.source);
    }
    for row in &commit.gone {
        words += &format!(" gone {} {}", row.id, row.status);
    }
    for (row, attempt) in &commit.settled {
        words += &format!(" attempt {} of {}: {}", attempt.number, row.id, row.status);
        if let Some(due) = row.due {
            words += &format!(" until {}", time(due));
        }
    }
    if let Some(hooks) = &commit.hooks {
        let enabled = |spec: &Value| spec["enabled"] == Value::Bool(true);
        let hooks: Vec<_> = hooks.iter().map(|(id, spec)| (id, enabled(spec))).collect();
        words += &format!(" hooks {hooks:?}");
    }
    words
}
