//! What each command writes. The only code that writes to the tree. Commits, audits and windows are
//! here; `learn` has what audits teach, `entries` what shares rows, `outbox` messages and attempts, `by_hand`
//! what people ask for with messages, `configure` integrations, `access` who may call, `events` and
//! `own_events` security events, `once` calls that are to happen once, `forget` what is too old,
//! `full_records` full records, `links` their links, `link_messages` what is sent for those,
//! `linked_attempts` what follows from how that went, `blocks` the digests of messages, `by_record` what there is of
//! a record.
//!
//! A commit is worked out in a [`Draft`], which sees its own changes, and touches nothing else
//! until the batch is on disk; so a commit that fails leaves everything as it was.

mod access;
mod blocks;
mod by_hand;
mod by_record;
mod configure;
mod entries;
mod events;
mod forget;
mod full_records;
mod learn;
mod link_messages;
mod linked_attempts;
mod links;
mod once;
mod outbox;
mod own_events;

use std::sync::Arc;

use ahash::{HashMap, HashSet};
use serde::Serialize;

use super::blocks::{Change, Fate};
use super::by_record::Change as Listing;
use super::counters::State;
use super::hours::Hour;
use super::learned::{Key, Kind, Memory, Row};
use super::once::Answered;
use super::pack::{self, Pack};
use super::untried::NewRow;
use super::value::encode;
use super::{
    Accepted, Appended, Batch, Bundle, Close, Closed, Command, Config, Event, Gone, NewAudit,
    NewMessage, NothingChanged, Outcome, SettledRow, Store, StoreError, Totals, keys, settled,
    value,
};
use crate::clock::{Clock, Timestamp};
use crate::model::{
    Account, Addressed, Collation, ExternalId, Health, Id, Integration, Mark, Owed, Partition,
    Source, WindowRule,
};

/// The one writer.
pub struct Writer {
    store: Arc<Store>,
    state: State,
}

impl Writer {
    pub(super) fn new(store: Arc<Store>, state: State) -> Self {
        Self { store, state }
    }

    /// What has been counted since the store was made.
    pub(super) fn totals(&self) -> Totals {
        self.state.counters.totals
    }

    /// Applies `commands` in one commit, on disk when this returns (D1). All or none.
    pub fn commit(
        &mut self,
        commands: Vec<Command>,
        clock: &dyn Clock,
    ) -> Result<(Vec<Outcome>, Vec<Event>), StoreError> {
        let mut draft = Draft::new(&self.store, self.state.clone(), clock);
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        let mut others = Vec::new();
        let mut placed = Vec::new();
        // Audits first, so that their places follow each other and they share packs.
        for (at, command) in commands.into_iter().enumerate() {
            outcomes.push(match command {
                Command::Append(audits, rule) => Some(draft.append(audits, rule, &mut placed)?),
                Command::Once(once) if matches!(once.command, Command::Append(..)) => {
                    Some(draft.append_once(*once, &mut placed)?)
                }
                other => {
                    others.push((at, other));
                    None
                }
            });
        }
        draft.pack(&placed);
        draft.send_live(&placed)?;
        for (at, command) in others {
            outcomes[at] = Some(draft.apply(command)?);
        }
        let outcomes = outcomes.into_iter().flatten().collect();
        draft.finish_rows()?;
        self.store.disk.commit(std::mem::take(&mut draft.batch))?;
        let (state, events) = draft.publish();
        self.state = state;
        Ok((outcomes, events))
    }
}

/// A commit being worked out.
struct Draft<'s> {
    store: &'s Store,
    /// One moment for the whole commit, so that its ids follow each other by one.
    now: Timestamp,
    state: State,
    batch: Batch,
    config: Arc<Config>,
    configured: bool,
    /// Whether deliveries have to hear of it.
    integrations_changed: bool,
    /// Answers to calls of this commit that are to happen once.
    answers: HashMap<[u8; 16], Answered>,
    /// Ids of audits in this commit.
    ids: HashMap<(Account, ExternalId), Id>,
    health: HashMap<Id, Health>,
    owed_change: HashMap<Id, i64>,
    /// What it does to the lists of security events.
    events: events::Events,
    /// Integrations for which events wait from here on, and until when.
    waits: Vec<(Id, Timestamp)>,
    /// What this commit is done with.
    done: HashMap<Account, Hour>,
    accepted: Vec<Accepted>,
    owed: Vec<(Id, Owed)>,
    gone: Vec<Gone>,
    /// The outbox as this commit leaves it, where it differs from the tree.
    outbox: HashMap<Id, Option<Owed>>,
    /// Messages that this commit settles, or of which it leaves nothing that says how they were.
    settled: HashMap<Id, Option<SettledRow>>,
    /// Messages that are owed from here on, or no more.
    lines: Vec<(Id, Id, Partition, bool)>,
    /// What this commit teaches.
    lessons: HashMap<(Account, Key), Row>,
    /// How much of that was not known at all. Each counts as a thing of its own, though it may be a
    /// known one seen in another workspace; what is refused for that comes again with a later audit.
    lessons_new: HashMap<(Account, Kind), usize>,
    /// The accounts, or workspaces of them, in which what was learned is forgotten.
    lessons_forgotten: Vec<(Account, Option<ExternalId>)>,
    /// What is left in these accounts.
    lessons_left: HashMap<Account, Memory>,
    /// Full records that this commit changes.
    full: full_records::Changed<'s>,
    /// How digests of messages change.
    blocks: Change,
    /// What it lists of records.
    by_record: Listing,
    /// What became of messages.
    became: Vec<(Id, Fate)>,
    /// What it makes that shares rows.
    entries: entries::Entries,
    /// The rows of messages that it makes of those: deliveries read them next.
    bundles: Vec<Bundle>,
    /// What is owed of the messages that it makes, until it says something newer of them.
    made: HashMap<Id, Owed>,
    /// The rows of that.
    untried: Vec<NewRow>,
    /// Earlier messages that are untried no more.
    tried: HashSet<Id>,
}

/// An audit with its place, waiting to be packed.
struct Placed {
    account: Account,
    place: Id,
    text: String,
    rules: Arc<[WindowRule]>,
}

impl<'s> Draft<'s> {
    fn new(store: &'s Store, mut state: State, clock: &dyn Clock) -> Self {
        // When the clock has jumped back, ids go on from the last.
        let now = Id::at_nanos(clock.unix_nanos());
        state.counters.last_id = state.counters.last_id.max(now);
        Self {
            store,
            now: clock.now(),
            state,
            batch: Batch::default(),
            config: store.config(),
            configured: false,
            integrations_changed: false,
            answers: HashMap::default(),
            ids: HashMap::default(),
            health: HashMap::default(),
            owed_change: HashMap::default(),
            events: events::Events::default(),
            waits: Vec::new(),
            done: HashMap::default(),
            accepted: Vec::new(),
            owed: Vec::new(),
            gone: Vec::new(),
            outbox: HashMap::default(),
            settled: HashMap::default(),
            lines: Vec::new(),
            lessons: HashMap::default(),
            lessons_new: HashMap::default(),
            lessons_forgotten: Vec::new(),
            lessons_left: HashMap::default(),
            full: full_records::Changed::default(),
            blocks: Change::default(),
            by_record: Listing::default(),
            became: Vec::new(),
            entries: HashMap::default(),
            bundles: Vec::new(),
            made: HashMap::default(),
            untried: Vec::new(),
            tried: HashSet::default(),
        }
    }

    fn apply(&mut self, command: Command) -> Result<Outcome, StoreError> {
        Ok(match command {
            Command::Append(..) => unreachable!("invariant: audits were taken out before"),
            Command::Close(close) => self.close(close)?,
            Command::Settle(settle) => self.settle(settle)?,
            Command::Configure(change, by) => Outcome::Configured(self.configure(change, &by)?),
            Command::ConfigureAll(changes, revision, by) => {
                self.configure_all(changes, revision, &by)?
            }
            Command::Secure(account, events) => self.secure(account, events)?,
            Command::SendBatch(integration) => self.send_batch(integration)?,
            Command::Redeliver(messages, by) => self.redeliver(messages, by)?,
            Command::Cancel(message, by) => self.cancel(message, by)?,
            Command::Replay(replays, by) => self.replay(replays, by)?,
            Command::NoteUses(uses) => self.note_uses(&uses),
            Command::Once(once) => self.once(*once)?,
            Command::Prune(prune) => self.prune(prune)?,
            Command::Record(command) => Outcome::Record(self.record(command)?),
        })
    }

    fn next_id(&mut self) -> Id {
        self.state.counters.last_id = self.state.counters.last_id.plus(1);
        self.state.counters.last_id
    }

    fn append(
        &mut self,
        audits: Vec<NewAudit>,
        rule: WindowRule,
        placed: &mut Vec<Placed>,
    ) -> Result<Outcome, StoreError> {
        let mut appended = Appended::default();
        let mut rules: Option<(Account, Arc<[WindowRule]>)> = None;
        for audit in audits {
            let account = audit.record.account;
            if let Some(id) = &audit.id
                && self.is_known(account, id)?
            {
                appended.duplicates.push(id.clone());
                self.state.counters.totals.duplicates += 1;
                continue;
            }
            let place = self.next_id();
            appended.ids.push(audit.id.clone().unwrap_or_else(|| ExternalId::from(place)));
            if let Some(id) = audit.id {
                self.batch.insert(keys::audit_id(account, &id), &place.as_u64().to_be_bytes());
                self.ids.insert((account, id), place);
            }
            // One call is of one account.
            let rules = match &rules {
                Some((of, rules)) if *of == account => rules.clone(),
                _ => rules.insert((account, self.rules_of(account, rule))).1.clone(),
            };
            self.state.open.add(place, rules.len());
            self.learn(account, audit.learned, place);
            self.state.counters.totals.audits += 1;
            let partition = audit.record.partition();
            self.accepted.push(Accepted {
                record: audit.record,
                partition,
                place,
                bytes: audit.text.len() as u32,
                rules: rules.clone(),
            });
            placed.push(Placed { account, place, text: audit.text, rules });
        }
        Ok(Outcome::Appended(appended))
    }

    /// The rules that an account's audits are accepted under: the server's, and those that its
    /// enabled integrations bring (R4).
    fn rules_of(&self, account: Account, server: WindowRule) -> Arc<[WindowRule]> {
        let mut rules = vec![server];
        for integration in self.config.activities_of(account) {
            let waits = integration.spec.enabled && integration.spec.collation != Collation::Live;
            let rule = integration.spec.pair().rule(server);
            if waits && !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        rules.into()
    }

    /// Whether an audit of this id is in the history: one that came with it, or one that was given
    /// it here and comes back.
    fn is_known(&self, account: Account, id: &ExternalId) -> Result<bool, StoreError> {
        if self.ids.contains_key(&(account, id.clone()))
            || self.store.tree().contains_key(keys::audit_id(account, id))?
        {
            return Ok(true);
        }
        match id.as_str().parse::<Id>() {
            Ok(place) if ExternalId::from(place) == *id && place <= self.state.counters.last_id => {
                Ok(self
                    .store
                    .audit_at(place)?
                    .is_some_and(|audit| audit.said.id.is_none() && audit.account == account))
            }
            _ => Ok(false),
        }
    }

    /// Packs audits whose places follow each other by one and whose rule is the same.
    fn pack(&mut self, placed: &[Placed]) {
        let follows = |one: &Placed, next: &Placed| {
            next.place == one.place.plus(1) && next.rules == one.rules
        };
        for run in placed.chunk_by(follows) {
            let mut rest = run;
            while let Some(first) = rest.first() {
                let (now, later) =
                    rest.split_at(pack::fit(rest.iter().map(|audit| audit.text.len())));
                let pack = Pack {
                    rules: first.rules.to_vec(),
                    audits: now.iter().map(|audit| (audit.account, audit.text.as_str())).collect(),
                };
                let key = keys::by_id(keys::AUDITS, first.place);
                self.keep_row(&key, &pack::encode(&pack));
                rest = later;
            }
        }
    }

    /// Closes a window, unless a message that it was to take in is not owed any more, because somebody
    /// cancelled it meanwhile: the new one holds its audits, so it has to be worked out again.
    fn close(&mut self, close: Close) -> Result<Outcome, StoreError> {
        for message in close.superseded() {
            if self.owed(message)?.is_none() {
                return Ok(Outcome::Closed(None));
            }
        }
        let (id, partition) = (self.next_id(), close.record.partition());
        let mut addressed: Vec<(Id, Addressed)> = Vec::new();
        let mut messages = Vec::new();
        for NewMessage { draft, oldest, supersedes } in close.messages {
            // R10: disabled or deleted since the message was worked out.
            let enabled = |integration: &Arc<Integration>| integration.spec.enabled;
            if !self.config.integrations.get(&draft.integration).is_some_and(enabled) {
                continue;
            }
            let integration = draft.integration;
            // Also one that this integration does not see stays while the message is owed.
            let oldest = close.places.first().map_or(oldest, |first| oldest.min(*first));
            let message = self.address(draft, partition, Source::Window(id), oldest, None)?;
            self.supersede(supersedes)?;
            messages.push(message);
            addressed.push((integration, Addressed::Message(message)));
        }
        for NothingChanged { integration, supersedes } in close.nothing_changed {
            self.supersede(supersedes)?;
            addressed.push((integration, Addressed::NothingChanged));
        }
        for place in &close.places {
            self.state.open.remove(*place);
        }
        self.note_discarded(&close.record, &close.closed_by, close.places.len())?;
        let mark = Mark {
            record: close.record,
            slot: close.slot,
            rule: close.rule,
            closed_by: close.closed_by,
            places: close.places,
            addressed,
        };
        self.keep_entry(keys::MARKS, id, encode(&mark));
        self.list(partition, id, false);
        self.state.counters.totals.windows += 1;
        Ok(Outcome::Closed(Some(Closed { messages })))
    }

    /// Writes a row of history or log, which counts towards what is kept.
    fn keep_row(&mut self, key: &[u8], value: &[u8]) {
        value::put(&mut self.batch, key, value);
        self.state.counters.kept_bytes += (key.len() + value.len()) as u64;
    }

    /// Rows that are written once a commit, however many commands touched them.
    fn finish_rows(&mut self) -> Result<(), StoreError> {
        self.write_lessons();
        self.write_events();
        self.write_full_records();
        self.forget_runs()?;
        self.forget_blocks()?;
        self.finish_blocks();
        self.finish_run();
        self.write_entries();
        settled::put(&mut self.batch, self.store.tree(), &self.settled)?;
        for (integration, health) in &self.health {
            self.batch.insert(&keys::by_id(keys::HEALTH, *integration), encode(health));
        }
        let counters = &mut self.state.counters;
        // Never lower again, though the audits are counted by spans: below it, marks may be forgotten.
        let low_water = self.state.open.low_water(counters.last_id);
        counters.low_water = counters.low_water.max(low_water);
        self.batch.insert(keys::COUNTERS, encode(counters));
        self.count_hour()
    }

    /// Lets everyone see what is now on disk.
    fn publish(self) -> (State, Vec<Event>) {
        let mut events = Vec::new();
        if self.configured {
            *self.store.config.write().unwrap_or_else(|poisoned| poisoned.into_inner()) =
                self.config.clone();
            if self.integrations_changed {
                events.push(Event::Configured(self.config));
            }
        }
        let mut tally = self.store.tally();
        tally.counters = self.state.counters;
        tally.health.extend(self.health);
        tally.untried.publish(self.untried, &self.tried);
        for (integration, change) in self.owed_change {
            let owed = tally.owed.entry(integration).or_default();
            *owed = owed.saturating_add_signed(change);
        }
        for (message, integration, partition, is_owed) in self.lines {
            tally.owe(message, integration, partition, is_owed);
        }
        drop(tally);
        self.store.learned.publish(self.lessons_left, self.lessons);
        self.store.blocks.publish(self.blocks);
        self.store.by_record.publish(self.by_record);
        for bundle in self.bundles.into_iter().filter(|bundle| bundle.len() > 1) {
            self.store.recent_messages.keep(Arc::new(bundle));
        }
        if !self.accepted.is_empty() {
            events.push(Event::Accepted(self.accepted));
        }
        if !self.owed.is_empty() {
            events.push(Event::Owed(self.owed));
        }
        if !self.gone.is_empty() {
            events.push(Event::Gone(self.gone));
        }
        if !self.waits.is_empty() {
            events.push(Event::Waiting(self.waits));
        }
        if !self.full.timers.is_empty() {
            events.push(Event::Linked(self.full.timers));
        }
        (self.state, events)
    }
}

fn json<T: Serialize>(row: &T) -> Vec<u8> {
    serde_json::to_vec(row).expect("invariant: configuration is plain data")
}
