//! Query strings and paths. Whatever is wrong is named, and so is whatever is not known.

use std::str::FromStr;

use actix_web::HttpRequest;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::Problem;
use crate::model::{Account, ExternalId, Id, RecordKey};

/// How many items a page has when nothing is said, and how many it may have.
pub const LIMIT_DEFAULT: usize = 50;
pub const LIMIT_MAX: usize = 1_000;

/// The parameters of a query string.
pub struct Params<'r> {
    /// Name, and value as it stands in the query string.
    pairs: Vec<(String, &'r str)>,
}

impl<'r> Params<'r> {
    /// The query's parameters; each must be one of `known`, and stand once.
    pub fn of(request: &'r HttpRequest, known: &[&str]) -> Result<Self, Problem> {
        let mut pairs: Vec<(String, &str)> = Vec::new();
        for pair in request.query_string().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name);
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                return Err(Problem::bad_request(format!(
                    "{name:?} is not a parameter of this call; these are: {known}"
                )));
            }
            if pairs.iter().any(|(other, _)| *other == name) {
                return Err(Problem::bad_request(format!("{name} is given twice")));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The value as text, decoded.
    pub fn text(&self, name: &str) -> Option<String> {
        self.raw(name).map(decoded)
    }

    /// The value as `T`, which says itself what is wrong with it.
    pub fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        let parse = |text: String| {
            text.parse().map_err(|error| Problem::bad_request(format!("{name}: {error}")))
        };
        self.text(name).map(parse).transpose()
    }

    /// The value of `name` as an id or name that somebody else made.
    pub fn external_id(&self, name: &str) -> Result<Option<ExternalId>, Problem> {
        let parse = |text: String| {
            ExternalId::new(text).map_err(|error| Problem::bad_request(format!("{name}: {error}")))
        };
        self.text(name).map(parse).transpose()
    }

    /// How many items the page is to have.
    pub fn limit(&self) -> Result<usize, Problem> {
        self.limit_up_to(LIMIT_MAX)
    }

    /// How many items the page is to have, where that is at most `max`.
    pub fn limit_up_to(&self, max: usize) -> Result<usize, Problem> {
        match self.text("limit") {
            None => Ok(LIMIT_DEFAULT.min(max)),
            Some(text) => match text.parse() {
                Ok(limit) if (1..=max).contains(&limit) => Ok(limit),
                _ => Err(Problem::bad_request(format!(
                    "limit: {text:?} is not a number from 1 to {max}"
                ))),
            },
        }
    }

    /// A whole number up to `max`.
    pub fn up_to(&self, name: &str, max: u8) -> Result<Option<u8>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if number <= max => Ok(Some(number)),
            _ => Err(Problem::bad_request(format!(
                "{name}: {text:?} is not a whole number from 0 to {max}"
            ))),
        }
    }

    /// The record of `record=type/id`, whose halves are percent-encoded.
    pub fn record(&self, account: Account) -> Result<Option<RecordKey>, Problem> {
        self.record_in("record", account)
    }

    /// The same of another parameter.
    pub fn record_in(&self, name: &str, account: Account) -> Result<Option<RecordKey>, Problem> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        // Some clients encode the slash in the middle as well, and so the halves twice.
        let once = if raw.contains('/') { raw.to_owned() } else { decoded(raw) };
        match once.split('/').collect::<Vec<_>>()[..] {
            [record_type, record_id] => {
                record(account, &decoded(record_type), &decoded(record_id)).map(Some)
            }
            _ => Err(Problem::bad_request(format!(
                "{name}: {:?} is not type/id; write a slash inside a half as %2F",
                decoded(raw)
            ))),
        }
    }

    fn raw(&self, name: &str) -> Option<&'r str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| *value)
    }
}

/// The record of a path with `{type}` and `{id}`, which stand percent-encoded in it.
pub fn record_of_path(request: &HttpRequest, account: Account) -> Result<RecordKey, Problem> {
    record(account, &part_of_path(request, "type"), &part_of_path(request, "id"))
}

/// A part of a path, decoded.
pub fn part_of_path(request: &HttpRequest, name: &str) -> String {
    let raw = request.match_info().get(name).unwrap_or_default();
    percent_decode_str(raw).decode_utf8_lossy().into_owned()
}

/// The id in a path; what is not one is not there.
pub fn id_of_path(request: &HttpRequest) -> Option<Id> {
    request.match_info().get("id")?.parse().ok()
}

fn record(account: Account, record_type: &str, record_id: &str) -> Result<RecordKey, Problem> {
    let name = |half: &str, text: &str| {
        ExternalId::new(text)
            .map_err(|error| Problem::bad_request(format!("the record's {half} {error}")))
    };
    let (record_type, record_id) = (name("type", record_type)?, name("id", record_id)?);
    Ok(RecordKey { account, record_type, record_id })
}

fn decoded(raw: &str) -> String {
    // As a form would write it: `+` is a space. What was decoded once may have an `&` of its own.
    let pair = format!("v={}", raw.replace('&', "%26"));
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn record_of(query: &str) -> Result<String, String> {
        let request = TestRequest::with_uri(&format!("/x?{query}")).to_http_request();
        let params = Params::of(&request, &["record"]).map_err(|problem| problem.to_string())?;
        match params.record(Account::DEFAULT) {
            Ok(Some(record)) => Ok(format!("{}|{}", record.record_type, record.record_id)),
            Ok(None) => Ok("none".to_owned()),
            Err(problem) => Err(problem.to_string()),
        }
    }

    #[test]
    fn a_record_is_read_however_its_slashes_are_encoded() {
        for (query, expected) in [
            ("", "none"),
            ("record=feature/42", "feature|42"),
            ("record=feature%2F42", "feature|42"),
            ("record=ideas%2Fidea/42", "ideas/idea|42"),
            ("record=ideas%252Fidea%2F42", "ideas/idea|42"),
            ("record=a%20b/c%2Fd", "a b|c/d"),
            ("record=%26T%2F%26", "&T|&"),
        ] {
            assert_eq!(record_of(query).as_deref(), Ok(expected), "{query}");
        }
        for query in
            ["record=feature", "record=ideas/idea/42", "record=/42", "record=a/", "record="]
        {
            assert!(record_of(query).unwrap_err().contains("record"), "{query}");
        }
    }

    #[test]
    fn what_is_not_a_parameter_is_refused_with_those_that_are() {
        let refused = record_of("recrod=feature/42").unwrap_err();
        assert!(refused.contains("\"recrod\"") && refused.contains("these are: record"));
        assert!(record_of("record=a/1&record=b/2").unwrap_err().contains("twice"));
    }
}
