//! Holds a table to a schema, in one pass and memory that does not grow with the rows.

use runner_plugin_sdk::{Finding, Severity};

use self::column::ColumnCheck;
use crate::{
    csv::{Batch, Fault, FaultKind},
    schema::{ExtraColumns, Schema},
    value::Value,
};

mod column;
mod ordered;
mod text;
mod unique;
mod violations;

use violations::Violations;

/// What was found.
#[derive(Debug)]
pub struct Report {
    /// Rows of the table, with those that could not be read.
    pub rows: u64,
    /// Columns of the table.
    pub columns: usize,
    /// Findings: what is wrong with the table as a whole first, then column by column.
    pub findings: Vec<Finding>,
    /// Share of missing values per checked column; none where no row could be read.
    pub null_shares: Vec<(String, f64)>,
}

impl Report {
    /// How many rules are broken.
    pub fn errors(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
    }
}

/// A check under way.
pub struct TableCheck {
    columns: Vec<ColumnCheck>,
    /// For each column of the table, its place in `columns`.
    checked: Vec<Option<usize>>,
    rows: crate::schema::Bounds<u64>,
    nulls: Nulls,
    findings: Vec<Finding>,
    faults: Faults,
    unique_budget: usize,
}

/// Texts that stand for a missing value.
struct Nulls {
    empty: bool,
    others: Vec<Vec<u8>>,
}

impl Nulls {
    fn contains(&self, text: &[u8]) -> bool {
        if text.is_empty() { self.empty } else { self.others.iter().any(|null| null == text) }
    }
}

/// Records that could not be read, by what is wrong with them.
#[derive(Default)]
struct Faults {
    ragged: Violations,
    encoding: Violations,
    quote: Violations,
}

impl TableCheck {
    /// Compares the columns of a table with the schema, and stands ready for its rows.
    ///
    /// `stored` says how each column is stored, where the format knows.
    pub fn new(schema: &Schema, names: &[String], stored: &[String]) -> Self {
        let mut findings: Vec<_> = repeated(names)
            .map(|name| {
                let message = format!("two columns are named `{name}`; only the first is checked");
                Finding::new(Severity::Error, "duplicate-column", message).column(name).count(1)
            })
            .collect();
        let unknown: Vec<_> =
            names.iter().filter(|name| schema.columns.iter().all(|column| column.name != **name)).collect();
        let severity = match schema.extra_columns {
            ExtraColumns::Deny => Some(Severity::Error),
            ExtraColumns::Warn => Some(Severity::Warning),
            ExtraColumns::Allow => None,
        };
        if let Some(severity) = severity {
            findings.extend(unknown.iter().map(|name| {
                let message = format!("the schema names no column `{name}`");
                Finding::new(severity, "extra-column", message).column(*name).count(1)
            }));
        }
        let mut columns = Vec::new();
        let mut checked = vec![None; names.len()];
        for column in &schema.columns {
            match names.iter().position(|name| *name == column.name) {
                Some(position) => {
                    checked[position] = Some(columns.len());
                    let stored = stored.get(position).cloned();
                    columns.push(ColumnCheck::new(column.clone(), stored));
                }
                None if column.optional => {}
                None => {
                    let message = format!("the table has no column `{}`", column.name);
                    findings.push(
                        Finding::new(Severity::Error, "missing-column", message)
                            .column(&column.name)
                            .count(1),
                    );
                }
            }
        }
        Self {
            columns,
            checked,
            rows: schema.rows,
            nulls: Nulls {
                empty: schema.nulls.iter().any(String::is_empty),
                others: schema
                    .nulls
                    .iter()
                    .filter(|null| !null.is_empty())
                    .map(|null| null.clone().into_bytes())
                    .collect(),
            },
            findings,
            faults: Faults::default(),
            unique_budget: schema.unique_budget,
        }
    }

    /// Takes in rows of a CSV file.
    pub fn batch(&mut self, batch: &Batch<'_>) {
        for fault in batch.faults {
            self.fault(fault);
        }
        for (position, checked) in self.checked.iter().enumerate() {
            if let Some(column) = checked.and_then(|index| self.columns.get_mut(index)) {
                column.texts(batch.column(position), &self.nulls, &mut self.unique_budget);
            }
        }
    }

    /// Whether a column of the table is named by the schema.
    pub fn wants(&self, position: usize) -> bool {
        self.checked.get(position).is_some_and(Option::is_some)
    }

    /// Takes in one value of a typed table.
    pub fn value(&mut self, position: usize, row: u64, value: Option<Value<'_>>) {
        let index = self.checked.get(position).copied().flatten();
        if let Some(column) = index.and_then(|index| self.columns.get_mut(index)) {
            column.value(row, value, &mut self.unique_budget);
        }
    }

    fn fault(&mut self, fault: &Fault) {
        let example = || fault.example.clone();
        match &fault.kind {
            FaultKind::Ragged { found } => self.faults.ragged.add(fault.row, || {
                format!("{found} {} instead of {}", plural(*found as u64, "cell"), self.checked.len())
            }),
            FaultKind::InvalidUtf8 => self.faults.encoding.add(fault.row, example),
            FaultKind::TextAfterQuote | FaultKind::UnterminatedQuote => {
                self.faults.quote.add(fault.row, example);
            }
        }
    }

    /// Judges what was seen; `rows` is the number of rows with those that could not be read.
    pub fn finish(mut self, rows: u64) -> Report {
        let whole = |rule, violations: Violations, message: String| {
            violations.finding(Severity::Error, rule, message)
        };
        let Faults { ragged, encoding, quote } = self.faults;
        let faults = [
            ("ragged-row", ragged, "another number of cells than the header"),
            ("encoding", encoding, "bytes that are not UTF-8"),
            ("quote", quote, "a quote that is not closed, or text after the closing one"),
        ];
        for (rule, violations, what) in faults {
            if violations.count > 0 {
                let verb = if violations.count == 1 { "has" } else { "have" };
                let message =
                    format!("{} {} {verb} {what}", violations.count, plural(violations.count, "row"));
                self.findings.push(whole(rule, violations, message));
            }
        }
        if !self.rows.hold(rows) {
            let message =
                format!("the table has {rows} {}, not {}", plural(rows, "row"), bounds_text(self.rows));
            self.findings.push(Finding::new(Severity::Error, "rows", message).count(rows));
        }
        let share = |column: &ColumnCheck| Some((column.name().to_owned(), column.null_share()?));
        let null_shares = self.columns.iter().filter_map(share).collect();
        self.findings.extend(self.columns.iter_mut().flat_map(ColumnCheck::findings));
        Report { rows, columns: self.checked.len(), findings: self.findings, null_shares }
    }
}

/// Names of columns that an earlier column bears already.
pub(crate) fn repeated(names: &[String]) -> impl Iterator<Item = &String> {
    names.iter().enumerate().filter(|(index, name)| names[..*index].contains(name)).map(|(_, name)| name)
}

/// Bounds in words.
fn bounds_text<T: std::fmt::Display>(bounds: crate::schema::Bounds<T>) -> String {
    match (bounds.min, bounds.max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => "anything".to_owned(),
    }
}

/// A noun for a number of things.
fn plural(count: u64, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
