//! Figures, and the table of their medians and ranges.

use std::fmt;

use crate::units::Unit;

/// One measured number.
pub struct Figure {
    /// What it is; figures of one name are of the same thing in different runs.
    name: String,
    value: f64,
    unit: Unit,
    target: Option<Target>,
    rival: Option<(&'static str, f64)>,
}

/// What a number is to be.
#[derive(Clone, Copy)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Figure {
    /// A figure.
    pub fn new(name: impl Into<String>, value: f64, unit: Unit) -> Figure {
        Figure { name: name.into(), value, unit, target: None, rival: None }
    }

    /// It is to be so many, or more.
    pub fn at_least(self, least: f64) -> Figure {
        Figure { target: Some(Target::AtLeast(least)), ..self }
    }

    /// It is to be so many, or fewer.
    pub fn at_most(self, most: f64) -> Figure {
        Figure { target: Some(Target::AtMost(most)), ..self }
    }

    /// What this came to, in the same unit, was measured in the same run.
    pub fn beside(self, what: &'static str, value: f64) -> Figure {
        Figure { rival: Some((what, value)), ..self }
    }
}

/// Everything measured so far.
#[derive(Default)]
pub struct Report(Vec<Row>);

struct Row {
    /// Which measure it is of.
    measure: usize,
    name: String,
    unit: Unit,
    target: Option<Target>,
    values: Vec<f64>,
    rival: Option<&'static str>,
    rival_values: Vec<f64>,
}

/// The columns of the table.
pub const COLUMNS: [&str; 7] = ["", "target", "median", "range", "runs", "", "beside"];

impl Report {
    /// Takes in a figure of the measure of this number.
    pub fn add(&mut self, measure: usize, figure: Figure) {
        let at = self
            .0
            .iter()
            .position(|row| row.measure == measure && row.name == figure.name)
            .unwrap_or_else(|| {
                self.0.push(Row {
                    measure,
                    name: figure.name,
                    unit: figure.unit,
                    target: figure.target,
                    values: Vec::new(),
                    rival: figure.rival.map(|(what, _)| what),
                    rival_values: Vec::new(),
                });
                self.0.len() - 1
            });
        self.0[at].values.push(figure.value);
        self.0[at].rival_values.extend(figure.rival.map(|(_, value)| value));
    }

    /// The table, cell by cell: see [`COLUMNS`]. Measure by measure, whenever each was taken.
    pub fn rows(&self) -> impl Iterator<Item = [String; 7]> {
        let mut rows: Vec<&Row> = self.0.iter().collect();
        rows.sort_by_key(|row| row.measure);
        rows.into_iter().map(Row::cells)
    }
}

impl Row {
    fn cells(&self) -> [String; 7] {
        let unit = self.unit;
        let (median, least, most) = spread(&self.values);
        let range = match self.values.len() {
            1 => String::new(),
            _ => format!("{} - {}", unit.number(least), unit.number(most)),
        };
        let (target, met) = match self.target {
            None => (String::new(), None),
            Some(Target::AtLeast(least)) => {
                (format!("≥ {}", unit.text(least)), Some(median >= least))
            }
            Some(Target::AtMost(most)) => (format!("≤ {}", unit.text(most)), Some(median <= most)),
        };
        let met = met.map_or("", |met| if met { "met" } else { "missed" });
        let rival = self.rival.map_or_else(String::new, |what| {
            format!("{what}: {}", unit.text(spread(&self.rival_values).0))
        });
        let runs = self.values.len().to_string();
        [self.name.clone(), target, unit.text(median), range, runs, met.to_owned(), rival]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 7]> =
            std::iter::once(COLUMNS.map(str::to_owned)).chain(self.rows()).collect();
        let widths: [usize; 7] = std::array::from_fn(|column| {
            rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        });
        for row in &rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                // Words to the left, numbers to the right.
                match column {
                    0 | 5 | 6 => line.push_str(&format!("{cell:width$}  ")),
                    _ => line.push_str(&format!("{cell:>width$}  ")),
                }
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The median, the least and the most of some numbers; there is at least one.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    let median = match sorted.len() % 2 {
        0 => (sorted[half - 1] + sorted[half]) / 2.0,
        _ => sorted[half],
    };
    (median, sorted[0], sorted[sorted.len() - 1])
}
