//! Tokens and sessions: who may call. Hashes are stored, never what is shown.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Account, ExternalId, Id};
use crate::clock::Timestamp;

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
