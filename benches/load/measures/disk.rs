//! Disk for each audit kept, its message and attempt included, as a multiple of the audit's own bytes: what
//! the folder takes once all is delivered and the server has stopped.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::path::{self, QUIET_PERIOD};
use super::{BATCH_AUDITS, post};
use crate::failure::Failure;
use crate::pace::Pace;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::Figure;
use crate::request::{AUDIT_BYTES, Request};
use crate::server::{Server, fresh_folder};
use crate::units::{Unit, grouped};

/// What the system counts blocks of a file in.
const BLOCK_BYTES: u64 = 512;

/// Messages a second, where the load leaves the machine some air.
const RATE: u64 = 3_000;

/// Takes the measure once: at a rate that can be kept up for long, and as quickly as it goes, when sled comes
/// to use again less of what was overwritten.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    for (label, audits, edits, rate) in [
        ("S12", plan.deliveries, 1, Some(RATE)),
        (" ", plan.kept, 1, None),
        (" ", plan.kept, 5, None),
    ] {
        let audits = audits.next_multiple_of(BATCH_AUDITS * edits);
        let pace = rate.map_or(Pace::Free, |rate| Pace::Rate(rate as f64 / BATCH_AUDITS as f64));
        let [disk, kept] = take_with(audits, edits, pace)?;
        let (count, each) = (grouped(audits as f64), if edits == 1 { "each" } else { "each 5" });
        let how = match rate {
            Some(rate) => format!("{} of them a second", grouped(rate as f64)),
            None => "as quickly as it goes".to_owned(),
        };
        let name = format!("{label} disk of {count} audits, a message for {each}, {how}");
        let figure = Figure::new(name, disk, Unit::Times).at_most(2.2);
        figures.push(figure.beside("keys and values of what is kept", kept));
    }
    Ok(figures)
}

/// What is on disk, and what the server counts as kept; both of each byte of the audits.
fn take_with(audits: u64, edits: u64, pace: Pace) -> Result<[f64; 2], Failure> {
    let receiver = Receiver::start()?;
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    path::deliver_all(&server, &receiver)?;
    let request = Request::batch(&server.token, BATCH_AUDITS).edits(edits);
    post(&server, request, (0, audits), pace)?;
    path::drain(&server, &receiver, audits / edits)?;
    let kept = server.stat("/store/bytes_kept")?;
    server.stop()?;
    let bytes = disk_bytes(folder.path()).map_err(Failure::system("looking at a folder"))?;
    let of_each = |bytes: f64| bytes / (audits * AUDIT_BYTES as u64) as f64;
    Ok([of_each(bytes as f64), of_each(kept)])
}

/// Bytes that the files in a folder take on disk.
fn disk_bytes(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes +=
            if about.is_dir() { disk_bytes(&entry.path())? } else { about.blocks() * BLOCK_BYTES };
    }
    Ok(bytes)
}
