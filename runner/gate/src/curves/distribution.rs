//! How scores and errors are spread.

use super::{bins::Bins, pairs::numbers};
use crate::{
    metrics::{Rows, binary},
    predictions::Predictions,
};

/// Weights by ranges of equal width. The lower end of a range belongs to it, and the upper end of the last one too.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Ends of the ranges: one more than there are ranges.
    pub edges: Vec<f64>,
    /// Sum of the weights in each range; of rows where there are no weights.
    pub weights: Vec<f64>,
}

/// A histogram for each class over the same ranges.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassHistogram {
    /// Ends of the ranges: one more than there are ranges.
    pub edges: Vec<f64>,
    /// Sum of the weights of rows with label 1 in each range.
    pub positives: Vec<f64>,
    /// Sum of the weights of rows with label 0 in each range.
    pub negatives: Vec<f64>,
}

/// Scores of positive and of negative rows, over 0 to 1 where all scores lie there, otherwise over their extent.
pub fn score_distribution(predictions: &Predictions, bins: usize) -> Result<ClassHistogram, String> {
    let rows = Rows { all: predictions, some: None };
    let (truth, scores) = (binary::truth(rows)?, binary::scores(rows)?);
    let counted = || (0..rows.len()).filter(|row| rows.weight(*row) > 0.0);
    let bins = if scores.iter().all(|score| (0.0..=1.0).contains(score)) {
        Bins::new(0.0, 1.0, bins)
    } else {
        Bins::over(counted().map(|row| scores[row]), bins)?
    };
    let mut classes = [vec![0.0; bins.count()], vec![0.0; bins.count()]];
    for row in counted() {
        classes[usize::from(truth[row] == 1.0)][bins.of(scores[row])] += rows.weight(row);
    }
    let [negatives, positives] = classes;
    Ok(ClassHistogram { edges: bins.edges(), positives, negatives })
}

/// Label − prediction.
pub fn residual_distribution(predictions: &Predictions, bins: usize) -> Result<Histogram, String> {
    let rows = Rows { all: predictions, some: None };
    let (label, predicted) = numbers(predictions)?;
    let counted = || (0..rows.len()).filter(|row| rows.weight(*row) > 0.0);
    let residual = |row: usize| label[row] - predicted[row];
    let bins = Bins::over(counted().map(residual), bins)?;
    let mut weights = vec![0.0; bins.count()];
    for row in counted() {
        weights[bins.of(residual(row))] += rows.weight(row);
    }
    Ok(Histogram { edges: bins.edges(), weights })
}
