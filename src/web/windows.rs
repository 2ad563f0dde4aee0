//! How open windows are shown: what happened so far, and what would be sent now.

use serde::Serialize;
use utoipa::ToSchema;

use super::RecordName;
use super::auth::Caller;
use super::messages::IntegrationName;
use crate::clock::Timestamp;
use crate::model::{Audit, DurationText, ExternalId, Id};
use crate::record::{self, Foreseen, WindowView};
use crate::settings::write_duration;
use crate::store::{Config, Store, StoreError};

/// The most audits of a window that are looked at to tell who did what so far: the newest.
const SUMMED_UP_MAX: usize = 1_000;
/// How many audits the previews of one page weigh, roughly, and bodies as [`BODY_BYTES_AN_AUDIT`]
/// says; the page may then be short, and its cursor leads on.
const WEIGHED_MAX: usize = 200_000;
/// How many bytes of bodies weigh as much as an audit: a page is to have some 50 MB of them at most.
const BODY_BYTES_AN_AUDIT: usize = 256;

/// A record that is being edited.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenWindow)]
pub struct OpenRecord {
    record: RecordName,
    /// How many audits its window holds.
    count: usize,
    /// Who took part so far.
    contributors: Vec<Contributor>,
    /// What was changed so far.
    fields: Vec<ExternalId>,
    /// The newest.
    description: Option<String>,
    /// Where the record can be seen.
    auditable_url: Option<String>,
    /// How long it must be left alone.
    #[schema(value_type = DurationText)]
    quiet_period: String,
    opened_at: Timestamp,
    last_edit_at: Timestamp,
    /// When it closes, if nobody edits the record until then.
    closes_at: Timestamp,
    /// When it closes at the latest; null without max wait.
    cap: Option<Timestamp>,
    /// What would be sent if the window closed now.
    preview: Vec<PreviewView>,
    /// Whether only the newest audits were looked at for that.
    preview_cut: bool,
}

/// Somebody who took part.
#[derive(Serialize, ToSchema)]
struct Contributor {
    id: ExternalId,
    name: Option<String>,
}

/// A message that would be made.
#[derive(Serialize, ToSchema)]
#[schema(as = Preview)]
struct PreviewView {
    integration: IntegrationName,
    /// How many audits would be collated into it.
    audits: u32,
    /// The first few.
    fields: Vec<String>,
    /// The first few.
    contributors: Vec<String>,
    /// The message that could not be delivered yet and would be taken in.
    absorbs: Option<Id>,
    /// Exactly as it would be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

/// What the caller sees of these windows, as many as are not too much for one page, and the one to go on after when some
/// are left out.
pub fn show(
    store: &Store,
    caller: &Caller,
    windows: &[(Id, WindowView)],
    bodies: bool,
) -> Result<(Vec<OpenRecord>, Option<Id>), StoreError> {
    let config = store.config();
    let (mut items, mut weighed, mut last) = (Vec::new(), 0, None);
    for (opened, window) in windows {
        // Windows of one record that opened together stay together.
        if weighed >= WEIGHED_MAX && last != Some(*opened) {
            return Ok((items, last));
        }
        let mut audits = record::audits_to_preview(store, window)?;
        let mut preview = record::preview(store, &config, window, &audits)?;
        let sees = |audit: &Audit| caller.sees(audit.said.workspace_id.as_ref());
        if caller.workspaces().is_some() {
            audits.retain(sees);
            preview.messages.retain(|of| {
                let integration = config.integrations.get(&of.draft.integration);
                integration.is_some_and(|found| caller.sees(found.spec.workspace_id.as_ref()))
            });
            if audits.is_empty() {
                continue;
            }
        }
        weighed += preview.weighed;
        if bodies {
            let bytes = preview.messages.iter().map(|of| of.draft.body.len()).sum::<usize>();
            weighed += bytes / BODY_BYTES_AN_AUDIT;
        }
        last = Some(*opened);
        let view = |foreseen| PreviewView::of(foreseen, &config, bodies);
        items.push(OpenRecord {
            preview: preview.messages.into_iter().map(view).collect(),
            preview_cut: preview.cut,
            count: if caller.workspaces().is_some() { audits.len() } else { window.places.len() },
            ..OpenRecord::so_far(window, &audits[audits.len().saturating_sub(SUMMED_UP_MAX)..])
        });
    }
    Ok((items, None))
}

impl OpenRecord {
    /// What its newest audits say.
    fn so_far(window: &WindowView, audits: &[Audit]) -> Self {
        let mut contributors: Vec<Contributor> = Vec::new();
        let mut fields: Vec<ExternalId> = Vec::new();
        for audit in audits {
            for user in audit.users() {
                if !contributors.iter().any(|known| known.id == user.id) {
                    contributors.push(Contributor { id: user.id.clone(), name: user.name.clone() });
                }
            }
            for change in &audit.said.changes {
                if !fields.contains(&change.field_name) {
                    fields.push(change.field_name.clone());
                }
            }
        }
        let newest = |of: fn(&crate::model::AuditDraft) -> &Option<String>| {
            audits.iter().rev().find_map(|audit| of(&audit.said).clone())
        };
        let time_of = |place: Option<&Id>| place.copied().unwrap_or_default().time();
        OpenRecord {
            record: RecordName::of(&window.record),
            count: window.places.len(),
            contributors,
            fields,
            description: newest(|said| &said.description),
            auditable_url: newest(|said| &said.auditable_url),
            quiet_period: write_duration(window.quiet_period),
            opened_at: time_of(window.places.first()),
            last_edit_at: time_of(window.places.last()),
            closes_at: window.closes_at,
            cap: window.cap_at,
            preview: Vec::new(),
            preview_cut: false,
        }
    }
}

impl PreviewView {
    fn of(foreseen: Foreseen, config: &Config, body: bool) -> Self {
        let Foreseen { draft, absorbs } = foreseen;
        PreviewView {
            integration: IntegrationName::of(draft.integration, config),
            audits: draft.audits,
            fields: draft.fields,
            contributors: draft.contributors,
            absorbs,
            body: body.then_some(draft.body),
        }
    }
}
