//! Tokens: who may call. The hash is stored, never the token.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Account, ExternalId, Id};
use crate::clock::Timestamp;

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
    /// The hash of its text.
    pub hash: TokenHash,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything in the account.
    Admin,
    /// The server itself.
    Operator,
}

/// SHA-256 of a token's text. Enough, because a token is 256 random bits and not a password.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of `text`.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text).into())
    }
}

impl PartialEq for TokenHash {
    /// Takes the same time wherever the difference is.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}
