//! What a running plugin reports.

use serde::{Deserialize, Serialize};

/// How important a line of the log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// For the plugin's author.
    Debug,
    /// What happens.
    Info,
    /// Worth a look.
    Warn,
    /// Something is wrong.
    Error,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Notable, not wrong.
    Info,
    /// Probably wrong.
    Warning,
    /// Wrong.
    Error,
}

/// A number about the model or the data, by which gates are judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// `snake_case`, such as `roc_auc`.
    pub name: String,
    /// Should be finite: a NaN or an infinity is kept as such and never passes a gate.
    pub value: f64,
    /// Slice labels as column and value, such as `("column", "age")`; empty for the whole.
    pub slice: Vec<(String, String)>,
}

impl Metric {
    /// A metric of the whole.
    pub fn new(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, slice: Vec::new() }
    }

    /// Narrows the metric to a slice.
    #[must_use]
    pub fn slice(mut self, column: impl Into<String>, value: impl Into<String>) -> Self {
        self.slice.push((column.into(), value.into()));
        self
    }
}

/// One thing wrong with, or notable about, the data or the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code of the rule, such as `null-share`.
    pub rule: String,
    /// One sentence for people.
    pub message: String,
    /// Name of the input it is about; empty if none.
    pub input: String,
    /// Column; empty if none.
    pub column: String,
    /// Row numbers of examples, counted from 1 without the header; at most a few.
    pub rows: Vec<u64>,
    /// Example values as text, in the order of `rows`; at most a few.
    pub examples: Vec<String>,
    /// How many rows are concerned.
    pub count: u64,
}

impl Finding {
    /// A finding about nothing in particular yet.
    pub fn new(severity: Severity, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity,
            rule: rule.into(),
            message: message.into(),
            input: String::new(),
            column: String::new(),
            rows: Vec::new(),
            examples: Vec::new(),
            count: 0,
        }
    }

    /// Names the input it is about.
    #[must_use]
    pub fn input(mut self, input: impl Into<String>) -> Self {
        self.input = input.into();
        self
    }

    /// Names the column it is about.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = column.into();
        self
    }

    /// Adds an example: a row number, counted from 1 without the header, and the value there.
    #[must_use]
    pub fn example(mut self, row: u64, value: impl Into<String>) -> Self {
        self.rows.push(row);
        self.examples.push(value.into());
        self
    }

    /// Says how many rows are concerned.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = count;
        self
    }
}
