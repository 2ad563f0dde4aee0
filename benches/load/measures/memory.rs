//! Memory with many open windows of one audit each, and a restart with them. What was just written
//! is in the system's file cache, so the restart reads at the speed of memory, not of the disk.

use std::time::Duration;

use super::{LONG, post_records};
use crate::failure::Failure;
use crate::plan::Plan;
use crate::report::Figure;
use crate::server::{Server, fresh_folder};
use crate::units::{Unit, grouped};

/// How long the audits may take from their commit to their records.
const OPENING_MAX: Duration = Duration::from_secs(60);
/// How long the server is left alone before its memory is read, so that what was in use only while
/// audits came in has been given back.
const SETTLE: Duration = Duration::from_secs(3);

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), LONG)?;
    let empty_bytes = server.resident_bytes()?;
    let mut figures = vec![resident("  just started".to_owned(), empty_bytes)];
    let mut open = 0;
    for windows in plan.windows {
        post_records(&server, open, windows)?;
        open = windows;
        let bytes = resident_bytes_with(&server, windows)?;
        let count = grouped(windows as f64);
        let each = bytes.saturating_sub(empty_bytes) as f64 / windows as f64;
        if windows == plan.windows[1] {
            let name = format!("S4 resident memory, {count} open windows");
            // In proportion; of a million it is what it says.
            figures.insert(0, resident(name, bytes).at_most(1_400.0 * windows as f64 / 1e6));
        } else {
            figures.push(resident(format!("  {count} open windows"), bytes));
        }
        figures.push(Figure::new(format!("  a window, of {count}"), each, Unit::Bytes));
    }
    let stopping = server.stop()?;

    let server = Server::start(folder.path(), LONG)?;
    let restart = server.ready_after;
    let bytes = resident_bytes_with(&server, open)?;
    server.stop()?;
    let count = grouped(open as f64);
    let seconds =
        |name: String, time: Duration| Figure::new(name, time.as_secs_f64(), Unit::Seconds);
    let start = format!("S5 start with {count} open windows, until ready");
    figures.push(seconds(start, restart).at_most(4.0));
    figures.push(resident("  resident memory after that".to_owned(), bytes));
    figures.push(seconds(format!("  stop with {count} open windows"), stopping));
    Ok(figures)
}

/// Resident bytes once so many windows are open and all is quiet.
fn resident_bytes_with(server: &Server, windows: u64) -> Result<u64, Failure> {
    server.wait_for("opening the windows", "/windows/open", windows, OPENING_MAX)?;
    std::thread::sleep(SETTLE);
    server.resident_bytes()
}

fn resident(name: String, bytes: u64) -> Figure {
    Figure::new(name, bytes as f64 / 1e6, Unit::Megabytes)
}
