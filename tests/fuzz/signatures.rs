//! Signatures as receivers check them: the text of a secret on the first line, of a signature header on
//! the second, and a body. What was signed verifies, alone and among others; nothing else does.

use lull::clock::Timestamp;
use lull::model::Secret;
use lull::sign::{sign, verify};

const ID: &str = "7627861917179969537";
const AT: i64 = 1_772_442_845;

pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(3, '\n');
    let mut part = || parts.next().unwrap_or_default();
    let (secret, header, body) = (part(), part(), part().as_bytes());
    let at = Timestamp::from_unix_ms(AT * 1_000 + 999);
    let secret = match secret.parse::<Secret>() {
        Ok(secret) => {
            assert!((24..=64).contains(&secret.as_bytes().len()));
            assert_eq!(secret.reveal().parse::<Secret>().as_ref(), Ok(&secret));
            secret
        }
        Err(bad) => {
            let told = bad.to_string();
            // What is said of every other has these words as well.
            let of_others = "?".parse::<Secret>().expect_err("no secret").to_string();
            let is_told = told.contains(secret) && !of_others.contains(secret);
            assert!(secret.len() < 12 || !is_told, "{told}");
            "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD".parse().expect("a secret")
        }
    };
    let right = sign(std::iter::once(&secret), ID, at, body);
    assert!(verify(&secret, ID, AT, body, &right));
    assert!(verify(&secret, ID, AT, body, &format!("{header} {right}")));
    assert!(!verify(&secret, ID, AT + 1, body, &right) && !verify(&secret, "1", AT, body, &right));
    let longer = [body, b" "].concat();
    assert!(!verify(&secret, ID, AT, &longer, &right));
    // Whatever stands in the header: it verifies only if the right signature is one of those in it.
    let holds = header.split(' ').any(|token| token == right);
    assert_eq!(verify(&secret, ID, AT, body, header), holds, "{header:?}");
    // As a verifier that we did not write says.
    let Ok(theirs) = standardwebhooks::Webhook::new(&secret.reveal()) else { return };
    assert_eq!(theirs.sign(ID, AT, body).ok().as_deref(), Some(right.as_str()));
}
