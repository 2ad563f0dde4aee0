//! What each integration sees of a window, where a record has several (R4).

use std::sync::Arc;

use super::registry::WindowKey;
use crate::model::{Audit, Id, Integration};
use crate::store::Config;

/// What each integration sees of a window.
pub struct View<'a>(Vec<(Arc<Integration>, Vec<&'a Audit>)>);

impl<'a> View<'a> {
    /// The integrations of the account, each with the audits of the window that it sees in it.
    pub fn of_each(&self) -> impl Iterator<Item = (&Integration, &[&'a Audit])> {
        self.0.iter().map(|(integration, audits)| (integration.as_ref(), audits.as_slice()))
    }

    /// The audits that an integration sees in this window.
    pub fn of(&self, integration: Id) -> &[&'a Audit] {
        let found = self.0.iter().find(|(of, _)| of.id == integration);
        found.map_or(&[], |(_, audits)| audits.as_slice())
    }
}

/// What each integration of the account sees of these audits in the window `of`.
pub fn view<'a>(config: &Config, of: &WindowKey, audits: &'a [Audit]) -> View<'a> {
    let seen = |integration: &Arc<Integration>| {
        let in_this = |audit: &&Audit| integration.slot_of(audit) == of.slot;
        (integration.clone(), audits.iter().filter(in_this).collect())
    };
    View(config.activities_of(of.record.account).map(seen).collect())
}
