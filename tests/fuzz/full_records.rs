//! `PUT /records/{type}/{id}`: a record is any object that names its workspace; what is wrong with it is
//! said with its place, and what is sent of it holds all that it said.

use lull::format::record::{self, Sent};
use lull::ingest::full_record;
use lull::model::{Account, Action, ExternalId, Id, IntegrationField, RecordKey};
use serde_json::Value;

pub fn check(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    match full_record(&value) {
        Ok(said) => {
            assert_eq!(value["workspace_id"], said.workspace_id.as_str());
            assert_eq!(value["parent"].is_object(), said.parent.is_some());
            let text = std::str::from_utf8(data).expect("JSON");
            is_sent(text, &value);
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            for (place, wrong) in faults {
                let above = place.rsplit_once('/').map_or("", |(above, _)| above);
                assert!(value.pointer(above).is_some() && !wrong.is_empty(), "{place}: {wrong}");
            }
        }
    }
}

fn is_sent(text: &str, value: &Value) {
    let name = |text: &str| ExternalId::new(text).expect("a name");
    // A type as somebody may call it.
    let kind = value["workspace_id"].as_str().expect("a name");
    let key = RecordKey { account: Account::DEFAULT, record_type: name(kind), record_id: name("42") };
    for action in [Action::Create, Action::Update, Action::Destroy] {
        let event = record::event(action, kind);
        let fields = [IntegrationField { name: "id".into(), value: "\u{0}\"x".into() }];
        let parent = value["parent"].is_object().then_some(&fields[..]);
        let integration = Id::from_u64(7);
        let sent = Sent { action, key: &key, text, integration, fields: &fields, parent };
        let body: Value = serde_json::from_str(&record::body(&sent)).expect("JSON");
        assert_eq!(body["event"], event.as_str());
        let members = body.as_object().expect("an object");
        let of_record = members.iter().find(|(name, _)| *name != "event").expect("a record").1;
        // Every member but those that are Lull's to say.
        for (name, said) in value.as_object().expect("an object") {
            let own = name == "integration_fields" || (name == "parent" && said.is_object());
            assert!(own || of_record[name] == *said, "{name}: {body}");
        }
    }
}
