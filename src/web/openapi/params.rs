//! Parameters that several calls have.

use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Ref, Schema, Type};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, PartialSchema};

use crate::clock::Timestamp;
use crate::model::{ExternalId, Id};
use crate::web::once::KEY_CHARS_MAX;
use crate::web::params::{LIMIT_DEFAULT, LIMIT_MAX};

fn parameter(
    place: ParameterIn,
    name: &str,
    description: &str,
    schema: impl Into<RefOr<Schema>>,
) -> Parameter {
    let required = if place == ParameterIn::Path || name == "pending" {
        Required::True
    } else {
        Required::False
    };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .description(Some(description))
        .required(required)
        .schema(Some(schema))
        .build()
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn named(name: &str) -> Ref {
    Ref::from_schema_name(name)
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $of:ident => $([$place:ident, $name:literal, $description:expr, $schema:expr]),+;)*) => {$(
        $(#[$doc])*
        pub struct $of;

        impl IntoParams for $of {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                vec![$(parameter(ParameterIn::$place, $name, $description, $schema)),+]
            }
        }
    )*};
}

parameters! {
    /// Where a page of things that Lull gave an id begins.
    After => [Query, "after", "`next` of the page before", Id::schema()];

    /// Where a page of audits begins.
    AfterAudit => [Query, "after_id", "`next` of the page before, or the id of any audit", ExternalId::schema()];

    /// Where a page of names begins.
    AfterName => [Query, "after", "`next` of the page before", ExternalId::schema()];

    /// How long a page is.
    Limit => [Query, "limit", "How many items a page has at most", ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(LIMIT_MAX as f64))
        .default(Some(LIMIT_DEFAULT.into()))];

    /// Which windows.
    Pending => [Query, "pending", "Must be `true`: only open windows can be listed",
        ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true]))];

    /// What a name holds.
    Search => [Query, "q", "Only those that hold this text, compared without case", text()];

    /// From when on.
    Since => [Query, "since", "Only from then on", Timestamp::schema()];

    /// Until when.
    Until => [Query, "until", "Only before then", Timestamp::schema()];

    /// Which record.
    RecordParam => [Query, "record", "Only this record: `type/id`, both halves percent-encoded",
        text().pattern(Some("^[^/]+/[^/]+$")).examples(["feature/42"])];

    /// The record that the path names.
    RecordPath =>
        [Path, "type", "The record's type, percent-encoded", named("ExternalId")],
        [Path, "id", "The record's id, percent-encoded", named("ExternalId")];

    /// The integration that the path names.
    IntegrationPath => [Path, "id", "The integration", named("Id")];

    /// The integration that the path of a record names.
    LinkedIntegration => [Path, "integration", "The integration, of kind `record`", named("Id")];

    /// The message that the path names.
    MessagePath => [Path, "id", "The message", Id::schema()];

    /// What makes a call happen once.
    IdempotencyKey => [Header, "Idempotency-Key",
        "Another for each call. The same call with the same key, within a day, is done once and \
         answered as it was the first time; another call with it is refused with 422",
        text().min_length(Some(1)).max_length(Some(KEY_CHARS_MAX)).pattern(Some("^[!-~]+$"))];

    /// What makes a call happen only to the version that was seen.
    IfMatch => [Header, "If-Match",
        "The `ETag` that was seen: when somebody else has changed the integration since, the call \
         is refused with 412",
        text().examples(["\"7627861917179969537\""])];
}
