//! Changes of what is configured, which tests expect to succeed.

use std::sync::Arc;

use crate::model::{Account, By, Integration, IntegrationSpec, Secret};
use crate::store::{Changed, Configure, Journal, Refusal};

/// What a change to an integration made of it.
pub fn integration_of(changed: Result<Changed, Refusal>) -> Arc<Integration> {
    match changed {
        Ok(Changed::Integration(integration)) => integration,
        other => panic!("not an integration: {other:?}"),
    }
}

/// Makes an integration in the first account.
pub async fn created(journal: &Journal, spec: IntegrationSpec, secret: Secret) -> Arc<Integration> {
    let change = Configure::CreateIntegration(Account::DEFAULT, Box::new(spec), secret);
    integration_of(journal.configure(change, By::default()).await.expect("committed"))
}
