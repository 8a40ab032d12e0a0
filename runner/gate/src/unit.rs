//! Units of bounds, margins and metrics.
//!
//! A metric's unit is what the workflow declares under `metrics:`, or `fraction` for the standard metrics that lie
//! between 0 and 1 (see [`crate::metrics`]), or nothing. The rules:
//!
//! - A bare number is in the metric's own unit, whatever that is.
//! - `%` as a bound is a share: `80%` is 0.80 for a metric in `fraction` and 80 for a metric in `%`. `pp` (percentage
//!   points) is the same for a bound and for a margin. Both need a metric in `fraction` or `%`.
//! - `%` as a margin on a reference is a share of the reference's absolute value and needs no unit.
//! - Times and sizes are converted to the metric's unit: `0.05s` is 50 for a metric in `ms`.
//! - A unit on a metric without one is an error: `80%` of an undeclared metric could mean 0.8 or 80, and a guess could
//!   let a bad model pass. The message shows the declaration to write.

use std::fmt;

use crate::exact::Exact;

/// A unit that the grammar knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `ms`.
    Millisecond,
    /// `s`.
    Second,
    /// `m`.
    Minute,
    /// `h`.
    Hour,
    /// `B`.
    Byte,
    /// `KB`, 1,000 bytes.
    Kilobyte,
    /// `MB`, 1,000² bytes.
    Megabyte,
    /// `GB`, 1,000³ bytes.
    Gigabyte,
    /// `KiB`, 1,024 bytes.
    Kibibyte,
    /// `MiB`, 1,024² bytes.
    Mebibyte,
    /// `GiB`, 1,024³ bytes.
    Gibibyte,
    /// `%`.
    Percent,
    /// `pp`, percentage points.
    PercentagePoint,
}

/// What a unit measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Time,
    Size,
    Share,
}

impl Unit {
    /// Every unit, in the order of the grammar.
    pub const ALL: [Self; 13] = [
        Self::Millisecond,
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Byte,
        Self::Kilobyte,
        Self::Megabyte,
        Self::Gigabyte,
        Self::Kibibyte,
        Self::Mebibyte,
        Self::Gibibyte,
        Self::Percent,
        Self::PercentagePoint,
    ];

    /// The unit of this word, case-sensitive.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.word() == word)
    }

    /// The word of the grammar.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Millisecond => "ms",
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Byte => "B",
            Self::Kilobyte => "KB",
            Self::Megabyte => "MB",
            Self::Gigabyte => "GB",
            Self::Kibibyte => "KiB",
            Self::Mebibyte => "MiB",
            Self::Gibibyte => "GiB",
            Self::Percent => "%",
            Self::PercentagePoint => "pp",
        }
    }

    fn dimension(self) -> Dimension {
        match self {
            Self::Millisecond | Self::Second | Self::Minute | Self::Hour => Dimension::Time,
            Self::Percent | Self::PercentagePoint => Dimension::Share,
            _ => Dimension::Size,
        }
    }

    /// Whether both measure time, or both sizes.
    pub(crate) fn is_absolute_like(self, other: Self) -> bool {
        self.dimension() == other.dimension() && self.dimension() != Dimension::Share
    }

    /// Its size in milliseconds, bytes or hundredths.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::Millisecond | Self::Byte | Self::Percent | Self::PercentagePoint => 1,
            Self::Second | Self::Kilobyte => 1000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Megabyte => 1_000_000,
            Self::Gigabyte => 1_000_000_000,
            Self::Kibibyte => 1 << 10,
            Self::Mebibyte => 1 << 20,
            Self::Gibibyte => 1 << 30,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// `number` of `unit` in the declared unit of `metric`, or why that cannot be said.
pub(crate) fn convert(
    number: &Exact,
    unit: Option<Unit>,
    metric: &str,
    declared: Option<&str>,
) -> Result<Exact, String> {
    let Some(unit) = unit else { return Ok(number.clone()) };
    let Some(declared) = declared else {
        let (example, doubt) = match unit.dimension() {
            Dimension::Share => {
                ("fraction", format!(": {0}{unit} could mean {0} or {1}", number, in_hundredths(number)))
            }
            Dimension::Time | Dimension::Size => (unit.word(), String::new()),
        };
        return Err(format!(
            "`{metric}` has no declared unit{doubt}; declare it: `metrics: {{ {metric}: {{ unit: {example} }} }}`"
        ));
    };
    if unit.dimension() == Dimension::Share {
        return match declared {
            "fraction" => Ok(in_hundredths(number)),
            "%" => Ok(number.clone()),
            _ => Err(format!(
                "`{unit}` needs a metric whose unit is `fraction`, but `{metric}` is declared in `{declared}`"
            )),
        };
    }
    match Unit::from_word(declared) {
        Some(target) if target.dimension() == unit.dimension() => {
            Ok(number.times(&Exact::ratio(unit.size(), target.size())))
        }
        _ => Err(format!("`{unit}` cannot be compared with `{metric}`, which is declared in `{declared}`")),
    }
}

/// One hundredth of a number.
pub(crate) fn in_hundredths(number: &Exact) -> Exact {
    number.times(&Exact::ratio(1, 100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(number: &str, unit: &str, declared: Option<&str>) -> Result<String, String> {
        convert(&Exact::parse(number).unwrap(), Unit::from_word(unit), "x", declared)
            .map(|value| value.to_string())
    }

    #[test]
    fn converts_exactly() {
        assert_eq!(converted("0.05", "s", Some("ms")).unwrap(), "50");
        assert_eq!(converted("90", "m", Some("h")).unwrap(), "1.5");
        assert_eq!(converted("1", "MiB", Some("KB")).unwrap(), "1048.576");
        assert_eq!(converted("0.2", "pp", Some("fraction")).unwrap(), "0.002");
        assert_eq!(converted("80", "%", Some("%")).unwrap(), "80");
        assert_eq!(converted("3", "", Some("tokens")).unwrap(), "3");
    }

    #[test]
    fn refuses_to_guess() {
        assert!(converted("80", "%", None).unwrap_err().contains("could mean 80 or 0.8"));
        assert!(converted("50", "ms", None).unwrap_err().contains("unit: ms"));
        assert!(converted("50", "ms", Some("MB")).is_err());
        assert!(converted("1", "pp", Some("ms")).is_err());
        assert!(converted("1", "MB", Some("tokens")).is_err());
    }
}
