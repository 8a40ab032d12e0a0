//! Rows of a CSV as a matrix of features and a list of labels.

use std::io::Read;

use nalgebra::DMatrix;

use crate::columns::{Columns, ColumnsError};

/// What a model learns from.
#[derive(Debug, Clone)]
pub struct Examples {
    /// Names of the features, in the order of the matrix's columns.
    pub features: Vec<String>,
    /// Columns that hold no number at all and are therefore no features.
    pub left_out: Vec<String>,
    /// One row per example, one column per feature.
    pub values: DMatrix<f64>,
    /// The label of each example, as written.
    pub labels: Vec<String>,
}

/// Why a CSV could not be read as examples. Rows count from 1 without the header.
#[derive(Debug, thiserror::Error)]
pub enum ExamplesError {
    /// The configured columns do not fit the header.
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    /// Not CSV, not UTF-8, or a row with more or fewer cells than the header.
    #[error("not a valid CSV: {0}")]
    Csv(#[from] csv::Error),
    /// A cell that should be a number is not one.
    #[error("row {row}, column `{column}`: `{value}` is not a finite number{hint}")]
    NotANumber {
        /// Row number.
        row: u64,
        /// Column name.
        column: String,
        /// The cell.
        value: String,
        /// What to do, or empty.
        hint: &'static str,
    },
    /// A cell is empty: a linear model has no value for it.
    #[error("row {row}, column `{column}`: empty cell; fill it, drop the row, or `exclude` the column")]
    Empty {
        /// Row number.
        row: u64,
        /// Column name.
        column: String,
    },
    /// There is a header at most.
    #[error("the data has no rows")]
    NoRows,
}

const MIXED_HINT: &str = "; other cells of the column are: correct the cell, or `exclude` the column";
const STRAY_NUMBER_HINT: &str = " while some cells of the column are; list the column under `exclude`";

/// What the cells of one candidate column have been so far.
#[derive(Default)]
struct Seen {
    numbers: u64,
    texts: u64,
    first_text: Option<(u64, String)>,
    first_empty: Option<u64>,
}

/// Reads all rows.
///
/// A candidate column all of whose cells are finite numbers is a feature; one without a single number is left
/// out (unless the configuration lists it); anything between is an error that names the first cell that does not
/// fit, so that one broken cell never silently drops a feature.
pub fn read(reader: impl Read, columns: &Columns) -> Result<Examples, ExamplesError> {
    let mut csv = csv::ReaderBuilder::new().from_reader(reader);
    let header: Vec<String> = csv.headers()?.iter().map(ToOwned::to_owned).collect();
    let resolved = columns.resolve(&header)?;
    let mut seen: Vec<Seen> = resolved.candidates.iter().map(|_| Seen::default()).collect();
    let mut cells: Vec<f64> = Vec::new();
    let mut labels = Vec::new();
    let mut record = csv::StringRecord::new();
    let mut row = 0_u64;
    while csv.read_record(&mut record)? {
        row += 1;
        let label = record.get(resolved.label).unwrap_or_default().trim();
        if label.is_empty() {
            return Err(ExamplesError::Empty { row, column: columns.label.clone() });
        }
        labels.push(label.to_owned());
        for ((index, _), seen) in resolved.candidates.iter().zip(&mut seen) {
            let cell = record.get(*index).unwrap_or_default().trim();
            cells.push(note(cell, row, seen));
        }
    }
    if labels.is_empty() {
        return Err(ExamplesError::NoRows);
    }
    let kept = keep(&resolved.candidates, &seen, resolved.listed)?;
    if kept.is_empty() {
        return Err(ColumnsError::NoFeature.into());
    }
    let width = resolved.candidates.len();
    let values = DMatrix::from_fn(labels.len(), kept.len(), |row, column| cells[row * width + kept[column]]);
    let name = |position: &usize| resolved.candidates[*position].1.clone();
    let left_out =
        (0..width).filter(|position| !kept.contains(position)).map(|position| name(&position)).collect();
    Ok(Examples { features: kept.iter().map(name).collect(), left_out, values, labels })
}

/// Records what one cell is, and gives its value, NaN where it has none.
fn note(cell: &str, row: u64, seen: &mut Seen) -> f64 {
    if cell.is_empty() {
        seen.first_empty.get_or_insert(row);
        return f64::NAN;
    }
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => {
            seen.numbers += 1;
            value
        }
        _ => {
            seen.texts += 1;
            seen.first_text.get_or_insert_with(|| (row, cell.to_owned()));
            f64::NAN
        }
    }
}

/// The positions of the candidates that are features.
fn keep(candidates: &[(usize, String)], seen: &[Seen], listed: bool) -> Result<Vec<usize>, ExamplesError> {
    let mut kept = Vec::with_capacity(candidates.len());
    for (position, ((_, name), seen)) in candidates.iter().zip(seen).enumerate() {
        if seen.numbers == 0 && !listed {
            continue;
        }
        if let Some((row, value)) = &seen.first_text {
            let hint = match (listed, seen.texts > seen.numbers) {
                (false, true) => STRAY_NUMBER_HINT,
                (false, false) => MIXED_HINT,
                (true, _) => "",
            };
            return Err(ExamplesError::NotANumber {
                row: *row,
                column: name.clone(),
                value: value.clone(),
                hint,
            });
        }
        if let Some(row) = seen.first_empty {
            return Err(ExamplesError::Empty { row, column: name.clone() });
        }
        kept.push(position);
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(config: &str, csv: &str) -> Result<Examples, ExamplesError> {
        read(csv.as_bytes(), &serde_json::from_str(config).unwrap())
    }

    #[test]
    fn leaves_text_out_and_keeps_numbers() {
        let examples = read_with(r#"{"label":"y"}"#, "id,a,group,b,y\n1,0.5,x,2,1\n2,-1e3,z,3,0\n").unwrap();
        assert_eq!(examples.features, ["a", "b"]);
        assert_eq!(examples.left_out, ["group"]);
        assert_eq!(examples.labels, ["1", "0"]);
        assert_eq!(examples.values, DMatrix::from_row_slice(2, 2, &[0.5, 2.0, -1000.0, 3.0]));
    }

    #[test]
    fn a_broken_cell_never_drops_a_feature() {
        let error = read_with(r#"{"label":"y"}"#, "a,y\n1,1\nabc,0\n3,0\n").unwrap_err();
        assert!(
            error.to_string().starts_with("row 2, column `a`: `abc` is not a finite number; other cells"),
            "{error}"
        );
        let first = read_with(r#"{"label":"y"}"#, "a,y\nNaN,1\n2,0\n3,0\n").unwrap_err();
        assert!(first.to_string().starts_with("row 1, column `a`: `NaN` is not a finite"), "{first}");
    }

    #[test]
    fn an_empty_cell_is_named() {
        let error = read_with(r#"{"label":"y"}"#, "a,y\n1,1\n,0\n").unwrap_err();
        assert!(error.to_string().starts_with("row 2, column `a`: empty cell"), "{error}");
    }

    #[test]
    fn a_listed_text_column_is_an_error() {
        let error = read_with(r#"{"label":"y","features":["a"]}"#, "a,y\nx,1\n").unwrap_err();
        assert_eq!(error.to_string(), "row 1, column `a`: `x` is not a finite number");
    }

    #[test]
    fn a_short_row_is_an_error() {
        assert!(matches!(read_with(r#"{"label":"y"}"#, "a,y\n1,1\n2\n"), Err(ExamplesError::Csv(_))));
        assert!(matches!(read_with(r#"{"label":"y"}"#, "a,y\n"), Err(ExamplesError::NoRows)));
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_name() {
        let examples = read_with(r#"{"label":"y"}"#, "\u{feff}a,y\r\n1,1\r\n").unwrap();
        assert_eq!(examples.features, ["a"]);
    }
}
