//! What audits taught, and forgetting it.

use super::{Draft, encode};
use crate::model::{Account, ExternalId, Id};
use crate::store::learned::{self, Lesson, Memory, Row, Thing};
use crate::store::{StoreError, keys};

impl Draft<'_> {
    /// Takes in what the audit at `at` taught, as far as it is still new and there is room (D8).
    pub(super) fn learn(&mut self, account: Account, lessons: Vec<Lesson>, at: Id) {
        for mut lesson in lessons {
            let key = (account, lesson.key());
            let known = match self.lessons.get(&key) {
                Some(row) => Some(details_of(&row.lesson)),
                None => self.store.learned.details(account, &lesson),
            };
            match (known, &mut lesson.thing) {
                (Some(known), Thing::User { details, .. }) => {
                    let mut all = known.clone();
                    all.renew(details);
                    if all == known {
                        continue;
                    }
                    *details = all;
                }
                (Some(_), _) => continue,
                (None, _) => {
                    let kind = lesson.said().kind();
                    let more = self.lessons_new.entry((account, kind)).or_default();
                    if self.store.learned.is_full(account, kind, *more) {
                        continue;
                    }
                    *more += 1;
                }
            }
            self.lessons.insert(key, Row { at, lesson });
        }
    }

    /// Forgets what was learned in an account: in one of its workspaces, or all of it.
    pub(super) fn forget_learned(
        &mut self,
        account: Account,
        workspace: Option<ExternalId>,
    ) -> Result<(), StoreError> {
        self.lessons_forgotten.push((account, workspace));
        let forgotten = |lesson: &Lesson| {
            self.lessons_forgotten.iter().any(|(of, workspace)| {
                *of == account && (workspace.is_none() || *workspace == lesson.workspace)
            })
        };
        // What stays, read anew: this is seldom asked for, and simple that way.
        let mut left = Memory::default();
        for row in self.store.tree().scan_prefix(keys::learned_of(account)) {
            let (key, bytes) = row?;
            let row = learned::decode(&bytes)?;
            if forgotten(&row.lesson) {
                self.batch.remove(key);
            } else {
                left.learn(&row);
            }
        }
        self.lessons.retain(|(of, _), row| *of != account || !forgotten(&row.lesson));
        self.lessons_left.insert(account, left);
        Ok(())
    }

    pub(super) fn write_lessons(&mut self) {
        for ((account, key), row) in &self.lessons {
            self.batch.insert(&keys::learned(*account, *key), encode(row));
        }
    }
}

fn details_of(lesson: &Lesson) -> learned::Details {
    match &lesson.thing {
        Thing::User { details, .. } => details.clone(),
        _ => learned::Details::default(),
    }
}
