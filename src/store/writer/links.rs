//! Links of full records: made and forgotten, and who waits for whom.

use super::Draft;
use crate::filter;
use crate::model::{
    CHAIN_MAX, FullRecord, Id, Integration, Link, Pending, RecordKey, Stage, Status,
};
use crate::store::{
    DueLink, LinkTimer, RecordCommand, RecordDone, RecordHash, Refusal, SentTo, StoreError, keys,
};

/// What a command comes to, if the store can be read.
type Tried<T> = Result<Result<T, Refusal>, StoreError>;

/// Records to send to a hook.
struct Chain {
    /// What the first of them has to wait for: a parent that is on its way already.
    waits_for: Option<RecordKey>,
    /// Each waits for the one before it.
    records: Vec<RecordKey>,
}

impl Draft<'_> {
    pub(super) fn record(&mut self, command: RecordCommand) -> Tried<RecordDone> {
        Ok(match command {
            RecordCommand::Put(record, rule) => self.put_full(*record, rule)?.map(RecordDone::Put),
            RecordCommand::Remove(key) => self.remove_full(&key)?.map(|()| RecordDone::Done),
            RecordCommand::SendTo(key, integration, by) => {
                self.send_to(&key, integration, &by)?.map(RecordDone::Sent)
            }
            RecordCommand::Unlink(key, integration, by) => match self.full(&key)? {
                Some(mut record) if record.link_to(integration).is_some() => {
                    self.unlink(&mut record, integration, Some(&by))?;
                    self.keep_full(record)?;
                    Ok(RecordDone::Done)
                }
                _ => Err(Refusal::Missing),
            },
            RecordCommand::Due(links) => {
                links.into_iter().try_for_each(|due| self.due(due))?;
                Ok(RecordDone::Done)
            }
        })
    }

    fn due(&mut self, due: DueLink) -> Result<(), StoreError> {
        let Some(mut record) = self.full_at(due.account, due.record)? else { return Ok(()) };
        let link = record.links.iter().find(|link| link.id == due.link);
        let Some(integration) = link.map(|link| link.integration) else { return Ok(()) };
        // A change since then has a timer of its own.
        if Self::is_pending(&record, integration, due.revision) {
            self.send_next(&mut record, integration, false, None)?;
            self.keep_full(record)?;
        }
        Ok(())
    }

    fn send_to(&mut self, key: &RecordKey, integration: Id, by: &str) -> Tried<SentTo> {
        let Some(to) = self.config.integrations.get(&integration).cloned() else {
            return Ok(Err(Refusal::Missing));
        };
        let Some(mut record) = self.full(key)?.filter(|found| !found.removed) else {
            return Ok(Err(Refusal::Missing));
        };
        if let Some(why) = filter::hides(&to.spec, &record) {
            return Ok(Err(Refusal::InUse(format!("the integration {} {why}", to.spec.name))));
        }
        if !to.spec.enabled {
            let why = format!("the integration {} is disabled; enable it first", to.spec.name);
            return Ok(Err(Refusal::InUse(why)));
        }
        if let Some(link) = record.link_to(integration) {
            let on_its_way = link.stage != Stage::Known && (link.owed || link.stage != Stage::New);
            let mut sent = SentTo::default();
            if !on_its_way {
                sent = self.parents_first(&record, &to, by)?;
                let own = self.send_next(&mut record, integration, false, Some(by))?;
                sent.message = sent.message.or(own);
            }
            self.keep_full(record)?;
            return Ok(Ok(sent));
        }
        match self.chain(record, &to)? {
            Ok(chain) => self.link_chain(chain, &to, by).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The records to send with this one. A parent that the integration does not see is left out; so
    /// is one that is among them already.
    fn chain(&self, record: FullRecord, to: &Integration) -> Tried<Chain> {
        let mut chain = vec![record.key];
        let (mut next, mut waits_for) = (record.parent, None);
        while let Some(key) = next.take().filter(|key| !chain.contains(key)) {
            let Some(parent) = self.full(&key)?.filter(|parent| !parent.removed) else {
                let child = chain.last().unwrap_or(&key);
                return Ok(Err(Refusal::InUse(format!(
                    "the parent of {child}, {key}, is not known; PUT it first, or PUT {child} without it"
                ))));
            };
            if filter::hides(&to.spec, &parent).is_some() {
                break;
            }
            if let Some(link) = parent.link_to(to.id) {
                waits_for = (link.stage != Stage::Known).then_some(key);
                break;
            }
            if chain.len() == CHAIN_MAX {
                let why = format!("it has more than {} parents to send first", CHAIN_MAX - 1);
                return Ok(Err(Refusal::InUse(why)));
            }
            chain.push(key);
            next = parent.parent;
        }
        chain.reverse();
        Ok(Ok(Chain { waits_for, records: chain }))
    }

    fn link_chain(
        &mut self,
        chain: Chain,
        to: &Integration,
        by: &str,
    ) -> Result<SentTo, StoreError> {
        let Chain { mut waits_for, records } = chain;
        let mut message = None;
        for key in &records {
            let Some(mut record) = self.full(key)? else { continue };
            let stage = match waits_for.replace(key.clone()) {
                Some(parent) => {
                    self.wait_for(&parent, key, to.id)?;
                    Stage::Waits(parent)
                }
                None => Stage::New,
            };
            let id = self.next_id();
            record.links.push(Link::new(id, to.id, by, stage));
            self.batch.insert(&keys::link(to.id, id), &RecordHash::of(key).bytes());
            message = message.or(self.send_next(&mut record, to.id, false, Some(by))?);
            self.keep_full(record)?;
        }
        Ok(SentTo { linked: records, message })
    }

    /// Sends the parents of a record that is at the hook already, where they are not; it waits for them
    /// with what comes next. A parent that is not known is left out.
    pub(super) fn parents_first(
        &mut self,
        record: &FullRecord,
        to: &Integration,
        by: &str,
    ) -> Result<SentTo, StoreError> {
        let Ok(mut chain) = self.chain(record.clone(), to)? else { return Ok(SentTo::default()) };
        chain.records.pop();
        let parent = chain.records.last().or(chain.waits_for.as_ref()).cloned();
        let sent = self.link_chain(chain, to, by)?;
        if let Some(parent) = parent
            && !self.waits_for_parent(record, to.id)?
        {
            self.wait_for(&parent, &record.key, to.id)?;
        }
        Ok(sent)
    }

    /// Whether a record waits for its parent to be delivered first.
    pub(super) fn waits_for_parent(
        &self,
        record: &FullRecord,
        integration: Id,
    ) -> Result<bool, StoreError> {
        let Some(parent) = &record.parent else { return Ok(false) };
        let parent = self.full(parent)?;
        let link = parent.as_ref().and_then(|parent| parent.link_to(integration));
        let pending = link.filter(|link| link.stage != Stage::Known);
        Ok(pending.is_some_and(|link| link.children.contains(&record.key)))
    }

    fn wait_for(
        &mut self,
        parent: &RecordKey,
        child: &RecordKey,
        integration: Id,
    ) -> Result<(), StoreError> {
        if let Some(mut parent) = self.full(parent)? {
            if let Some(link) = parent.link_to_mut(integration) {
                link.children.push(child.clone());
            }
            self.keep_full(parent)?;
        }
        Ok(())
    }

    /// Lets go whoever waits for this record.
    pub(super) fn release_children(
        &mut self,
        record: &mut FullRecord,
        integration: Id,
    ) -> Result<(), StoreError> {
        let Some(link) = record.link_to_mut(integration) else { return Ok(()) };
        for child in std::mem::take(&mut link.children) {
            let Some(mut child) = self.full(&child)? else { continue };
            let Some(link) = child.link_to_mut(integration) else { continue };
            if matches!(&link.stage, Stage::Waits(parent) if *parent == record.key) {
                (link.stage, link.change) = (Stage::New, Pending::Due);
            }
            if link.change == Pending::Due {
                // Not here and now: there may be very many of them.
                if let Some(link) = child.link_to(integration) {
                    let (due, wait) = (DueLink::of(&child, link), std::time::Duration::ZERO);
                    self.full.timers.push(LinkTimer { due, wait });
                }
                self.keep_full(child)?;
            }
        }
        Ok(())
    }

    /// Forgets a link, and gives up what is owed for it.
    pub(super) fn unlink(
        &mut self,
        record: &mut FullRecord,
        integration: Id,
        by: Option<&str>,
    ) -> Result<(), StoreError> {
        let link = record.link_to(integration);
        if let Some(message) = link.and_then(|link| link.message.filter(|_| link.owed))
            && let Some(owed) = self.owed(message)?
        {
            self.give_up(message, &owed, Status::Cancelled, by.map(Into::into));
        }
        self.drop_link(record, integration)
    }

    pub(super) fn drop_link(
        &mut self,
        record: &mut FullRecord,
        integration: Id,
    ) -> Result<(), StoreError> {
        self.release_children(record, integration)?;
        if let Some(link) = record.link_to(integration) {
            self.batch.remove(&keys::link(integration, link.id));
        }
        record.links.retain(|link| link.integration != integration);
        Ok(())
    }
}
