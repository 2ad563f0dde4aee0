//! A disk without room, and a limit on the size of files.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use super::{Posting, is_ready, nothing_is_lost, reads_go_on, said, start};
use crate::harness::{Options, Server, executable, run};

/// A small disk in memory, for as long as this lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None, with the reason printed, where mounting is not allowed.
    fn mount(at: &Path, options: &str) -> Option<SmallDisk> {
        std::fs::create_dir_all(at).expect("a folder");
        match mount(at, 0, options) {
            Ok(()) => Some(SmallDisk(at.to_owned())),
            Err(error) => {
                println!("skipped: a small disk cannot be mounted here ({error})");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let path = CString::new(self.0.to_str().expect("UTF-8")).expect("a path");
        // SAFETY: a path that ends in zero; it was mounted by us.
        unsafe { libc::umount2(path.as_ptr(), libc::MNT_DETACH) };
    }
}

fn mount(at: &Path, flags: libc::c_ulong, options: &str) -> std::io::Result<()> {
    let text = |text: &str| CString::new(text).expect("no zero");
    let (at, kind, options) = (text(at.to_str().expect("UTF-8")), text("tmpfs"), text(options));
    // SAFETY: strings that end in zero, and live as long as the call.
    let done = unsafe {
        libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, options.as_ptr().cast())
    };
    if done == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

#[test]
fn a_full_disk_refuses_what_cannot_be_kept_and_goes_on_when_there_is_room() {
    let options = Options::quiet("300ms").with(&["--max-wait", "1s"]).logging();
    let Some(_disk) = SmallDisk::mount(&options.data(), "size=96m") else { return };
    let filler = options.data().join("filler");
    let (server, receiver) = start(options);
    let posting = Posting::default();
    posting.during(&server.api, || {
        posting.goes_on("there is room");
        let filled = std::fs::write(&filler, vec![1; 96 << 20]);
        assert!(filled.is_err(), "the disk is full to the last byte");
        posting.is_refused(507, "/problems/disk-full");
        assert!(reads_go_on(&server.api).contains("full"));
        std::thread::sleep(std::time::Duration::from_secs(2));
        std::fs::remove_file(&filler).expect("removed");
        is_ready(&server.api);
        posting.goes_on("it goes on by itself");
    });
    let options = server.options.clone();
    nothing_is_lost(server, &receiver, &posting);
    assert!(said(&options, "the disk is full: less than") <= 1, "the beginning is said once");
    // sled's own tidying may have found the disk full as well, and then there are two ends.
    let ended = said(&options, "room on the disk again") + said(&options, "was opened again");
    assert!((1..=2).contains(&ended), "the end is said, once or twice: {ended}");
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk_and_ends_nothing() {
    let options = Options::quiet("300ms").with(&["--max-wait", "1s"]).logging();
    let (server, receiver) = start(options);
    let posting = Posting::default();
    posting.during(&server.api, || {
        posting.goes_on("there is no limit");
        let store = server.options.data().join("store/db");
        limit(&server, std::fs::metadata(store).expect("a file").len() + (1 << 20));
        posting.is_refused(507, "/problems/disk-full");
        assert!(reads_go_on(&server.api).contains("full"));
        // Nothing failed half-way, so all of it can be read.
        for path in ["/audits", "/messages", "/stats"] {
            server.api.get(path, 200);
        }
        limit(&server, libc::RLIM_INFINITY);
        is_ready(&server.api);
        posting.goes_on("it goes on by itself");
    });
    // A write beyond the limit would end a process that does not heed SIGXFSZ.
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.process()));
    let status = status.expect("its status");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:\t")).expect("signals");
    let caught = u64::from_str_radix(caught, 16).expect("a number");
    assert_ne!(caught & (1 << (libc::SIGXFSZ - 1)), 0);
    let options = server.options.clone();
    nothing_is_lost(server, &receiver, &posting);
    assert_eq!(said(&options, "the disk is full: less than"), 1, "the beginning is said once");
    assert_eq!(said(&options, "there is room on the disk again"), 1, "the end is said once");
}

fn limit(server: &Server, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    let process = server.process() as i32;
    // SAFETY: the process is a child of ours, and the structure lives as long as the call.
    let done = unsafe { libc::prlimit(process, libc::RLIMIT_FSIZE, &limit, std::ptr::null_mut()) };
    assert_eq!(done, 0, "a limit");
}

#[test]
fn a_start_on_a_read_only_disk_ends_with_a_line_that_says_so() {
    let options = Options::quiet("1h");
    let Some(_disk) = SmallDisk::mount(&options.data(), "size=96m") else { return };
    let options = Server::start(options).stop();
    mount(&options.data(), libc::MS_REMOUNT | libc::MS_RDONLY, "size=96m").expect("remounted");
    let ended = run(executable().args(["--listen", "127.0.0.1:0", "--data"]).arg(options.data()));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success(), "{said}");
    assert!(said.contains("lull: data: ") && said.contains("Read-only file system"), "{said}");
    mount(&options.data(), libc::MS_REMOUNT, "size=96m").expect("remounted");
    drop(Server::start(options));
}
