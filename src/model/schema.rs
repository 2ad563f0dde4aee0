//! How the values that stand as plain texts in JSON are described in the API's document.

use std::borrow::Cow;

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::openapi::{KnownFormat, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::account::SLUG_CHARS_MAX;
use super::integration::{MaxWait, RetrySchedule};
use super::integration_check::RETRIES_MAX;
use super::{ExternalId, Id, NAME_CHARS_MAX, Slug};
use crate::clock::Timestamp;
use crate::settings::DURATION_CHARS_MAX;

/// A duration as people write it.
const DURATION: &str = "^[0-9]+(ms|s|m|h|d)$";

/// Stands in the document for a [`std::time::Duration`], which is written like `30s`.
pub struct DurationText;

fn text(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .examples([serde_json::Value::from(example)])
}

macro_rules! described {
    ($($of:ty, $name:literal => $schema:expr;)*) => {$(
        impl PartialSchema for $of {
            fn schema() -> RefOr<Schema> {
                $schema.into()
            }
        }

        impl ToSchema for $of {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    )*};
}

described! {
    Id, "Id" => text(
        "An id that Lull made: a 64-bit number, written as a string because JSON numbers lose digits \
         past 2^53. Ordered by time.",
        "7627861917179969537",
    )
    // All that fits in 64 bits, but for ids past the year 2102.
    .pattern(Some("^([0-9]{1,19}|1[0-7][0-9]{18})$"));

    ExternalId, "ExternalId" => text(
        "An id or a name that somebody else made: kept as it is.",
        "42",
    )
    .min_length(Some(1))
    .max_length(Some(NAME_CHARS_MAX));

    Slug, "AccountId" => text(
        "The id of an account: small letters, digits and hyphens, beginning with a letter.",
        "acme",
    )
    .pattern(Some("^[a-z][a-z0-9-]*$"))
    .max_length(Some(SLUG_CHARS_MAX));

    Timestamp, "Timestamp" => text(
        "A moment: RFC 3339. Answers have it in UTC and with milliseconds; any offset and any number \
         of digits is read.",
        "2026-03-02T09:14:05.120Z",
    )
    .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));

    DurationText, "Duration" => text("A duration: a whole number of ms, s, m, h or d.", "30s")
        .pattern(Some(DURATION))
        .max_length(Some(DURATION_CHARS_MAX));

    MaxWait, "MaxWait" => text("`off`, or a duration.", "30m")
        .pattern(Some("^(off|[0-9]+(ms|s|m|h|d))$"))
        .max_length(Some(DURATION_CHARS_MAX));

    RetrySchedule, "RetrySchedule" => ArrayBuilder::new()
        .items(DurationText::schema())
        .max_items(Some(RETRIES_MAX))
        .description(Some("Waits after the first try, the second, and so on; each from 1s to 7d."))
        .examples([serde_json::json!(["5s", "5m", "30m"])]);
}
