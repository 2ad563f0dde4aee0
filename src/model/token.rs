//! Tokens and sessions: who may call. Hashes are stored, never what is shown.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::{Account, DurationText, ExternalId, Id, Slug};
use crate::clock::Timestamp;
use crate::settings::parse_duration;

/// Random bytes in what opens a door.
const KEY_BYTES: usize = 32;

/// A token, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Made by Lull.
    pub id: Id,
    /// The account it opens.
    pub account: Account,
    /// What people call it; what the log says did something.
    pub name: ExternalId,
    /// What it may do.
    pub roles: Vec<Role>,
    /// The workspaces that the role owner is about.
    #[serde(default)]
    pub workspaces: Vec<ExternalId>,
    /// The hash of its text.
    pub hash: KeyHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it; none for the one that the first start makes.
    #[serde(default)]
    pub created_by: Option<Box<str>>,
    /// From when on it opens nothing.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// What a token may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything in the account.
    Admin,
    /// The integrations, messages, windows and history of named workspaces.
    Owner,
    /// Posts audits, and reads nothing.
    Producer,
    /// Reads, and changes nothing.
    Viewer,
    /// The server itself.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 5] =
        [Role::Admin, Role::Owner, Role::Producer, Role::Viewer, Role::Operator];

    /// Its name, as it is written everywhere.
    pub const fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Owner => "owner",
            Role::Producer => "producer",
            Role::Viewer => "viewer",
            Role::Operator => "operator",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Role::ALL.into_iter().find(|role| role.name() == text);
        named.ok_or_else(|| {
            let names = Role::ALL.map(Role::name).join(", ");
            format!("{text:?} is not a role; these are: {names}")
        })
    }
}

/// The most workspaces a token owns.
pub const WORKSPACES_MAX: usize = 1_000;

/// The longest a token that expires lasts: beyond the year 9999 there is no way to write when.
const LASTS_MAX: Duration = Duration::from_secs(1_000 * 366 * 86_400);

/// A token to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewToken)]
pub struct TokenWish {
    /// What the log is to call whoever uses it.
    pub name: ExternalId,
    /// What it may do: one role at least.
    pub roles: Vec<Role>,
    /// What the role owner is about: one at least with that role, none without it.
    #[serde(default)]
    pub workspaces: Vec<ExternalId>,
    /// From when on it opens nothing.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// The same from now on, like `90d`.
    #[serde(default)]
    #[schema(value_type = Option<DurationText>)]
    pub expires_in: Option<String>,
    /// The account it opens; that of the caller when it is left out.
    #[serde(default)]
    pub account: Option<Slug>,
}

impl TokenWish {
    /// When the token expires, if all that is asked for fits together; else every fault with its
    /// place (a JSON pointer).
    pub fn check(&self, now: Timestamp) -> Result<Option<Timestamp>, Vec<(String, String)>> {
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, message: String| faults.push((pointer.to_owned(), message));
        if self.roles.is_empty() {
            let names = Role::ALL.map(Role::name).join(", ");
            fault("/roles", format!("must name one at least of {names}"));
        }
        let owner = self.roles.contains(&Role::Owner);
        if owner == self.workspaces.is_empty() {
            let wrong =
                if owner { "must name what the owner owns" } else { "are for the role owner only" };
            fault("/workspaces", wrong.to_owned());
        }
        if self.workspaces.len() > WORKSPACES_MAX {
            fault("/workspaces", format!("has more than {WORKSPACES_MAX}"));
        }
        let expires_at = match (&self.expires_at, &self.expires_in) {
            (Some(_), Some(_)) => {
                fault("/expires_in", "is one too many beside expires_at".to_owned());
                None
            }
            (at, None) => *at,
            (None, Some(text)) => match parse_duration(text) {
                Some(lasts) => Some(now + lasts),
                None => {
                    fault("/expires_in", format!("{text:?} is not a duration; write it like 90d"));
                    None
                }
            },
        };
        if expires_at.is_some_and(|at| at > now + LASTS_MAX) {
            fault(
                "/expires_in",
                "is more than a thousand years; leave it out for never".to_owned(),
            );
        }
        if expires_at.is_some_and(|at| at <= now) {
            fault("/expires_at", "has passed already".to_owned());
        }
        if faults.is_empty() { Ok(expires_at) } else { Err(faults) }
    }

    /// The token, made by somebody; its id and time are the store's to give.
    pub fn token(
        self,
        account: Account,
        hash: KeyHash,
        expires_at: Option<Timestamp>,
        created_by: &str,
    ) -> Token {
        Token {
            id: Id::default(),
            created_at: Timestamp::default(),
            account,
            name: self.name,
            roles: self.roles,
            workspaces: self.workspaces,
            hash,
            created_by: Some(created_by.into()),
            expires_at,
        }
    }
}

/// Somebody who logged in with a token: what their browser sends is a key of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Made by Lull.
    pub id: Id,
    /// The token it stands for: when that is revoked, this opens nothing either.
    pub token: Id,
    /// The hash of the key in the cookie.
    pub hash: KeyHash,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
}

/// 256 random bits as text: the secret part of a token, a session, a login link.
pub fn random_key() -> Result<String, getrandom::Error> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The text of a token whose secret part is `key`.
pub fn token_text(key: &str) -> String {
    format!("lull_{key}")
}

/// SHA-256 of a key's text. Enough, because a key is 256 random bits and not a password.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// The hash of `text`.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }

    /// Its first bytes, to find it by: how long that takes tells nothing of a key, because nobody
    /// can choose what a hash begins with.
    pub fn prefix(&self) -> u64 {
        u64::from_be_bytes(*self.0.first_chunk().expect("invariant: 32 bytes"))
    }
}

impl PartialEq for KeyHash {
    /// Takes the same time wherever the difference is.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_as_its_hash_alone() {
        let text = token_text(&random_key().expect("random bytes"));
        let kept = serde_json::to_string(&KeyHash::of(&text)).expect("plain data");
        assert!(!kept.contains(&text) && !kept.contains(&text[5..]), "{kept}");
        assert_eq!(serde_json::from_str::<KeyHash>(&kept).ok(), Some(KeyHash::of(&text)));
    }

    #[test]
    fn a_hash_is_another_whichever_bit_differs_and_that_takes_the_same_time() {
        let hash = KeyHash::of("lull_x");
        for bit in 0..256 {
            let mut other = hash;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert!(other != hash, "bit {bit}");
        }
        assert!(hash == KeyHash::of("lull_x"));
        // Time is not measured here: that it is the same is what the crate is for.
        let source = include_str!("token.rs");
        assert!(
            source.contains("fn eq(&self, other: &Self) -> bool {\n        self.0.ct_eq(&other.0)")
        );
    }
}
