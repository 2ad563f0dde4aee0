//! What people and applications ask of the server, asked of it.

use std::time::Duration;

use serde_json::Value;

use super::life::Watch;
use super::model::Doing;
use super::read;
use super::run::Run;
use super::seen::Pair;
use crate::clock::Timestamp;
use crate::ingest::{self, Media};
use crate::model::{Account, By, ClosedBy, Id, Secret, WindowRule};
use crate::record::{self, CloseByHand};
use crate::settings::Limits;
use crate::store::{Command, Configure, NewAudit, Outcome, Prune, StoreError};
use crate::testing::parts::Parts;

impl Run {
    /// Asks the server for something; whether anything was done.
    pub(super) async fn ask(
        &mut self,
        doing: &Doing,
        parts: &Parts,
        watch: &Watch,
    ) -> Result<bool, StoreError> {
        let (journal, now) = (&parts.journal, watch.at().wall);
        match doing {
            Doing::SendNow(record) | Doing::Discard(record) => {
                let by = "tester".to_owned();
                let closed_by = match doing {
                    Doing::SendNow(_) => ClosedBy::SendNow(by),
                    _ => ClosedBy::Discarded { by, reason: "noise".to_owned() },
                };
                let close = CloseByHand { record: read::key(record), closed_by };
                let closed = parts.registry.send(close).await.expect("a registry");
                return closed.transpose().map(|closed| closed.is_some());
            }
            Doing::Replay(hook, since) => {
                let config = parts.store.config();
                let marks = read::marks(&parts.store, Id::from_u64(since - 1))?;
                let hook = &config.integrations[&Id::from_u64(*hook)];
                let replays = record::replay(&parts.store, hook, marks)?;
                if replays.is_empty() || watch.state().is_dead {
                    return Ok(false);
                }
                drop(journal.replay(replays, "tester").await?);
            }
            Doing::AtOnce(all) => {
                let commands = all.iter().map(|doing| self.command(doing, parts, now)).collect();
                journal.together(commands)?.iter().for_each(not_refused);
            }
            _ => not_refused(&journal.execute(self.command(doing, parts, now)).await?),
        }
        Ok(true)
    }

    /// What the server's edges make of a call.
    fn command(&mut self, doing: &Doing, parts: &Parts, now: i64) -> Command {
        let spec = |spec: &Value| Box::new(serde_json::from_value(spec.clone()).expect("a spec"));
        let change = match doing {
            Doing::Post(audits) => return Command::Append(new(audits, parts), rule(self.server)),
            Doing::Secure(events) => {
                let body = serde_json::to_vec(events).expect("JSON");
                let events = ingest::security_events(&body, Media::Json, &Limits::default());
                return Command::Secure(Account::DEFAULT, events.expect("events"));
            }
            Doing::Redeliver(ids) => {
                let ids = ids.iter().copied().map(Id::from_u64).collect();
                return Command::Redeliver(ids, "tester".into());
            }
            Doing::Prune(before) => {
                let before = Id::from_u64(*before);
                let age = Duration::from_millis((now - before.time().unix_ms()).max(0) as u64);
                let plan = parts.store.plan_prune(Timestamp::from_unix_ms(now), age, u64::MAX);
                let nothing = Prune { before, ..Prune::default() };
                return Command::Prune(plan.expect("readable").unwrap_or(nothing));
            }
            Doing::Cancel(id) => return Command::Cancel(Id::from_u64(*id), "tester".into()),
            Doing::Create(edit) => {
                Configure::CreateIntegration(Account::DEFAULT, spec(edit), self.secret())
            }
            Doing::Update(id, edit) => {
                Configure::UpdateIntegration(Id::from_u64(*id), spec(edit), None)
            }
            Doing::Delete(id) => Configure::DeleteIntegration(Id::from_u64(*id), None),
            other => unreachable!("asked for elsewhere: {other:?}"),
        };
        Command::Configure(change, By::default())
    }

    /// The same, where an age is asked for, by the time that it goes back to.
    pub(super) fn at_this_moment(&mut self, doing: &Doing, now: i64) -> Doing {
        match doing {
            Doing::AtOnce(all) => {
                Doing::AtOnce(all.iter().map(|doing| self.at_this_moment(doing, now)).collect())
            }
            Doing::Prune(age) => {
                let before = Id::at(Timestamp::from_unix_ms(now - *age as i64)).as_u64();
                self.pruning = Some(before);
                Doing::Prune(before)
            }
            doing => doing.clone(),
        }
    }

    /// Forgets what is older than so many milliseconds, as the server does every now and then.
    pub(super) async fn prune(
        &mut self,
        age: u64,
        parts: &Parts,
        watch: &Watch,
    ) -> Result<(), String> {
        self.look_on(watch)?;
        let now = watch.at().wall;
        let before = Id::at(Timestamp::from_unix_ms(now - age as i64)).as_u64();
        self.pruning = Some(before);
        self.model.asks(Doing::Prune(before));
        let mut happened = false;
        let (moment, age) = (Timestamp::from_unix_ms(now), Duration::from_millis(age));
        while let Some(prune) =
            parts.store.plan_prune(moment, age, u64::MAX).map_err(|error| error.to_string())?
        {
            parts.journal.prune(prune).await.map_err(|error| error.to_string())?;
            happened = true;
            if watch.state().is_dead {
                return Ok(());
            }
        }
        self.look_on(watch)?;
        self.model.answered(happened)?;
        self.pruning = None;
        let left = read::left(&parts.store).map_err(|error| error.to_string())?;
        self.model.pruned(before, &left, true)
    }

    fn secret(&mut self) -> Secret {
        use base64::Engine;
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.dice.next().to_le_bytes()).collect();
        let text = base64::engine::general_purpose::STANDARD.encode(bytes);
        format!("whsec_{text}").parse().expect("a secret")
    }
}

fn new(audits: &[Value], parts: &Parts) -> Vec<NewAudit> {
    let body = serde_json::to_vec(audits).expect("JSON");
    let audits = ingest::audits(&body, Media::Json, &Limits::default()).expect("audits");
    let mut screen = parts.store.screen(Account::DEFAULT);
    let audits = audits.into_iter().map(|draft| NewAudit {
        record: draft.record(Account::DEFAULT),
        learned: screen.news(&draft),
        text: serde_json::to_string(&draft).expect("JSON"),
        id: draft.id,
    });
    audits.collect()
}

fn not_refused(outcome: &Outcome) {
    if let Outcome::Configured(changed) = outcome {
        assert!(changed.is_ok(), "nothing refuses it");
    }
}

fn rule(pair: Pair) -> WindowRule {
    WindowRule {
        quiet_period: Duration::from_millis(pair.quiet),
        max_wait: pair.max.map(Duration::from_millis),
    }
}
