//! What a table must look like, as written by people. See [`parse`] for the way from YAML or JSON to these types.

use crate::csv::Dialect;

pub mod parse;

/// What a table must look like.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The file's format; by default it is read off the file's first bytes.
    pub format: Option<Format>,
    /// How CSV is written; of no concern for Parquet.
    pub dialect: Dialect,
    /// Texts that stand for a missing value in CSV.
    pub nulls: Vec<String>,
    /// Bounds of the number of rows.
    pub rows: Bounds<u64>,
    /// What to do with columns that the schema does not name.
    pub extra_columns: ExtraColumns,
    /// How many distinct values the `unique` rules of all columns may remember together.
    pub unique_budget: usize,
    /// The columns, in the order of the schema.
    pub columns: Vec<Column>,
}

/// How a table is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text with a header.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// What to do with columns that the schema does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExtraColumns {
    /// An error.
    Deny,
    /// A warning.
    Warn,
    /// Nothing.
    Allow,
}

/// Inclusive bounds, either of which may be open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds<T> {
    /// The smallest value that holds.
    pub min: Option<T>,
    /// The largest value that holds.
    pub max: Option<T>,
}

impl<T> Default for Bounds<T> {
    fn default() -> Self {
        Self { min: None, max: None }
    }
}

impl<T: PartialOrd + Copy> Bounds<T> {
    /// Whether neither side is bounded.
    pub fn is_open(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }

    /// Whether `value` lies within.
    pub fn hold(&self, value: T) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

/// One column.
#[derive(Debug, Clone)]
pub struct Column {
    /// Name in the header.
    pub name: String,
    /// Whether the table may lack the column.
    pub optional: bool,
    /// Whether a missing value is wrong.
    pub required: bool,
    /// Bounds of the share of missing values.
    pub null_share: Bounds<f64>,
    /// Whether a value may occur once only; missing values may repeat.
    pub unique: bool,
    /// Type of the values, and the rules that make sense for it.
    pub rules: Rules,
    /// Share of present values that must keep each rule; 1 where it is not named.
    pub mostly: Vec<(&'static str, f64)>,
}

impl Column {
    /// Share of present values that must keep a rule.
    pub fn mostly(&self, rule: &str) -> f64 {
        self.mostly.iter().find(|(name, _)| *name == rule).map_or(1.0, |(_, share)| *share)
    }
}

/// Type of the values, and the rules that make sense for it.
#[derive(Debug, Clone)]
pub enum Rules {
    /// Whole numbers of 64 bits.
    Integer(Ordered<i64>),
    /// Finite numbers.
    Number(Ordered<f64>),
    /// Days since 1970-01-01.
    Date(Ordered<i64>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(Ordered<i64>),
    /// `true` or `false`.
    Boolean,
    /// Any text.
    String(Text),
}

impl Rules {
    /// The type's name in a schema.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Integer(_) => "integer",
            Self::Number(_) => "number",
            Self::Date(_) => "date",
            Self::Timestamp(_) => "timestamp",
            Self::Boolean => "boolean",
            Self::String(_) => "string",
        }
    }
}

/// Rules of values that have an order.
#[derive(Debug, Clone)]
pub struct Ordered<T> {
    /// Bounds of every value.
    pub range: Bounds<T>,
    /// The only values that may occur; empty for any.
    pub set: Vec<T>,
    /// How each value relates to the one before.
    pub monotone: Option<Monotone>,
    /// Bounds of the mean.
    pub mean: Bounds<f64>,
    /// Bounds of quantiles, by the share of values at or below them.
    pub quantiles: Vec<(f64, Bounds<f64>)>,
}

impl<T> Default for Ordered<T> {
    fn default() -> Self {
        Self {
            range: Bounds::default(),
            set: Vec::new(),
            monotone: None,
            mean: Bounds::default(),
            quantiles: Vec::new(),
        }
    }
}

/// Rules of text.
#[derive(Debug, Clone, Default)]
pub struct Text {
    /// The only values that may occur; empty for any.
    pub set: Vec<String>,
    /// A pattern that occurs in every value.
    pub regex: Option<regex::bytes::Regex>,
    /// Bounds of the number of characters (Unicode scalar values).
    pub length: Bounds<u64>,
}

/// How each value relates to the one before; missing values are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Monotone {
    /// Not smaller.
    Increasing,
    /// Greater.
    StrictlyIncreasing,
    /// Not greater.
    Decreasing,
    /// Smaller.
    StrictlyDecreasing,
}

impl Monotone {
    /// The word in a schema.
    pub fn name(self) -> &'static str {
        match self {
            Self::Increasing => "increasing",
            Self::StrictlyIncreasing => "strictly-increasing",
            Self::Decreasing => "decreasing",
            Self::StrictlyDecreasing => "strictly-decreasing",
        }
    }

    /// Whether `next` may follow `previous`.
    pub fn holds<T: PartialOrd + Copy>(self, previous: T, next: T) -> bool {
        match self {
            Self::Increasing => next >= previous,
            Self::StrictlyIncreasing => next > previous,
            Self::Decreasing => next <= previous,
            Self::StrictlyDecreasing => next < previous,
        }
    }
}
