//! Standard Webhooks signatures (DESIGN.md section 6). Level 1: pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::Timestamp;
use crate::model::Secret;

/// What a signature of this kind begins with. A token without the comma is never written: receivers
/// split at it.
const VERSION: &str = "v1,";

/// The `webhook-signature` of a body sent at `at` under the id `id`: one token for each secret.
pub fn sign<'s>(
    secrets: impl Iterator<Item = &'s Secret>,
    id: &str,
    at: Timestamp,
    body: &[u8],
) -> String {
    let tokens = secrets.map(|secret| {
        let mac = mac(secret, id, at.unix_seconds(), body).finalize().into_bytes();
        format!("{VERSION}{}", STANDARD.encode(mac))
    });
    tokens.collect::<Vec<_>>().join(" ")
}

/// Whether one of the signatures in `header` (space-separated) is right. Takes the same time wherever
/// the difference is.
pub fn verify(secret: &Secret, id: &str, unix_seconds: i64, body: &[u8], header: &str) -> bool {
    let signatures = header.split(' ').filter_map(|token| token.strip_prefix(VERSION));
    signatures
        .filter_map(|encoded| STANDARD.decode(encoded).ok())
        .any(|signature| mac(secret, id, unix_seconds, body).verify_slice(&signature).is_ok())
}

fn mac(secret: &Secret, id: &str, unix_seconds: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .expect("invariant: HMAC takes keys of any length");
    mac.update(format!("{id}.{unix_seconds}.").as_bytes());
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    const BODY: &[u8] = br#"{"email":"test@example.com","username":"test_user"}"#;
    const SIGNATURE: &str = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";

    fn secret() -> Secret {
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().unwrap()
    }

    #[test]
    fn the_known_vector_comes_out() {
        let at = Timestamp::from_unix_ms(1_649_367_553_999);
        assert_eq!(sign(std::iter::once(&secret()), ID, at, BODY), SIGNATURE);
    }

    #[test]
    fn during_a_rotation_either_secret_verifies() {
        let (new, at) = (Secret::random().unwrap(), Timestamp::from_unix_ms(1_649_367_553_000));
        let both = sign([&new, &secret()].into_iter(), ID, at, BODY);
        assert!(both.split(' ').all(|token| token.starts_with("v1,")) && both.contains(' '));
        for secret in [new, secret()] {
            assert!(verify(&secret, ID, 1_649_367_553, BODY, &both));
        }
    }

    #[test]
    fn only_what_was_signed_verifies() {
        let at = 1_649_367_553;
        let both = format!("v1,AAAA v2,x {SIGNATURE}");
        assert!(
            verify(&secret(), ID, at, BODY, SIGNATURE) && verify(&secret(), ID, at, BODY, &both)
        );
        assert!(!verify(&secret(), "msg_other", at, BODY, SIGNATURE));
        assert!(!verify(&secret(), ID, at + 1, BODY, SIGNATURE));
        assert!(!verify(&secret(), ID, at, b"{}", SIGNATURE));
        assert!(!verify(&Secret::random().unwrap(), ID, at, BODY, SIGNATURE));
        for header in ["", "v1,", "v1", &SIGNATURE[3..]] {
            assert!(!verify(&secret(), ID, at, BODY, header), "{header}");
        }
    }
}
