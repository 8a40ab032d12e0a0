//! Metrics of two classes. Formulas are in the table of the parent module.

use super::{BinaryMetric, Rows, positive};
use crate::predictions::{Outcomes, Predictions};

/// Score from which a row is predicted positive, where there is no `prediction`.
const THRESHOLD: f64 = 0.5;

const NOT_BINARY: &str = "labels must be 0 and 1, or true and false";

/// Labels of 0 and 1, or why they are not.
pub(crate) fn truth(rows: Rows<'_>) -> Result<&[f64], String> {
    match &rows.all.outcomes {
        Outcomes::Numbers { label, .. } if rows.all.binary_labels => Ok(label),
        _ => match rows.all.classes() {
            Ok(classes) if classes.names.len() > 2 => {
                let n = classes.names.len();
                Err(format!("{NOT_BINARY}; there are {n} classes: say which average, such as `recall_macro`"))
            }
            Ok(classes) => Err(format!("{NOT_BINARY}; these are {}", classes.names.join(", "))),
            Err(_) => Err(NOT_BINARY.to_owned()),
        },
    }
}

pub(crate) fn scores(rows: Rows<'_>) -> Result<&[f64], String> {
    rows.all.score.as_deref().ok_or_else(|| "predictions have no column `score`".to_owned())
}

/// Whether each of these rows is positive, and its score.
pub(crate) fn labels_and_scores(all: &Predictions, rows: &[u32]) -> Result<(Vec<bool>, Vec<f64>), String> {
    let rows = Rows { all, some: Some(rows) };
    let (truth, scores) = (truth(rows)?, scores(rows)?);
    let (mut positive, mut own) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    rows.each(|row| {
        positive.push(truth[row] == 1.0);
        own.push(scores[row]);
    });
    Ok((positive, own))
}

pub(crate) fn probabilities(rows: Rows<'_>) -> Result<&[f64], String> {
    let scores = scores(rows)?;
    let mut outside = None;
    rows.each(|row| {
        if !(0.0..=1.0).contains(&scores[row]) {
            outside.get_or_insert(row);
        }
    });
    outside.map_or(Ok(scores), |row| {
        Err(format!("the score {} in row {} is not a probability", scores[row], row + 1))
    })
}

/// Which rows are predicted positive: the column that says so, and from which value on.
pub(super) fn decisions(rows: Rows<'_>) -> Result<(&[f64], f64), String> {
    match &rows.all.outcomes {
        Outcomes::Numbers { prediction: Some(prediction), .. } if rows.all.predicts_binary => {
            Ok((prediction, 1.0))
        }
        Outcomes::Numbers { prediction: Some(_), .. } => {
            Err("predictions must be 0 and 1, or true and false".to_owned())
        }
        _ => Ok((probabilities(rows)?, THRESHOLD)),
    }
}

/// Weighted confusion counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Confusion {
    pub(super) tp: f64,
    pub(super) fp: f64,
    pub(super) tn: f64,
    pub(super) fn_: f64,
}

pub(super) fn confusion(rows: Rows<'_>) -> Result<Confusion, String> {
    let truth = truth(rows)?;
    let (values, from) = decisions(rows)?;
    let count = |label: f64, predicted: bool| {
        rows.weight_where(|row| truth[row] == label && (values[row] >= from) == predicted)
    };
    if rows.all.weight.is_some() {
        return Ok(Confusion {
            tp: count(1.0, true),
            fp: count(0.0, true),
            tn: count(0.0, false),
            fn_: count(1.0, false),
        });
    }
    let mut cells = [0_u32; 4];
    rows.each(|row| cells[usize::from(truth[row] == 1.0) * 2 + usize::from(values[row] >= from)] += 1);
    let [tn, fp, fn_, tp] = cells.map(f64::from);
    Ok(Confusion { tp, fp, tn, fn_ })
}

pub(super) fn of_confusion(metric: BinaryMetric, counts: Confusion) -> Result<f64, String> {
    let Confusion { tp, fp, tn, fn_ } = counts;
    let total = || positive(tp + fp + tn + fn_, "the weights add up to 0");
    let positives = || positive(tp + fn_, "no row has a positive label");
    let negatives = || positive(tn + fp, "no row has a negative label");
    let predicted = || positive(tp + fp, "no row is predicted positive");
    Ok(match metric {
        BinaryMetric::TruePositives => tp,
        BinaryMetric::FalsePositives => fp,
        BinaryMetric::TrueNegatives => tn,
        BinaryMetric::FalseNegatives => fn_,
        BinaryMetric::Precision => tp / predicted()?,
        BinaryMetric::Recall => tp / positives()?,
        BinaryMetric::Specificity => tn / negatives()?,
        BinaryMetric::FalsePositiveRate => fp / negatives()?,
        BinaryMetric::FalseNegativeRate => fn_ / positives()?,
        BinaryMetric::FBeta(beta) => {
            let square = beta * beta;
            let denominator = (1.0 + square) * tp + square * fn_ + fp;
            (1.0 + square) * tp / positive(denominator, "no row is positive, in labels or in predictions")?
        }
        BinaryMetric::Matthews => {
            predicted()?;
            positive(tn + fn_, "no row is predicted negative")?;
            // One root per factor: the product of four large counts would overflow.
            let scale =
                (predicted()?.sqrt() * positives()?.sqrt()) * (negatives()?.sqrt() * (tn + fn_).sqrt());
            ((tp * tn - fp * fn_) / scale).clamp(-1.0, 1.0)
        }
        BinaryMetric::Prevalence => (tp + fn_) / total()?,
        BinaryMetric::PredictedPositiveRate => (tp + fp) / total()?,
    })
}

/// All rows by score, lowest first; among equal scores by label and weight, so that what is summed over them does not
/// depend on the order of the file. Sorted once for all metrics.
pub(crate) fn by_score<'a>(all: &'a Predictions, scores: &[f64], truth: &[f64]) -> &'a [u32] {
    all.by_score.get_or_init(|| {
        #[expect(clippy::cast_possible_truncation, reason = "there are at most u32::MAX rows")]
        let mut order: Vec<(u64, u32)> =
            scores.iter().enumerate().map(|(row, score)| (sortable(*score), row as u32)).collect();
        match &all.weight {
            // Whole counts add up alike in any order.
            None => order.sort_unstable_by_key(|(score, _)| *score),
            Some(weight) => order.sort_unstable_by(|a, b| {
                let (x, y) = (a.1 as usize, b.1 as usize);
                let by_label = || truth[x].total_cmp(&truth[y]);
                a.0.cmp(&b.0).then_with(by_label).then_with(|| weight[x].total_cmp(&weight[y]))
            }),
        }
        order.into_iter().map(|(_, row)| row).collect()
    })
}

/// Place of each row in [`by_score`], for slices.
fn ranks<'a>(all: &'a Predictions, order: &[u32]) -> &'a [u32] {
    all.rank.get_or_init(|| {
        let mut ranks = vec![0_u32; order.len()];
        for (rank, row) in (0_u32..).zip(order) {
            ranks[*row as usize] = rank;
        }
        ranks
    })
}

/// An integer in the order of the doubles, both zeros alike.
fn sortable(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Weighted positives and negatives at each distinct score, lowest score first.
pub(super) fn thresholds(rows: Rows<'_>) -> Result<Vec<(f64, f64)>, String> {
    let (truth, scores) = (truth(rows)?, scores(rows)?);
    let all = by_score(rows.all, scores, truth);
    let some: Vec<u32>;
    let order = match rows.some {
        None => all,
        Some(rows_of_slice) => {
            let ranks = ranks(rows.all, all);
            let mut sorted = rows_of_slice.to_vec();
            sorted.sort_unstable_by_key(|row| ranks[*row as usize]);
            some = sorted;
            &some
        }
    };
    let mut groups: Vec<(f64, f64)> = Vec::new();
    let mut last = f64::NAN;
    for row in order {
        let row = *row as usize;
        if scores[row] != last {
            groups.push((0.0, 0.0));
            last = scores[row];
        }
        if let Some((positives, negatives)) = groups.last_mut() {
            let side = if truth[row] == 1.0 { positives } else { negatives };
            *side += rows.weight(row);
        }
    }
    Ok(groups)
}

/// As the Mann–Whitney statistic, which equals the trapezoidal area under the ROC curve.
pub(super) fn roc_auc(rows: Rows<'_>) -> Result<f64, String> {
    area_of(thresholds(rows)?.into_iter())
}

/// From weights of positives and negatives at each score, lowest first.
pub(super) fn area_of(groups: impl Iterator<Item = (f64, f64)>) -> Result<f64, String> {
    // Twice the number of ordered pairs: whole numbers without weights, so exact up to 2^53 (90 million rows).
    let (mut twice, mut below, mut positives) = (0.0, 0.0, 0.0);
    for (positive, negative) in groups {
        twice += positive * (2.0 * below + negative);
        below += negative;
        positives += positive;
    }
    let positives = positive(positives, "no row has a positive label")?;
    let negatives = positive(below, "no row has a negative label")?;
    Ok((twice / 2.0 / positives / negatives).clamp(0.0, 1.0))
}

/// Without interpolation: each threshold adds its gain in recall times its precision.
pub(super) fn average_precision(rows: Rows<'_>) -> Result<f64, String> {
    average_precision_of(thresholds(rows)?.into_iter().rev())
}

/// From weights of positives and negatives at each score, highest first.
pub(super) fn average_precision_of(groups: impl Iterator<Item = (f64, f64)>) -> Result<f64, String> {
    let (mut tp, mut fp, mut area) = (0.0, 0.0, 0.0);
    for (positive, negative) in groups {
        tp += positive;
        fp += negative;
        if positive > 0.0 {
            area += positive * (tp / (tp + fp));
        }
    }
    Ok((area / positive(tp, "no row has a positive label")?).clamp(0.0, 1.0))
}

/// Of one row; the probability is cut so that its logarithm is finite.
pub(super) fn log_loss_of(truth: f64, score: f64) -> f64 {
    let p = score.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
    -(if truth == 1.0 { p.ln() } else { (1.0 - p).ln() })
}

pub(super) fn log_loss(rows: Rows<'_>) -> Result<f64, String> {
    let (truth, scores) = (truth(rows)?, probabilities(rows)?);
    Ok(rows.weighted_sum(|row| log_loss_of(truth[row], scores[row])) / rows.total_weight()?)
}

pub(super) fn brier(rows: Rows<'_>) -> Result<f64, String> {
    let (truth, scores) = (truth(rows)?, probabilities(rows)?);
    Ok(rows.weighted_sum(|row| (scores[row] - truth[row]).powi(2)) / rows.total_weight()?)
}
