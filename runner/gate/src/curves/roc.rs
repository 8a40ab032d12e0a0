//! The receiver operating characteristic.

use super::threshold::thresholds;
use crate::predictions::Predictions;

/// One threshold: rows with at least this score are called positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// False positives among the negatives, 0 to 1.
    pub fpr: f64,
    /// True positives among the positives, 0 to 1.
    pub tpr: f64,
    /// The score; infinite for the first point, where nothing is called positive.
    pub threshold: f64,
}

/// The curve from (0, 0) to (1, 1), one point for each distinct score, highest first. Both classes must occur.
pub fn roc(predictions: &Predictions) -> Result<Vec<RocPoint>, String> {
    let thresholds = thresholds(predictions)?;
    if thresholds.negatives <= 0.0 {
        return Err("no row has a negative label".to_owned());
    }
    let mut points = Vec::with_capacity(thresholds.each.len() + 1);
    points.push(RocPoint { fpr: 0.0, tpr: 0.0, threshold: f64::INFINITY });
    let (mut tp, mut fp) = (0.0, 0.0);
    for threshold in &thresholds.each {
        tp += threshold.positives;
        fp += threshold.negatives;
        points.push(RocPoint {
            fpr: (fp / thresholds.negatives).min(1.0),
            tpr: (tp / thresholds.positives).min(1.0),
            threshold: threshold.score,
        });
    }
    Ok(points)
}
