//! Precision against recall.

use super::threshold::thresholds;
use crate::predictions::Predictions;

/// One threshold: rows with at least this score are called positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PrecisionRecallPoint {
    /// True positives among the positives, 0 to 1.
    pub recall: f64,
    /// True positives among what is called positive, 0 to 1.
    pub precision: f64,
    /// The score; infinite for the first point, where nothing is called positive.
    pub threshold: f64,
}

/// The curve from (recall 0, precision 1), which by convention stands for calling nothing positive, to recall 1, one point for
/// each distinct score, highest first. A positive label must occur.
pub fn precision_recall(predictions: &Predictions) -> Result<Vec<PrecisionRecallPoint>, String> {
    let thresholds = thresholds(predictions)?;
    let mut points = Vec::with_capacity(thresholds.each.len() + 1);
    points.push(PrecisionRecallPoint { recall: 0.0, precision: 1.0, threshold: f64::INFINITY });
    let (mut tp, mut fp) = (0.0, 0.0);
    for threshold in &thresholds.each {
        tp += threshold.positives;
        fp += threshold.negatives;
        points.push(PrecisionRecallPoint {
            recall: (tp / thresholds.positives).min(1.0),
            precision: tp / (tp + fp),
            threshold: threshold.score,
        });
    }
    Ok(points)
}
