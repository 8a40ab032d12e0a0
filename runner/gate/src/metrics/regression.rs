//! Metrics of predicted numbers. Formulas are in the table of the parent module.

use super::{Rows, positive};
use crate::predictions::Outcomes;

/// Truth and prediction.
pub(crate) fn numbers(rows: Rows<'_>) -> Result<(&[f64], &[f64]), String> {
    let Outcomes::Numbers { label, prediction } = &rows.all.outcomes else {
        return Err("labels and predictions must be numbers".to_owned());
    };
    let predicted = prediction.as_deref().or(rows.all.score.as_deref());
    predicted
        .map(|predicted| (label.as_slice(), predicted))
        .ok_or_else(|| "there is no prediction".to_owned())
}

pub(super) fn mean_absolute_error(rows: Rows<'_>) -> Result<f64, String> {
    let (truth, predicted) = numbers(rows)?;
    Ok(rows.weighted_sum(|row| (truth[row] - predicted[row]).abs()) / rows.total_weight()?)
}

pub(super) fn mean_squared_error(rows: Rows<'_>) -> Result<f64, String> {
    let (truth, predicted) = numbers(rows)?;
    Ok(rows.weighted_sum(|row| (truth[row] - predicted[row]).powi(2)) / rows.total_weight()?)
}

pub(super) fn r_squared(rows: Rows<'_>) -> Result<f64, String> {
    let (truth, predicted) = numbers(rows)?;
    let mean = rows.weighted_sum(|row| truth[row]) / rows.total_weight()?;
    let mut constant = true;
    let mut first = None;
    rows.each(|row| {
        if rows.weight(row) > 0.0 {
            constant &= *first.get_or_insert(truth[row]) == truth[row];
        }
    });
    if constant {
        return Err("all labels are equal, so there is no variance to explain".to_owned());
    }
    let total = rows.weighted_sum(|row| (truth[row] - mean).powi(2));
    let residual = rows.weighted_sum(|row| (truth[row] - predicted[row]).powi(2));
    Ok(1.0 - residual / positive(total, "the labels' variance is too small for a number")?)
}

/// Mean of the errors relative to the labels. A label of 0 has none.
pub(super) fn mean_absolute_percentage_error(rows: Rows<'_>) -> Result<f64, String> {
    let (truth, predicted) = numbers(rows)?;
    let mut zero = false;
    rows.each(|row| zero |= truth[row] == 0.0);
    if zero {
        return Err("a label is 0, and nothing can be said relative to it".to_owned());
    }
    let sum = rows.weighted_sum(|row| ((truth[row] - predicted[row]) / truth[row]).abs());
    Ok(sum / rows.total_weight()?)
}

/// Loss of one predicted quantile.
pub(super) fn pinball_loss(truth: f64, predicted: f64, quantile: f64) -> f64 {
    let above = truth - predicted;
    if above >= 0.0 { quantile * above } else { (quantile - 1.0) * above }
}

pub(super) fn pinball(quantile: f64, rows: Rows<'_>) -> Result<f64, String> {
    let (truth, predicted) = numbers(rows)?;
    let sum = rows.weighted_sum(|row| pinball_loss(truth[row], predicted[row], quantile));
    Ok(sum / rows.total_weight()?)
}
