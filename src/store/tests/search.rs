//! Every filter of the log, against looking at every message: whatever happened to the messages, a
//! query finds those that fit, each once, newest first, page by page.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::filter::same_type;
use crate::model::CodeClass;
use crate::store::blocks::MESSAGES;

/// Every message there is, oldest first.
fn messages_of(store: &Store) -> Vec<Id> {
    let all = bundle::entries(store.tree(), keys::MESSAGES, Id::default(), Id::from_u64(u64::MAX));
    all.unwrap().map(|entry| entry.unwrap().0).collect()
}

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A commit of messages.
    Make(Vec<Made>),
    /// An attempt of one of the messages, answered so.
    Try(prop::sample::Index, Option<u16>, Next),
    Cancel(prop::sample::Index),
    Redeliver(prop::sample::Index),
    /// Time passes, and what is old is forgotten.
    Prune,
    Reopen,
    /// The same, of a store as it was before there were digests.
    Age,
}

#[derive(Clone, Debug)]
struct Made {
    integration: usize,
    account: u32,
    record_type: &'static str,
    record: u8,
    description: Option<String>,
    contributors: Vec<u8>,
}

fn step() -> impl Strategy<Value = Step> {
    let code = select(vec![None, Some(200), Some(200), Some(200), Some(204), Some(404), Some(503)]);
    let later = Next::RetryAt(Timestamp::from_unix_ms(2_000_000_000_000));
    let next = select(vec![Next::Delivered, Next::Delivered, Next::Failed, later]);
    let index = any::<prop::sample::Index>;
    prop_oneof![
        8 => prop::collection::vec(made(), 1..20).prop_map(Step::Make),
        8 => (index(), code, next).prop_map(|(at, code, next)| Step::Try(at, code, next)),
        1 => index().prop_map(Step::Cancel),
        2 => index().prop_map(Step::Redeliver),
        1 => Just(Step::Prune),
        1 => Just(Step::Reopen),
        1 => Just(Step::Age),
    ]
}

fn made() -> impl Strategy<Value = Made> {
    let types = select(vec!["feature", "feature", "Feature", "ideas/idea", "ÄPP"]);
    let described = prop::option::of("(Updated|removed) [A-Zaé]{1,3}-[0-9]{1,3}");
    let contributors = prop::collection::vec(0..40_u8, 0..3);
    (0..3_usize, select(vec![0, 0, 0, 1]), types, 0..20_u8, described, contributors).prop_map(
        |(integration, account, record_type, record, description, contributors)| Made {
            integration,
            account,
            record_type,
            record,
            description,
            contributors,
        },
    )
}

/// A filter by little: its parts name few things, so that they meet.
#[derive(Clone, Debug)]
struct Asked {
    integration: Option<usize>,
    among: Option<usize>,
    status: Option<Status>,
    code: Option<&'static str>,
    record_type: Option<&'static str>,
    record: Option<u8>,
    user: Option<&'static str>,
    text: Option<String>,
    times: (Option<u8>, Option<u8>),
    limit: usize,
}

fn asked() -> impl Strategy<Value = Asked> {
    let status = select(vec![
        Status::Pending,
        Status::Held,
        Status::Delivered,
        Status::Failed,
        Status::Cancelled,
    ]);
    let code = select(vec!["2xx", "200", "204", "4xx", "404", "503", "none", "300"]);
    let user = select(vec!["user", "user 7", "r 1", "ser 12", "nobody", "é"]);
    let text = prop_oneof![
        "[a-z0-9]",
        "[a-z0-9]{2}",
        "-[0-9]{1,3}",
        "[0-9]{3}",
        "updated",
        "d [a-z]",
        "äpp"
    ];
    let sparse = prop::option::weighted::<BoxedStrategy<Status>>;
    let of = prop::option::weighted::<BoxedStrategy<usize>>;
    (
        (of(0.2, (0..3_usize).boxed()), of(0.1, (0..3_usize).boxed()), sparse(0.3, status.boxed())),
        prop::option::weighted(0.3, code),
        prop::option::weighted(0.2, select(vec!["feature", "äpp", "IDEAS/IDEA", "none"])),
        prop::option::weighted(0.1, 0..20_u8),
        prop::option::weighted(0.3, user),
        prop::option::weighted(0.3, text),
        (prop::option::weighted(0.1, 0..40_u8), prop::option::weighted(0.1, 0..40_u8)),
        1..12_usize,
    )
        .prop_map(
            |(
                (integration, among, status),
                code,
                record_type,
                record,
                user,
                text,
                times,
                limit,
            )| {
                Asked {
                    integration,
                    among,
                    status,
                    code,
                    record_type,
                    record,
                    user,
                    text,
                    times,
                    limit,
                }
            },
        )
}

/// A store, and all that is known of it without asking the log.
struct World {
    opened: Opened,
    hooks: Vec<Id>,
    began: Timestamp,
}

impl World {
    async fn new() -> World {
        let opened = Opened::fresh();
        let mut hooks = Vec::new();
        for _ in 0..3 {
            hooks.push(opened.integration().await.id);
        }
        let began = opened.clock.now();
        World { opened, hooks, began }
    }

    async fn take(mut self, step: Step) -> World {
        let ids = self.ids();
        let at = |index: prop::sample::Index| (!ids.is_empty()).then(|| *index.get(&ids));
        match step {
            Step::Make(made) => self.make(made).await,
            Step::Try(index, code, next) => {
                if let Some(id) = at(index) {
                    self.attempt(id, code, next).await;
                }
            }
            Step::Cancel(index) => {
                if let Some(id) = at(index) {
                    self.opened.journal.cancel(id, "someone").await.unwrap();
                }
            }
            Step::Redeliver(index) => {
                if let Some(id) = at(index) {
                    self.opened.journal.redeliver(vec![id], "someone").await.unwrap();
                }
            }
            Step::Prune => {
                self.opened.pass(DAY);
                self.opened.prune(DAY * 3, u64::MAX).await;
            }
            Step::Reopen => self.opened = self.opened.reopen(),
            Step::Age => self.opened = self.opened.aged().reopen(),
        }
        self.opened.pass(Duration::from_secs(3_600));
        self
    }

    async fn make(&self, made: Vec<Made>) {
        let messages = made.into_iter().map(|made| {
            let mut draft = message(self.hooks[made.integration], &made.record.to_string(), "{}");
            draft.record.account = Account(made.account);
            draft.record.record_type = ExternalId::new(made.record_type).unwrap();
            draft.description = made.description;
            draft.contributors = made.contributors.iter().map(|n| format!("User {n}")).collect();
            Replay {
                window: Id::default(),
                oldest: Id::at(self.opened.clock.now()),
                message: draft,
            }
        });
        self.opened.journal.replay(messages.collect(), "someone").await.unwrap();
    }

    async fn attempt(&self, message: Id, code: Option<u16>, next: Next) {
        let entry = self.opened.store.message(message).unwrap().unwrap();
        let (attempts, _) = entry.delivery.last_answer();
        let outcome = match code {
            Some(code) => AttemptOutcome::Answered {
                code,
                headers: vec![],
                body: String::new(),
                body_cut: false,
            },
            None => AttemptOutcome::Unanswered("refused".to_owned()),
        };
        let attempt = Attempt {
            number: attempts + 1,
            at: self.opened.clock.now(),
            trigger: Trigger::Scheduled,
            asked_by: None,
            request_headers: vec![],
            total_ms: 3,
            timing: Timing::default(),
            outcome,
            note: None,
        };
        let draft = &entry.message.draft;
        let (integration, partition) = (draft.integration, draft.record.partition());
        let settle = Settle { message, integration, partition, attempt, next, parts: None };
        self.opened.journal.settle(settle).await.unwrap();
    }

    /// Every message there is, newest first.
    fn ids(&self) -> Vec<Id> {
        let mut ids = messages_of(&self.opened.store);
        ids.reverse();
        ids
    }

    fn filter(&self, asked: &Asked) -> MessageFilter {
        let at = |hours: u8| self.began + Duration::from_secs(3_600 * u64::from(hours));
        MessageFilter {
            account: Account::DEFAULT,
            integration: asked.integration.map(|at| self.hooks[at]),
            among: asked.among.map(|at| self.hooks[at..].to_vec()),
            status: asked.status,
            code: asked.code.map(|code| code.parse().unwrap()),
            record_type: asked.record_type.map(|text| ExternalId::new(text).unwrap()),
            user: asked.user.map(str::to_owned),
            text: asked.text.clone(),
            record: asked.record.map(|record| key(&record.to_string())),
            since: asked.times.0.map(at),
            until: asked.times.1.map(at),
            before: None,
            limit: asked.limit,
        }
    }

    /// What the filter should find, by looking at everything.
    fn expected(&self, filter: &MessageFilter) -> Vec<Id> {
        let entry = |id| self.opened.store.message(id).unwrap().unwrap();
        let fits = |id: &Id| fits(&entry(*id), filter);
        self.ids().into_iter().filter(fits).collect()
    }

    /// What it finds, over all its pages.
    fn found(&self, mut filter: MessageFilter) -> Vec<Id> {
        let mut found = Vec::new();
        for _ in 0..1_000 {
            let page = self.opened.store.messages(&filter).unwrap();
            assert!(page.items.len() <= filter.limit);
            found.extend(page.items.iter().map(|entry| entry.message.id));
            match page.next {
                Some(next) => filter.before = Some(next),
                None => return found,
            }
        }
        panic!("the pages of {filter:?} have no end");
    }
}

fn fits(entry: &Entry, filter: &MessageFilter) -> bool {
    let (draft, id) = (&entry.message.draft, entry.message.id);
    let record = &draft.record;
    let (attempts, code) = entry.delivery.last_answer();
    let described = draft.description.as_deref().unwrap_or_default();
    let texts = [record.record_type.as_str(), record.record_id.as_str(), described];
    let contains = |text: &str, part: &str| text.to_lowercase().contains(part);
    let by = |user: &String| draft.contributors.iter().any(|name| contains(name, user));
    let of_type = |wanted: &ExternalId| same_type(record.record_type.as_str(), wanted.as_str());
    let all = [
        record.account == filter.account,
        filter.integration.is_none_or(|wanted| draft.integration == wanted),
        filter.among.as_ref().is_none_or(|among| among.contains(&draft.integration)),
        filter.status.is_none_or(|wanted| entry.status == wanted),
        filter.code.is_none_or(|class: CodeClass| class.holds(attempts, code)),
        filter.record_type.as_ref().is_none_or(of_type),
        filter.record.as_ref().is_none_or(|wanted| record == wanted),
        filter.user.as_ref().is_none_or(by),
        filter.text.as_ref().is_none_or(|text| texts.iter().any(|part| contains(part, text))),
        filter.since.is_none_or(|since| id >= Id::at(since)),
        filter.until.is_none_or(|until| id < Id::at(until)),
    ];
    all.into_iter().all(|fits| fits)
}

impl Opened {
    /// Makes the store look as if it had been written in format 1.
    fn aged(self) -> Opened {
        let tree = self.store.tree();
        let mut batch = Batch::default();
        for kind in [keys::BLOCKS, keys::COLUMNS, keys::GRAMS, keys::NAMES, keys::CODES] {
            for key in tree.scan_prefix([kind]).keys() {
                batch.remove(key.unwrap());
            }
        }
        for id in messages_of(&self.store) {
            let to = self.store.message(id).unwrap().unwrap().message.draft.integration;
            batch.insert(&keys::integration_message(to, id), &[]);
        }
        batch.insert(keys::FORMAT, &1_u32.to_be_bytes());
        self.store.disk.commit(batch).unwrap();
        self
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_filter_finds_what_looking_at_everything_finds(
        steps in prop::collection::vec(step(), 1..60),
        all_asked in prop::collection::vec(asked(), 40),
    ) {
        let world = run(async {
            let mut world = World::new().await;
            for step in steps {
                world = world.take(step).await;
            }
            world
        });
        for asked in &all_asked {
            let filter = world.filter(asked);
            let (found, expected) = (world.found(filter.clone()), world.expected(&filter));
            prop_assert_eq!(found, expected, "{:?}", filter);
        }
        prop_assert_eq!(world.opened.rows(b"n"), 0);
        // Pruned, redelivered, and migrated from format 1 (D6), it still agrees with itself.
        let report = check::check(world.opened.store.tree());
        prop_assert_eq!(report.faults, Vec::<String>::new());
    }
}

/// A block is there as long as one of its messages is, and then goes with all that was for it.
#[actix::test]
async fn digests_go_with_their_messages_and_names_with_their_blocks() {
    let mut world = World::new().await;
    let made = |number: u8| Made {
        integration: 0,
        account: 0,
        record_type: "feature",
        record: number,
        description: None,
        contributors: vec![number],
    };
    for number in 0..20 {
        let some = (0..MESSAGES as u8 / 2).map(|_| made(number)).collect();
        world = world.take(Step::Make(some)).await;
    }
    assert_eq!(world.opened.rows(&[keys::BLOCKS]), 10);
    let names = world.opened.rows(&[keys::NAMES]);
    // All are still owed, so all stay; one of them to the end.
    world = world.take(Step::Prune).await;
    let ids = world.ids();
    assert_eq!(ids.len(), 10 * MESSAGES);
    for id in &ids[1..] {
        world.attempt(*id, Some(200), Next::Delivered).await;
    }
    world.opened.pass(DAY * 10);
    world = world.take(Step::Prune).await;
    for kind in [keys::BLOCKS, keys::COLUMNS, keys::GRAMS] {
        assert_eq!(world.opened.rows(&[kind]), 1, "{}", kind as char);
    }
    assert!(world.opened.rows(&[keys::NAMES]) < names);
    // What was written together with it stays as well.
    let bundled = bundle::find(world.opened.store.tree(), keys::MESSAGES, ids[0]).unwrap().unwrap();
    let kept: Vec<Id> = bundled.ids().rev().collect();
    assert_eq!((kept[0], kept.len()), (ids[0], MESSAGES / 2));
    assert_eq!(world.opened.log(|filter| filter.user = Some("user 19".to_owned())), kept);
    world.attempt(ids[0], None, Next::Failed).await;
    world.opened.pass(DAY * 10);
    world = world.take(Step::Prune).await;
    for kind in [keys::BLOCKS, keys::COLUMNS, keys::GRAMS, keys::NAMES, keys::CODES] {
        let left = world.opened.rows(&[kind]);
        assert!(left == 0 || kind == keys::NAMES, "{left} rows of {}", kind as char);
    }
}
