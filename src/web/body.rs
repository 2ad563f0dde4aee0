//! Configuration in JSON bodies: read strictly, and every fault with its place.

use actix_web::HttpRequest;
use actix_web::web::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problem;
use super::error::Fault;

/// The most bytes of a configuration.
const CONFIGURATION_BYTES_MAX: usize = 1 << 20;

/// The body's media type, in lower case and without parameters; none when it does not say.
pub fn media_type(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(actix_web::http::header::CONTENT_TYPE)?;
    let text = header.to_str().unwrap_or("?");
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether `media_type` is JSON: `application/json`, or anything that ends in `+json`.
pub fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

/// The body as JSON.
pub fn json(request: &HttpRequest, body: &Bytes) -> Result<Value, Problem> {
    json_up_to(CONFIGURATION_BYTES_MAX, request, body)
}

/// The same for a body of up to so many bytes.
pub fn json_up_to(max: usize, request: &HttpRequest, body: &Bytes) -> Result<Value, Problem> {
    if let Some(found) = media_type(request).filter(|found| !is_json(found)) {
        return Err(Problem::unsupported_media(format!(
            "the body is {found:?}; send \"content-type: application/json\""
        )));
    }
    if body.len() > max {
        let bytes = body.len();
        return Err(Problem::too_large(format!(
            "the body has {bytes} bytes; this call takes at most {max}"
        )));
    }
    serde_json::from_slice(body)
        .map_err(|error| Problem::not_json(format!("the body is not valid JSON: {error}")))
}

/// The body as a `T`; its default when there is no body at all, or null.
pub fn optional<T: DeserializeOwned + Default>(
    request: &HttpRequest,
    body: &Bytes,
) -> Result<T, Problem> {
    if body.is_empty() {
        return Ok(T::default());
    }
    match json(request, body)? {
        Value::Null => Ok(T::default()),
        value => read(value),
    }
}

/// `value` as a `T`, or the first fault and where it is.
pub fn read<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    typed(value).map_err(|fault| faulty(vec![fault]))
}

/// The same, with the fault as its pointer and its message.
pub fn typed<T: DeserializeOwned>(value: Value) -> Result<T, (String, String)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (at, said) = (pointer(error.path()), error.into_inner().to_string());
        (at, with_suggestion(without_controls(&said)))
    })
}

/// What serde says may repeat what was sent, which people may read in a terminal.
fn without_controls(said: &str) -> String {
    let shown = |letter: char| match letter.is_control() {
        true => letter.escape_debug().to_string(),
        false => letter.to_string(),
    };
    said.chars().map(shown).collect()
}

/// What serde says of a field that is not known, with the nearest one that is.
fn with_suggestion(said: String) -> String {
    let Some(rest) = said.strip_prefix("unknown field `") else { return said };
    let Some((unknown, known)) = rest.split_once('`') else { return said };
    let nearest = known
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| (strsim::damerau_levenshtein(name, unknown), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().div_ceil(2));
    match nearest {
        Some((_, name)) => format!("is not a field; did you mean {name:?}?"),
        None => format!("is not a field{}", known.replacen(", expected", "; use", 1)),
    }
}

/// The problem that these faults (pointer, message) make.
pub fn faulty(faults: Vec<(String, String)>) -> Problem {
    let first = faults.first().map(|(pointer, message)| format!("{pointer}: {message}"));
    let errors = faults
        .into_iter()
        .map(|(pointer, message)| Fault { index: None, pointer, message })
        .collect();
    Problem::invalid(first.unwrap_or_default(), errors)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let steps = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => "/?".to_owned(),
    });
    steps.collect()
}
