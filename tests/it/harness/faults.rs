//! A disk that does not do as it is told, by a small library that is loaded before the C library.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::Options;

/// What is wrong with the disk. The fields are those of `faulty_io.c`.
#[derive(Clone, Copy, Default)]
pub struct Fault {
    pub write_error: i32,
    /// So many writes still go well.
    pub write_after: i32,
    pub sync_error: i32,
    pub sync_delay_ms: i32,
    pub read_error: i32,
    pub short_writes: bool,
}

/// Where in the file the count of faults stands.
const HITS_AT: u64 = 24;

/// The disk of one server.
pub struct FaultyDisk {
    control: File,
}

impl FaultyDisk {
    /// Puts the server's data on such a disk, which does well for now; none, with the reason printed,
    /// where there is no C compiler.
    pub fn under(options: Options) -> Option<(Options, FaultyDisk)> {
        let library = library()?;
        let folder = options.folder.path().canonicalize().expect("a folder");
        let path = folder.join("control");
        let mut file = OpenOptions::new();
        file.create(true).truncate(true).read(true).write(true);
        let control = file.open(&path).expect("a file");
        control.set_len(HITS_AT + 4).expect("a file");
        let data = folder.join("lull-data").to_str().expect("UTF-8").to_owned();
        let options = options
            .with_env("LD_PRELOAD", library.to_str().expect("UTF-8"))
            .with_env("FAULTY_CONTROL", path.to_str().expect("UTF-8"))
            .with_env("FAULTY_FOLDER", &data);
        Some((options, FaultyDisk { control }))
    }

    /// From now on this is wrong with it, and nothing else.
    pub fn is(&self, fault: Fault) {
        // What is counted down goes first, so that it stands when errors begin.
        self.put(4, fault.write_after);
        for (at, value) in [
            (0, fault.write_error),
            (8, fault.sync_error),
            (12, fault.sync_delay_ms),
            (16, fault.read_error),
            (20, fault.short_writes.into()),
        ] {
            self.put(at, value);
        }
    }

    /// It does well again.
    pub fn is_well(&self) {
        self.is(Fault::default());
    }

    /// How often it did something wrong.
    pub fn hits(&self) -> i32 {
        let mut bytes = [0; 4];
        self.control.read_exact_at(&mut bytes, HITS_AT).expect("a count");
        i32::from_ne_bytes(bytes)
    }

    fn put(&self, at: u64, value: i32) {
        self.control.write_all_at(&value.to_ne_bytes(), at).expect("written");
    }
}

/// The library, made once.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(make_library).as_deref()
}

fn make_library() -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/harness/faulty_io.c");
    // Not where another run of the tests may be reading it.
    let library = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let library = library.join(format!("faulty_io-{}.so", std::process::id()));
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source);
    match command.status() {
        Ok(status) => {
            assert!(status.success(), "{command:?}");
            Some(library)
        }
        Err(error) => {
            println!("skipped: faults of disks need a C compiler, cc ({error})");
            None
        }
    }
}
