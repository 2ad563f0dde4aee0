//! Receivers of webhooks, whose moods change: some requests fail, in one way or another.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::world::Dice;
use crate::harness::raw;

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Arrival {
    pub path: String,
    pub id: String,
    /// The headers that were sent, by which a signature can be verified.
    pub head: String,
    pub body: String,
    /// Whether it was answered with 2xx.
    pub taken: bool,
}

impl Arrival {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

/// All hooks; what each is told of is told by its path.
pub struct Hooks {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    arrivals: Mutex<Vec<Arrival>>,
    calm: AtomicBool,
    dice: Mutex<Dice>,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Takes,
    /// Takes it, but not at once.
    Dawdles,
    Says(&'static str),
    /// Closes the connection without an answer.
    Closes,
    /// Says nothing for longer than anybody waits.
    Hangs,
}

const ERROR: &str = "500 Internal Server Error\r\n";
const BUSY: &str = "429 Too Many Requests\r\nretry-after: 1\r\n";
const AWAY: &str = "503 Service Unavailable\r\n";

impl Hooks {
    pub fn start(dice: Dice) -> Self {
        let (calm, dice) = (AtomicBool::new(false), Mutex::new(dice));
        let shared = Arc::new(Shared { arrivals: Mutex::default(), calm, dice });
        let here = shared.clone();
        let port = raw::listen(move |stream| here.serve(stream));
        Self { port, shared }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Whether everything is taken at once from here on.
    pub fn calm(&self, calm: bool) {
        self.shared.calm.store(calm, Ordering::Relaxed);
    }

    /// What came in so far.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.arrivals.lock().unwrap().clone()
    }

    /// The same, which is forgotten here.
    pub fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut self.shared.arrivals.lock().unwrap())
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        while let Ok(request) = raw::read_request(&mut stream) {
            let (head, body) = request.split_once("\r\n\r\n").expect("a request");
            let path = head.split(' ').nth(1).expect("a path").to_owned();
            let mood = self.mood(&path);
            let taken = matches!(mood, Mood::Takes | Mood::Dawdles);
            let (head, body) = (head.to_owned(), body.to_owned());
            let mut arrival = Arrival { path, id: String::new(), head, body, taken };
            arrival.id = arrival.header("webhook-id").to_owned();
            self.arrivals.lock().unwrap().push(arrival);
            if answer(&mut stream, mood).is_none() {
                return;
            }
        }
    }

    fn mood(&self, path: &str) -> Mood {
        if self.calm.load(Ordering::Relaxed) {
            return Mood::Takes;
        }
        let mut dice = self.dice.lock().unwrap();
        let fails_often = path == super::setup::TWO;
        match dice.roll(if fails_often { 40 } else { 150 }) {
            0..=2 => Mood::Says(ERROR),
            3 => Mood::Says(AWAY),
            4..=5 => Mood::Says(BUSY),
            6..=7 => Mood::Closes,
            8 => Mood::Hangs,
            9..=12 => Mood::Dawdles,
            _ => Mood::Takes,
        }
    }
}

/// None when the connection is done with.
fn answer(stream: &mut TcpStream, mood: Mood) -> Option<()> {
    let says = match mood {
        Mood::Takes => "200 OK\r\n",
        Mood::Dawdles => {
            std::thread::sleep(Duration::from_millis(100));
            "200 OK\r\n"
        }
        Mood::Says(status) => status,
        Mood::Closes => return None,
        Mood::Hangs => {
            std::thread::sleep(Duration::from_millis(1_500));
            return None;
        }
    };
    let answer = format!("HTTP/1.1 {says}content-length: 2\r\n\r\nok");
    stream.write_all(answer.as_bytes()).ok()
}
