//! Which class was taken for which.

use crate::{
    metrics::{Rows, classes},
    predictions::Predictions,
};

/// Weights by true and predicted class.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    /// Names of the classes: numbers in their order, texts in that of the alphabet.
    pub names: Vec<String>,
    /// A row for each true class with a column for each predicted one.
    pub cells: Vec<Vec<f64>>,
}

/// Which class was taken for which, where there are at most `most` classes.
pub fn confusion(predictions: &Predictions, most: usize) -> Result<Confusion, String> {
    let rows = Rows { all: predictions, some: None };
    let codes = classes::codes(rows)?;
    let mut names = codes.names();
    if names.len() > most {
        return Err(format!("there are {} classes, more than {most}", names.len()));
    }
    let mut cells = vec![vec![0.0; names.len()]; names.len()];
    rows.each(|row| {
        cells[codes.label(row) as usize][codes.predicted(row) as usize] += rows.weight(row);
    });
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by(|a, b| match (names[*a].parse::<f64>(), names[*b].parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => names[*a].cmp(&names[*b]),
    });
    let cells = order.iter().map(|row| order.iter().map(|column| cells[*row][*column]).collect()).collect();
    let names = order.into_iter().map(|index| std::mem::take(&mut names[index])).collect();
    Ok(Confusion { names, cells })
}
