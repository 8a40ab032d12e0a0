//! The mean of any column of numbers: a judge's grade, a latency, a cost.

use super::Rows;

/// The column as numbers, or why it is none.
pub(crate) fn numbers(rows: Rows<'_>, column: &str) -> Result<Vec<f64>, String> {
    let found = rows.all.slices.iter().find(|(name, _)| name == column);
    let (_, cells) = found.ok_or_else(|| format!("predictions have no column `{column}`"))?;
    let values: Vec<Option<f64>> = cells
        .values
        .iter()
        .map(|text| text.trim().parse::<f64>().ok().filter(|value| value.is_finite()))
        .collect();
    let mut bad = None;
    rows.each(|row| {
        if values[cells.codes[row] as usize].is_none() {
            bad.get_or_insert(row);
        }
    });
    if let Some(row) = bad {
        let text = &cells.values[cells.codes[row] as usize];
        return Err(format!("row {}: `{text}` in column `{column}` is not a number", row + 1));
    }
    Ok(cells.codes.iter().map(|code| values[*code as usize].unwrap_or_default()).collect())
}

/// Weighted mean over the rows.
pub(crate) fn mean(rows: Rows<'_>, column: &str) -> Result<f64, String> {
    let numbers = numbers(rows, column)?;
    Ok(rows.weighted_sum(|row| numbers[row]) / rows.total_weight()?)
}
