//! From a table to a schema that people can review: what was seen, widened a little, with what was seen beside it.

use crate::{csv::Batch, value::Value};

use self::profile::ColumnProfile;

mod profile;
mod round;
mod write;

/// A table's columns as seen so far.
pub struct Profile {
    columns: Vec<ColumnProfile>,
    delimiter: u8,
    rows: u64,
    faults: u64,
    unique_budget: usize,
}

impl Profile {
    /// Stands ready for the rows of a table with these columns; `delimiter` is of no concern for a typed table.
    pub fn new(names: &[String], delimiter: u8) -> Self {
        Self {
            columns: names.iter().map(|name| ColumnProfile::new(name)).collect(),
            delimiter,
            rows: 0,
            faults: 0,
            unique_budget: crate::schema::parse::UNIQUE_BUDGET,
        }
    }

    /// Takes in rows of a CSV file.
    pub fn batch(&mut self, batch: &Batch<'_>) {
        self.faults += batch.faults.len() as u64;
        for (position, column) in self.columns.iter_mut().enumerate() {
            for (_, text) in batch.column(position) {
                column.text(text, &mut self.unique_budget);
            }
        }
    }

    /// Takes in one value of a typed table.
    pub fn value(&mut self, position: usize, value: Option<Value<'_>>) {
        if let Some(column) = self.columns.get_mut(position) {
            column.value(value, &mut self.unique_budget);
        }
    }

    /// Writes the schema as YAML; `rows` is the number of rows with those that could not be read.
    pub fn schema(mut self, source: &str, rows: u64) -> String {
        self.rows = rows;
        write::schema(&self, source)
    }
}

/// The delimiter of a CSV file by its first line: the candidate that occurs most often.
pub fn delimiter(start: &[u8]) -> u8 {
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |candidate: u8| line.split(|byte| *byte == candidate).count();
    // The comma wins where nothing occurs more often.
    [b';', b'\t', b'|']
        .into_iter()
        .fold(b',', |best, next| if count(next) > count(best) { next } else { best })
}

#[cfg(test)]
mod tests;
