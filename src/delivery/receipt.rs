//! What receivers of many events say of each, and whether they have them for good.

use std::rc::Rc;
use std::time::Duration;

use actix_web::web::Bytes;

use super::{Posted, Request, Transport};
use crate::format::siem::{self, Verdict};
use crate::model::{AttemptOutcome, Format, Integration};

/// The header that names the channel in which Splunk acknowledges.
const CHANNEL: &str = "x-splunk-request-channel";
/// How long to wait before each question whether what was taken is kept: half a minute in all.
const ASKED_AFTER_MS: [u64; 6] = [500, 1_000, 2_000, 4_000, 8_000, 15_000];

/// What the answer says of single events; none when it says nothing of them.
pub fn read(integration: &Integration, posted: &Posted, count: u32) -> Option<Verdict> {
    let AttemptOutcome::Answered { code, body, .. } = &posted.outcome else { return None };
    siem::verdict(integration.spec.format, *code, body, count)
}

/// Waits until Splunk has what it took for good, where it promised to say so; else in words why not.
pub async fn wait_for(
    integration: &Integration,
    posted: &Posted,
    sent: &Request,
    transport: &dyn Transport,
) -> Result<(), String> {
    let AttemptOutcome::Answered { body, .. } = &posted.outcome else { return Ok(()) };
    let has_channel = sent.headers.iter().any(|(name, _)| name == CHANNEL);
    if integration.spec.format != Format::SplunkHec || !has_channel || !posted.outcome.is_success()
    {
        return Ok(());
    }
    let (Some(id), Some(url)) = (siem::ack_id(body), siem::ack_url(&integration.spec.hook_url))
    else {
        return Ok(());
    };
    let mut waited_ms = 0;
    for wait_ms in ASKED_AFTER_MS {
        actix_web::rt::time::sleep(Duration::from_millis(wait_ms)).await;
        waited_ms += wait_ms;
        let asked = transport.post(Rc::new(question(sent, &url, id))).await;
        if let AttemptOutcome::Answered { body, .. } = &asked.outcome
            && siem::is_acknowledged(body, id)
        {
            return Ok(());
        }
    }
    Err(format!(
        "the events were taken, but not acknowledged (ackId {id}) within {} s; they are sent again",
        waited_ms / 1_000
    ))
}

/// Asks whether the events are kept: with the same credentials, in the same channel.
fn question(sent: &Request, url: &str, id: u64) -> Request {
    let is_kept = |name: &str| !name.starts_with("webhook-") && name != "content-encoding";
    let headers = sent.headers.iter().filter(|(name, _)| is_kept(name)).cloned();
    Request {
        url: url.to_owned(),
        headers: headers.collect(),
        body: Bytes::from(siem::ack_request(id)),
        timeout: sent.timeout,
        answer_bytes_max: 16 << 10,
    }
}
