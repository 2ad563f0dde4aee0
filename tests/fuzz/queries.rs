//! Query strings of the log: filters, cursors, limits. What is accepted is what it says; what is not is
//! refused with a problem that names the parameter.

use lull::model::Id;
use lull::web::fuzzing::log_query;
use serde_json::Value;

pub fn check(data: &[u8]) {
    // What follows a # is no part of it.
    let Some(query) = std::str::from_utf8(data).ok().filter(|query| !query.contains('#')) else {
        return;
    };
    let Some(read) = log_query(query) else { return };
    match read {
        Ok(filter) => {
            assert!((1..=1_000).contains(&filter.limit));
            let value = |name: &str| {
                let mut pairs = url::form_urlencoded::parse(query.as_bytes());
                pairs.find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
            };
            assert_eq!(filter.before.map(|id: Id| id.to_string()), value("after").map(canonical));
            assert_eq!(filter.text, value("q").map(|text| text.to_lowercase()));
            assert_eq!(filter.since.is_some(), value("since").is_some());
            let code = value("code").unwrap_or("none".to_owned());
            let digit = |at: usize| code.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
            let is_class = code.len() == 3 && digit(0) && &code[1..] == "xx";
            let is_code = code.len() == 3 && digit(0) && digit(1) && digit(2);
            assert!(code == "none" || is_class || is_code, "{code:?} is taken for a code");
        }
        Err(problem) => {
            let problem: Value = serde_json::from_str(&problem).expect("JSON");
            assert_eq!(problem["status"], 400);
            let detail = problem["detail"].as_str().expect("a detail");
            assert!(!detail.chars().any(char::is_control), "{detail:?}");
        }
    }
}

/// An id without zeros before it.
fn canonical(text: String) -> String {
    text.parse::<u64>().expect("a number").to_string()
}
