//! Security events as SIEMs take them, read back by packages that we did not write: `tests/verify/siem`
//! says for each format by which, and what is compared.

use std::path::{Path, PathBuf};
use std::process::Command;

use lull::clock::Timestamp;
use lull::collate::{Collated, FieldChange, Origin};
use lull::format::siem::known::KNOWN;
use lull::format::siem::{body, of_audit, verdict};
use lull::model::{Action, ChainHash, ExternalId, Format, SecurityEvent, Success, Target, User};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

#[path = "../../src/format/siem/samples.rs"]
mod samples;

use samples::{FORMATS, NASTY, event};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An event, and the same as Lull's own shape says it: what is read back is compared with that.
type Case = (String, Vec<(SecurityEvent, Option<ChainHash>)>);

/// Everything known, everything missing, and everything nasty.
fn cases() -> Vec<Case> {
    let hash = Some(samples::hash());
    let mut cases = vec![
        ("full".to_owned(), vec![(samples::full(), hash)]),
        ("nothing".to_owned(), vec![(samples::nothing(), None)]),
        ("nasty".to_owned(), vec![(samples::nasty(), hash)]),
    ];
    let more =
        ["billing.plan.changed", "login.by_passkey", "permission.granted", "user.renamed", "x"];
    for action in KNOWN.iter().map(|known| known.action).chain(more) {
        for target in ["user", "token", "group", ""] {
            let mut said = json!({"action": action, "severity": action.len() % 11,
                "ip": "2001:db8::7", "failed": target == "token",
                "user": {"id": "101", "name": "Ada", "email": "ada@example"},
                "details": {"roles": ["admin", 7, null], "why": target}});
            match target {
                "" => said["user"] = Value::Null,
                other => said["target"] = json!({"type": other, "id": "7", "name": null}),
            }
            cases.push((format!("{action} of {target}"), vec![(event(said), None)]));
        }
    }
    // An address may be anything, and so may an e-mail address.
    for ip in ["::ffff:192.0.2.1", "192.0.2.1:443", "fe80::1%eth0", " ", "localhost"] {
        let user = json!({"id": "101", "email": ip});
        cases.push((format!("from {ip}"), vec![(event(json!({"ip": ip, "user": user})), None)]));
    }
    for severity in 0..=10 {
        let said = json!({"severity": severity, "action": "mfa.failed",
            "at": 1_772_442_845_000u64 + severity});
        cases.push((format!("severity {severity}"), vec![(event(said), hash)]));
    }
    let long = json!({"description": "é|".repeat(9_000), "user_agent": "=\\".repeat(9_000),
        "details": {"text": "\"]".repeat(9_000)}});
    cases.push(("long".to_owned(), vec![(event(long), None)]));
    for action in [Action::Create, Action::Update, Action::Destroy] {
        cases.push((format!("audit {action:?}"), vec![(of_audit(&audit(action)), None)]));
    }
    cases
}

fn audit(action: Action) -> Collated {
    let id = |text: &str| ExternalId::new(text).unwrap();
    let (at, user) = (Timestamp::from_unix_ms(1_772_442_845_120), samples::full().user);
    let change = FieldChange {
        field_name: id(NASTY),
        value: to_raw_value(&json!({"a": NASTY})).unwrap(),
        old_value: Some(to_raw_value(&json!(12.5)).unwrap()),
    };
    Collated {
        id: id("9"),
        action,
        created_at: at,
        interesting: true,
        contributors: user.iter().cloned().collect(),
        user,
        auditable_type: id("feature"),
        auditable_id: id("42"),
        associated_type: Some(id("release")),
        associated_id: Some(id("3")),
        workspace_id: Some(id("ws1")),
        description: Some("updated feature APP-42 Export &amp; import".into()),
        auditable_url: Some("https://app.example.com/features/APP-42?a=1&b=2".into()),
        changes: vec![change],
        origin: Origin { count: 1, audit_ids: vec![id("9")], first_at: at, last_at: at },
    }
}

/// All cases in a format; for one that takes several events in a body, all of them in one as well.
fn written(format: Format) -> Vec<Value> {
    let mut cases = cases();
    if format.takes_batches() {
        let all = cases.iter().flat_map(|(_, events)| events.clone()).collect();
        cases.push(("all at once".to_owned(), all));
    }
    cases.iter().map(|case| written_case(format, case)).collect()
}

fn written_case(format: Format, (name, events): &Case) -> Value {
    let linked: Vec<_> = events.iter().map(|(event, hash)| (event, *hash)).collect();
    let own = |linked| -> Value { serde_json::from_str(&body(Format::Audit, &[linked])).unwrap() };
    let said: Vec<_> = linked.iter().map(|linked| own(*linked)["security"].take()).collect();
    json!({"name": name, "body": body(format, &linked), "events": said})
}

/// Has a script in `tests/verify/siem` read the cases back.
fn read_back(program: PathBuf, script: &str, needs: &str, cases: &[Value]) {
    let needs = root().join(needs);
    assert!(needs.exists(), "{} is missing. Run tests/run once: it installs it", needs.display());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("cases.json");
    std::fs::write(&file, Value::from(cases).to_string()).expect("a file");
    let output = Command::new(&program)
        .arg(root().join("tests/verify/siem").join(script))
        .arg(&file)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("{}: {error}. Run tests/run once: it installs it", program.display())
    });
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}

fn by_python(script: &str, cases: &[Value]) {
    read_back(root().join("target/siem/bin/python"), script, "target/siem/installed", cases);
}

fn by_javascript(script: &str, package: &str, cases: &[Value]) {
    let needs = format!("tests/verify/siem/node_modules/{package}");
    read_back("node".into(), script, &needs, cases);
}

#[test]
fn ocsf_is_what_the_published_schema_says() {
    by_python("ocsf.py", &written(Format::Ocsf));
}

#[test]
fn ecs_has_only_fields_that_elastic_defines() {
    by_javascript("ecs.mjs", "@elastic/ecs", &written(Format::Ecs));
}

#[test]
fn elasticsearchs_client_would_send_the_same_bulk_and_reads_its_answer_as_lull_does() {
    let mut cases = written(Format::EcsBulk);
    let statuses = [201, 400, 429, 409, 503, 201, 404];
    let error = json!({"type": "some_exception", "reason": "because"});
    let items = statuses.map(|status| match status {
        201 => json!({"create": {"_index": "logs", "status": status}}),
        _ => json!({"create": {"_index": "logs", "status": status, "error": error}}),
    });
    let events = statuses.map(|at| (event(json!({"id": at.to_string()})), None)).to_vec();
    let mut case = written_case(Format::EcsBulk, &("some are not taken".into(), events));
    let answer = json!({"took": 1, "errors": true, "items": items});
    let said = verdict(Format::EcsBulk, 200, &answer.to_string(), 7).unwrap();
    case["verdict"] = json!({"again": said.again, "refused": said.refused});
    case["answer"] = answer;
    cases.push(case);
    by_python("bulk.py", &cases);
}

#[test]
fn cef_is_read_back_to_what_was_said() {
    by_python("cef.py", &written(Format::Cef));
}

#[test]
fn splunks_client_would_post_the_same() {
    by_javascript("splunk.mjs", "splunk-logging", &written(Format::SplunkHec));
}

#[test]
fn datadogs_client_has_the_same_model_of_its_logs() {
    by_python("datadog.py", &written(Format::Datadog));
}

#[test]
fn syslog_is_read_back_to_what_was_said_in_python() {
    by_python("syslog.py", &written(Format::Syslog));
}

#[test]
fn syslog_is_read_back_to_what_was_said_in_rust() {
    let one_line = |text: &str| -> String {
        let ends = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        text.chars().map(|c| if ends(c) { ' ' } else { c }).collect()
    };
    for case in written(Format::Syslog) {
        let lines = case["body"].as_str().unwrap().split('\n');
        for (line, said) in lines.zip(case["events"].as_array().unwrap()) {
            let read =
                syslog_rfc5424::parse_message(line).unwrap_or_else(|e| panic!("{line}: {e}"));
            assert_eq!(read.facility as i32, 13, "{line}");
            assert_eq!(read.appname.as_deref(), Some("lull"), "{line}");
            for (name, path) in [
                ("id", "/id"),
                ("action", "/action"),
                ("ip", "/ip"),
                ("user_id", "/user/id"),
                ("user_name", "/user/name"),
                ("user_email", "/user/email"),
                ("target_type", "/target/type"),
                ("target_id", "/target/id"),
                ("target_name", "/target/name"),
                ("hash", "/hash"),
            ] {
                let said = said.pointer(path).and_then(Value::as_str).map(one_line);
                assert_eq!(read.sd.find_tuple("lull@32473", name), said.as_ref(), "{name}: {line}");
            }
            let details = read.sd.find_tuple("lull@32473", "details").map_or("{}", String::as_str);
            if !details.ends_with("characters in all)") {
                let details: Value = serde_json::from_str(details).unwrap();
                let said: Value =
                    serde_json::from_str(&one_line(&said["details"].to_string())).unwrap();
                assert_eq!(details, said, "{line}");
            }
        }
    }
}

#[test]
fn every_format_has_been_read_back_by_somebody_else() {
    let scripts =
        ["bulk.py", "cef.py", "datadog.py", "ecs.mjs", "ocsf.py", "splunk.mjs", "syslog.py"];
    assert!(scripts.iter().all(|script| root().join("tests/verify/siem").join(script).exists()));
    // And the one that has no others to read it: what all of them are compared with.
    assert_eq!(scripts.len() + 1, FORMATS.len());
}
