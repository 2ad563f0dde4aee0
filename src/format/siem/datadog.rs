//! Logs for Datadog's intake: an array of them.

use super::json::{self, Object};
use super::shown::{self, Grave, cut};
use super::{Linked, own};
use crate::model::SecurityEvent;

/// The largest log that is kept whole, and the largest body that is taken, in bytes. Datadog says 1 MB
/// and 5 MB; the smaller reading of that, and room for what stands between the logs.
const LOG_BYTES_MAX: usize = 1_000_000;
pub const BODY_BYTES_MAX: usize = 4_990_000;

/// How many characters of each text are kept, in turn, of a log that is too large with more.
const TEXT_CHARS: [usize; 5] = [100_000, 10_000, 1_000, 100, 20];

/// Events as an array of logs.
///
/// Datadog itself would cut a log that is too large somewhere in its middle. It is cut here instead, so
/// that it stays a log: first its details go, then long texts end earlier; and it says so. The same
/// when all the logs together are too large: then the larger ones are cut.
pub fn array(events: &[Linked<'_>]) -> String {
    let mut logs: Vec<String> = events.iter().map(|event| fitting(*event, LOG_BYTES_MAX)).collect();
    if size(&logs) > BODY_BYTES_MAX {
        // What the small ones leave over is not shared out: this is rare, and must only be right.
        let share = BODY_BYTES_MAX / events.len();
        for (log, event) in logs.iter_mut().zip(events) {
            if log.len() > share {
                *log = fitting(*event, share);
            }
        }
    }
    format!("[{}]", logs.join(","))
}

fn size(logs: &[String]) -> usize {
    logs.iter().map(|log| log.len() + 1).sum()
}

/// A log of at most so many bytes, if that can be had.
fn fitting(event: Linked<'_>, bytes_max: usize) -> String {
    let whole = log(event, None);
    if whole.len() <= bytes_max {
        return whole;
    }
    let mut shortened = String::new();
    for chars in TEXT_CHARS {
        let short = shorter(event.0, chars);
        shortened = log((&short, event.1), Some(whole.len()));
        if shortened.len() <= bytes_max {
            break;
        }
    }
    shortened
}

/// The event without its details, and with no text longer than `chars`, but for what it is known by.
fn shorter(event: &SecurityEvent, chars: usize) -> SecurityEvent {
    let mut short = event.clone();
    short.details.clear();
    let user = short.user.iter_mut().flat_map(|user| [&mut user.name, &mut user.email]);
    let target = short.target.iter_mut().map(|target| &mut target.name);
    let own = [&mut short.ip, &mut short.user_agent, &mut short.description];
    for text in own.into_iter().chain(user).chain(target).flatten() {
        *text = cut(text, chars);
    }
    short
}

/// A log; `whole` is how many bytes it had before it was cut.
fn log(linked: Linked<'_>, whole: Option<usize>) -> String {
    let event = linked.0;
    let status = match Grave::of(event) {
        Grave::Informational => "info",
        Grave::Low => "notice",
        Grave::Medium => "warning",
        Grave::High => "error",
        Grave::Critical => "critical",
    };
    let user = event.user.as_ref().map(|user| {
        Object::new()
            .put("id", &user.id)
            .some("name", user.name.as_deref())
            .some("email", user.email.as_deref())
            .done()
    });
    let client = event.ip.as_ref().map(|_| {
        let ip = shown::ip(event).map_or_else(|| json::raw(&event.ip), json::raw);
        Object::new().put("client", Object::new().put("ip", ip).done()).done()
    });
    let agent = event.user_agent.as_deref();
    let agent = agent.map(|agent| Object::new().put("useragent", agent).done());
    let what =
        Object::new().put("name", &event.action).put("outcome", event.outcome).put("id", &event.id);
    let cut = whole.map(|bytes| {
        let why = "over Datadog's limit: details left out, long texts cut";
        Object::new().put("bytes", bytes).put("why", why).done()
    });
    let log = Object::new()
        .put("ddsource", "lull")
        .put("ddtags", "event:security")
        .put("service", "lull")
        .put("message", shown::sentence(event))
        .put("status", status)
        .put("timestamp", event.created_at)
        .put("evt", what.done())
        .some("usr", user)
        .some("network", client)
        .some("http", agent)
        .put("lull", own::security(linked))
        .some("truncated", cut);
    log.done().get().to_owned()
}
