//! Values made smaller: LZ4, which costs little, with words that nearly every value has, as most values are
//! too short to repeat themselves.

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};

/// The shortest value that is tried, in bytes.
const WORTH_BYTES_MIN: usize = 64;
/// The most that a byte stands for, as LZ4 has it; what claims to be longer is damaged.
const TIMES_MAX: usize = 255;

/// What stands before every value, as it were. Stores hold what was pressed with it, so it must never
/// change.
const WORDS: &[u8] = concat!(
    // Security events.
    r#"{"id":"","action":"integration.updated","created_at":"2026-01-01T00:00:00.000Z","user":{"id":"","#,
    r#""name":"admin","email":null,"created_at":null,"updated_at":null},"ip":"127.0.0.1","user_agent":"#,
    r#""Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/"#,
    r#"537.36","target":{"type":"token","id":"","name":""},"outcome":"success","failure","severity":4,"#,
    r#""description":null,"details":{"roles":[]}}"#,
    // What people write.
    " the of and to in is for that with be on are this from by not it as or was an have can will when which ",
    " user users should would need feature status changed updated added removed &nbsp; &amp; &lt; &gt; ",
    r#"<ul><li></li></ul><strong></strong></p><p><br/><a href=\"https://www."#,
    // Attempts: postcard writes a text's length before it.
    "\x04date\x1dMon, 01 Jan 2026 00:00:00 GMT\x06server\x05nginx\ncloudflare\x0ccontent-type\x18",
    "text/plain; charset=utf-8\x19application/json; charset=utf-8\x0acache-control\x08no-cache",
    "\nconnection\nkeep-alive\x04vary\x0ftransfer-encoding\x07chunked\x19strict-transport-security",
    "\x02ok\x0f{\"status\":\"ok\"}{\"ok\":true}",
    "\0\0\x05\x0ccontent-type\x10application/json\nuser-agent\nLull/0.1.0\nwebhook-id\x13",
    "\x11webhook-timestamp\n\x11webhook-signature/v1,\x01\x01\0\x01\x01\0\x01\x02\0\x0econtent-length\x010\0\0\0",
    // Messages for people.
    r#"{"text":"","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"*"}},{"type":"context","#,
    r#""elements":[{"type":"mrkdwn","text":""}]}"#,
    // Audits as they are sent.
    r#""old_value":null,"new_value":"associated_type":null,"associated_id":null,"workspace_id":""#,
    r#"],"collated":{"count":1,"audit_ids":[""],"first_at":"2026-01-01T00:00:00.000Z","last_at":"2026-"#,
    r#"{"event":"audit","audit":{"id":"","audit_action":"update","created_at":"2026-01-01T00:00:00.000Z","#,
    r#""interesting":true,"user":{"id":"","name":"","email":"@example.com","created_at":null,"updated_at":null},"#,
    r#""contributors":[{"id":"","name":"","email":"@example.com","created_at":null,"updated_at":null}],"#,
    r#""auditable_type":"feature","auditable_id":"","associated_type":null,"associated_id":null,"#,
    // And as they are posted and kept.
    r#"{"audit_action":"create","destroy","interesting":false,"user":{"id":"","name":"","email":""#,
    r#"@example.com","created_at":null,"updated_at":null},"auditable_type":"feature","auditable_id":""#,
    r#"","workspace_id":"product","description":"updated feature ","auditable_url":"https://app."#,
    r#"example.com/features/","changes":[{"field_name":"Name","value":""},{"field_name":"Description","#,
    r#""value":"<p></p>"},{"field_name":"Status","value":"&rarr;"},{"field_name":"Assigned to","value":""}]}"#,
)
.as_bytes();

/// The value, pressed; none where that does not make it smaller.
pub fn press(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() < WORTH_BYTES_MIN {
        return None;
    }
    let pressed = compress_prepend_size_with_dict(value, WORDS);
    (pressed.len() < value.len()).then_some(pressed)
}

/// The value that was pressed; none where it is damaged.
pub fn unpress(pressed: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = pressed.split_first_chunk()?;
    // A damaged length must not ask for more memory than there is.
    if u32::from_le_bytes(*length) as usize > rest.len() * TIMES_MAX {
        return None;
    }
    decompress_size_prepended_with_dict(pressed, WORDS).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_pressed_comes_back(
            value in prop_oneof![
                "[a-f ]{0,900}".prop_map(String::into_bytes),
                proptest::collection::vec(any::<u8>(), 0..900),
            ],
            times in 1..40_usize,
        ) {
            let value = value.repeat(times);
            if let Some(pressed) = press(&value) {
                prop_assert!(pressed.len() < value.len());
                prop_assert_eq!(unpress(&pressed), Some(value));
            }
        }

        #[test]
        fn what_is_damaged_is_no_value_or_one_of_bounded_length(
            noise in proptest::collection::vec(any::<u8>(), 0..600),
        ) {
            let most = noise.len() * TIMES_MAX;
            prop_assert!(unpress(&noise).is_none_or(|value| value.len() <= most));
        }
    }

    /// Stores out there hold what was pressed with these words.
    #[test]
    fn the_words_are_what_they_have_always_been() {
        assert_eq!(xxhash_rust::xxh3::xxh3_64(WORDS), 8_464_038_055_097_941_300);
    }

    #[test]
    fn a_short_audit_takes_a_third() {
        let audit = br#"{"audit_action":"update","interesting":true,"user":{"id":"17","name":"Ada","email":"ada@example.com","created_at":null,"updated_at":null},"auditable_type":"feature","auditable_id":"6721","workspace_id":"product","description":"updated feature Export","auditable_url":"https://app.example.com/features/6721","changes":[{"field_name":"Name","value":"Export"}]}"#;
        let pressed = press(audit).unwrap();
        assert!(pressed.len() * 3 < audit.len(), "{} of {}", pressed.len(), audit.len());
    }
}
