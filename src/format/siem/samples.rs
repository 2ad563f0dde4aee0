//! Events for tests: with everything, with nothing, with text that means something to a parser.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{ChainHash, ExternalId, Format, SecurityEvent, Success, Target, Timestamp, User};

/// The formats that events are written in, and their names.
pub const FORMATS: [(Format, &str); 8] = [
    (Format::Audit, "audit"),
    (Format::Ocsf, "ocsf"),
    (Format::Ecs, "ecs"),
    (Format::EcsBulk, "ecs_bulk"),
    (Format::Cef, "cef"),
    (Format::SplunkHec, "splunk_hec"),
    (Format::Datadog, "datadog"),
    (Format::Syslog, "syslog"),
];

/// What means something to one parser or another.
pub const NASTY: &str = "pipe | equals = back\\slash \\n \"quotes\" ] [x@1 a=\"b\"] line\nfeed\r\n\
    return \t tab \u{0}\u{1b}[31m\u{7f}\u{85}\u{2028}\u{2029} 😀👩‍🚀 é שלום \u{202E}gnp.exe\u{202C} \
    msg=x cs1Label=y CEF:0|x| {\"create\":{}} <34>1 - <b>&amp;</b> ${jndi:x} end\\";

/// An event as it is written in JSON; what is left out has the least there is.
pub fn event(said: Value) -> SecurityEvent {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let id = |value: &Value, otherwise: &str| {
        ExternalId::new(value.as_str().unwrap_or(otherwise)).expect("a short text")
    };
    let user = |user: &Value| User {
        id: id(&user["id"], "?"),
        name: text(&user["name"]),
        email: text(&user["email"]),
        created_at: None,
        updated_at: None,
        extra: BTreeMap::new(),
    };
    let target = |target: &Value| Target {
        target_type: id(&target["type"], "?"),
        id: id(&target["id"], "?"),
        name: text(&target["name"]),
    };
    let details = said["details"].as_object().into_iter().flatten();
    let raw = |value| serde_json::value::to_raw_value(value).expect("JSON");
    SecurityEvent {
        id: id(&said["id"], "7627861917179969537"),
        action: id(&said["action"], "login"),
        created_at: Timestamp::from_unix_ms(said["at"].as_i64().unwrap_or(1_772_442_845_120)),
        user: Some(&said["user"]).filter(|said| said.is_object()).map(user),
        ip: text(&said["ip"]),
        user_agent: text(&said["user_agent"]),
        target: Some(&said["target"]).filter(|said| said.is_object()).map(target),
        outcome: if said["failed"] == true { Success::Failure } else { Success::Success },
        severity: said["severity"].as_u64().unwrap_or(1).try_into().expect("at most 10"),
        description: text(&said["description"]),
        details: details.map(|(key, value)| (key.clone(), raw(value))).collect(),
    }
}

/// With everything.
pub fn full() -> SecurityEvent {
    event(json!({"action": "role.granted", "severity": 7, "ip": "203.0.113.7",
        "user": {"id": "101", "name": "Ada", "email": "ada@example.com"},
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "target": {"type": "user", "id": "102", "name": "Grace"},
        "description": "Ada made Grace an administrator",
        "details": {"role": "admin", "workspace": {"id": "ws1", "n": 12.50}, "list": [1, null]}}))
}

/// With nothing that may be left out.
pub fn nothing() -> SecurityEvent {
    event(json!({"action": "login.failed", "severity": 0, "failed": true}))
}

/// With text that means something to a parser, wherever there is text.
pub fn nasty() -> SecurityEvent {
    let mut event = event(json!({"id": NASTY, "action": NASTY, "severity": 10, "failed": true,
        "ip": "2001:db8::7", "user_agent": NASTY, "description": NASTY,
        "user": {"id": NASTY, "name": NASTY, "email": NASTY},
        "target": {"type": NASTY, "id": NASTY, "name": NASTY},
        "details": {NASTY: NASTY, "": {NASTY: [NASTY]}}}));
    // As somebody may write it who likes to read what he sends.
    let spread = "{\n  \"a\" : [ 12345678901234567890.50,\r\n\t\"b\\\" c\" ]\n}".to_owned();
    let spread = serde_json::value::RawValue::from_string(spread).expect("JSON");
    event.details.insert("spread".into(), spread);
    event
}

/// A link of the chain.
pub fn hash() -> ChainHash {
    ChainHash([0xab; 32])
}
