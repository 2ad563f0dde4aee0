//! What numbers count, and how they are written.

/// What a number counts.
#[derive(Clone, Copy)]
pub enum Unit {
    PerSecond,
    Milliseconds,
    Seconds,
    /// Millions of bytes.
    Megabytes,
    Bytes,
    Percent,
    /// So many times something.
    Times,
    Count,
}

impl Unit {
    /// The number with its unit.
    pub fn text(self, value: f64) -> String {
        let symbol = match self {
            Unit::PerSecond => "/s",
            Unit::Milliseconds => " ms",
            Unit::Seconds => " s",
            Unit::Megabytes => " MB",
            Unit::Bytes => " B",
            Unit::Percent => " %",
            Unit::Times => " x",
            Unit::Count => "",
        };
        format!("{}{symbol}", self.number(value))
    }

    /// The number.
    pub fn number(self, value: f64) -> String {
        match self {
            Unit::PerSecond | Unit::Bytes | Unit::Count => grouped(value),
            Unit::Milliseconds | Unit::Seconds | Unit::Times | Unit::Percent => {
                format!("{value:.2}")
            }
            Unit::Megabytes => format!("{value:.1}"),
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
