//! What is counted, function by function. What is made is returned, so that dropping it does not count.

use std::hint::black_box;

use iai_callgrind::{library_benchmark, library_benchmark_group};
use lull::address::{self, Comes};
use lull::collate::{Collated, Seen, collate};
use lull::filter::{Verdict, decide};
use lull::format;
use lull::ingest::{self, Media};
use lull::model::{Audit, AuditDraft, Id, Integration, RecordKey};
use lull::sign;
use lull::store::fuzzing::keys_of_window;

use crate::material::{body, integration, now, read, record, seen, window};

/// As the executable has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A body, read once already.
fn one() -> &'static [u8] {
    let body = body(1).trim_ascii_end();
    black_box(read(body, Media::Json));
    body
}

fn lines(audits: usize) -> &'static [u8] {
    let body = body(audits);
    black_box(read(body, Media::Ndjson));
    body
}

#[library_benchmark]
#[bench::of_600_bytes(one())]
fn ingest_one(body: &[u8]) -> Vec<AuditDraft> {
    read(black_box(body), Media::Json)
}

#[library_benchmark]
#[bench::of_500(lines(500))]
fn ingest_lines(body: &[u8]) -> Vec<AuditDraft> {
    read(black_box(body), Media::Ndjson)
}

fn draft() -> &'static AuditDraft {
    let draft = &window(1)[0].said;
    black_box(serde_json::to_string(draft).expect("plain data"));
    draft
}

// The text that the history keeps of an accepted audit.
#[library_benchmark]
#[bench::of_600_bytes(draft())]
fn ingest_write_kept(draft: &AuditDraft) -> String {
    serde_json::to_string(black_box(draft)).expect("plain data")
}

fn kept() -> &'static [u8] {
    let text = serde_json::to_vec(draft()).expect("plain data");
    black_box(ingest::kept(&text).expect("what was kept"));
    Box::leak(text.into_boxed_slice())
}

#[library_benchmark]
#[bench::of_600_bytes(kept())]
fn ingest_read_kept(text: &[u8]) -> AuditDraft {
    ingest::kept(black_box(text)).expect("what was kept")
}

fn filtered(filtered: bool) -> (&'static Integration, &'static Audit) {
    let (integration, audit) = (integration(filtered), &window(1)[0]);
    black_box(decide(&integration.spec, audit));
    (integration, audit)
}

#[library_benchmark]
#[bench::no_rows(filtered(false))]
#[bench::two_rows(filtered(true))]
fn filter((integration, audit): (&'static Integration, &'static Audit)) -> Verdict<'static> {
    decide(black_box(&integration.spec), audit)
}

fn collated_before(audits: usize) -> &'static [Seen<'static>] {
    let seen = seen(audits);
    black_box(collate(seen));
    seen
}

#[library_benchmark]
#[bench::of_1(collated_before(1))]
#[bench::of_10(collated_before(10))]
#[bench::of_100(collated_before(100))]
fn collate_window(seen: &[Seen]) -> Option<Collated> {
    collate(black_box(seen))
}

fn collated(audits: usize) -> &'static Collated {
    let collated = collate(seen(audits)).expect("something changed");
    black_box(format::body(integration(false).spec.format, &collated));
    Box::leak(Box::new(collated))
}

// The body that is sent.
#[library_benchmark]
#[bench::of_1(collated(1))]
#[bench::of_10(collated(10))]
fn format_body(collated: &Collated) -> String {
    format::body(Default::default(), black_box(collated))
}

type Window = (&'static Integration, RecordKey, Vec<&'static Audit>);

fn addressed(audits: usize) -> Window {
    let window: Window = (integration(false), record(), window(audits).iter().collect());
    black_box(address::collated(window.0, &window.1, &window.2));
    window
}

// Filter, collation and format: what a window comes to for one integration.
#[library_benchmark]
#[bench::of_1(addressed(1))]
#[bench::of_10(addressed(10))]
fn address_window(window: Window) -> (Window, Comes) {
    let comes = address::collated(window.0, &window.1, &window.2);
    (window, comes)
}

type ToSign = (&'static Integration, &'static [u8]);

fn to_sign(bytes: usize) -> ToSign {
    let integration = integration(false);
    let body: &[u8] = Box::leak(vec![b'x'; bytes].into_boxed_slice());
    black_box(signed(&(integration, body)));
    (integration, body)
}

fn signed((integration, body): &ToSign) -> String {
    sign::sign(std::iter::once(&integration.secret), "7711698060308287288", now(), body)
}

#[library_benchmark]
#[bench::of_1_kb(to_sign(1_000))]
#[bench::of_10_kb(to_sign(10_000))]
fn sign_body(body: ToSign) -> String {
    signed(black_box(&body))
}

fn key_material() -> (RecordKey, Id) {
    let material = (record(), Id::from_u64(7_711_698_060_308_287_288));
    black_box(keys_of_window(&material.0, material.1));
    material
}

// Hash of the record, and the keys that closing its window writes.
#[library_benchmark]
#[bench::of_window(key_material())]
fn encode_keys(material: (RecordKey, Id)) -> ((RecordKey, Id), [u8; 35]) {
    let keys = keys_of_window(black_box(&material.0), material.1);
    (material, keys)
}

library_benchmark_group!(
    name = pure;
    benchmarks =
        ingest_one, ingest_lines, ingest_write_kept, ingest_read_kept, filter, collate_window,
        format_body, address_window, sign_body, encode_keys
);
