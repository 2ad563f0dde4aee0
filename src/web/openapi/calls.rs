//! What holds for every call: who may make it, and what can go wrong with it, from the table of calls;
//! and the headers of every answer.

use serde_json::{Map, Value, json};

use crate::model::Role;
use crate::web::access::{API, OUTSIDE, Row, TABLE, Who};
use crate::web::auth::COOKIE;

const REQUEST_ID: &str = "#/components/headers/x-request-id";

/// Every operation of the document.
pub fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(_, path)| path.as_object_mut().into_iter().flatten().map(|(_, call)| call))
}

/// Completes every call, and puts it where it is mounted.
pub fn finish(document: &mut Value) {
    describe_once(&mut document["components"]);
    for row in TABLE {
        let operation = &mut document["paths"][row.path][row.method.to_ascii_lowercase()];
        if operation.is_object() {
            complete(operation, row);
        }
    }
    let paths = document["paths"].as_object_mut().map(std::mem::take).unwrap_or_default();
    let mounted = |path: String| match OUTSIDE.contains(&path.as_str()) {
        true => path,
        false => format!("{API}{path}"),
    };
    let paths: Map<String, Value> =
        paths.into_iter().map(|(path, calls)| (mounted(path), calls)).collect();
    document["paths"] = Value::Object(paths);
}

fn complete(operation: &mut Value, row: &Row) {
    let said = operation["description"].as_str().map(|said| format!("{said}\n\n"));
    operation["description"] = json!(said.unwrap_or_default() + &who(row.who));
    operation["security"] = match row.who {
        Who::Anyone => json!([]),
        Who::Token | Who::Roles(_) => json!([{"bearer": []}, {"session": []}]),
    };
    let problems = problems(operation, row);
    let responses = operation["responses"].as_object_mut().expect("invariant: it answers");
    for (status, general) in problems {
        match responses.get_mut(&status.to_string()) {
            None => {
                responses.insert(status.to_string(), general);
            }
            // What the handler itself says of it is more to the point.
            Some(own) if own.get("content").is_none() => complete_problem(own, status),
            Some(_) => {}
        }
    }
    for (status, response) in responses {
        if response.get("$ref").is_none() {
            if status.starts_with(['4', '5']) && response.get("content").is_none() {
                complete_problem(response, status.parse().unwrap_or_default());
            }
            response["headers"]["x-request-id"] = json!({"$ref": REQUEST_ID});
        }
    }
}

/// Who may, in words.
fn who(who: Who) -> String {
    match who {
        Who::Anyone => "Open to everybody, without a token.".to_owned(),
        Who::Token => "Every token may.".to_owned(),
        Who::Roles(roles) => format!("Roles that may: {}.", names(roles)),
    }
}

fn names(roles: &[Role]) -> String {
    let names: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    names.join(", ")
}

/// The problems that a call can have by what it is: by what it takes, by who may make it, by whether
/// it changes anything.
fn problems(operation: &Value, row: &Row) -> Vec<(u16, Value)> {
    let takes = |place: &str| {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        parameters.filter(|one| one["in"] == place).count() > 0
    };
    let has_body = operation.get("requestBody").is_some();
    let has_if_match = operation["parameters"]
        .as_array()
        .is_some_and(|all| all.iter().any(|one| one["name"] == "If-Match"));
    let changes = row.method != "GET";
    let listed =
        |status: u16| (status, json!({"$ref": format!("#/components/responses/{status}")}));
    let mut problems = Vec::new();
    let mut when = |holds: bool, problem: (u16, Value)| {
        if holds {
            problems.push(problem);
        }
    };
    let in_api = !OUTSIDE.contains(&row.path);
    let of_a_record = row.path.starts_with("/records/{type}/{id}");
    let asked = row.method == "GET" && !row.path.contains('{') && row.path != "/session";
    let probed = matches!(row.path, "/healthz" | "/readyz");
    when(
        has_body || takes("query") || takes("header") || of_a_record || (asked && !probed),
        listed(400),
    );
    if row.who != Who::Anyone {
        when(true, listed(401));
        if let Who::Roles(roles) = row.who {
            when(true, (403, forbidden(roles)));
        } else {
            when(
                changes,
                (403, problem("A page of another site made the call, with a cookie", 403)),
            );
        }
        when(true, listed(429));
    }
    when(row.who == Who::Anyone && changes, listed(429));
    when(row.path.contains('{'), listed(404));
    when(has_if_match, listed(412));
    when(has_body, listed(413));
    when(has_body, listed(415));
    when(has_body, listed(422));
    when(!probed, listed(500));
    when(in_api, listed(503));
    when(changes && in_api, listed(507));
    problems
}

fn forbidden(roles: &[Role]) -> Value {
    let mut said = format!("The token has none of the roles {}", names(roles));
    if roles.contains(&Role::Owner) {
        said += "; or it is an owner, and not of the workspace this is about";
    }
    said += "; or a page of another site made the call, with a cookie";
    problem(&said, 403)
}

fn problem(description: &str, status: u16) -> Value {
    let mut response = json!({"description": description});
    complete_problem(&mut response, status);
    response["headers"]["x-request-id"] = json!({"$ref": REQUEST_ID});
    response
}

/// The body that every problem has, and the headers that problems of this status have.
fn complete_problem(response: &mut Value, status: u16) {
    response["content"] = json!({
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    });
    let header = |description: &str, schema: Value| json!({"description": description, "schema": schema, "required": true});
    let headers = &mut response["headers"];
    match status {
        401 => headers["WWW-Authenticate"] = header("`Bearer`", json!({"type": "string"})),
        405 => {
            headers["Allow"] = header("The methods that are possible", json!({"type": "string"}))
        }
        429 | 503 | 507 => {
            let whole = json!({"type": "string", "pattern": "^[0-9]+$"});
            headers["Retry-After"] = header("Seconds to wait before trying again", whole);
        }
        _ => {}
    }
}

/// What is described once, and referred to.
fn describe_once(components: &mut Value) {
    components["headers"]["x-request-id"] = json!({
        "description": "The id of the call, which the server's log names, too: the one it came with in a \
                        header of this name, if that can stand in a log (up to 64 letters, digits and \
                        `-_.:`); else a new one",
        "required": true,
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,64}$"},
    });
    components["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "lull_…",
                   "description": "A token, as `POST /api/v1/tokens` makes them."},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE,
                    "description": "The cookie of a session, as `POST /api/v1/session` sets it. Calls \
                                    that change something must come from a page of this server."},
    });
    for (status, said) in GENERAL {
        components["responses"][status.to_string()] = problem(said, *status);
    }
}

/// The problems that need no words of their own at a call.
#[rustfmt::skip]
const GENERAL: &[(u16, &str)] = &[
    (400, "The query string, a header or the path cannot be read, or the body is not JSON; `detail` names what"),
    (401, "There is no token, or it is not known or has expired"),
    (404, "There is no such thing, or it is another account's"),
    (405, "The path has other methods, which `Allow` lists. Every path answers so"),
    (412, "It is not what `If-Match` names any more: read it again, and decide anew"),
    (413, "The body is too large; `detail` names the limit"),
    (415, "The body is of a media type that is not read here; `detail` names those that are"),
    (422, "The body is JSON, but not what is wanted; `errors` lists everything that is wrong with its place. Or the `Idempotency-Key` came with another call before"),
    (429, "The token makes too many calls (`rate_limit`), or too many wrong tokens came from this address"),
    (500, "The server could not do this; its log says why, beside the `request_id`"),
    (503, "The server is at a bound for now, or is stopping"),
    (507, "The server's disk is full; nothing was kept"),
];
