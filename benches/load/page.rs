//! The page with the table and how it came about.

use crate::machine::Machine;
use crate::plan::Plan;
use crate::report::{COLUMNS, Report};

/// The text around the figures.
const PAGE: &str = include_str!("page.md");

/// The page.
pub fn text(machine: &Machine, plan: &Plan, report: &Report) -> String {
    let busy = machine.busy().map(|busy| format!("**{busy}**\n\n")).unwrap_or_default();
    PAGE.replace("{busy}", &busy)
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{machine}", &machine.to_string())
        .replace("{plan}", &in_words(plan))
        .replace("{table}", &table(report))
}

fn in_words(plan: &Plan) -> String {
    let Plan { runs, warm_up, load, long_load, .. } = plan;
    format!(
        "Up to {runs} runs; load that counts for {load:?} after {warm_up:?}, {long_load:?} where the slowest few \
         matter."
    )
}

fn table(report: &Report) -> String {
    let line = |cells: [String; 7]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(COLUMNS.map(str::to_owned));
    text.push_str(&line(["---", "--:", "--:", "--:", "--:", "---", "---"].map(str::to_owned)));
    for mut cells in report.rows() {
        // What belongs to the row above it is set off from that.
        if let Some(name) = cells[0].strip_prefix("  ") {
            cells[0] = format!("· {name}");
        }
        text.push_str(&line(cells));
    }
    text.trim_end().to_owned()
}
