//! Two numbers of each row against one another.

use super::bins::Bins;
use crate::{
    metrics::{Rows, regression},
    predictions::Predictions,
};

/// Points, or how dense they lie where there are too many to draw each.
#[derive(Debug, Clone, PartialEq)]
pub enum Pairs {
    /// Every row that weighs something, in the order of the file.
    Points(Vec<(f64, f64)>),
    /// The rows by a grid, for those cells that hold any.
    Density {
        /// Ends of the columns of the grid.
        x_edges: Vec<f64>,
        /// Ends of its rows.
        y_edges: Vec<f64>,
        /// Cells with something in them, column by column.
        cells: Vec<DensityCell>,
    },
}

/// A cell of a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DensityCell {
    /// Column, from 0.
    pub column: usize,
    /// Row, from 0.
    pub row: usize,
    /// Sum of the weights in it.
    pub weight: f64,
}

/// Label (x) and prediction (y) of each row: each where there are at most `most` of them, otherwise by a grid of `grid` × `grid`.
pub fn agreement(predictions: &Predictions, most: usize, grid: usize) -> Result<Pairs, String> {
    let (label, predicted) = numbers(predictions)?;
    pairs(predictions, |row| (label[row], predicted[row]), most, grid)
}

/// Prediction (x) and residual, label − prediction (y), of each row, in the same way.
pub fn residuals(predictions: &Predictions, most: usize, grid: usize) -> Result<Pairs, String> {
    let (label, predicted) = numbers(predictions)?;
    pairs(predictions, |row| (predicted[row], label[row] - predicted[row]), most, grid)
}

/// Label and prediction, or why they are no numbers.
pub(super) fn numbers(predictions: &Predictions) -> Result<(&[f64], &[f64]), String> {
    regression::numbers(Rows { all: predictions, some: None })
}

fn pairs(
    predictions: &Predictions,
    point: impl Fn(usize) -> (f64, f64),
    most: usize,
    grid: usize,
) -> Result<Pairs, String> {
    let rows = Rows { all: predictions, some: None };
    let counted = || (0..rows.len()).filter(|row| rows.weight(*row) > 0.0);
    let x_bins = Bins::over(counted().map(|row| point(row).0), grid)?;
    let y_bins = Bins::over(counted().map(|row| point(row).1), grid)?;
    if counted().count() <= most {
        return Ok(Pairs::Points(counted().map(point).collect()));
    }
    let mut weights = vec![0.0; x_bins.count() * y_bins.count()];
    for row in counted() {
        let (x, y) = point(row);
        weights[x_bins.of(x) * y_bins.count() + y_bins.of(y)] += rows.weight(row);
    }
    let cells = weights
        .into_iter()
        .enumerate()
        .filter(|(_, weight)| *weight > 0.0)
        .map(|(index, weight)| DensityCell {
            column: index / y_bins.count(),
            row: index % y_bins.count(),
            weight,
        })
        .collect();
    Ok(Pairs::Density { x_edges: x_bins.edges(), y_edges: y_bins.edges(), cells })
}
