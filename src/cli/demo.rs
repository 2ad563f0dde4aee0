//! `lull demo`: a server on a fresh folder, a receiver, and three people editing one record, to watch.

mod story;

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::time::Duration;

use awc::http::Method;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::receiver::{self, Received};
use super::remote::Remote;
use super::serve::{StopSignal, bind};
use super::{CliError, shorten, summary};
use crate::app::{self, Running};
use crate::clock::{Clock, Monotonic, SystemClock};
use crate::model::Secret;
use crate::settings::{Given, Settings};

/// The demo's quiet period, in seconds.
const QUIET_S: u64 = 10;
/// The pause between two edits.
const PAUSE: Duration = Duration::from_millis(900);
/// How long after the quiet period the audit may take before the demo gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the demo; with `once`, to its end, else until it is told to stop.
pub async fn run(once: bool) -> Result<(), CliError> {
    let folder = tempfile::tempdir()?;
    let settings = Settings::resolve(Given {
        listen: Some("127.0.0.1:0".to_owned()),
        data: Some(folder.path().join("lull-data").display().to_string()),
        quiet_period: Some(format!("{QUIET_S}s")),
        // Its receiver is on this machine.
        allow_nets: Some("127.0.0.0/8".to_owned()),
        ..Given::default()
    })?;
    let mut stop = StopSignal::new()?;
    let running = app::start(&settings, bind(settings.listen)?).await?;
    let (hook, received) = receiver::start(bind(settings.listen)?, 200)?;
    println!("Three people edit one record; the hook is to hear of it once, when they are done.\n");
    println!("  server  http://{}  (fresh folder, quiet period {QUIET_S} s)", running.address);
    println!("  hook    http://{hook}/hook  (built-in receiver)\n");
    let told = tokio::select! {
        told = tell(&running, hook, received) => told,
        why = stop.wait() => Err(CliError::Demo(format!("stopped by {why}"))),
    };
    if told.is_ok() && !once {
        println!("{}", look_around(&running));
        stop.wait().await;
    }
    running.stop().await;
    told
}

/// The story from the first edit to the delivery in the log.
async fn tell(
    running: &Running,
    hook: SocketAddr,
    mut received: mpsc::Receiver<Received>,
) -> Result<(), CliError> {
    let client = Remote::to(running.url(), running.admin_token()?);
    let spec =
        json!({"name": "Demo hook", "kind": "activity", "hook_url": format!("http://{hook}/hook")});
    let integration = client.call(Method::POST, "/integrations", Some(&spec)).await?;
    let secret: Secret = integration["secret"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| CliError::Demo("the integration came without a secret".to_owned()))?;

    let clock = SystemClock;
    let start = clock.monotonic();
    let edits = story::edits();
    for edit in &edits {
        client.call(Method::POST, "/audits", Some(edit)).await?;
        println!("{}  {}", since(start, &clock), story::in_words(edit));
        tokio::time::sleep(PAUSE).await;
    }
    let last_edit = clock.monotonic().saturating_sub(PAUSE);
    println!("\n        {} edits by 3 people are waiting in one open window.", edits.len());

    let arrived = wait_for(&mut received, last_edit, &clock).await?;
    println!("{}  POST {}\n", since(start, &clock), arrived.path);
    let genuine = arrived.verify(&secret, clock.now());
    print_arrival(&arrived, &genuine)?;
    genuine.map_err(CliError::Demo)?;
    let message = settled(&client, &arrived.id).await?;
    println!(
        "  The log says: {}, {} attempt, code {}.\n",
        message["status"].as_str().unwrap_or_default(),
        message["attempts"],
        message["last_code"],
    );
    Ok(())
}

/// Counts down to the end of the quiet period, until the audit arrives.
async fn wait_for(
    received: &mut mpsc::Receiver<Received>,
    last_edit: Monotonic,
    clock: &SystemClock,
) -> Result<Received, CliError> {
    let closes_at = last_edit + Duration::from_secs(QUIET_S);
    let in_place = std::io::stdout().is_terminal();
    loop {
        let left = closes_at.saturating_sub(clock.monotonic());
        let late = clock.monotonic().saturating_sub(closes_at);
        if late > PATIENCE {
            return Err(CliError::Demo(format!("nothing arrived within {PATIENCE:?}")));
        }
        let seconds = left.as_secs_f64().ceil() as u64;
        match (in_place, seconds) {
            (true, _) => print!("\r        closes in {seconds:2} s "),
            // Where lines cannot be rewritten, fewer of them.
            (false, 10 | 5 | 3 | 2 | 1) => println!("        closes in {seconds:2} s"),
            (false, _) => {}
        }
        std::io::stdout().flush()?;
        let next_second = left.saturating_sub(Duration::from_secs(seconds.saturating_sub(1)));
        let pause = next_second.max(Duration::from_millis(50));
        if let Ok(arrived) = tokio::time::timeout(pause, received.recv()).await {
            if in_place {
                print!("\r                      \r");
            }
            return arrived.ok_or_else(|| CliError::Demo("the receiver has gone".to_owned()));
        }
    }
}

fn print_arrival(arrived: &Received, genuine: &Result<(), String>) -> Result<(), CliError> {
    let body: Value = serde_json::from_slice(&arrived.body)
        .map_err(|error| CliError::Demo(format!("the body is not JSON: {error}")))?;
    let verdict = match genuine {
        Ok(()) => "genuine: signed with the integration's secret, and fresh".to_owned(),
        Err(why) => format!("NOT genuine: {why}"),
    };
    println!("  webhook-id         {}", arrived.id);
    println!("  webhook-timestamp  {}", arrived.timestamp);
    println!("  webhook-signature  {}", shorten(&arrived.signature, 24));
    println!("                     {verdict}\n");
    for line in summary::of(&body["audit"]) {
        println!("  {line}");
    }
    println!("\n  The body, as sent ({} bytes):", arrived.body.len());
    println!("  {}\n", String::from_utf8_lossy(&arrived.body));
    Ok(())
}

/// The message, once its attempt is in the log.
async fn settled(client: &Remote, message: &str) -> Result<Value, CliError> {
    for _ in 0..100 {
        let found = client.call(Method::GET, &format!("/messages/{message}"), None).await?;
        if found["status"] == "delivered" {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(CliError::Demo("the delivery does not show in the log".to_owned()))
}

fn since(start: Monotonic, clock: &SystemClock) -> String {
    format!("{:4.1} s", clock.monotonic().saturating_sub(start).as_secs_f64())
}

fn look_around(running: &Running) -> String {
    format!(
        "Still running; Ctrl-C ends it and removes its folder. To look around, open\n  \
         {link}\nor\n  \
         curl -H \"Authorization: Bearer $(cat {token})\" {url}/api/v1/messages",
        link = running.login_link().unwrap_or_default(),
        token = running.token_file.display(),
        url = running.url(),
    )
}
