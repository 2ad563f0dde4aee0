//! `POST /audits`: one, an array, the envelope, NDJSON. The same audit is the same in every shape, comes
//! back from the history as it went in, and stays within its bounds.

use lull::ingest::{self, Media};
use lull::model::{Account, AuditDraft, CHANGES_MAX, ExternalId, NAME_CHARS_MAX};

use crate::posted::{is_told, items, limits};

pub fn check(data: &[u8]) {
    for media in [Media::Json, Media::Ndjson] {
        match ingest::audits(data, media, &limits()) {
            Ok(audits) => {
                let text = std::str::from_utf8(data).expect("read");
                assert_eq!(audits.len(), items(text, media).len());
                audits.iter().for_each(is_kept);
                for (audit, item) in audits.iter().zip(items(text, media)) {
                    is_the_same_in_every_shape(audit, item);
                }
            }
            Err(refused) => is_told(data, media, &refused),
        }
    }
}

fn written(audit: &AuditDraft) -> String {
    serde_json::to_string(audit).expect("plain data")
}

/// It comes back as it went in, however often.
fn is_kept(audit: &AuditDraft) {
    let text = written(audit);
    let again = ingest::kept(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"));
    assert_eq!(written(&again), text);
    let record = ingest::kept_record(&text, Account::DEFAULT).expect("it is kept");
    assert_eq!(record, audit.record(Account::DEFAULT));
    let names = [&audit.auditable_type, &audit.auditable_id].into_iter();
    let names = names.chain(&audit.id).chain(&audit.associated_type).chain(&audit.associated_id);
    let names = names.chain(&audit.workspace_id).chain(audit.user.iter().map(|user| &user.id));
    let names = names.chain(audit.contributors.iter().map(|user| &user.id));
    let mut names = names.chain(audit.changes.iter().map(|change| &change.field_name));
    let fits = |name: &ExternalId| (1..=NAME_CHARS_MAX).contains(&name.as_str().chars().count());
    assert!(names.all(fits) && audit.changes.len() <= CHANGES_MAX, "{text}");
}

fn is_the_same_in_every_shape(audit: &AuditDraft, item: &str) {
    // Alone, with room for the envelope around it.
    let limits = lull::settings::Limits::default();
    let one = |body: &str, media| {
        let read = ingest::audits(body.as_bytes(), media, &limits);
        let read = read.unwrap_or_else(|refused| panic!("{refused}: {body}"));
        assert_eq!(read.len(), 1);
        assert_eq!(written(&read[0]), written(audit), "{body}");
    };
    one(item, Media::Json);
    one(&format!("[{item}]"), Media::Json);
    if !item.contains(['\n', '\r']) {
        one(&format!("\n{item}\r\n\n"), Media::Ndjson);
    }
    let bare = written(audit);
    one(&format!(r#"{{"event":"audit","audit":{bare}}}"#), Media::Json);
}
