//! What the curves over all thresholds are made from.

use crate::{
    metrics::{Rows, binary},
    predictions::Predictions,
};

/// The weight of positive and negative labels at one distinct score.
pub(super) struct Threshold {
    pub(super) score: f64,
    pub(super) positives: f64,
    pub(super) negatives: f64,
}

/// Every distinct score of a row that weighs something, highest first, and the sums over all of them.
pub(super) struct Thresholds {
    pub(super) each: Vec<Threshold>,
    /// Never 0.
    pub(super) positives: f64,
    /// May be 0: precision and recall need no negative.
    pub(super) negatives: f64,
}

pub(super) fn thresholds(predictions: &Predictions) -> Result<Thresholds, String> {
    let rows = Rows { all: predictions, some: None };
    let (truth, scores) = (binary::truth(rows)?, binary::scores(rows)?);
    let mut each: Vec<Threshold> = Vec::new();
    for row in binary::by_score(predictions, scores, truth).iter().rev() {
        let row = *row as usize;
        let weight = rows.weight(row);
        if weight == 0.0 {
            continue;
        }
        if each.last().is_none_or(|last| last.score != scores[row]) {
            each.push(Threshold { score: scores[row], positives: 0.0, negatives: 0.0 });
        }
        if let Some(last) = each.last_mut() {
            let side = if truth[row] == 1.0 { &mut last.positives } else { &mut last.negatives };
            *side += weight;
        }
    }
    let positives: f64 = each.iter().map(|threshold| threshold.positives).sum();
    let negatives: f64 = each.iter().map(|threshold| threshold.negatives).sum();
    if positives <= 0.0 {
        return Err("no row has a positive label".to_owned());
    }
    Ok(Thresholds { each, positives, negatives })
}
