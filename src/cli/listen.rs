//! `lull listen`: a local receiver that prints each webhook, and whether its signature verifies.

use std::io::Write;
use std::net::SocketAddr;

use clap::Args;
use serde_json::Value;

use super::receiver::{self, Received};
use super::serve::{StopSignal, bind};
use super::{CliError, summary};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::model::Secret;

/// The most lines and characters a line of a body that are printed.
const LINES_MAX: usize = 40;
const LINE_CHARS_MAX: usize = 160;

#[derive(Args, Debug)]
pub(super) struct ListenArgs {
    /// The integration's secret, to check signatures with: whsec_…
    #[arg(long, env = "LULL_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// Address and port to listen on
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// The status code of every answer
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
}

/// Prints webhooks until it is told to stop.
pub(super) async fn run(args: ListenArgs) -> Result<(), CliError> {
    let secret = args.secret.as_deref().map(str::parse::<Secret>).transpose();
    let secret = secret.map_err(|error| CliError::Argument(format!("--secret: {error}")))?;
    let mut stop = StopSignal::new()?;
    let (address, mut received) = receiver::start(bind(args.listen)?, args.status)?;
    say(&greeting(address))?;
    loop {
        tokio::select! {
            Some(arrived) = received.recv() => {
                say(&report(&arrived, secret.as_ref(), SystemClock.now()))?;
            }
            _ = stop.wait() => return Ok(()),
        }
    }
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

fn greeting(address: SocketAddr) -> String {
    format!(
        "Listening on http://{address}/  (Ctrl-C ends it)

Make an integration to it, where the server runs (with --allow-nets 127.0.0.0/8); the answer holds\nits secret for --secret:
  curl -H \"Authorization: Bearer $(cat lull-data/admin-token)\" -H 'content-type: application/json' \\
    http://127.0.0.1:8080/api/v1/integrations \\
    -d '{{\"name\":\"Listener\",\"kind\":\"activity\",\"hook_url\":\"http://{address}/\"}}'
"
    )
}

/// A webhook as lines for a terminal.
fn report(arrived: &Received, secret: Option<&Secret>, now: Timestamp) -> String {
    let verdict = match secret.map(|secret| arrived.verify(secret, now)) {
        Some(Ok(())) => "genuine: signed with the secret, and fresh".to_owned(),
        Some(Err(why)) => format!("NOT genuine: {why}"),
        None => "not checked (no --secret)".to_owned(),
    };
    let mut lines = vec![
        format!("{now}  {} {}", arrived.method, arrived.path),
        format!("  webhook-id  {}", arrived.id),
        format!("  signature   {verdict}"),
        String::new(),
    ];
    lines.extend(body_lines(&arrived.body).into_iter().map(|line| format!("  {line}")));
    lines.push(String::new());
    lines.iter().map(|line| visible(line)).collect::<Vec<_>>().join("\n")
}

fn body_lines(body: &[u8]) -> Vec<String> {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(value) if value["audit"].is_object() => return summary::of(&value["audit"]),
        Ok(value) => format!("{value:#}"),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    };
    let mut lines: Vec<String> =
        text.lines().take(LINES_MAX).map(|line| super::shorten(line, LINE_CHARS_MAX)).collect();
    match text.lines().count() - lines.len() {
        0 => {}
        more => lines.push(format!("… and {more} more lines")),
    }
    lines
}

/// Controls as their escapes, so that what comes in cannot drive the terminal.
fn visible(line: &str) -> String {
    let hidden =
        |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    line.chars()
        .map(|c| if hidden(c) { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_made_visible_and_long_bodies_are_cut() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202E}é"), "a\\u{1b}[2Jb\\u{202e}é");
        let lines = body_lines(&[b'\n'; 1_000]);
        assert_eq!((lines.len(), lines[40].as_str()), (41, "… and 960 more lines"));
        assert_eq!(body_lines(br#"{"text":"hi"}"#), ["{", "  \"text\": \"hi\"", "}"]);
    }
}
