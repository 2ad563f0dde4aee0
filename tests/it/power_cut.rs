//! A power cut at random moments loses and doubles nothing (D1).
//!
//! The server's folder is an ext4 file system in a file. At a random moment the server is stopped in
//! its tracks, the file is copied, and the server never goes on: the copy is mounted, which replays its
//! journal, checked, and used for the next round. The copy has what the file system had written to its
//! device by then. What waited in memory to be written is gone, as it is when the power goes; the
//! device itself is taken to lose nothing that it was given.
//!
//! The rounds are those of `crash`, and so is what is looked for. `LULL_POWER_CUT_ROUNDS` (5) says how
//! many; `LULL_CRASH_SEED` works here, too. Needs root, loop devices, and a kernel that lets us mount.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::crash::{Dice, number, options, run_rounds};
use crate::harness::Server;

/// Sparse: it takes what is written.
const IMAGE_BYTES: u64 = 2 << 30;
/// How the file system may be mounted, one by one: the last without barriers, which makes no difference
/// to a device that loses nothing.
const MOUNTED: [&str; 3] = ["data=ordered", "data=writeback", "nobarrier"];
/// How often a copy is made until nothing was written meanwhile.
const COPIES_MAX: usize = 100;

#[test]
fn a_power_cut_at_random_moments_loses_and_doubles_nothing() {
    let (rounds, mut dice) = (number("LULL_POWER_CUT_ROUNDS", 5), Dice::of_seed());
    let options = options();
    std::fs::create_dir(options.data()).expect("a folder");
    let mut disk = match Disk::mounted_at(&options.data()) {
        Ok(disk) => disk,
        Err(why) => return println!("skipped: {why}"),
    };
    let tally = run_rounds(rounds, &options, &mut dice, &mut |server| disk.cut_power(server));
    println!("{tally}, {} power cuts", disk.cuts);
}

/// A file system in a file, mounted where only this test and its children see it: it goes with them,
/// however they end.
struct Disk {
    folder: TempDir,
    mount_point: PathBuf,
    cuts: usize,
}

impl Disk {
    /// A fresh one; or why there can be none.
    fn mounted_at(mount_point: &Path) -> Result<Self, String> {
        // SAFETY: these change what this thread and its children see, and nothing else.
        let private = unsafe {
            let (none, root) = (std::ptr::null(), c"/".as_ptr());
            let flags = libc::MS_REC | libc::MS_PRIVATE;
            libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(none, root, none, flags, none.cast()) == 0
        };
        if !private {
            let why = std::io::Error::last_os_error();
            return Err(format!(
                "mounts of our own need root and a kernel that allows them: {why}"
            ));
        }
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Self { folder, mount_point: mount_point.to_owned(), cuts: 0 };
        let image = std::fs::File::create(disk.image()).expect("a file");
        image.set_len(IMAGE_BYTES).expect("a sparse file");
        run("mkfs.ext4", &["-q", "-F", &shown(&disk.image())])?;
        disk.mount()?;
        Ok(disk)
    }

    /// The file that is mounted now.
    fn image(&self) -> PathBuf {
        self.folder.path().join(format!("image-{}", self.cuts))
    }

    fn mount(&self) -> Result<(), String> {
        let how = format!("loop,{}", MOUNTED[self.cuts % MOUNTED.len()]);
        run("mount", &["-o", &how, &shown(&self.image()), &shown(&self.mount_point)])
    }

    /// Cuts the power of a server in here; it can be started again.
    fn cut_power(&mut self, server: Server) {
        server.freeze();
        let before = self.image();
        let loop_device = self.loop_device();
        self.cuts += 1;
        // Only the kernel still writes. A copy of before and after it did would be of no moment.
        let in_one_moment = (0..COPIES_MAX).any(|_| {
            let written = bytes_written(&loop_device);
            run("cp", &["--sparse=auto", &shown(&before), &shown(&self.image())]).expect("a copy");
            bytes_written(&loop_device) == written
        });
        assert!(in_one_moment, "the file system never came to rest");
        server.kill();
        run("umount", &[&shown(&self.mount_point)]).expect("what nobody uses");
        std::fs::remove_file(before).expect("a file of ours");
        self.mount().expect("a file system that can be mounted");
    }

    /// The name of the device that is mounted, like `loop0`.
    fn loop_device(&self) -> String {
        let mounts = std::fs::read_to_string("/proc/thread-self/mounts").expect("the mounts");
        let mount_point = format!(" {} ", shown(&self.mount_point));
        let line = mounts.lines().find(|line| line.contains(&mount_point)).expect("mounted");
        let device = line.split(' ').next().expect("a device");
        device.strip_prefix("/dev/").expect("a device").to_owned()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A server that a failure left running is killed by now; else the mount ends with this thread.
        let _ = run("umount", &["-l", &shown(&self.mount_point)]);
    }
}

/// Sectors that were written to a device, and requests that are on their way.
fn bytes_written(device: &str) -> [String; 2] {
    let stat = std::fs::read_to_string(format!("/sys/block/{device}/stat")).expect("its counts");
    let counts: Vec<&str> = stat.split_whitespace().collect();
    [counts[6].to_owned(), counts[8].to_owned()]
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Runs a program; or what it said was wrong.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{program}: {said}")) }
}
