//! A disk that answers with errors.

use super::{Posting, is_ready, nothing_is_lost, reads_go_on, said, start};
use crate::harness::faults::{Fault, FaultyDisk};
use crate::harness::{Options, eventually, executable, run};

/// Posts go on until the fault, are refused so while it lasts, and go on by themselves after it.
fn is_survived(fault: Fault, status: u16, kind: &str, reason: &str) {
    let options = Options::quiet("300ms").with(&["--max-wait", "1s"]).logging();
    let Some((options, disk)) = FaultyDisk::under(options) else { return };
    let (server, receiver) = start(options);
    let posting = Posting::default();
    let process = server.process();
    posting.during(&server.api, || {
        posting.goes_on("the disk does well");
        disk.is(fault);
        posting.is_refused(status, kind);
        let why = reads_go_on(&server.api);
        assert!(why.contains(reason), "{why}");
        assert!(disk.hits() > 0);
        // It waits as long as it must.
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        reads_go_on(&server.api);
        disk.is_well();
        is_ready(&server.api);
        posting.goes_on("it goes on by itself");
    });
    assert_eq!(server.process(), process);
    let options = server.options.clone();
    nothing_is_lost(server, &receiver, &posting);
    assert_eq!(said(&options, "a commit failed half-way"), 1, "the beginning is said once");
    assert_eq!(said(&options, "the store was opened again"), 1, "the end is said once");
    let log = std::fs::read_to_string(options.log()).expect("the log");
    let errors: Vec<&str> = log.lines().filter(|line| line.contains(" ERROR ")).collect();
    assert!(errors.len() <= 4, "errors are not said call by call: {errors:#?}");
}

#[test]
fn writes_that_fail_are_survived() {
    let fault = Fault { write_error: libc::EIO, ..Fault::default() };
    is_survived(fault, 503, "/problems/store-unavailable", "Input/output error");
}

#[test]
fn the_thirtieth_write_that_finds_the_disk_full_is_survived() {
    let fault = Fault { write_error: libc::ENOSPC, write_after: 30, ..Fault::default() };
    is_survived(fault, 507, "/problems/disk-full", "full");
}

#[test]
fn a_disk_that_becomes_read_only_is_survived() {
    let fault = Fault { write_error: libc::EROFS, sync_error: libc::EROFS, ..Fault::default() };
    is_survived(fault, 503, "/problems/store-unavailable", "Read-only file system");
}

#[test]
fn syncs_that_fail_are_survived() {
    let fault = Fault { sync_error: libc::EIO, ..Fault::default() };
    is_survived(fault, 503, "/problems/store-unavailable", "Input/output error");
}

#[test]
fn half_of_a_write_before_the_disk_is_full_is_survived() {
    let fault =
        Fault { write_error: libc::ENOSPC, write_after: 5, short_writes: true, ..Fault::default() };
    is_survived(fault, 507, "/problems/disk-full", "full");
}

#[test]
fn writes_that_take_half_of_what_they_are_given_go_on_with_the_rest() {
    let Some((options, disk)) = FaultyDisk::under(Options::quiet("300ms").logging()) else {
        return;
    };
    let (server, receiver) = start(options);
    let posting = Posting::default();
    disk.is(Fault { short_writes: true, ..Fault::default() });
    posting.during(&server.api, || posting.goes_on("short writes are gone on with"));
    assert!(disk.hits() > 0);
    assert!(posting.refused.lock().unwrap().is_empty());
    nothing_is_lost(server, &receiver, &posting);
}

#[test]
fn reads_that_fail_are_survived() {
    let options = Options::quiet("300ms").logging();
    let Some((options, disk)) = FaultyDisk::under(options) else { return };
    let (server, receiver) = start(options);
    let posting = Posting::default();
    posting.during(&server.api, || {
        posting.goes_on("the disk does well");
        disk.is(Fault { read_error: libc::EIO, ..Fault::default() });
        for _ in 0..20 {
            let answer = server.api.call("GET", "/audits", &[], b"").expect("an answer");
            assert!([200, 503].contains(&answer.status), "{answer:?}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        disk.is_well();
        posting.goes_on("it goes on by itself");
    });
    nothing_is_lost(server, &receiver, &posting);
}

#[test]
fn a_store_that_breaks_again_while_it_is_opened_again_is_opened_once_more() {
    let options = Options::quiet("300ms").logging();
    let Some((options, disk)) = FaultyDisk::under(options) else { return };
    let (server, receiver) = start(options);
    let posting = Posting::default();
    posting.goes_on_by_hand(&server.api);
    disk.is(Fault { sync_error: libc::EIO, ..Fault::default() });
    assert_eq!(posting.post(&server.api), Some(503));
    disk.is_well();
    is_ready(&server.api);
    for _ in 0..2 {
        disk.is(Fault { write_error: libc::EIO, ..Fault::default() });
        assert_eq!(posting.post(&server.api), Some(503));
        disk.is_well();
        is_ready(&server.api);
        posting.goes_on_by_hand(&server.api);
    }
    let options = server.options.clone();
    nothing_is_lost(server, &receiver, &posting);
    assert_eq!(said(&options, "the store was opened again"), 3);
}

#[test]
fn a_start_on_a_disk_that_fails_ends_with_a_line_that_says_so() {
    for (fault, word) in [
        (Fault { write_error: libc::EROFS, ..Fault::default() }, "Read-only file system"),
        (Fault { write_error: libc::EIO, ..Fault::default() }, "Input/output error"),
        (Fault { write_error: libc::ENOSPC, ..Fault::default() }, "full"),
        (Fault { sync_error: libc::EIO, ..Fault::default() }, "Input/output error"),
    ] {
        let Some((options, disk)) = FaultyDisk::under(Options::quiet("1h")) else { return };
        disk.is(fault);
        let mut command = executable();
        command.envs(options.env.iter().map(|(name, value)| (name, value)));
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(options.data());
        let ended = run(&mut command);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success(), "{said}");
        assert!(said.contains("lull: data: ") && said.contains(word), "{said}");
        assert!(!said.contains("panicked"), "{said}");
        disk.is_well();
        drop(eventually("it starts on a disk that does well", || {
            Some(crate::harness::Server::start(options.clone()))
        }));
    }
}
