//! Which full records an integration of kind `record` may see.

use super::same_type;
use crate::model::{FullRecord, IntegrationSpec, Kind};

/// Why an integration may not see this record; none when it may. Whether it is enabled is not asked
/// here (R10).
pub fn hides(spec: &IntegrationSpec, record: &FullRecord) -> Option<String> {
    if spec.kind != Kind::Record {
        return Some("is not of kind record; choose one that is".to_owned());
    }
    if spec.workspace_id.as_ref() != Some(&record.workspace_id) {
        let workspace = &record.workspace_id;
        return Some(format!("is not of the workspace {workspace}, as the record is"));
    }
    let record_type = record.key.record_type.as_str();
    let is_listed = spec.activities.is_empty()
        || spec.activities.iter().any(|row| {
            let mut listed = row.record_types.iter();
            row.record_types.is_empty()
                || listed.any(|listed| same_type(listed.as_str(), record_type))
        });
    (!is_listed).then(|| format!("takes no records of the type {record_type} (activities)"))
}
