//! libFuzzer, started from an ordinary test: the test runs itself again in a process of its own, which
//! the engine takes over.
//!
//! `tests/guided-fuzz` builds with counters, and what reaches something new is kept. An ordinary build has
//! none: then every input of the corpus is tried, and mutations of them as they come.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};

use libfuzzer_sys::fuzz_target;

/// What the inner process is told.
const TARGET: &str = "LULL_FUZZ_TARGET";
/// For how long each target is tried, in seconds.
const SECONDS: &str = "LULL_FUZZ_SECONDS";
const SECONDS_DEFAULT: &str = "3";
/// The engine's random seed; 0 takes another each time.
const SEED: &str = "LULL_FUZZ_SEED";
/// Whether the build has counters.
const GUIDED: &str = "LULL_FUZZ_GUIDED";

/// The longest input that is tried, in bytes.
const INPUT_BYTES_MAX: usize = 16 << 10;
/// How long one input may take, in seconds.
const INPUT_SECONDS_MAX: usize = 10;
/// The most memory, in MiB.
const MEMORY_MAX: usize = 2_048;

/// Tries `target` for as long as the environment says.
pub fn run(target: &str) {
    if std::env::var(TARGET).is_ok_and(|inner| inner == target) {
        drive(&arguments(target));
    }
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", target, "--nocapture", "--test-threads=1"])
        .env(TARGET, target)
        .output()
        .expect("this test");
    let said = String::from_utf8_lossy(&output.stderr);
    let numbers = said.lines().filter(|line| line.starts_with("stat::") || line.contains("DONE"));
    numbers.for_each(|line| println!("{target}: {}", line.trim()));
    let last: Vec<&str> = said.lines().rev().take(60).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    assert!(output.status.success(), "{target}: {}\n{}", output.status, last.join("\n"));
    assert!(said.contains("stat::number_of_executed_units"), "nothing was tried:\n{said}");
}

fn arguments(target: &str) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let var = |name: &str, otherwise: &str| std::env::var(name).unwrap_or(otherwise.to_owned());
    let guided = std::env::var(GUIDED).is_ok();
    // What is found is written to the first folder; without counters it is worth nothing later.
    let kept = if guided { "target/fuzz/corpus" } else { "target/fuzz/tried" };
    let (found, failed) = (root.join(kept).join(target), root.join("target/fuzz/failed"));
    if !guided {
        let _ = std::fs::remove_dir_all(&found);
    }
    for folder in [&found, &failed] {
        std::fs::create_dir_all(folder).expect("a folder");
    }
    let shown = |path: PathBuf| path.to_str().expect("a path in Unicode").to_owned();
    vec![
        "fuzz".to_owned(),
        format!("-max_total_time={}", var(SECONDS, SECONDS_DEFAULT)),
        format!("-seed={}", var(SEED, if guided { "0" } else { "1" })),
        format!("-artifact_prefix={}/{target}-", shown(failed)),
        format!("-max_len={INPUT_BYTES_MAX}"),
        format!("-timeout={INPUT_SECONDS_MAX}"),
        format!("-rss_limit_mb={MEMORY_MAX}"),
        "-print_final_stats=1".to_owned(),
        format!("-dict={}", shown(root.join("tests/fuzz/words"))),
        shown(found),
        shown(root.join("tests/fuzz/corpus").join(target)),
    ]
}

/// Counters of our own, which stand in for those that an ordinary build lacks: the engine mutates only
/// inputs that reached something, and here each of the first so many does.
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static REACHED: [AtomicU8; 1 << 10] = [const { AtomicU8::new(0) }; 1 << 10];

fn reached(data: &[u8]) {
    let at = xxhash_rust::xxh3::xxh3_64(data) as usize % REACHED.len();
    REACHED[at].store(1, Ordering::Relaxed);
}

unsafe extern "C" {
    fn LLVMFuzzerTestOneInput(data: *const u8, size: usize) -> i32;
    fn LLVMFuzzerRunDriver(
        count: *mut i32,
        arguments: *mut *mut *mut libc::c_char,
        one_input: unsafe extern "C" fn(*const u8, usize) -> i32,
    ) -> i32;
}

/// Hands this process to the engine.
fn drive(arguments: &[String]) -> ! {
    let texts =
        arguments.iter().map(|text| std::ffi::CString::new(text.as_str()).expect("no zero"));
    let mut texts: Vec<*mut libc::c_char> = texts.map(std::ffi::CString::into_raw).collect();
    let mut count = texts.len() as i32;
    texts.push(std::ptr::null_mut());
    let mut first = texts.as_mut_ptr();
    // SAFETY: arguments as C has them, which live as long as the process.
    let code = unsafe { LLVMFuzzerRunDriver(&mut count, &mut first, LLVMFuzzerTestOneInput) };
    std::process::exit(code)
}

fuzz_target!(|data: &[u8]| {
    type Check = fn(&[u8]);
    static CHECK: OnceLock<(Check, bool)> = OnceLock::new();
    let (check, guided) = CHECK.get_or_init(|| {
        let wanted = std::env::var(TARGET).expect("a target");
        let found = crate::TARGETS.iter().find(|(name, _)| *name == wanted);
        (found.expect("one of the targets").1, std::env::var(GUIDED).is_ok())
    });
    check(data);
    if !guided {
        reached(data);
    }
});
