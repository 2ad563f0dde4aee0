//! Secrets: what an integration's messages are signed with, and what must not be shown.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// The fewest and the most bytes a secret may have, as Standard Webhooks asks.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// How many bytes the secrets that Lull makes have.
const BYTES_MADE: usize = 32;

/// What stands in place of a value that looks like a credential (section 7).
pub const HIDDEN: &str = "(hidden)";

/// Whether the value of a header with this (lower-case) name should not be shown.
pub fn looks_secret(name: &str) -> bool {
    const MARKS: [&str; 7] = ["auth", "token", "secret", "key", "cookie", "password", "credential"];
    MARKS.iter().any(|mark| name.contains(mark))
}

/// A signing secret, written `whsec_` + base64. Debug output never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// The text is not a secret. Does not repeat it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("is not a secret; one is whsec_ followed by the base64 of 24 to 64 bytes")]
pub struct BadSecret;

impl Secret {
    /// A new secret from the system's random source.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = vec![0; BYTES_MADE];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The key itself.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as its owner needs it: `whsec_…`.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }
}

impl FromStr for Secret {
    type Err = BadSecret;

    fn from_str(text: &str) -> Result<Self, BadSecret> {
        let encoded = text.strip_prefix(PREFIX).ok_or(BadSecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| BadSecret)?;
        if BYTES.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(BadSecret) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.reveal())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_survives_being_written_and_read_and_is_never_shown_by_accident() {
        let secret = Secret::random().unwrap();
        assert_eq!(secret.reveal().parse(), Ok(secret.clone()));
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
        for text in ["", "whsec_", "whsec_AAAA", "whsec_!!!", "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"] {
            assert_eq!(text.parse::<Secret>(), Err(BadSecret), "{text}");
        }
    }
}
