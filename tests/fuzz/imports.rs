//! `lull import-config`: a file of what is configured. What can be read is written again as a file that
//! says the same; what cannot is named by its line.

use lull::cli::{document_of, text_of};
use lull::web::fuzzing::spec_of;
use serde_json::{Value, json};

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let document = match document_of(&text) {
        Ok(document) => Value::Object(document),
        Err((line, wrong)) => {
            assert!(line <= text.matches('\n').count() + 1, "{line}: {wrong}");
            return assert!(!wrong.is_empty() && !wrong.contains('\n'), "{wrong:?}");
        }
    };
    let integrations = document["integrations"].as_array().cloned().unwrap_or_default();
    for integration in integrations {
        let Ok(spec) = spec_of(integration) else { continue };
        let file = text_of(&json!({"integrations": [spec]})).expect("a file");
        let again = document_of(&file).expect("what was written");
        assert_eq!(spec_of(again["integrations"][0].clone()), Ok(spec), "{file}");
    }
}
