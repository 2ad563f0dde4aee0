//! Figures, and the table of their medians and ranges.

use std::fmt;

/// One measured number.
pub struct Figure {
    /// What it is; figures of one name are of the same thing in different runs.
    pub name: String,
    /// The number.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
}

/// What a number counts.
#[derive(Clone, Copy)]
pub enum Unit {
    PerSecond,
    Milliseconds,
    Seconds,
    Mebibytes,
    Bytes,
    Percent,
}

impl Figure {
    /// A figure.
    pub fn new(name: impl Into<String>, value: f64, unit: Unit) -> Figure {
        Figure { name: name.into(), value, unit }
    }
}

/// Everything measured so far.
#[derive(Default)]
pub struct Report(Vec<Row>);

struct Row {
    name: String,
    unit: Unit,
    values: Vec<f64>,
}

impl Report {
    /// Takes in a figure.
    pub fn add(&mut self, Figure { name, value, unit }: Figure) {
        match self.0.iter_mut().find(|row| row.name == name) {
            Some(row) => row.values.push(value),
            None => self.0.push(Row { name, unit, values: vec![value] }),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        writeln!(
            f,
            "\nLull {}, load and receiver on the same {cores} cores\n",
            env!("CARGO_PKG_VERSION")
        )?;
        let width = self.0.iter().map(|row| row.name.len()).max().unwrap_or_default();
        let line = |name: &str, median: &str, range: &str, runs: &str| {
            format!("{name:width$}  {median:>14}  {range:>21}  {runs:>4}")
        };
        writeln!(f, "{}", line("", "median", "range", "runs"))?;
        for Row { name, unit, values } in &self.0 {
            let mut values = values.clone();
            values.sort_by(f64::total_cmp);
            let median = format!("{} {}", unit.number(middle(&values)), unit.symbol());
            let range = match values.as_slice() {
                [least, .., most] => format!("{} - {}", unit.number(*least), unit.number(*most)),
                _ => String::new(),
            };
            writeln!(f, "{}", line(name, &median, &range, &values.len().to_string()))?;
        }
        Ok(())
    }
}

/// The median of `sorted`, which is not empty.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => (sorted[half - 1] + sorted[half]) / 2.0,
        _ => sorted[half],
    }
}

impl Unit {
    fn symbol(self) -> &'static str {
        match self {
            Unit::PerSecond => "/s",
            Unit::Milliseconds => "ms",
            Unit::Seconds => "s",
            Unit::Mebibytes => "MiB",
            Unit::Bytes => "B",
            Unit::Percent => "%",
        }
    }

    fn number(self, value: f64) -> String {
        match self {
            Unit::PerSecond | Unit::Bytes => grouped(value),
            Unit::Milliseconds | Unit::Seconds => format!("{value:.2}"),
            Unit::Mebibytes | Unit::Percent => format!("{value:.1}"),
        }
    }
}

/// A whole number with its thousands set apart.
pub fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
