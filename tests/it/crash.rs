//! SIGKILL at random moments loses and doubles nothing (D1, D2, D4).
//!
//! Rounds: `LULL_CRASH_ROUNDS` (20). The seed of the random moments is printed, and can be given as
//! `LULL_CRASH_SEED`; threads and disks still decide the rest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Client, Options, Receiver, Server, executable, run};

/// Connections that post at the same time.
const CONNECTIONS: u64 = 4;
/// Records that are edited.
const RECORDS: u64 = 150;
/// The hooks, each of which is to hear of every audit once.
const HOOKS: [&str; 2] = ["/one", "/two"];
/// The hook that is to hear of every security event that was posted.
const SIEM: &str = "/siem";
/// After how many rounds the store is checked while nothing has it open.
const CHECKED_EVERY: u64 = 5;

/// A small generator of numbers that look random (xorshift).
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
#[allow(clippy::disallowed_methods)] // a seed that differs from run to run
fn sigkill_at_random_moments_loses_and_doubles_nothing() {
    let since_epoch = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_nanos() as u64;
    let (rounds, seed) =
        (number("LULL_CRASH_ROUNDS", 20), number("LULL_CRASH_SEED", since_epoch | 1));
    println!("{rounds} rounds, seed {seed}");
    let mut dice = Dice(seed);
    let receiver = Receiver::start();
    // Max wait closes windows of records that are edited all the time.
    let mut options = Options::quiet("200ms").with(&["--max-wait", "500ms"]);
    let acknowledged = Mutex::new(BTreeSet::new());
    let mut history = History::default();
    for round in 0..rounds {
        let server = Server::start(options);
        if round == 0 {
            for hook in HOOKS {
                server.api.integration(&receiver.url(hook), json!({"name": hook}));
            }
            let siem = json!({"name": "siem", "kind": "security", "hook_url": receiver.url(SIEM),
                              "actions": ["posted"]});
            server.api.post("/integrations", &siem, 201);
        }
        history.read_on(&server.api);
        history.has_all(&audits_of(&acknowledged.lock().unwrap()));
        let live = Duration::from_millis(100 + dice.roll(900));
        options = std::thread::scope(|scope| {
            for connection in 0..CONNECTIONS {
                let (api, dice) = (server.api.clone(), Dice(dice.roll(u64::MAX) | 1));
                let acknowledged = &acknowledged;
                scope
                    .spawn(move || post_until_refused(&api, round, connection, dice, acknowledged));
            }
            std::thread::sleep(live);
            server.kill()
        });
        if round % CHECKED_EVERY == 0 {
            check_store(&options);
        }
    }
    let server = Server::start(options);
    history.read_on(&server.api);
    server.settled();
    let acknowledged = acknowledged.into_inner().unwrap();
    history.has_all(&audits_of(&acknowledged));
    let log = delivered(&server.api);
    let events = check_events(&receiver, &acknowledged);
    let (messages, requests) = check_deliveries(&receiver, &history.ids, &log);
    check_store(&server.stop());
    println!(
        "{rounds} rounds: {} audits and events acknowledged, {} audits in the history, {events} events, \
         {messages} messages, {requests} requests",
        acknowledged.len(),
        history.ids.len()
    );
    assert!(acknowledged.len() as u64 > rounds * 10, "hardly anything was posted");
}

/// What the ids of security events begin with.
const EVENT: &str = "event-";

fn audits_of(acknowledged: &BTreeSet<String>) -> BTreeSet<String> {
    acknowledged.iter().filter(|id| !id.starts_with(EVENT)).cloned().collect()
}

/// Nothing that is stored contradicts anything else.
fn check_store(options: &Options) {
    let checked = run(executable().arg("check").arg("--data").arg(options.data()));
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}{}", String::from_utf8_lossy(&checked.stderr));
}

/// Every security event that was acknowledged has come, and none in two messages. How many came.
fn check_events(receiver: &Receiver, acknowledged: &BTreeSet<String>) -> usize {
    let mut message_of: HashMap<String, String> = HashMap::new();
    for got in receiver.received().iter().filter(|got| got.path == SIEM) {
        let id = got.json()["security"]["id"].as_str().expect("an id").to_owned();
        let message = &got.headers["webhook-id"];
        let first = message_of.entry(id.clone()).or_insert(message.clone());
        assert_eq!(first, message, "{id} is in two messages");
    }
    let mut posted = acknowledged.iter().filter(|id| id.starts_with(EVENT));
    assert!(posted.all(|id| message_of.contains_key(id)), "an acknowledged event never came");
    message_of.len()
}

/// Posts audits, alone and in batches, and security events, until the server is gone.
fn post_until_refused(
    api: &Client,
    round: u64,
    connection: u64,
    mut dice: Dice,
    acknowledged: &Mutex<BTreeSet<String>>,
) {
    for call in 0..100_000 {
        if dice.roll(8) == 0 {
            let id = format!("{EVENT}{round}-{connection}-{call}");
            let event =
                json!({"id": id, "action": "posted", "severity": dice.roll(11)}).to_string();
            let headers = [("content-type", "application/json")];
            match api.call("POST", "/security-events", &headers, event.as_bytes()) {
                Some(answer) => assert_eq!(answer.status, 202, "{}", answer.text),
                None => return,
            }
            acknowledged.lock().unwrap().insert(id);
        }
        let size = if dice.roll(4) == 0 { 1 + dice.roll(40) } else { 1 };
        let ids: Vec<String> =
            (0..size).map(|item| format!("{round}-{connection}-{call}-{item}")).collect();
        let audits: Vec<Value> = ids.iter().map(|id| audit(id, &mut dice)).collect();
        let body = serde_json::to_vec(&audits).expect("JSON");
        let answer = api.call("POST", "/audits", &[("content-type", "application/json")], &body);
        match answer {
            Some(answer) => {
                assert_eq!(answer.status, 202, "{}", answer.text);
                acknowledged.lock().unwrap().extend(ids);
            }
            None => return,
        }
    }
}

/// An edit of a record by chance; now and then one that is longer than a page of the store.
fn audit(id: &str, dice: &mut Dice) -> Value {
    let length = if dice.roll(50) == 0 { 20_000 } else { 100 };
    json!({"id": id, "audit_action": "update", "auditable_type": "feature",
           "auditable_id": dice.roll(RECORDS).to_string(), "user": {"id": dice.roll(5)},
           "changes": [{"field_name": "Note", "value": format!("{id}{}", ".".repeat(length))}]})
}

/// All that the server's history holds, read on from where it was read to before.
#[derive(Default)]
struct History {
    ids: BTreeSet<String>,
    last: Option<String>,
}

impl History {
    fn read_on(&mut self, api: &Client) {
        let after = self.last.as_ref().map_or(String::new(), |id| format!("?after_id={id}"));
        let mut path = format!("/audits{after}");
        // The cursor takes the place of where it begins.
        for _ in 0..10_000 {
            let glue = if path.contains('?') { '&' } else { '?' };
            let page = api.get(&format!("{path}{glue}limit=1000"), 200);
            for item in page["items"].as_array().expect("items") {
                let id = item["id"].as_str().expect("an id").to_owned();
                assert!(self.ids.insert(id.clone()), "{id} is in the history twice");
                self.last = Some(id);
            }
            match page["next"].as_str() {
                Some(next) => path = format!("/audits?after_id={next}"),
                None => return,
            }
        }
        panic!("the history has no end");
    }

    fn has_all(&self, acknowledged: &BTreeSet<String>) {
        let lost: Vec<&String> = acknowledged.difference(&self.ids).collect();
        assert!(
            lost.is_empty(),
            "{} of {} acknowledged audits are lost: {lost:?}",
            lost.len(),
            acknowledged.len()
        );
    }
}

/// The ids of all messages that were delivered. What is not must be in a newer message (R17).
fn delivered(api: &Client) -> BTreeSet<String> {
    let messages = api.all("/messages", "after");
    let ids: BTreeSet<&str> =
        messages.iter().map(|message| message["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), messages.len(), "a message is listed twice");
    let superseded = messages.iter().filter(|message| message["status"] == "superseded");
    let superseded: BTreeSet<&str> =
        superseded.map(|message| message["id"].as_str().expect("an id")).collect();
    for message in &messages {
        let is_one = message["status"] == "delivered" || message["status"] == "superseded";
        assert!(is_one, "{message}");
    }
    ids.difference(&superseded).map(|id| id.to_string()).collect()
}

/// Every audit of the history must be in exactly one message to each hook, and each message must have
/// come at least once, always the same. How many messages and requests that were.
fn check_deliveries(
    receiver: &Receiver,
    history: &BTreeSet<String>,
    log: &BTreeSet<String>,
) -> (usize, usize) {
    let received = receiver.received();
    let mut bodies: BTreeMap<String, (String, String)> = BTreeMap::new();
    for got in &received {
        let as_sent = (got.path.clone(), got.body.clone());
        let first = bodies.entry(got.headers["webhook-id"].clone()).or_insert(as_sent.clone());
        assert_eq!(*first, as_sent, "one webhook-id, two messages");
    }
    let arrived: BTreeSet<String> = bodies.keys().cloned().collect();
    assert_eq!(arrived, *log, "what the log calls delivered is what arrived");
    for hook in HOOKS {
        let mut message_of: HashMap<String, &String> = HashMap::new();
        for (message, (_, body)) in bodies.iter().filter(|(_, (path, _))| path == hook) {
            let audit: Value = serde_json::from_str(body).expect("JSON");
            let ids = audit["audit"]["collated"]["audit_ids"].as_array().expect("ids");
            assert_eq!(audit["audit"]["collated"]["count"], ids.len());
            for id in ids {
                let id = id.as_str().expect("an id").to_owned();
                if let Some(other) = message_of.insert(id.clone(), message) {
                    panic!("{id} is in the messages {other} and {message} to {hook}");
                }
            }
        }
        let told: BTreeSet<String> = message_of.into_keys().collect();
        assert_eq!(told, *history, "{hook} was told of every audit and of nothing else");
    }
    (bodies.len(), received.len())
}
