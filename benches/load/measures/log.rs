//! Pages of a long log, over HTTP: the first, the next, and what each filter leaves, from those that
//! most messages fit to those that none fits.

use serde_json::Value;

use crate::clock;
use crate::failure::Failure;
use crate::filling::fill;
use crate::plan::Plan;
use crate::report::Figure;
use crate::server::{Server, fresh_folder};
use crate::story::{ODD_CODE, ODD_ONE, ODD_TYPE, ODD_USER, ODD_WORD, message};
use crate::units::{Unit, grouped};

/// How often each page is asked for.
const TRIES: usize = 9;
/// What is asked for beside the filter, as the pages do.
const LIMIT: &str = "limit=50";

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let folder = fresh_folder()?;
    let begun = clock::now();
    fill(folder.path(), plan.messages)?;
    let filled = clock::now() - begun;
    let server = Server::start(folder.path(), super::LONG)?;
    let count = grouped(plan.messages as f64);
    let mut figures = Vec::new();
    for (at, (name, filter, found)) in questions(&server)?.into_iter().enumerate() {
        let name = if at == 0 {
            format!("S10 the log with {count} messages, {name}")
        } else {
            format!("  {name}")
        };
        for _ in 0..TRIES {
            figures.push(ask(&server, &name, &filter, found)?.at_most(20.0));
        }
    }
    let ready = server.ready_after.as_secs_f64();
    figures.push(Figure::new("  start with such a log", ready, Unit::Seconds));
    figures.push(Figure::new("  making such a log", filled.as_secs_f64(), Unit::Seconds));
    server.stop()?;
    Ok(figures)
}

/// What a page is to hold.
#[derive(Clone, Copy)]
enum Found {
    /// As many messages as fit.
    Many,
    Some,
    /// Whatever there is.
    Any,
    One,
    None,
}

fn ask(server: &Server, name: &str, filter: &str, expected: Found) -> Result<Figure, Failure> {
    let path = format!("/messages?{LIMIT}{filter}");
    let begun = clock::now();
    let page = server.api("GET", &path, None, 200)?;
    let took = clock::now() - begun;
    let (count, next) = (page["items"].as_array().map_or(0, Vec::len), &page["next"]);
    let is_right = match expected {
        Found::Many => count == 50,
        Found::Some => count > 0,
        Found::Any => true,
        Found::One => count == 1,
        Found::None => count == 0 && next.is_null(),
    };
    if !is_right {
        return Err(Failure::Wrong(format!("{path} found {count} messages, then {next}")));
    }
    Ok(Figure::new(name, took.as_secs_f64() * 1_000.0, Unit::Milliseconds))
}

/// A name, what is added to the query, and what that finds.
fn questions(server: &Server) -> Result<Vec<(String, String, Found)>, Failure> {
    use Found::{Many, None, One, Some};
    let integrations = server.api("GET", "/integrations", Option::None, 200)?;
    let integration = text(&integrations, "/items/3/id");
    let first = server.api("GET", &format!("/messages?{LIMIT}"), Option::None, 200)?;
    let newest = &first["items"][0];
    let record = format!("{}/{}", text(newest, "/record/type"), text(newest, "/record/id"));
    let record = record.replacen('/', "%2F", record.matches('/').count() - 1);
    let one_user = text(newest, "/contributors/0").to_lowercase().replace(' ', "%20");
    let odd = message(ODD_ONE, &[lull::model::Id::default()]);
    let odd_user = ODD_USER.to_lowercase().replace(' ', "%20");
    let odd_record = format!("{ODD_TYPE}/{}", odd.record.record_id);
    // Old: a day of the three weeks that the log goes back.
    let odd_time = server.api("GET", &format!("/messages?q={ODD_WORD}"), Option::None, 200)?;
    let odd_time = text(&odd_time, "/items/0/created_at");
    let next = text(&first, "/next");
    let questions = [
        ("first page", String::new(), Many),
        ("next page", format!("&after={next}"), Many),
        ("status: most", "&status=delivered".to_owned(), Many),
        ("status: few", "&status=failed".to_owned(), Many),
        ("status: waiting", "&status=pending".to_owned(), Many),
        ("status: none", "&status=held".to_owned(), None),
        ("integration", format!("&integration={integration}"), Many),
        ("integration: none", "&integration=1".to_owned(), None),
        ("code: most", "&code=2xx".to_owned(), Many),
        ("code: few", "&code=204".to_owned(), Many),
        ("code: no answer", "&code=none".to_owned(), Many),
        ("code: one, old", format!("&code={ODD_CODE}"), One),
        ("code: none", "&code=302".to_owned(), None),
        ("record", format!("&record={record}"), Some),
        ("record: one, old", format!("&record={odd_record}"), One),
        ("record: none", "&record=feature/none".to_owned(), None),
        ("record type", "&record_type=Feature".to_owned(), Many),
        ("record type: one, old", format!("&record_type={ODD_TYPE}"), One),
        ("record type: none", "&record_type=unheard_of".to_owned(), None),
        ("user: many", "&user=ada".to_owned(), Many),
        ("user: one of 2,000", format!("&user={one_user}"), Some),
        ("user: one, old", format!("&user={odd_user}"), One),
        ("user: none", "&user=nobody".to_owned(), None),
        ("text: most", "&q=updated".to_owned(), Many),
        ("text: a word", "&q=Invoice".to_owned(), Many),
        ("text: a record", format!("&q=APP-{}", text(newest, "/record/id")), Some),
        ("text: digits", "&q=98765".to_owned(), Found::Any),
        ("text: one, old", format!("&q={ODD_WORD}"), One),
        ("text: none", "&q=qwertyuiop".to_owned(), None),
        ("text: none, of known words", "&q=reporting%20search".to_owned(), None),
        ("text: none, a number", "&q=app-987654".to_owned(), None),
        ("text: none, three letters", "&q=xqz".to_owned(), None),
        ("text: none, two letters", "&q=zq".to_owned(), None),
        ("text: none, one letter", "&q=~".to_owned(), None),
        ("until: the old end", format!("&until={odd_time}"), Some),
        ("since: the old end", format!("&since={odd_time}&status=failed"), Many),
        ("integration, failed", format!("&integration={integration}&status=failed"), Some),
        ("integration, 5xx", format!("&integration={integration}&code=5xx"), Some),
        ("integration, type", format!("&integration={integration}&record_type=goal"), Some),
        ("user, failed", format!("&user={one_user}&status=failed"), Found::Any),
        ("user, 5xx, type", format!("&user={one_user}&code=5xx&record_type=goal"), Found::Any),
        ("user, text: none", "&user=ada%20lovelace&q=zyzzyva".to_owned(), None),
        ("user, record type: none", format!("&user={odd_user}&record_type=feature"), None),
        ("delivered, 5xx: none", "&status=delivered&code=5xx".to_owned(), None),
        ("text, code: none", "&q=invoice&code=418".to_owned(), None),
        (
            "all at once",
            format!(
                "&integration={integration}&status=failed&code=5xx&record_type=idea&user=ada&q=report&until={odd_time}"
            ),
            Found::Any,
        ),
    ];
    let named = |(name, filter, found): (&str, String, Found)| (name.to_owned(), filter, found);
    Ok(questions.into_iter().map(named).collect())
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
