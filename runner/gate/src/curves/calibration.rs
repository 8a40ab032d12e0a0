//! How often what was said to be likely came true.

use crate::{
    metrics::{Rows, binary},
    predictions::Predictions,
    sum::ExactSum,
};

/// Rows whose scores lie in one range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CalibrationBin {
    /// Lower end of the range, not included but for 0.
    pub lower: f64,
    /// Upper end, included.
    pub upper: f64,
    /// Rows that weigh something.
    pub n: u64,
    /// Sum of their weights.
    pub weight: f64,
    /// Weighted mean of their scores: what was said.
    pub mean_score: f64,
    /// Weighted share of positive labels: what came true.
    pub positive_rate: f64,
}

/// Rows by `bins` ranges of equal width from 0 to 1; empty ranges are left out. Scores must be probabilities.
pub fn calibration(predictions: &Predictions, bins: usize) -> Result<Vec<CalibrationBin>, String> {
    #[derive(Clone)]
    struct Sums {
        n: u64,
        weight: ExactSum,
        score: ExactSum,
        positive: ExactSum,
    }
    let rows = Rows { all: predictions, some: None };
    let (truth, scores) = (binary::truth(rows)?, binary::probabilities(rows)?);
    let bins = bins.max(1);
    let width = 1.0 / bins as f64;
    let edges: Vec<f64> = (0..=bins).map(|i| if i == bins { 1.0 } else { i as f64 * width }).collect();
    let empty = Sums { n: 0, weight: ExactSum::new(), score: ExactSum::new(), positive: ExactSum::new() };
    let mut sums = vec![empty; bins];
    rows.each(|row| {
        let weight = rows.weight(row);
        if weight == 0.0 {
            return;
        }
        let bin = edges[1..bins].partition_point(|edge| *edge < scores[row]);
        let sums = &mut sums[bin];
        sums.n += 1;
        sums.weight.add(weight);
        sums.score.add(weight * scores[row]);
        sums.positive.add(weight * truth[row]);
    });
    let found: Vec<CalibrationBin> = sums
        .iter()
        .enumerate()
        .filter(|(_, sums)| sums.n > 0)
        .map(|(bin, sums)| {
            let weight = sums.weight.value();
            CalibrationBin {
                lower: edges[bin],
                upper: edges[bin + 1],
                n: sums.n,
                weight,
                mean_score: sums.score.value() / weight,
                positive_rate: sums.positive.value() / weight,
            }
        })
        .collect();
    if found.is_empty() { Err("the weights add up to 0".to_owned()) } else { Ok(found) }
}
