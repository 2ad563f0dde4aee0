//! What Lull itself takes down as security events: changes of what is configured, hooks that fail,
//! windows that are dropped. Each in the commit that it is about.

use serde::Serialize;

use super::Draft;
use crate::model::{
    By, ClosedBy, DisabledBecause, ExternalId, Extra, Id, Integration, IntegrationSpec, Notice,
    RecordKey, SecurityDraft, Success, Target, Token, User,
};
use crate::store::{Changed, Config, Configure, StoreError};

/// What a change was about before it was made.
pub(super) struct Before {
    action: &'static str,
    integration: Option<IntegrationSpec>,
}

impl Before {
    /// To be asked before the change.
    pub(super) fn of(change: &Configure, config: &Config) -> Self {
        let mut integration = None;
        let action = match change {
            Configure::CreateIntegration(..) => "integration.created",
            Configure::UpdateIntegration(id, ..) => {
                integration = config.integrations.get(id).map(|found| found.spec.clone());
                "integration.changed"
            }
            Configure::DeleteIntegration(..) => "integration.deleted",
            Configure::RotateSecret(..) => "secret.rotated",
            Configure::CreateToken(_) => "token.created",
            Configure::RevokeToken(_) => "token.revoked",
            Configure::StartSession(_) => "login",
            Configure::EndSession(_) => "logout",
            Configure::CreateAccount(..) => "account.created",
            Configure::DeleteAccount(_) => "account.deleted",
            Configure::CreateWorkspace(..) => "workspace.created",
            Configure::RenameWorkspace(..) => "workspace.changed",
            Configure::DeleteWorkspace(..) => "workspace.deleted",
        };
        Self { action, integration }
    }
}

impl Draft<'_> {
    /// Takes down a change that was made.
    pub(super) fn note_change(
        &mut self,
        before: Before,
        changed: &Changed,
        by: &By,
    ) -> Result<(), StoreError> {
        let (account, target) = match changed {
            Changed::Integration(integration) => (integration.account, of_integration(integration)),
            Changed::Token(token) => (token.account, of_token(token)),
            Changed::Session(session) => match self.config.token(session.token) {
                Some(token) => (token.account, of_token(token)),
                None => return Ok(()),
            },
            Changed::Account(info) => {
                (info.account, target("account", info.id.as_str(), Some(&info.name)))
            }
            Changed::Workspace(workspace) => {
                let name = Some(&workspace.name);
                (workspace.account, target("workspace", workspace.id.as_str(), name))
            }
        };
        let mut event = event(before.action, by);
        event.target = target;
        if let (Changed::Integration(after), Some(before)) = (changed, before.integration) {
            match (before.enabled, after.spec.enabled) {
                (false, true) => event.action = name("integration.enabled"),
                (true, false) => event.action = name("integration.disabled"),
                _ => {}
            }
            detail(&mut event.details, "changed", &changed_keys(&before, &after.spec));
        }
        if let Changed::Token(token) = changed {
            detail(&mut event.details, "roles", &token.roles);
        }
        self.note(account, event).map(drop)
    }

    /// Takes down what people should know of an integration.
    pub(super) fn note_notice(&mut self, id: Id, notice: Notice) -> Result<(), StoreError> {
        let Some(integration) = self.config.integrations.get(&id).cloned() else { return Ok(()) };
        let (action, why) = match notice {
            Notice::Failing => ("integration.failing", "a message has run out of attempts"),
            Notice::DisabledSoon => (
                "integration.failing",
                "nothing but failures for four days; in a day it will be disabled",
            ),
            Notice::Disabled(DisabledBecause::Gone) => {
                ("integration.disabled", "its hook answered 410, gone")
            }
            Notice::Disabled(DisabledBecause::Failing) => {
                ("integration.disabled", "nothing but failures for five days")
            }
        };
        let mut event = event(action, &By::default());
        event.target = of_integration(&integration);
        event.outcome = Success::Failure;
        detail(&mut event.details, "reason", &why);
        self.note(integration.account, event).map(drop)
    }

    /// Takes down that somebody dropped a window.
    pub(super) fn note_discarded(
        &mut self,
        record: &RecordKey,
        closed_by: &ClosedBy,
        audits: usize,
    ) -> Result<(), StoreError> {
        let ClosedBy::Discarded { by, reason } = closed_by else { return Ok(()) };
        let mut event = event("window.discarded", &By::default());
        event.user = ExternalId::new(by.as_str()).ok().map(|id| user(id, by.clone()));
        event.target = Some(Target {
            target_type: record.record_type.clone(),
            id: record.record_id.clone(),
            name: None,
        });
        detail(&mut event.details, "reason", reason);
        detail(&mut event.details, "audits", &audits);
        self.note(record.account, event).map(drop)
    }
}

fn event(action: &str, by: &By) -> SecurityDraft {
    SecurityDraft {
        id: None,
        action: name(action),
        created_at: None,
        user: by.token.as_ref().map(|(id, name)| user(ExternalId::from(*id), name.to_string())),
        ip: by.ip.clone(),
        user_agent: by.user_agent.clone(),
        target: None,
        outcome: Success::Success,
        severity: None,
        description: None,
        details: Extra::new(),
    }
}

fn user(id: ExternalId, name: String) -> User {
    let (email, created_at, updated_at) = (None, None, None);
    User { id, name: Some(name), email, created_at, updated_at, extra: Extra::new() }
}

fn of_integration(integration: &Integration) -> Option<Target> {
    let name = Some(&integration.spec.name);
    target("integration", &integration.id.to_string(), name)
}

fn of_token(token: &Token) -> Option<Target> {
    target("token", &token.id.to_string(), Some(&token.name))
}

fn target(target_type: &str, id: &str, called: Option<&ExternalId>) -> Option<Target> {
    let called = called.map(ExternalId::to_string);
    Some(Target { target_type: name(target_type), id: name(id), name: called })
}

fn name(text: &str) -> ExternalId {
    ExternalId::new(text).expect("invariant: short, and not empty")
}

fn detail(details: &mut Extra, key: &str, value: &impl Serialize) {
    let value = serde_json::value::to_raw_value(value).expect("invariant: plain data");
    details.insert(key.to_owned(), value);
}

/// The names of the settings that differ; what they are now may be secret.
fn changed_keys(before: &IntegrationSpec, after: &IntegrationSpec) -> Vec<String> {
    let json = |spec| serde_json::to_value(spec).expect("invariant: plain data");
    let (before, after) = (json(before), json(after));
    let members = after.as_object().into_iter().flatten();
    let differing = members.filter(|(key, value)| before.get(key.as_str()) != Some(value));
    differing.map(|(key, _)| key.clone()).collect()
}
