//! Tests of the real executable, over real sockets. One binary, so that it is linked once.
//!
//! - `harness`: starting servers, scripted receivers, calling the API
//! - `first_light`: audits in, one collated audit out
//! - `rest`: what the API answers, and what it refuses
//! - `roles`: who may call what: every row of the table, every role, own and others' things
//! - `tokens`: tokens, sessions, accounts, workspaces
//! - `again`: the same call twice, two administrators at once
//! - `learned`: users, record types and fields, for pickers
//! - `preview`: open windows, and what they promise
//! - `backup`: copies of a server under load, and servers started on them
//! - `cli`: tokens and configuration from the command line
//! - `lately`: how deliveries went lately
//! - `limits`: every bound, at its edge
//! - `server_tls`: the server behind its own certificate
//! - `lifecycle`: settings, first start, ordered stop
//! - `by_hand`: test, redeliver, cancel, recover, replay, discard, why
//! - `metrics`: what Prometheus reads
//! - `demo`: `lull demo --once`
//! - `listen`: `lull listen`
//! - `verify`: signatures, checked by clients that we did not write
//! - `siem`: security events, read back by packages that we did not write
//! - `schemathesis`: the server against its own document
//! - `threats`: what somebody might try who means harm
//! - `tls`: certificates, good and bad, and who may be connected to
//! - `record_hooks`: whole records, kept current at their hooks
//! - `nasty`: receivers that do what no receiver should
//! - `overload`: more than it can take, all at once
//! - `slow_hook`: a hook that never answers delays nobody else
//! - `clock`: clocks that jump, at start and while running
//! - `disk`: disks that are full, read-only, slow or broken, and well again
//! - `damage`: stores whose files are damaged, and what can be saved of them
//! - `crash`: SIGKILL at random moments loses and doubles nothing
//! - `power_cut`: a power cut at random moments loses and doubles nothing
//! - `pages`: the tests that the pages about threats and reliability name are there

mod again;
mod backup;
mod batches;
mod by_hand;
mod cli;
mod clock;
mod crash;
mod damage;
mod demo;
mod disk;
mod first_light;
mod harness;
mod lately;
mod learned;
mod lifecycle;
mod limits;
mod listen;
mod metrics;
mod nasty;
mod overload;
mod pages;
mod power_cut;
mod preview;
mod record_hooks;
mod rest;
mod roles;
mod schemathesis;
mod security_hooks;
mod server_tls;
mod siem;
mod slow_hook;
mod threats;
mod tls;
mod tokens;
mod verify;
