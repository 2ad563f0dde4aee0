use http::HeaderMap;
use standardwebhooks::{Webhook, WebhookError};

/// Whether it is genuine, and not older than five minutes.
pub fn verify(secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), WebhookError> {
    Webhook::new(secret)?.verify(body, headers)
}
