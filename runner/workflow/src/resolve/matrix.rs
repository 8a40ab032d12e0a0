//! `matrix:` to cells, with GitHub's rules for `include` and `exclude`.

use std::{collections::HashSet, ops::Range};

use indexmap::IndexMap;

use crate::{
    diagnostic::Diagnostic,
    document::Matrix,
    problems::Problems,
    read::{Json, Name, Spanned, Table},
    scalar,
    scalar::Meaning,
    suggest,
};

/// Most cells of one matrix.
pub(crate) const MAX_CELLS: usize = 10_000;
/// Most names with values of one matrix.
const MAX_AXES: usize = 20;
/// Longest value of a cell, in bytes. Values name cells, and cells name folders.
const LONGEST_VALUE: usize = 100;

/// One combination of a matrix.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cell {
    /// Keys and values that name it.
    pub(crate) id: Vec<(String, String)>,
    /// All values, those added by `include` too.
    pub(crate) values: IndexMap<String, serde_json::Value>,
}

/// All cells of a matrix, in order. Empty where the matrix is wrong, which has been reported then.
pub(crate) fn cells(matrix: &Spanned<Matrix>, problems: &mut Problems) -> Vec<Cell> {
    if matrix.axes.len() > MAX_AXES {
        let message = format!("the matrix has more than {MAX_AXES} names");
        problems.push(Diagnostic::error("matrix::too-large", matrix.key.clone(), message));
        return Vec::new();
    }
    let product = matrix.axes.iter().map(|(_, _, values)| values.len()).try_fold(1_usize, usize::checked_mul);
    if product.is_none_or(|product| product > MAX_CELLS) || matrix.include.len() > MAX_CELLS {
        problems.push(
            Diagnostic::error(
                "matrix::too-large",
                matrix.key.clone(),
                format!("the matrix has more than {MAX_CELLS} cells"),
            )
            .help("split it over several stages, or choose fewer values"),
        );
        return Vec::new();
    }
    if !check_values(matrix, problems) {
        return Vec::new();
    }
    let mut cells = combinations(matrix);
    exclude(matrix, &mut cells, problems);
    if values_of(&matrix.include).saturating_mul(cells.len().max(1)) > 100 * MAX_CELLS {
        let message = "`include` is too long for a matrix of this size";
        problems.push(Diagnostic::error("matrix::too-large", matrix.include[0].span.clone(), message));
        return Vec::new();
    }
    include(matrix, &mut cells);
    if cells.len() > MAX_CELLS {
        let message = format!("the matrix has more than {MAX_CELLS} cells");
        problems.push(Diagnostic::error("matrix::too-large", matrix.key.clone(), message));
        return Vec::new();
    }
    if cells.is_empty() {
        let message = "the matrix has no cells";
        let problem = Diagnostic::error("matrix::empty", matrix.key.clone(), message);
        problems.push(problem.help("every combination is excluded, or no values are given"));
    }
    let mut seen = HashSet::new();
    for cell in &cells {
        if !seen.insert(&cell.id) {
            let message = format!("two cells of the matrix are called [{}]", name(&cell.id));
            let problem = Diagnostic::error("matrix::duplicate", matrix.key.clone(), message);
            problems.push(problem.help("cells are told apart by the text of their values"));
            return Vec::new();
        }
    }
    cells
}

/// `seed=0,depth=3`.
pub(crate) fn name(id: &[(String, String)]) -> String {
    id.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}

/// Text of a matrix value, as it stands in ids.
pub(crate) fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether a value written in a reference means the same as the value of a cell: `0.10` is `0.1`.
pub(crate) fn same_value(written: &str, cell: &str) -> bool {
    written == cell
        || matches!(
            (scalar::resolve(written), scalar::resolve(cell)),
            (Meaning::Number(left), Meaning::Number(right)) if left.as_f64() == right.as_f64()
        )
}

/// Number of entries and of their values.
fn values_of(entries: &[Spanned<Table<Name, Json>>]) -> usize {
    entries.iter().map(|entry| 1 + entry.entries.len()).sum()
}

fn check_values(matrix: &Matrix, problems: &mut Problems) -> bool {
    let mut fit = true;
    let mut check = |value: &serde_json::Value, span: &Range<usize>| {
        let text = text(value);
        let bad =
            text.chars().find(|c| c.is_control() || matches!(c, '/' | '\\' | '[' | ']' | ',' | '=' | '*'));
        let problem = match bad {
            Some(character) => format!("holds {character:?}"),
            None if text.is_empty() => "is empty".to_owned(),
            None if text.len() > LONGEST_VALUE => format!("is longer than {LONGEST_VALUE} bytes"),
            None if text != text.trim() || text.starts_with('.') => {
                "starts or ends with a space or a dot".to_owned()
            }
            None => return,
        };
        problems.push(
            Diagnostic::error(
                "matrix::value",
                span.clone(),
                format!("a matrix value names a cell, and this one {problem}"),
            )
            .help("use a short name here, and look the value up in `params` or in the step"),
        );
        fit = false;
    };
    for (_, _, values) in &matrix.axes {
        for value in values {
            check(&value.value, &value.span);
        }
    }
    for cell in &matrix.include {
        for (_, json) in &cell.entries {
            check(&json.value.value, &json.span);
        }
    }
    fit
}

fn combinations(matrix: &Matrix) -> Vec<Cell> {
    if matrix.axes.is_empty() {
        return Vec::new();
    }
    let mut cells = vec![Cell::default()];
    for (key, _, values) in &matrix.axes {
        cells = cells
            .iter()
            .flat_map(|cell| {
                values.iter().map(move |value| {
                    let mut cell = cell.clone();
                    cell.id.push((key.clone(), text(&value.value)));
                    cell.values.insert(key.clone(), value.value.clone());
                    cell
                })
            })
            .collect();
    }
    cells
}

fn exclude(matrix: &Matrix, cells: &mut Vec<Cell>, problems: &mut Problems) {
    // Each entry looks at each cell; the product is bounded so that hostile files stay quick.
    if values_of(&matrix.exclude).saturating_mul(cells.len()) > 100 * MAX_CELLS {
        let message = "`exclude` is too long for a matrix of this size";
        problems.push(Diagnostic::error("matrix::too-large", matrix.exclude[0].span.clone(), message));
        return;
    }
    for entry in &matrix.exclude {
        let mut known = true;
        for (key, json) in &entry.entries {
            if !matrix.axes.iter().any(|(axis, _, _)| axis == key) {
                let names = matrix.axes.iter().map(|(axis, _, _)| axis.as_str());
                let message = format!("the matrix has no values `{key}`");
                let problem = Diagnostic::error("matrix::unknown-name", json.key.clone(), message);
                problems.push(problem.maybe_help(suggest::help(key, names)));
                known = false;
            }
        }
        if !known {
            continue;
        }
        let before = cells.len();
        cells.retain(|cell| {
            !entry.entries.iter().all(|(key, json)| cell.values.get(key) == Some(&json.value.value))
        });
        if cells.len() == before {
            let message = "this excludes no cell";
            problems.push(Diagnostic::warning("matrix::excludes-nothing", entry.span.clone(), message));
        }
    }
}

/// An entry adds its other values to every cell that agrees with it on the matrix's own values; where there is none, it is a
/// cell of its own.
fn include(matrix: &Matrix, cells: &mut Vec<Cell>) {
    let own = cells.len();
    for entry in &matrix.include {
        let values = || entry.entries.iter().map(|(key, json)| (key, &json.value.value));
        let shared: Vec<_> =
            values().filter(|(key, _)| matrix.axes.iter().any(|(axis, _, _)| axis == *key)).collect();
        let mut added = false;
        for cell in &mut cells[..own] {
            if shared.iter().all(|(key, value)| cell.id.iter().any(|(k, v)| k == *key && *v == text(value))) {
                for (key, value) in values() {
                    cell.values.insert(key.clone(), value.clone());
                }
                added = true;
            }
        }
        if !added {
            cells.push(Cell {
                id: values().map(|(key, value)| (key.clone(), text(value))).collect(),
                values: values().map(|(key, value)| (key.clone(), value.clone())).collect(),
            });
        }
        if cells.len() > MAX_CELLS {
            return;
        }
    }
}
