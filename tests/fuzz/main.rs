//! Fuzzing: whatever bytes come, each of these holds. One file a target; each says what is tried, and
//! what must be true of it.
//!
//!     cargo test --test fuzz                           three seconds a target, two at a time
//!     LULL_FUZZ_SECONDS=60 cargo test --test fuzz      a minute each
//!     tests/guided-fuzz 3600                           an hour each, guided by what is reached
//!
//! `corpus/TARGET` has the inputs that are tried first: shapes as they are posted, and whatever was
//! found to fail once. `words` has words that mutations are made of.

mod engine;

macro_rules! targets {
    ($($target:ident),* $(,)?) => {
        $(mod $target;)*

        const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($target), $target::check)),*];

        $(#[test]
        fn $target() {
            engine::run(stringify!($target));
        })*
    };
}

mod posted;
mod window;

targets![
    answers,
    audits,
    collation,
    filters,
    formats,
    full_records,
    imports,
    integrations,
    queries,
    retry_after,
    rows,
    security_events,
    settings,
    signatures,
];
