//! One life of the server, from a start to a stop or a crash, with someone who watches: every request and
//! every commit is taken down, and the power goes at the commit that was chosen.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use tokio::sync::Notify;

use super::dice::Dice;
use super::disk::Image;
use super::hooks::{self, Mood};
use super::read;
use super::seen::{Answer, At, Commit, Seen};
use crate::app::switchboard::Switchboard;
use crate::clock::Clock;
use crate::delivery::{MakeTransport, Posted, Request, Transport};
use crate::model::{AttemptOutcome, Id, Integration};
use crate::store::{Event, Listener, Store, StoreError};
use crate::testing::parts::Parts;
use crate::testing::world::TestClock;

/// What everyone in a life has in common.
pub struct Watch {
    pub seed: u64,
    pub clock: Arc<TestClock>,
    pub folder: PathBuf,
    pub dead: Notify,
    state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    pub seen: Vec<Seen>,
    pub moods: BTreeMap<u64, Mood>,
    /// Requests that a hook has had for a message, in all lives.
    pub asked: BTreeMap<u64, u64>,
    /// Messages that were answered, and whose attempt is not written down yet: when that began.
    answered: BTreeMap<u64, i64>,
    last_mark: Id,
    last_event: u64,
    windows: u64,
    pub crash: Option<Crash>,
    /// The power goes while the server starts: during the commit after so many others.
    pub crash_at_start: Option<u64>,
    pub is_dead: bool,
    /// Whether the commit that was under way then is kept.
    pub keeps: bool,
}

impl State {
    /// What hooks know goes on from life to life.
    pub fn reborn(self) -> State {
        State { moods: self.moods, asked: self.asked, ..State::default() }
    }
}

/// A power cut that is to come.
pub struct Crash {
    /// During the commit after so many others.
    pub after: u64,
    /// The disk as it was when it was last synced, and what it should hold: all that was done before.
    pub synced: (Image, u64),
    /// The disk as that commit left it, and what that holds.
    pub written: (Image, u64),
    /// How often it was synced by then.
    syncs: u64,
}

impl Watch {
    pub fn new(seed: u64, clock: Arc<TestClock>, folder: PathBuf, state: State) -> Arc<Watch> {
        Arc::new(Watch { seed, clock, folder, dead: Notify::new(), state: Mutex::new(state) })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn at(&self) -> At {
        let mono = self.clock.monotonic().as_millis() as u64;
        At { wall: self.clock.now().unix_ms(), mono }
    }

    fn see(&self, seen: Seen) {
        let mut state = self.state();
        if !state.is_dead {
            state.seen.push(seen);
        }
    }

    /// Starts everyone.
    pub async fn start(self: &Arc<Self>) -> Result<Parts, StoreError> {
        let watch = self.clone();
        let make_transport: Box<MakeTransport> = Box::new(move |integration: &Integration| {
            let hook = integration.id.as_u64();
            let transport: Rc<dyn Transport> = Rc::new(Hook { watch: watch.clone(), hook });
            transport
        });
        let watch = self.clone();
        let listen = move |store: &Arc<Store>, switchboard: Switchboard| {
            let mut state = watch.state();
            state.windows = store.totals().windows;
            let marks = read::marks(store, Id::default()).expect("readable");
            state.last_mark = marks.last().map_or(Id::default(), |(id, _)| *id);
            let events = read::events(store, 0).expect("readable");
            state.last_event = events.last().map_or(0, |(place, _)| *place);
            let crash_at_start = state.crash_at_start.take();
            drop(state);
            if crash_at_start.is_some() {
                watch.arm(store, crash_at_start);
            }
            let (store, watch) = (store.clone(), watch.clone());
            let listener: Box<dyn Listener> = Box::new(Observer { store, switchboard, watch });
            listener
        };
        Parts::assemble(&self.folder, self.clock.clone(), make_transport, listen).await
    }

    /// Chooses when the power goes: during the commit after so many others, or at once.
    pub fn arm(&self, store: &Store, after: Option<u64>) {
        let now = (Image::of(&self.folder), store.fingerprint());
        let mut state = self.state();
        state.is_dead |= after.is_none();
        let after = after.unwrap_or(0);
        let syncs = store.syncs();
        state.crash = Some(Crash { after, synced: now.clone(), written: now, syncs });
    }
}

/// A hook that answers by its mood.
struct Hook {
    watch: Arc<Watch>,
    hook: u64,
}

impl Transport for Hook {
    fn post(&self, request: Rc<Request>) -> LocalBoxFuture<'static, Posted> {
        let (watch, hook) = (self.watch.clone(), self.hook);
        let header = request.headers.iter().find(|(name, _)| name == "webhook-id");
        let message = header.and_then(|(_, id)| id.parse().ok()).expect("a webhook-id");
        let body = serde_json::from_slice(&request.body).expect("JSON");
        let began = watch.at();
        watch.see(Seen::Request { at: began, hook, message, body });
        let mut state = watch.state();
        let asked = state.asked.entry(message).or_default();
        *asked += 1;
        // Of their own, so that it does not matter in which order hooks are asked.
        let mut dice = Dice::of(watch.seed, &[hook, message, *asked]);
        let mood = state.moods.get(&hook).copied().unwrap_or_default();
        drop(state);
        let (posted, takes) = hooks::answer(mood, watch.clock.now(), request.timeout, &mut dice);
        async move {
            tokio::time::sleep(takes).await;
            watch.see(Seen::Answer { at: watch.at(), message, answer: plain(&posted.outcome) });
            watch.state().answered.insert(message, began.wall);
            posted
        }
        .boxed_local()
    }
}

fn plain(outcome: &AttemptOutcome) -> Answer {
    let retry_after = match outcome {
        AttemptOutcome::Answered { headers, .. } => headers.first().map(|(_, value)| value.clone()),
        AttemptOutcome::Unanswered(_) => None,
    };
    Answer { code: outcome.code(), retry_after }
}

/// Stands between the journal and those who hear of its commits.
struct Observer {
    store: Arc<Store>,
    switchboard: Switchboard,
    watch: Arc<Watch>,
}

impl Listener for Observer {
    fn committed(&mut self, events: Vec<Event>) {
        let mut state = self.watch.state();
        if state.is_dead {
            return;
        }
        let commit = self.commit(&events, &mut state).expect("what was committed is readable");
        let at = self.watch.at();
        state.seen.push(Seen::Commit { at, commit: Box::new(commit) });
        if let Some(crash) = &mut state.crash {
            let now = (Image::of(&self.watch.folder), self.store.fingerprint());
            if crash.after == 0 {
                crash.written = now;
                state.is_dead = true;
                self.watch.dead.notify_one();
                return;
            }
            crash.after -= 1;
            crash.synced.1 = now.1;
            if self.store.syncs() > crash.syncs {
                crash.syncs = self.store.syncs();
                crash.synced.0 = now.0.clone();
            }
            crash.written = now;
        }
        drop(state);
        self.switchboard.committed(events);
    }
}

impl Observer {
    fn commit(&self, events: &[Event], state: &mut State) -> Result<Commit, StoreError> {
        let store = &self.store;
        let mut commit = Commit { totals: read::totals(store), ..Commit::default() };
        for event in events {
            match event {
                Event::Accepted(accepted) => {
                    for audit in accepted {
                        let kept = store.audit_at(audit.place)?.expect("what was accepted");
                        commit.accepted.push((audit.place.as_u64(), read::said(&kept)));
                    }
                }
                Event::Owed(owed) => {
                    for (id, _) in owed {
                        commit.owed.push(read::row(store, *id)?.expect("what is owed"));
                    }
                }
                Event::Gone(gone) => {
                    for gone in gone {
                        commit.gone.push(read::row(store, gone.message)?.expect("what is gone"));
                    }
                }
                Event::Configured(config) => {
                    let hooks = config.integrations.values();
                    let spec = |found: &Arc<Integration>| -> (u64, Value) {
                        let spec = serde_json::to_value(&found.spec).expect("plain data");
                        (found.id.as_u64(), spec)
                    };
                    commit.hooks = Some(hooks.map(spec).collect());
                }
                Event::Waiting(_) | Event::Linked(_) => {}
            }
        }
        if store.totals().windows != state.windows {
            state.windows = store.totals().windows;
            for (id, mark) in read::marks(store, state.last_mark)? {
                state.last_mark = id;
                commit.marks.push(read::mark(id, &mark));
            }
        }
        commit.events = read::events(store, state.last_event)?;
        state.last_event = commit.events.last().map_or(state.last_event, |(place, _)| *place);
        for (message, began) in state.answered.clone() {
            let row = read::row(store, Id::from_u64(message))?;
            let attempts = store.attempts(Id::from_u64(message))?;
            let written = attempts.last().filter(|last| last.at.unix_ms() == began);
            if let (Some(row), Some(last)) = (row, written) {
                commit.settled.push((row, read::attempt(last)));
                state.answered.remove(&message);
            }
        }
        Ok(commit)
    }
}
