//! The actions that security events are known by, and what they mean to a SIEM. Data, and how an
//! action that is not listed is understood.
//!
//! An action is two words with a dot between them: what it is about, and what became of that.

use crate::model::{SecurityEvent, Success, Target};

/// What an action means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// As events name it.
    pub action: &'static str,
    /// In a few words, for headings.
    pub name: &'static str,
    /// In a sentence, for documentation.
    pub meaning: &'static str,
    /// How grave it is, where whoever sends it has no view of their own.
    pub severity: u8,
    /// The class it has in OCSF.
    pub class: Class,
    /// The activity it has in that class.
    pub activity: u8,
    /// Where it belongs in the Elastic Common Schema.
    pub area: Area,
}

/// The classes of OCSF that security events are in, all of its category 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Somebody proves who they are.
    Authentication,
    /// What somebody proves it with, or whether they may.
    AccountChange,
    /// What somebody may do.
    UserAccess,
    /// Everything else there is to manage.
    Entity,
}

/// The categories of the Elastic Common Schema that security events are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// Proving who one is.
    Authentication,
    /// Who may do what.
    Iam,
    /// How things are set.
    Configuration,
    /// Data that is read.
    Database,
}

/// An activity that has no number of its own in its class.
pub const OTHER: u8 = 99;

use Area::{Configuration, Database, Iam};
use Class::{AccountChange, Authentication, Entity, UserAccess};

/// Every action that Lull knows, in the order they are documented.
#[rustfmt::skip] // a table
pub const KNOWN: [Known; 44] = [
    known("login", "Log-in", "Somebody logged in.", 1, Authentication, 1, Area::Authentication),
    known("login.failed", "Log-in failed", "Somebody tried to log in and was refused.", 4, Authentication, 1, Area::Authentication),
    known("logout", "Log-out", "Somebody logged out, or their session ended.", 1, Authentication, 2, Area::Authentication),
    known("mfa.failed", "Second factor refused", "The second factor was wrong.", 5, Authentication, 1, Area::Authentication),
    known("user.impersonated", "User impersonated", "Somebody went on under the name of another user.", 6, Authentication, 7, Area::Authentication),
    known("mfa.enabled", "Second factor enabled", "A second factor was set up for a user.", 2, AccountChange, 10, Iam),
    known("mfa.disabled", "Second factor disabled", "A user's second factor was taken away.", 6, AccountChange, 11, Iam),
    known("password.changed", "Password changed", "A user changed their password.", 2, AccountChange, 3, Iam),
    known("password.reset", "Password reset", "A user's password was reset by link or by an administrator.", 4, AccountChange, 4, Iam),
    known("user.created", "User created", "A user was made.", 3, AccountChange, 1, Iam),
    known("user.deleted", "User deleted", "A user was deleted.", 4, AccountChange, 6, Iam),
    known("user.enabled", "User enabled", "A user may log in again.", 3, AccountChange, 2, Iam),
    known("user.disabled", "User disabled", "A user may no longer log in.", 4, AccountChange, 5, Iam),
    known("user.locked", "User locked", "A user was locked out, as after too many failed log-ins.", 6, AccountChange, 9, Iam),
    known("user.unlocked", "User unlocked", "A user was let in again.", 3, AccountChange, 12, Iam),
    known("account.locked", "Account locked", "A user's account was locked, as after too many failed log-ins.", 6, AccountChange, 9, Iam),
    known("account.unlocked", "Account unlocked", "A user's account was unlocked.", 3, AccountChange, 12, Iam),
    known("role.granted", "Role granted", "A user may do more than before.", 5, UserAccess, 1, Iam),
    known("role.revoked", "Role revoked", "A user may do less than before.", 4, UserAccess, 2, Iam),
    known("token.created", "Token created", "A token for the API was made.", 4, Entity, 1, Iam),
    known("token.revoked", "Token revoked", "A token for the API is no longer valid.", 3, Entity, 4, Iam),
    known("member.added", "Member added", "Somebody became a member of a workspace or a group.", 3, Entity, 1, Iam),
    known("member.removed", "Member removed", "Somebody is no longer a member of a workspace or a group.", 3, Entity, 4, Iam),
    known("sso.changed", "Single sign-on changed", "How people log in through their company was changed.", 7, Entity, 3, Configuration),
    known("export.created", "Data exported", "Data was taken out.", 5, Entity, 2, Database),
    known("integration.created", "Integration created", "An integration was made: data goes to another place.", 4, Entity, 1, Configuration),
    known("integration.changed", "Integration changed", "An integration was changed, as to where it sends.", 4, Entity, 3, Configuration),
    known("integration.enabled", "Integration enabled", "An integration sends again.", 3, Entity, 8, Configuration),
    known("integration.disabled", "Integration disabled", "An integration no longer sends.", 5, Entity, 9, Configuration),
    known("integration.failing", "Integration failing", "Messages of an integration have run out of attempts.", 5, Entity, OTHER, Configuration),
    known("integration.deleted", "Integration deleted", "An integration was deleted.", 4, Entity, 4, Configuration),
    known("secret.rotated", "Secret rotated", "What an integration's messages are signed with was replaced.", 3, Entity, 3, Configuration),
    known("window.discarded", "Window discarded", "Audits were dropped before they were sent.", 4, Entity, 4, Configuration),
    known("account.created", "Account created", "An account of the server was made.", 4, Entity, 1, Configuration),
    known("account.changed", "Account changed", "An account of the server was changed.", 3, Entity, 3, Configuration),
    known("account.deleted", "Account deleted", "An account of the server was deleted, with everything in it.", 6, Entity, 4, Configuration),
    known("workspace.created", "Workspace created", "A workspace was made.", 2, Entity, 1, Configuration),
    known("workspace.changed", "Workspace changed", "A workspace was changed.", 2, Entity, 3, Configuration),
    known("workspace.deleted", "Workspace deleted", "A workspace was deleted.", 5, Entity, 4, Configuration),
    known("settings.changed", "Settings changed", "How the application is set was changed.", 4, Entity, 3, Configuration),
    known("backup.created", "Backup made", "A copy of everything was taken.", 5, Entity, 2, Database),
    known("record.create", "Record created", "A record was made.", 1, Entity, 1, Configuration),
    known("record.update", "Record changed", "A record was changed.", 1, Entity, 3, Configuration),
    known("record.destroy", "Record deleted", "A record was deleted.", 1, Entity, 4, Configuration),
];

const fn known(
    action: &'static str,
    name: &'static str,
    meaning: &'static str,
    severity: u8,
    class: Class,
    activity: u8,
    area: Area,
) -> Known {
    Known { action, name, meaning, severity, class, activity, area }
}

/// How grave an event is of which nobody said so: what was tried in vain deserves more of a look than
/// what was done.
pub fn severity(action: &str, outcome: Success) -> u8 {
    let known = find(action).map_or(1, |known| known.severity);
    match outcome {
        Success::Success => known,
        Success::Failure => known.max(4),
    }
}

/// What the action of an event means; none when it is not one of [`KNOWN`].
pub fn find(action: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.action == action)
}

/// Where an event belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The class it has in OCSF.
    pub class: Class,
    /// The activity it has in that class.
    pub activity: u8,
    /// Where it belongs in the Elastic Common Schema.
    pub area: Area,
}

impl Place {
    /// Where `event` belongs: as the table says, else as the words of its action and the type of its
    /// target suggest, else among everything else.
    pub fn of(event: &SecurityEvent) -> Self {
        let action = event.action.as_str();
        if let Some(Known { class, activity, area, .. }) = find(action).copied() {
            return Self { class, activity, area };
        }
        let action = action.to_ascii_lowercase();
        let (about, became) = action.rsplit_once('.').unwrap_or((&action, ""));
        let place = |class, activity, area| Self { class, activity, area };
        match about.split('.').next().unwrap_or_default() {
            "login" => place(Authentication, 1, Area::Authentication),
            "logout" => place(Authentication, 2, Area::Authentication),
            // What was refused was an attempt to log in.
            "auth" | "session" if event.outcome == Success::Failure => {
                place(Authentication, 1, Area::Authentication)
            }
            "auth" | "session" => place(Authentication, OTHER, Area::Authentication),
            "role" | "permission" | "privilege" => {
                let activity = match verb(became) {
                    Verb::Create | Verb::Enable => 1,
                    Verb::Delete | Verb::Disable => 2,
                    _ => OTHER,
                };
                place(UserAccess, activity, Iam)
            }
            "password" | "mfa" => place(AccountChange, OTHER, Iam),
            "user" => place(AccountChange, account_activity(verb(became)), Iam),
            _ => {
                let of_user = event.target.as_ref().is_some_and(is_user);
                place(Entity, entity_activity(verb(became)), area(about, became, of_user))
            }
        }
    }
}

fn area(about: &str, became: &str, of_user: bool) -> Area {
    match about {
        "token" | "member" | "group" | "team" | "key" => Iam,
        _ if verb(became) == Verb::Read => Database,
        _ if of_user => Iam,
        _ => Configuration,
    }
}

/// Whether a target is a person.
pub fn is_user(target: &Target) -> bool {
    let is = |name: &str| target.target_type.as_str().eq_ignore_ascii_case(name);
    is("user") || is("member") || is("person")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Create,
    Read,
    Update,
    Delete,
    Enable,
    Disable,
    Unknown,
}

fn verb(word: &str) -> Verb {
    match word {
        "created" | "create" | "added" | "made" | "granted" | "invited" | "imported" => {
            Verb::Create
        }
        "read" | "viewed" | "exported" | "downloaded" | "accessed" | "listed" => Verb::Read,
        "changed" | "change" | "updated" | "update" | "edited" | "renamed" | "set" | "rotated"
        | "moved" => Verb::Update,
        "deleted" | "delete" | "removed" | "revoked" | "destroyed" | "destroy" | "discarded" => {
            Verb::Delete
        }
        "enabled" | "resumed" | "unlocked" => Verb::Enable,
        "disabled" | "suspended" | "locked" => Verb::Disable,
        _ => Verb::Unknown,
    }
}

fn entity_activity(verb: Verb) -> u8 {
    match verb {
        Verb::Create => 1,
        Verb::Read => 2,
        Verb::Update => 3,
        Verb::Delete => 4,
        Verb::Enable => 8,
        Verb::Disable => 9,
        Verb::Unknown => OTHER,
    }
}

fn account_activity(verb: Verb) -> u8 {
    match verb {
        Verb::Create => 1,
        Verb::Enable => 2,
        Verb::Disable => 5,
        Verb::Delete => 6,
        Verb::Read | Verb::Update | Verb::Unknown => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::siem::samples::event;

    #[test]
    fn the_table_names_every_action_once_and_fits_every_format() {
        for (at, known) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..at].iter().all(|other| other.action != known.action), "{known:?}");
            assert!(known.action.len() <= 32, "{known:?} is cut in a line of syslog");
            assert!(known.meaning.ends_with('.') && known.severity <= 10, "{known:?}");
        }
    }

    #[test]
    fn an_action_that_nobody_listed_is_placed_by_its_words() {
        for (action, class, activity, area) in [
            ("login.by_passkey", Authentication, 1, Area::Authentication),
            ("logout.forced", Authentication, 2, Area::Authentication),
            ("permission.granted", UserAccess, 1, Iam),
            ("role.renamed", UserAccess, OTHER, Iam),
            ("user.renamed", AccountChange, OTHER, Iam),
            ("user.removed", AccountChange, 6, Iam),
            ("billing.plan.changed", Entity, 3, Configuration),
            ("report.downloaded", Entity, 2, Database),
            ("group.deleted", Entity, 4, Iam),
            ("Something else", Entity, OTHER, Configuration),
        ] {
            let placed = Place::of(&event(serde_json::json!({"action": action})));
            assert_eq!(placed, Place { class, activity, area }, "{action}");
        }
    }
}
