//! What messages of a large company are about: so many record types, users, records and integrations,
//! told by number, so that every run tells the same.

use lull::model::{Account, Action, ExternalId, Id, MessageDraft, RecordKey};

use crate::prose;

/// Integrations, record types, users and records that there are.
pub const INTEGRATIONS: usize = 20;
const TYPES: u64 = 50;
const RECORDS: u64 = 200_000;
/// Bytes of a body, about.
const BODY_BYTES: usize = 700;

/// The one message that is unlike all others is so far from the oldest.
pub const ODD_ONE: u64 = 20_000;
/// Its record type, contributor, a word of its description, and the code it was answered with.
pub const ODD_TYPE: &str = "legacy_contract";
pub const ODD_USER: &str = "Zebulon Quixote";
pub const ODD_WORD: &str = "zyzzyva";
pub const ODD_CODE: u16 = 418;

const FIRST_NAMES: [&str; 40] = [
    "Ada", "Alan", "Amir", "Anna", "Barbara", "Bo", "Carla", "Chen", "Dana", "David", "Edsger",
    "Elena", "Emil", "Fatima", "Frances", "Grace", "Hana", "Hedy", "Igor", "Ines", "Jean", "John",
    "Karen", "Ken", "Lena", "Linus", "Margaret", "Maria", "Niklaus", "Nora", "Olga", "Omar",
    "Peter", "Priya", "Radia", "Rosa", "Sven", "Tim", "Vera", "Yuki",
];
const LAST_NAMES: [&str; 50] = [
    "Allen",
    "Backus",
    "Bauer",
    "Berg",
    "Cerf",
    "Codd",
    "Cruz",
    "Diaz",
    "Dijkstra",
    "Engel",
    "Fischer",
    "Floyd",
    "Garcia",
    "Goldberg",
    "Gray",
    "Hamilton",
    "Hansen",
    "Hoare",
    "Hopper",
    "Ito",
    "Jones",
    "Kahn",
    "Kay",
    "Keller",
    "Khan",
    "Kim",
    "Knuth",
    "Kumar",
    "Lamarr",
    "Lamport",
    "Liskov",
    "Lovelace",
    "Meyer",
    "Moore",
    "Naur",
    "Novak",
    "Okafor",
    "Perlman",
    "Petrov",
    "Ritchie",
    "Rossi",
    "Sato",
    "Shaw",
    "Silva",
    "Sutherland",
    "Turing",
    "Wang",
    "Weber",
    "Wirth",
    "Young",
];
const THINGS: [&str; 10] = [
    "feature",
    "idea",
    "epic",
    "release",
    "requirement",
    "comment",
    "task",
    "goal",
    "page",
    "initiative",
];
const WORDS: [&str; 48] = [
    "export",
    "report",
    "invoice",
    "search",
    "login",
    "mobile",
    "dashboard",
    "calendar",
    "import",
    "billing",
    "theme",
    "survey",
    "filter",
    "roadmap",
    "budget",
    "sync",
    "archive",
    "webhook",
    "timeline",
    "picker",
    "summary",
    "access",
    "region",
    "quota",
    "editor",
    "upload",
    "preview",
    "chart",
    "locale",
    "backup",
    "custom",
    "fields",
    "weekly",
    "faster",
    "shared",
    "nested",
    "legacy",
    "public",
    "hidden",
    "second",
    "bulk",
    "inline",
    "offline",
    "partner",
    "default",
    "audit",
    "email",
    "limits",
];
const FIELDS: [&str; 8] =
    ["Name", "Description", "Status", "Assigned to", "Due date", "Tags", "Score", "Release"];

/// Numbers that look random, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) % end
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
    }
}

/// The message of this number, to one of these integrations.
pub fn message(number: u64, integrations: &[Id]) -> MessageDraft {
    let mut dice = Dice(number << 8);
    let integration = dice.below(integrations.len() as u64) as usize;
    let record = dice.below(RECORDS);
    let record_type = if number == ODD_ONE { ODD_TYPE.to_owned() } else { type_of(record) };
    let mut contributors: Vec<String> = (0..1 + dice.below(2)).map(|_| user(&mut dice)).collect();
    let title = {
        // A record keeps its name.
        let mut dice = Dice(record << 40);
        format!("{} {} {}", dice.of(&WORDS), dice.of(&WORDS), dice.of(&WORDS))
    };
    let mut description = format!("updated {record_type} APP-{} {title}", 1_000 + record);
    if number == ODD_ONE {
        contributors = vec![ODD_USER.to_owned()];
        description.push_str(ODD_WORD);
    }
    let fields: Vec<String> = (0..1 + dice.below(3)).map(|_| dice.of(&FIELDS).to_owned()).collect();
    MessageDraft {
        integration: integrations[integration],
        body: body(number, &description, &contributors, &fields),
        record: RecordKey {
            account: Account::DEFAULT,
            record_type: name(&record_type),
            record_id: name(&(1_000 + record).to_string()),
        },
        audit_id: name(&(7_000_000_000_000 + number).to_string()),
        action: Action::Update,
        auditable_url: Some(format!(
            "https://app.example.com/{record_type}/APP-{}",
            1_000 + record
        )),
        description: Some(description),
        earlier_windows: Vec::new(),
        audits: 1 + dice.below(6) as u32,
        fields,
        contributors,
    }
}

fn type_of(record: u64) -> String {
    let number = record % TYPES;
    let thing = THINGS[(number % THINGS.len() as u64) as usize];
    match number / THINGS.len() as u64 {
        0 => thing.to_owned(),
        module => format!("module_{module}/{thing}"),
    }
}

fn user(dice: &mut Dice) -> String {
    format!("{} {}", dice.of(&FIRST_NAMES), dice.of(&LAST_NAMES))
}

fn body(number: u64, description: &str, contributors: &[String], fields: &[String]) -> String {
    let head = format!(
        "{{\"event\":\"audit\",\"audit\":{{\"description\":{description:?},\"contributors\":\
         {contributors:?},\"changes\":{fields:?},\"value\":\""
    );
    let words = prose::excerpt(number, BODY_BYTES.saturating_sub(head.len()));
    format!("{head}{words}\"}}}}")
}

fn name(text: &str) -> ExternalId {
    ExternalId::new(text).expect("invariant: names are short and not empty")
}
