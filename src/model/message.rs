//! A message: one audit addressed to one integration, and what became of it.

use serde::{Deserialize, Serialize};

use super::{Action, ExternalId, Id, Partition, RecordKey};
use crate::clock::Timestamp;

/// A message that has been worked out but not committed; its id comes with the commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MessageDraft {
    /// Whom it is addressed to.
    pub integration: Id,
    /// The record it is about.
    pub record: RecordKey,
    /// The id of the audit in it.
    pub audit_id: ExternalId,
    /// What was done to the record, all in all.
    pub action: Action,
    /// A sentence for people.
    pub description: Option<String>,
    /// Where the record can be seen.
    pub auditable_url: Option<String>,
    /// The marks of earlier windows whose message was taken in by this one (R17).
    pub earlier_windows: Vec<Id>,
    /// How many audits were collated into it.
    pub audits: u32,
    /// The names of the changed fields, the first few.
    pub fields: Vec<String>,
    /// The names (else ids) of the contributors, the first few.
    pub contributors: Vec<String>,
    /// The body, exactly as it is sent.
    pub body: String,
}

/// What a message was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The audits of a window, which this mark names.
    Window(Id),
    /// One audit, sent live; its place.
    Audit(Id),
    /// Security events; the place of the last.
    Events(Id),
    /// The full record, for this link of it.
    Link(Id),
}

/// A message, as it was committed. It never changes; what becomes of it stands beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The `webhook-id`.
    pub id: Id,
    /// What it was made of.
    pub source: Source,
    /// What was committed.
    pub draft: MessageDraft,
}

impl Message {
    /// How many events are in its body: of edits, however many, one collated audit.
    pub fn events(&self) -> u32 {
        match self.source {
            Source::Events(_) => self.draft.audits,
            Source::Window(_) | Source::Audit(_) | Source::Link(_) => 1,
        }
    }
}

/// How it stands with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Owed: the first try or a retry is to come.
    Pending,
    /// Owed, but its integration is disabled.
    Held,
    /// The hook took it.
    Delivered,
    /// Every attempt failed; it can be redelivered.
    Failed,
    /// A newer message took it in (R17).
    Superseded,
    /// Given up.
    Cancelled,
}

impl Status {
    /// Whether a message in this state is still owed.
    pub fn is_owed(self) -> bool {
        matches!(self, Status::Pending | Status::Held)
    }
}

/// Which status codes a list is about, written `503`, `5xx`, or `none` where no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeClass {
    /// No answer.
    None,
    /// This one.
    Exactly(u16),
    /// Every one that begins with this digit.
    BeginsWith(u16),
}

impl CodeClass {
    /// Whether the last attempt, which was answered so, is of it. Whoever was never tried is of none.
    pub fn holds(self, attempts: u32, code: Option<u16>) -> bool {
        match (self, code) {
            (CodeClass::None, None) => attempts > 0,
            (CodeClass::Exactly(wanted), Some(code)) => code == wanted,
            (CodeClass::BeginsWith(digit), Some(code)) => code / 100 == digit,
            _ => false,
        }
    }
}

impl std::str::FromStr for CodeClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Digits alone, and as many as there are of them: `parse` would take +5 and 0503, too.
        let number = |digits: &str, count| {
            let digits = Some(digits).filter(|digits| digits.len() == count);
            digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
        };
        let class = text.strip_suffix("xx").and_then(|digit| number(digit, 1));
        match (text, class, number(text, 3)) {
            ("none", _, _) => Ok(CodeClass::None),
            (_, Some(digit @ 1..=5), _) => Ok(CodeClass::BeginsWith(digit)),
            (_, _, Some(code @ 100..=599)) => Ok(CodeClass::Exactly(code)),
            _ => Err(format!("{text:?} is not a code; write 503, or 5xx, or none for no answer")),
        }
    }
}

impl std::str::FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        use serde::de::IntoDeserializer;
        use serde::de::value::{Error, StrDeserializer};
        let word: StrDeserializer<Error> = text.into_deserializer();
        Status::deserialize(word).map_err(|_| {
            let all = "pending, held, delivered, failed, superseded or cancelled";
            format!("{text:?} is no status; write {all}")
        })
    }
}

/// What is still owed of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// Whom it is owed to.
    pub integration: Id,
    /// Its record's partition: messages of one record go in order.
    pub partition: Partition,
    /// The oldest of its window's audits, which are kept as long as it is owed (R18).
    pub oldest: Id,
    /// Attempts made so far.
    pub attempts: u32,
    /// When the next attempt is due.
    pub due: Timestamp,
    /// The status code of the last attempt's response, when there was one.
    pub last_code: Option<u16>,
    /// Who asked for the next attempt, when it is not a scheduled one; the name of a token.
    pub asked_by: Option<Box<str>>,
}

/// Which of the events in a message are left, counted from 0, where the hook took only some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// Those to send again.
    pub again: Vec<u32>,
    /// Those that the hook will not take.
    pub refused: Vec<u32>,
}

impl Parts {
    /// Those that the next attempt sends: by itself what may yet be taken, by hand what was refused.
    pub fn to_send(&self) -> &[u32] {
        if self.again.is_empty() { &self.refused } else { &self.again }
    }

    /// Whether some were refused earlier, and not sent again since.
    pub fn holds_back(&self) -> bool {
        !self.again.is_empty() && !self.refused.is_empty()
    }

    /// Whether none are left.
    pub fn is_empty(&self) -> bool {
        self.again.is_empty() && self.refused.is_empty()
    }

    /// What is left after an attempt that sent what `before` says (all, when it says nothing), and
    /// whose answer speaks of these, counted in what was sent.
    pub fn after(before: Option<Parts>, again: &[u32], refused: &[u32]) -> Parts {
        let Some(before) = before else {
            return Parts { again: again.to_vec(), refused: refused.to_vec() };
        };
        let sent = before.to_send();
        let of_all = |of_sent: &[u32]| -> Vec<u32> {
            of_sent.iter().filter_map(|at| sent.get(*at as usize).copied()).collect()
        };
        let mut all_refused = of_all(refused);
        if before.holds_back() {
            all_refused.extend(&before.refused);
            all_refused.sort_unstable();
        }
        Parts { again: of_all(again), refused: all_refused }
    }
}

/// How a message ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// In which state; never `pending` or `held`.
    pub status: Status,
    /// When.
    pub at: Timestamp,
    /// Attempts made.
    pub attempts: u32,
    /// The status code of the last attempt's response, when there was one.
    pub last_code: Option<u16>,
    /// Who gave it up, when somebody did; the name of a token.
    pub by: Option<Box<str>>,
}

/// A message's state: owed or settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Still owed.
    Owed(Owed),
    /// Done with.
    Settled(Settled),
}

impl Delivery {
    /// How many attempts there were, and the status code of the last; none when no answer came.
    pub fn last_answer(&self) -> (u32, Option<u16>) {
        match self {
            Delivery::Owed(owed) => (owed.attempts, owed.last_code),
            Delivery::Settled(settled) => (settled.attempts, settled.last_code),
        }
    }
}

/// Why an attempt was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// It was due.
    Scheduled,
    /// Somebody asked for it.
    Manual,
}

/// One HTTP request for a message, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// Why it was made.
    pub trigger: Trigger,
    /// Who asked for a manual one; the name of a token.
    pub asked_by: Option<Box<str>>,
    /// The headers sent, those that carry secrets redacted.
    pub request_headers: Vec<(String, String)>,
    /// How long it took in all, in milliseconds.
    pub total_ms: u32,
    /// How long its parts took.
    pub timing: Timing,
    /// What came of it.
    pub outcome: AttemptOutcome,
    /// What else there is to say of an answer: that its body broke off, or never ended.
    pub note: Option<String>,
}

/// How long the parts of an attempt took, in milliseconds. None of a part that there was not: the
/// first three of a connection that was used again, TLS over plain HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Timing {
    /// Looking up the hook's name.
    pub resolve_ms: Option<u32>,
    /// Connecting.
    pub connect_ms: Option<u32>,
    /// Making the connection secure.
    pub tls_ms: Option<u32>,
    /// From the first byte of the request to the end of the answer.
    pub wait_ms: Option<u32>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptOutcome {
    /// The hook answered.
    Answered {
        /// The status code.
        code: u16,
        /// The headers, in order.
        headers: Vec<(String, String)>,
        /// The beginning of the body, as text.
        body: String,
        /// Whether there was more body than is kept.
        body_cut: bool,
    },
    /// No answer came; why, in words a person can act on.
    Unanswered(String),
}

impl AttemptOutcome {
    /// The status code, when there was an answer.
    pub fn code(&self) -> Option<u16> {
        match self {
            AttemptOutcome::Answered { code, .. } => Some(*code),
            AttemptOutcome::Unanswered(_) => None,
        }
    }

    /// Success is 2xx, and nothing else.
    pub fn is_success(&self) -> bool {
        self.code().is_some_and(is_success)
    }
}

/// Whether an answer with this status says that the message has arrived.
pub fn is_success(code: u16) -> bool {
    (200..300).contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_asked_for_one_by_one_by_class_or_for_none_at_all() {
        let holds = |class: &str, attempts, code| {
            class.parse::<CodeClass>().map(|class| class.holds(attempts, code))
        };
        assert_eq!(holds("5xx", 1, Some(503)), Ok(true));
        assert_eq!(holds("5xx", 1, Some(404)), Ok(false));
        assert_eq!(holds("404", 1, Some(404)), Ok(true));
        assert_eq!(holds("none", 1, None), Ok(true));
        assert_eq!(holds("none", 0, None), Ok(false), "never tried");
        assert_eq!(holds("2xx", 0, None), Ok(false));
        for bad in ["", "6xx", "0xx", "5", "xx", "600", "99", "5XX", "+5xx", "05xx", "+503", "0503"]
        {
            assert!(holds(bad, 1, None).unwrap_err().contains("5xx"), "{bad}");
        }
    }

    #[test]
    fn a_state_that_is_none_is_told_without_what_a_terminal_would_obey() {
        assert_eq!("failed".parse::<Status>(), Ok(Status::Failed));
        let told = "failed\u{1b}[2J\n".parse::<Status>().unwrap_err();
        assert!(told.contains("superseded") && !told.chars().any(char::is_control), "{told:?}");
    }
}
