//! Rows by the values of slice columns.

use std::collections::HashMap;

use super::Predictions;

/// Rows that share the values of some columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SliceRows {
    /// Values, in the order of the columns asked for.
    pub(crate) values: Vec<String>,
    /// Rows in the order of the file.
    pub(crate) rows: Vec<u32>,
}

impl Predictions {
    /// Every combination of values that occurs in these columns, with its rows, ordered by values. The error names the
    /// column that does not exist.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "there are at most u32::MAX rows, so at most as many slices"
    )]
    pub(crate) fn slice_rows<'c>(&self, columns: &[&'c str]) -> Result<Vec<SliceRows>, &'c str> {
        let mut codes = vec![0_u32; self.rows()];
        let mut found: Vec<Vec<String>> = vec![Vec::new()];
        for wanted in columns {
            let (_, column) = self.slices.iter().find(|(name, _)| name == wanted).ok_or(*wanted)?;
            let mut combined: HashMap<u64, u32> = HashMap::new();
            let mut next: Vec<Vec<String>> = Vec::new();
            for (code, value) in codes.iter_mut().zip(&column.codes) {
                let key = u64::from(*code) << 32 | u64::from(*value);
                *code = *combined.entry(key).or_insert_with(|| {
                    let mut values = found[*code as usize].clone();
                    values.push(column.values[*value as usize].clone());
                    next.push(values);
                    (next.len() - 1) as u32
                });
            }
            found = next;
        }
        let mut slices: Vec<SliceRows> =
            found.into_iter().map(|values| SliceRows { values, rows: Vec::new() }).collect();
        for (row, code) in codes.iter().enumerate() {
            slices[*code as usize].rows.push(row as u32);
        }
        slices.retain(|slice| !slice.rows.is_empty());
        slices.sort_unstable_by(|a, b| a.values.cmp(&b.values));
        Ok(slices)
    }
}
