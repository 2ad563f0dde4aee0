//! Disk for each audit kept, its message and attempt included, as a multiple of the audit's own bytes: what
//! the folder takes once all is delivered and the server has stopped.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::path::{self, QUIET_PERIOD};
use super::{BATCH_AUDITS, post};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::receiver::Receiver;
use crate::report::Figure;
use crate::request::{AUDIT_BYTES, Request};
use crate::server::{Server, fresh_folder};
use crate::units::{Unit, grouped};

/// What the system counts blocks of a file in.
const BLOCK_BYTES: u64 = 512;

/// Takes the measure once: of few audits, where what is overwritten and not used again yet weighs most, and
/// of many.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let mut figures = Vec::new();
    for (label, audits, edits) in
        [("S12", plan.kept, 1), (" ", plan.deliveries, 1), (" ", plan.kept, 5)]
    {
        let audits = audits.next_multiple_of(BATCH_AUDITS * edits);
        let [disk, kept] = take_with(audits, edits)?;
        let count = grouped(audits as f64);
        let name = format!("{label} disk of {count} audits, a message for each {edits}");
        let figure = Figure::new(name, disk, Unit::Times).at_most(2.2);
        figures.push(figure.beside("keys and values of what is kept", kept));
    }
    Ok(figures)
}

/// What is on disk, and what the server counts as kept; both of each byte of the audits.
fn take_with(audits: u64, edits: u64) -> Result<[f64; 2], Failure> {
    let receiver = Receiver::start()?;
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    path::deliver_all(&server, &receiver)?;
    post(&server, Request::batch(&server.token, BATCH_AUDITS).edits(edits), 0, audits)?;
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
