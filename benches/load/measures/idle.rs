//! A server with nothing to do, and what starting it takes. On a fresh folder, so that the start makes it.

use super::path::QUIET_PERIOD;
use std::path::Path;
use std::process::Command;

use crate::clock;
use crate::failure::Failure;
use crate::plan::Plan;
use crate::report::Figure;
use crate::server::{Server, executable, fresh_folder};
use crate::units::Unit;

/// Takes the measure once.
pub fn take(plan: &Plan) -> Result<Vec<Figure>, Failure> {
    let folder = fresh_folder()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    let first_start = server.ready_after;
    server.stop()?;
    let server = Server::start(folder.path(), QUIET_PERIOD)?;
    let next_start = server.ready_after;
    // What is done once after a start is not idling.
    std::thread::sleep(plan.warm_up * 2);
    let (before, begun) = (server.process.processor_time()?, clock::now());
    std::thread::sleep(plan.idle);
    let ran = server.process.processor_time()? - before;
    let busy = ran.as_secs_f64() / (clock::now() - begun).as_secs_f64() * 100.0;
    let resident = server.resident_bytes()?;
    server.stop()?;
    let executable =
        std::fs::metadata(executable()).map_err(Failure::system("looking at the executable"))?;
    let ms = 1_000.0;
    let mut figures = vec![
        Figure::new("S13 idle: resident memory", resident as f64 / 1e6, Unit::Megabytes)
            .at_most(20.0),
        Figure::new("  idle: of one core", busy, Unit::Percent).at_most(0.1),
        Figure::new(
            "  first start until ready",
            first_start.as_secs_f64() * ms,
            Unit::Milliseconds,
        )
        .at_most(150.0),
        Figure::new("  next start until ready", next_start.as_secs_f64() * ms, Unit::Milliseconds)
            .at_most(150.0),
        Figure::new("  size of the executable", executable.len() as f64 / 1e6, Unit::Megabytes)
            .at_most(25.0),
    ];
    if let Some(bytes) = stripped_bytes(folder.path()) {
        let name = "  of that without what only debuggers read";
        figures.push(Figure::new(name, bytes as f64 / 1e6, Unit::Megabytes));
    }
    Ok(figures)
}

/// How large the executable is once it is stripped; none where there is no tool for that.
fn stripped_bytes(folder: &Path) -> Option<u64> {
    let stripped = folder.join("stripped");
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(executable()).status().ok()?;
    let file = std::fs::metadata(stripped).ok()?;
    done.success().then_some(file.len())
}
